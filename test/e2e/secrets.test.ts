import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Exchange, ReplayServer } from "@signalbox/kernel/testkit";
import { refusedUrl, replayServer } from "@signalbox/kernel/testkit";
import type { Wire } from "./scripted-gateway.ts";
import {
  CHAT_PATHS,
  CLIENT_KEY,
  chatBody,
  chatEvents,
  chatReply,
  HEADER_SECRET,
  sse,
  UPSTREAM_KEY,
  WIRES,
} from "./scripted-gateway.ts";

/** In the configuration alone: no client or vendor ever sees it. */
const UNUSED_SECRET = "unused-canary-6e1d9b3f7a5c2048";
/** Shaped like no vendor's key, so that nothing but knowing it can mask it. */
const ODD_KEY = "Zq7pLm2xW9vK4nRt8sYb";

const SECRETS = [CLIENT_KEY, UPSTREAM_KEY, HEADER_SECRET, UNUSED_SECRET, ODD_KEY];
const MAIN = fileURLToPath(new URL("../../examples/gateway/src/main.ts", import.meta.url));

let upstream: ReplayServer;
let folder: string;
let program: GatewayProgram;

/** The gateway as operators start it: its own process, whose every output is kept. */
class GatewayProgram {
  output = "";
  readonly #child;
  readonly #ended: Promise<number | null>;

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, ["--conditions=@signalbox/source", MAIN, "--port", "0", ...args], {
      env: { PATH: process.env.PATH ?? "", SIGNALBOX_DATA_DIR: "memory", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.#ended = new Promise((resolve) => this.#child.once("close", resolve));
  }

  get url(): string {
    return / is ready at (\S+)/.exec(this.output)?.[1] ?? "";
  }

  async ready(): Promise<void> {
    let code: number | null | undefined;
    void this.#ended.then((ended) => {
      code = ended;
    });
    while (this.url === "") {
      if (code !== undefined) throw new Error(`the gateway ended with ${code}: ${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  ended(): Promise<number | null> {
    return this.#ended;
  }

  stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.#child.kill(signal);
    return this.#ended;
  }
}

/** The secrets that a request brought to the vendor. */
type Brought = readonly string[];

const echo = (status: number, brought: Brought): Exchange => ({
  status,
  headers: { "x-echo": brought.join(" "), "www-authenticate": `Bearer ${brought[0]}`, "set-cookie": `k=${brought[1]}` },
  body: {
    error: {
      message: `Incorrect API key provided: ${brought.join(" ")}. "authorization": "Bearer ${brought[0]}"`,
      type: `bad_${brought[0]}`,
      code: `bad ${brought[0]}`,
      param: `headers.${brought[1]}`,
      details: { error_code: `bad_${brought[1]}` },
    },
  },
});

/** What the upstream does, by the name of the model. Vendors do repeat what they were sent. */
const KINDS: Readonly<Record<string, (wire: Wire, stream: boolean, brought: Brought) => Exchange>> = {
  good: (wire, stream, brought) => ({
    ...(stream ? { bodyText: sse(wire, chatEvents(wire, ["a", "b"])) } : { body: chatReply(wire) }),
    headers: { "x-echo": brought.join(" "), "set-cookie": `k=${brought[1]}` },
  }),
  "echo-400": (_wire, _stream, brought) => echo(400, brought),
  "echo-401": (_wire, _stream, brought) => echo(401, brought),
  "echo-403": (_wire, _stream, brought) => echo(403, brought),
  "echo-404": (_wire, _stream, brought) => echo(404, brought),
  "echo-429": (_wire, _stream, brought) => echo(429, brought),
  "echo-500": (_wire, _stream, brought) => echo(500, brought),
  "text-500": (_wire, _stream, brought) => ({
    status: 500,
    contentType: "text/plain",
    bodyText: `panic: key=${brought.join(" ")}`,
  }),
  "html-502": (_wire, _stream, brought) => ({
    status: 502,
    contentType: "text/html",
    bodyText: `<html>${brought.join(" ")}</html>`,
  }),
  "echo-200": (wire, stream, brought) => {
    const { body } = echo(500, brought) as { body: { error: object } };
    const error = wire === "openai" ? body : { type: "error", ...body };
    return stream ? { bodyText: sse(wire, [error as Record<string, unknown>]) } : { body: error };
  },
  "echo-late": (wire, _stream, brought) => {
    const { body } = echo(500, brought) as { body: { error: object } };
    const error = (wire === "openai" ? body : { type: "error", ...body }) as Record<string, unknown>;
    const begun = sse(wire, chatEvents(wire, ["a"]).slice(0, wire === "openai" ? 2 : 3));
    const chunks = [begun, sse(wire, [error])].map((text) => Buffer.from(text).toString("base64"));
    return { contentType: "text/event-stream", chunks, pauseMs: 30 };
  },
  "not-json": (_wire, _stream, brought) => ({
    contentType: "application/json",
    bodyText: `{"oops ${brought.join(" ")}`,
  }),
  cut: (wire, _stream, brought) => ({
    body: chatReply(wire, brought.join(" ")),
    fault: { type: "reset", afterBytes: 10 },
  }),
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "signalbox-secrets-"));
  upstream = await replayServer((request) => {
    const { model, stream } = JSON.parse(request.body);
    const wire: Wire = request.path.includes("/o/") ? "openai" : "anthropic";
    const { authorization, "x-api-key": apiKey, "x-tenant-token": token } = request.headers;
    const key = String(apiKey ?? authorization?.replace("Bearer ", ""));
    const kind = KINDS[model] as (typeof KINDS)[string];
    return kind(wire, stream === true, [key, String(token)]);
  });
  const refused = await refusedUrl();
  const entry = (name: string, provider: Wire, model: string, base: string, key: string): string => `
  - model_name: ${name}
    litellm_params:
      model: ${provider}/${model}
      api_base: ${base}
      api_key: ${key}
      extra_headers: { x-tenant-token: ${HEADER_SECRET}, x-region: north }
      extra_body: { access_token: ${HEADER_SECRET} }`;
  const rows = WIRES.flatMap((wire) => {
    const part = wire === "openai" ? "o/v1" : "a";
    return [
      entry(`${wire}/*`, wire, '"*"'.replaceAll('"', ""), `${upstream.url}/${part}`, "os.environ/VENDOR_KEY"),
      entry(`odd-${wire}/*`, wire, "*", `${upstream.url}/odd/${part}`, ODD_KEY),
      entry(`refused-${wire}`, wire, "x", `${refused}/${part}`, "os.environ/VENDOR_KEY"),
      entry(`unused-${wire}`, wire, "x", `${upstream.url}/${part}`, UNUSED_SECRET),
    ];
  });
  const file = join(folder, "config.yaml");
  writeFileSync(
    file,
    `model_list:${rows.join("")}
general_settings:
  master_key: os.environ/GATEWAY_KEY
  max_request_size_mb: 1
router_settings:
  num_retries: 0
`,
  );
  program = new GatewayProgram(["--config", file], { VENDOR_KEY: UPSTREAM_KEY, GATEWAY_KEY: CLIENT_KEY });
  await program.ready();
});
afterAll(async () => {
  await program.stop();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

function expectClean(text: string): void {
  for (const secret of SECRETS) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain(encodeURIComponent(secret.slice(0, -4)));
    expect(text).not.toContain(Buffer.from(secret).toString("base64").slice(0, 20));
  }
}

interface Seen {
  readonly status: number;
  readonly text: string;
}

/** Every byte of the reply that a client can see, and every byte that the program has written so far. */
async function seen(path: string, init: RequestInit): Promise<Seen> {
  const response = await fetch(`${program.url}${path}`, init);
  const text = await response.text();
  expectClean(JSON.stringify([...response.headers]) + response.statusText + text);
  expectClean(program.output);
  return { status: response.status, text };
}

const post = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", authorization: `Bearer ${CLIENT_KEY}`, ...headers },
  body: typeof body === "string" ? body : JSON.stringify(body),
});

