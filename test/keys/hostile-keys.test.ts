import type { AddressInfo, Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listen } from "@signalbox/express/node";
import type { Gateway } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { keys } from "@signalbox/plugin-keys";
import { postgresLedger } from "@signalbox/plugin-ledger-postgres";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase } from "../services/index.ts";

const MASTER = "sk-master-key-of-the-gateway-0001";
const INJECTIONS = [
  "' OR 1=1--",
  "' OR '1'='1",
  '" OR ""="',
  "'; DROP TABLE signalbox.records_keys; --",
  "sk-' UNION SELECT * FROM records_keys--",
  "sk-\\'; SELECT pg_sleep(10); --",
  "sk-%27%20OR%201=1",
  "sk-$1",
  "sk-:hash",
  "sk-{}",
  "sk-\u0000",
  "sk-a\r\nx-signalbox-api-key: sk-master",
  "sk-a/**/OR/**/1=1",
  "sk-\u2019 OR 1=1",
  "sk-ſ\u212a",
];

let database: OwnDatabase;
let proxy: Server;
let gateway: Gateway;
let url: string;
let close: () => Promise<void>;
/** All that was sent to the database. */
let sent = "";

/** How many statements on the table of keys have been sent. */
const statements = (): number => sent.split("records_keys").length - 1;

beforeAll(async () => {
  database = await createDatabase();
  const target = new URL(database.url);
  const sockets = new Set<Socket>();
  proxy = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    client.on("data", (bytes) => {
      sent += bytes.toString("latin1");
    });
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const through = new URL(database.url);
  through.hostname = "127.0.0.1";
  through.port = String((proxy.address() as AddressInfo).port);
  gateway = await createGateway({
    plugins: [
      postgresLedger({ url: through.href }),
      keys({ masterKeys: [new Secret(MASTER)], pepper: new Secret("pepper-of-the-tests-0123456789-abcdef") }),
    ],
  });
  const listener = await listen(gateway, { port: 0 });
  url = listener.url;
  close = async () => {
    await listener.close();
    await gateway.close();
    for (const socket of sockets) socket.destroy();
    proxy.close();
    await database.drop();
  };
});
afterAll(() => close());

/** The same numbers in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Keys that are malformed: each has a character that no key has, or a wrong beginning or length. */
function malformed(count: number): readonly string[] {
  const next = numbers(20_261_121);
  const any = (): string => String.fromCharCode(Math.floor(next() * (next() < 0.8 ? 256 : 0xffff)));
  const bad = "'\";\\%$(){}[]<>|&*/@#!?=+, \u0000\n\r\t";
  return Array.from({ length: count }, (_, at) => {
    const noise = Array.from({ length: Math.floor(next() * 60) }, any).join("");
    const injection = INJECTIONS[at % INJECTIONS.length] as string;
    const mark = bad[Math.floor(next() * bad.length)] as string;
    const kinds = [
      `sk-${noise}${mark}`,
      `${injection}${noise}`,
      `sk-${"a".repeat(260)}`,
      `SK-${noise}`,
      `sk${mark}${noise}`,
    ];
    return kinds[at % kinds.length] as string;
  }).filter((key) => !/^sk-[A-Za-z0-9._~-]{1,252}$/.test(key));
}

async function outcome(key: string): Promise<string> {
  try {
    const { id } = await gateway.authenticator.authenticate({ key, headers: {}, remoteAddress: undefined });
    return `is ${id}`;
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
}

describe("ten thousand malformed keys", () => {
  it("are refused alike, and the database hears of none", async () => {
    const all = malformed(10_200).slice(0, 10_000);
    expect(all).toHaveLength(10_000);
    const before = statements();
    const outcomes = new Set<string>();
    for (const key of all) outcomes.add(await outcome(key));
    expect([...outcomes]).toEqual(["invalid_api_key"]);
    expect(statements()).toBe(before);
    expect(sent).not.toMatch(/OR 1=1|DROP TABLE signalbox|pg_sleep|UNION SELECT/);
  });

  it("are so over HTTP too", async () => {
    const bodies = new Set<string>();
    const before = statements();
    for (const key of INJECTIONS) {
      const headers = { authorization: `Bearer ${key}` };
      // what no header can hold is not sent at all
      const response = await fetch(`${url}/key/list`, { headers }).catch(() => undefined);
      if (response !== undefined) bodies.add(`${response.status} ${await response.text()}`);
    }
    expect(bodies.size).toBe(1);
    expect([...bodies][0]).toMatch(/^401 .*invalid_api_key/);
    expect(statements()).toBe(before);
  });
});

describe("well-formed keys that nobody has", () => {
  it("reach the database as the parameter of one statement, hashed", async () => {
    const guesses = ["sk-1--", "sk-OR.1.1", "sk-..", "sk-~", "sk-tok_1", `sk-${"a".repeat(252)}`];
    const before = statements();
    for (const key of guesses) expect(await outcome(key)).toBe("invalid_api_key");
    expect(statements()).toBe(before + guesses.length);
    for (const key of guesses) expect(sent.includes(key)).toBe(false);
    // asked again, they are known to be nobody's
    for (const key of guesses) expect(await outcome(key)).toBe("invalid_api_key");
    expect(statements()).toBe(before + guesses.length);
  });

  it("are the tokens and the stored hashes of real ones, too", async () => {
    const response = await fetch(`${url}/key/generate`, {
      method: "POST",
      headers: { authorization: `Bearer ${MASTER}`, "content-type": "application/json" },
      body: JSON.stringify({ models: [] }),
    });
    const { key, token } = (await response.json()) as { key: string; token: string };
    const stored = [...sent.matchAll(/"hash":"([0-9a-f]{64})"/g)].map(([, hash]) => hash as string);
    expect(stored).toHaveLength(1);
    expect(sent.includes(key)).toBe(false);
    for (const wrong of [...stored, `sk-${stored[0]}`, token, `sk-${token}`]) {
      expect(await outcome(wrong)).toBe("invalid_api_key");
    }
    expect(await outcome(key)).toBe(`is ${token}`);
  });
});
