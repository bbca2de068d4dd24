import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Call, Plugin } from "@signalbox/kernel";
import { MemoryRecords } from "@signalbox/kernel/testkit";
import type { Answer, KeysGateway } from "./keys-gateway.ts";
import { keysGateway, MASTER } from "./keys-gateway.ts";

const PEPPER = "pepper-of-the-tests-0123456789-abcdef";
const CANARY = "sk-canary-5d1f7a9c3e0b2468";
/** What no management route may turn into something else. */
const ENVIRONMENT = "value-of-the-environment-5d1f";

let running: KeysGateway;
/** Everything that anything wrote anywhere. */
const sinks: string[] = [];

const noteCall = ({ principal, options, trace, request, state }: Call, more?: unknown): void => {
  sinks.push(inspect([principal, options, trace, request, state, more], { depth: 12 }));
};
const traces: Plugin = {
  name: "traces",
  on: { callStarted: noteCall, callSucceeded: noteCall, callFailed: noteCall, attemptFailed: noteCall },
};

const onInternal = (report: unknown): void => void sinks.push(inspect(report, { depth: 12 }));
const written: (typeof process.stderr.write)[] = [];

beforeAll(async () => {
  process.env.SIGNALBOX_TEST_CANARY = ENVIRONMENT;
  subscribe("signalbox:internal-error", onInternal);
  for (const stream of [process.stderr, process.stdout]) {
    written.push(stream.write);
    const write = stream.write.bind(stream);
    stream.write = ((chunk: string | Uint8Array, ...rest: never[]) => {
      sinks.push(String(chunk));
      return write(chunk, ...rest);
    }) as typeof stream.write;
  }
  running = await keysGateway(new MemoryRecords(), [traces]);
});

afterAll(async () => {
  await running.close();
  unsubscribe("signalbox:internal-error", onInternal);
  for (const [index, stream] of [process.stderr, process.stdout].entries()) {
    stream.write = written[index] as typeof stream.write;
  }
  delete process.env.SIGNALBOX_TEST_CANARY;
});

function note(answer: Answer): Answer {
  sinks.push(JSON.stringify([[...answer.headers], answer.body ?? null]));
  return answer;
}

/** Everything an administrator can read, and everything that is stored. */
async function everything(): Promise<string> {
  const found: unknown[] = [];
  for (const path of [
    "/key/list?return_full_object=true&size=100",
    "/key/aliases",
    "/user/list?page_size=100",
    "/team/list",
    "/organization/list",
    "/customer/list",
    "/budget/list",
    "/tag/list",
    "/audit?page_size=100",
    "/openapi.json",
  ]) {
    const answer = await running.api(`GET ${path}`);
    expect([path, answer.status]).toEqual([path, 200]);
    found.push([...answer.headers], answer.body);
  }
  return JSON.stringify(found) + inspect(running.store, { depth: 12, showHidden: true, maxArrayLength: null });
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly fields: readonly string[];
  readonly required: readonly string[];
}

/** The routes that write, with their fields. */
async function writeRoutes(): Promise<readonly Route[]> {
  const { paths } = (await running.api("GET /openapi.json")).body as {
    paths: Record<string, Record<string, { requestBody?: { content: { "application/json": { schema: Schema } } } }>>;
  };
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { requestBody }]) => {
      const schema = requestBody?.content["application/json"].schema;
      if (schema?.properties === undefined) return [];
      const { properties, required = [] } = schema;
      return [{ method: method.toUpperCase(), path, fields: Object.keys(properties), required }];
    }),
  );
}

interface Schema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

const pathOf = ({ method, path }: Route, value: string): string => `${method} ${path.replaceAll(/\{\w+\}/g, value)}`;

describe("a key", () => {
  it("is in one answer, and in nothing else that anybody can read", async () => {
    const secrets: string[] = [];
    const brought = await running.api("POST /key/generate", { key: CANARY, models: ["small"] });
    expect(brought.body.key).toBe(CANARY);
    const made = await running.api("POST /key/generate", { models: ["small"], key_alias: "made" });
    const user = await running.api("POST /user/new", { user_id: "with-key" });
    const fresh = await running.api("POST /key/regenerate", { key: made.body.token, new_key: `${CANARY}-new` });
    secrets.push(CANARY, made.body.key, user.body.key, fresh.body.key, MASTER, PEPPER);
    for (const key of [CANARY, user.body.key as string, fresh.body.key as string, `${CANARY}-unknown`]) {
      note(await running.chat(key));
      note(await running.chat(key, "unknown-model"));
      note(await running.api("GET /key/info", undefined, key));
      note(await running.api("POST /key/generate", { models: ["*"] }, key));
      // the same key again is a conflict; a new one would be shown
      if (!key.endsWith("unknown")) note(await running.api("POST /key/generate", { key }));
      note(await running.api("POST /key/generate", { key: `${key} bad` }));
      note(await running.api(`GET /key/info?key=${key}`));
      note(await running.api("POST /key/update", { key, max_budget: 1 }));
      note(await running.api("POST /key/block", { key: `${key}x` }));
      note(await running.api(`POST /key/${key}x/regenerate`, {}));
      note(await running.api("POST /key/delete", { keys: [`${key}x`] }));
    }
    const all = (await everything()) + sinks.join("\n");
    for (const secret of secrets) expect(all.includes(secret), secret.slice(0, 12)).toBe(false);
  });
});