const lanes = WIRES.flatMap((upstreamWire) =>
  WIRES.flatMap((client) => [false, true].map((stream) => ({ upstream: upstreamWire, client, stream }))),
);

describe.each(["", "odd-"])("no client sees a secret, and no log holds one: deployments %j", (prefix) => {
  it.each(lanes)("$upstream to $client, streamed $stream", async ({ upstream: wire, client, stream }) => {
    for (const kind of Object.keys(KINDS)) {
      const before = upstream.sent.length;
      const { status, text } = await seen(
        CHAT_PATHS[client],
        post(chatBody(client, `${prefix}${wire}/${kind}`, { stream })),
      );
      if (kind === "good" || (stream && kind === "echo-late")) expect(status, kind).toBe(200);
      else expect(status, kind).toBeGreaterThanOrEqual(400);
      if (kind !== "good") expect(text, kind).toMatch(/"error"/);
      // The canaries were there to be leaked.
      const sent = upstream.sent[before];
      const key = prefix === "" ? UPSTREAM_KEY : ODD_KEY;
      expect(JSON.stringify(sent?.headers)).toContain(key);
      expect(JSON.stringify(sent?.headers)).toContain(HEADER_SECRET);
      // Of all secrets the vendor gets its own: not the key of the client, nor another vendor's.
      const received = JSON.stringify(sent?.rawHeaders) + sent?.body + sent?.path;
      for (const secret of [CLIENT_KEY, UNUSED_SECRET, prefix === "" ? ODD_KEY : UPSTREAM_KEY]) {
        expect(received).not.toContain(secret);
      }
    }
  });

  it.each(lanes)("explained, $upstream to $client, streamed $stream", async ({ upstream: wire, client, stream }) => {
    const body = chatBody(client, `${prefix}${wire}/good`, { stream });
    const { status, text } = await seen(`/v1/explain?path=${CHAT_PATHS[client]}`, post(body));
    expect(status).toBe(200);
    const { request } = JSON.parse(text).attempts[0];
    expect(request.headers["x-region"]).toBe("north");
    expect(request.body.model).toBe("good");
  });
});

describe("no client sees a secret, and no log holds one: what fails in the gateway", () => {
  it.each(WIRES)("a connection that is refused (%s)", async (wire) => {
    const { status } = await seen("/v1/chat/completions", post(chatBody("openai", `refused-${wire}`)));
    expect(status).toBe(502);
  });

  it.each(WIRES)("requests that are wrong (%s)", async (client) => {
    const path = CHAT_PATHS[client];
    const good = chatBody(client, `${client}/good`);
    const cases: readonly (readonly [number, string, RequestInit])[] = [
      [400, path, post("{")],
      [400, path, post(`{"model":"${CLIENT_KEY.slice(0, 3)}`)],
      [400, path, post({ ...good, messages: 5 })],
      [400, path, post({ ...good, api_key: "x", api_base: "http://127.0.0.1" })],
      [400, path, post({ ...good, extra_headers: { "x-a": "b" } })],
      [401, path, post(good, { authorization: "Bearer wrong" })],
      [401, path, post(good, { authorization: `Bearer ${CLIENT_KEY}x` })],
      [404, path, post({ ...good, model: "unused" })],
      [404, `${path}/nowhere`, post(good)],
      [405, path, { method: "GET", headers: { authorization: `Bearer ${CLIENT_KEY}` } }],
      [413, path, post({ ...good, x: "y".repeat(1_200_000) })],
    ];
    for (const [status, target, init] of cases) expect((await seen(target, init)).status).toBe(status);
  });

  it("listings, health and a client that leaves in the middle", async () => {
    const headers = { authorization: `Bearer ${CLIENT_KEY}` };
    expect((await seen("/v1/models", { headers })).status).toBe(200);
    expect((await seen("/v1/models", { headers: { ...headers, "anthropic-version": "2023-06-01" } })).status).toBe(200);
    expect((await seen("/health/readiness", {})).status).toBe(200);
    const { hostname, port } = new URL(program.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${CLIENT_KEY}\r\ncontent-length: 500\r\n\r\n{`,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expectClean(program.output);
  });
});

describe("no secret is said at the start or at the end", () => {
  it("of a gateway that runs", async () => {
    expect(program.output).toContain("is ready at");
    expectClean(program.output);
    const other = new GatewayProgram(["--config", join(folder, "config.yaml")], {
      VENDOR_KEY: UPSTREAM_KEY,
      GATEWAY_KEY: CLIENT_KEY,
      NODE_DEBUG: "",
    });
    await other.ready();
    expect(await other.stop()).toBe(0);
    expectClean(other.output);
  });

  it.each([
    ["an unknown key", `api_key: ${UNUSED_SECRET}\n      api_kye: ${ODD_KEY}`],
    ["a key that is no text", `api_key: [${UNUSED_SECRET}]`],
    ["a wrong address", `api_key: ${UNUSED_SECRET}\n      api_base: "http://user:${ODD_KEY}@"`],
    ["broken YAML", `api_key: "${UNUSED_SECRET}\n   x: {`],
    ["headers that are none", `api_key: ${UNUSED_SECRET}\n      extra_headers: { "a b": ${HEADER_SECRET} }`],
    ["a line break in a header", `api_key: ${UNUSED_SECRET}\n      extra_headers: { a: "${HEADER_SECRET}\\r\\nx: y" }`],
  ])("of a configuration that is wrong: %s", async (name, lines) => {
    const file = join(folder, `${name.replaceAll(" ", "-")}.yaml`);
    writeFileSync(file, `model_list:\n  - model_name: x\n    litellm_params:\n      model: openai/x\n      ${lines}\n`);
    const other = new GatewayProgram(["--config", file], { SIGNALBOX_MASTER_KEY: CLIENT_KEY });
    expect(await other.ended()).toBe(1);
    expect(other.output.length).toBeGreaterThan(20);
    expectClean(other.output);
  });
});