describe("every field of every route that writes", () => {
  it("tells nothing of its value in the error that refuses it", async () => {
    const routes = await writeRoutes();
    expect(routes.length).toBeGreaterThan(30);
    let refused = 0;
    for (const route of routes) {
      for (const field of route.fields) {
        const body = {
          ...Object.fromEntries(route.required.map((name) => [name, "x"])),
          [field]: { [CANARY]: CANARY },
        };
        const { status, body: answer } = note(await running.api(pathOf(route, "x"), body));
        if (status < 400) continue;
        refused++;
        const { message } = answer.error as { message: string };
        // the name of a member within is told, so that it can be found; a value never is
        expect(message.replaceAll(`${field}.${CANARY}`, ""), `${route.path} ${field}`).not.toContain(CANARY);
      }
    }
    expect(refused).toBeGreaterThan(100);
  }, 30_000);

  it("is data: what looks like code, a file or the environment stays text, or is refused", async () => {
    const routes = await writeRoutes();
    const texts = [
      "os.environ/SIGNALBOX_TEST_CANARY",
      "$" + "{SIGNALBOX_TEST_CANARY}",
      "{{ env.SIGNALBOX_TEST_CANARY }}",
      "../../../../proc/self/environ",
      "file:///proc/self/environ",
      "node:child_process.execSync",
      "./evil.py:handler",
      "data:text/javascript,globalThis.evil=1",
    ];
    let turn = 0;
    for (const route of routes) {
      for (const field of route.fields) {
        // one after the other, so that each text stands in each shape
        for (const shape of [0, 1, 2]) {
          const text = texts[turn++ % texts.length] as string;
          const required = Object.fromEntries(route.required.map((name) => [name, text]));
          const value = [text, [text], { [text]: text }][shape];
          const { status } = note(await running.api(pathOf(route, "x"), { ...required, [field]: value }));
          // 503: what has been spent cannot be set back without a ledger
          expect([route.path, field, [200, 400, 403, 404, 409, 503].includes(status)]).toEqual([
            route.path,
            field,
            true,
          ]);
        }
      }
    }
    const all = (await everything()) + sinks.join("\n");
    expect(all.includes(ENVIRONMENT)).toBe(false);
    expect(globalThis).not.toHaveProperty("evil");
  }, 30_000);

  it("is one that is known: internal columns, roles and prototypes are refused, and nothing is changed", async () => {
    const alice = await running.user("alice", { models: ["small"] });
    const token = (await running.api("GET /key/info", undefined, alice)).body.key as string;
    const before = await running.api("GET /user/info?user_id=alice");
    const extra = [
      "hash",
      "id",
      "token",
      "created_by",
      "created_at",
      "updated_by",
      "ancestor_ids",
      "key_name",
      "expires",
      "is_admin",
      "admin",
      "role",
      "permissions.admin",
      "user_role",
      "__proto__",
      "constructor",
      "prototype",
    ];
    for (const [route, own] of [
      ["POST /key/generate", { models: ["small"] }],
      ["POST /key/update", { key: token }],
      ["POST /key/regenerate", { key: token }],
      ["POST /user/update", { user_id: "alice" }],
      ["POST /team/member_update", { team_id: "none", user_id: "alice" }],
    ] as const) {
      for (const field of extra) {
        const answer = await fetch(`${running.url}${route.slice(5)}`, {
          method: "POST",
          headers: { authorization: `Bearer ${alice}`, "content-type": "application/json" },
          // as text: a literal would set the prototype
          body: `${JSON.stringify(own).slice(0, -1)},${JSON.stringify(field)}:"proxy_admin"}`,
        });
        await answer.text();
        expect([route, field, [400, 403].includes(answer.status)]).toEqual([route, field, true]);
      }
    }
    expect((await running.api("GET /user/info?user_id=alice")).body).toEqual(before.body);
    expect({}).not.toHaveProperty("proxy_admin");
    expect((await running.chat(alice)).status).toBe(200);
  });
});
