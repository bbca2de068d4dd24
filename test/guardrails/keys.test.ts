import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI, { APIError } from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Plugin } from "@signalbox/kernel";
import { guardrails } from "@signalbox/plugin-guardrails";
import { sqliteLedger } from "@signalbox/plugin-ledger-sqlite";
import type { Answer, KeysGateway } from "../keys/keys-gateway.ts";
import { keysGateway } from "../keys/keys-gateway.ts";

// Who is checked by what: said to the management API, asked through the OpenAI SDK, kept by SQLite.

const off = { defaultOn: false } as const;
const MAIL = "I am ada@example.com";
const SECRET = "my key is AKIAIOSFODNN7EXAMPLE";

let folder: string;
let running: KeysGateway;
let count = 0;

async function start(more: readonly Plugin[]): Promise<KeysGateway> {
  return await keysGateway(undefined, [sqliteLedger({ file: join(folder, "gateway.sqlite") }), ...more]);
}

async function withGuardrails(): Promise<Plugin> {
  return await guardrails([
    { type: "secrets", name: "secrets" },
    { type: "personal", name: "pii", runs: off },
    { type: "keywords", name: "codewords", words: ["bluebird"], runs: off },
  ]);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "signalbox-guardrails-"));
  running = await start([await withGuardrails()]);
});
afterAll(async () => {
  await running.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  count++;
});

/** What the client is told: `through`, or the code and the guardrail. */
async function say(key: string, content: string, names?: readonly string[], streamed = false): Promise<string> {
  const client = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: key, maxRetries: 0 });
  const body = {
    model: "small",
    messages: [{ role: "user" as const, content }],
    ...(names !== undefined && { guardrails: names }),
  };
  try {
    if (streamed) for await (const _ of await client.chat.completions.create({ ...body, stream: true }));
    else await client.chat.completions.create(body);
    return "through";
  } catch (thrown) {
    if (!(thrown instanceof APIError)) throw thrown;
    const { details } = thrown.error as { details?: { guardrail?: string } };
    return [thrown.code, details?.guardrail ?? thrown.param].filter((each) => each != null).join(" ");
  }
}

async function make(what: "key" | "team", body: Readonly<Record<string, unknown>>): Promise<Answer> {
  const answer = await running.api(what === "key" ? "POST /key/generate" : "POST /team/new", body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer;
}

async function keyOf(body: Readonly<Record<string, unknown>>): Promise<string> {
  return (await make("key", { models: ["small"], ...body })).body.key as string;
}

describe("guardrails of keys and teams", () => {
  it.each([false, true])("run for the calls of a key that names them, streamed: %s", async (streamed) => {
    const [plain, guarded] = [await keyOf({}), await keyOf({ guardrails: ["pii"] })];
    expect(await say(plain, MAIL, undefined, streamed)).toBe("through");
    expect(await say(guarded, MAIL, undefined, streamed)).toBe("guardrail_blocked pii");
    expect(await say(guarded, SECRET, undefined, streamed)).toBe("guardrail_blocked secrets");
    expect(await say(guarded, "hello", undefined, streamed)).toBe("through");
  });

  it("run for all keys of a team that names them, beside the key's own", async () => {
    const team_id = `team-${count}`;
    await make("team", { team_id, guardrails: ["pii"] });
    const key = await keyOf({ team_id, guardrails: ["codewords"] });
    expect(await say(key, MAIL)).toBe("guardrail_blocked pii");
    expect(await say(key, "bluebird")).toBe("guardrail_blocked codewords");
    expect(await say(await keyOf({ team_id }), "bluebird")).toBe("through");
  });

  it("may be asked for by everyone, and turned off by nobody without a grant", async () => {
    const key = await keyOf({ guardrails: ["pii"] });
    expect(await say(key, "bluebird", ["codewords"])).toBe("guardrail_blocked codewords");
    for (const wish of ["-pii", "-secrets", "-*"]) {
      expect(await say(key, "hello", [wish])).toBe("invalid_request guardrails");
    }
  });

  it("are turned off by requests of keys that are granted it", async () => {
    const some = await keyOf({ permissions: { modify_guardrails: ["secrets"] }, guardrails: ["pii"] });
    expect(await say(some, SECRET)).toBe("guardrail_blocked secrets");
    expect(await say(some, SECRET, ["-secrets"])).toBe("through");
    expect(await say(some, MAIL, ["-pii"])).toBe("invalid_request guardrails");
    const all = await keyOf({ permissions: { modify_guardrails: true } });
    expect(await say(all, SECRET, ["-*"])).toBe("through");
    expect(await say(all, SECRET)).toBe("guardrail_blocked secrets");
  });

  it("are turned off by a key no further than its team may", async () => {
    const team_id = `team-${count}`;
    await make("team", { team_id, permissions: { modify_guardrails: ["pii"] } });
    const key = await keyOf({ team_id, permissions: { modify_guardrails: true } });
    expect(await say(key, "hello", ["-pii"])).toBe("through");
    expect(await say(key, SECRET, ["-secrets"])).toBe("invalid_request guardrails");
    await make("team", { team_id: `${team_id}-none`, permissions: { modify_guardrails: false } });
    const none = await keyOf({ team_id: `${team_id}-none`, permissions: { modify_guardrails: true } });
    expect(await say(none, SECRET, ["-secrets"])).toBe("invalid_request guardrails");
  });

  it("that are on for everyone are off where a key or its team is exempt; those that are named stay", async () => {
    const key = await keyOf({ disable_global_guardrails: true, guardrails: ["pii"] });
    expect(await say(key, SECRET)).toBe("through");
    expect(await say(key, MAIL)).toBe("guardrail_blocked pii");
    expect(await say(key, SECRET, ["secrets"])).toBe("guardrail_blocked secrets");
    expect(await say(key, SECRET, ["-secrets"])).toBe("through");
    expect(await say(key, MAIL, ["-pii"])).toBe("invalid_request guardrails");
    const team_id = `team-${count}`;
    await make("team", { team_id, disable_global_guardrails: true });
    expect(await say(await keyOf({ team_id }), SECRET)).toBe("through");
  });

  it("are no holder's to widen", async () => {
    const user = `user-${count}`;
    await running.user(user);
    const key = await keyOf({ user_id: user, guardrails: ["pii"] });
    const wishes = [
      { guardrails: [] },
      { disable_global_guardrails: true },
      { permissions: { modify_guardrails: true } },
    ];
    for (const wish of wishes) {
      const [param] = Object.keys(wish);
      const changed = await running.api("POST /key/update", { key, ...wish }, key);
      expect([changed.status, changed.body.error.param]).toEqual([403, param]);
      if (param === "guardrails") continue;
      const made = await running.api("POST /key/generate", { models: ["small"], ...wish }, key);
      expect([made.status, made.body.error.param]).toEqual([403, param]);
    }
    const { body } = await running.api("POST /key/generate", { models: ["small"] }, key);
    expect(await say(body.key, MAIL)).toBe("guardrail_blocked pii");
    expect(await say(body.key, MAIL, ["-pii"])).toBe("invalid_request guardrails");
  });

  it("that do not exist are refused when a key or team is made or changed, with what may be meant", async () => {
    const refusal = {
      message: 'there is no guardrail "secret"; this gateway has secrets, pii, codewords. Did you mean "secrets"?',
      type: "invalid_request_error",
      param: "guardrails",
      code: "invalid_request",
    };
    const made = await running.api("POST /key/generate", { guardrails: ["pii", "secret"] });
    expect([made.status, made.body.error]).toEqual([400, refusal]);
    const team = await running.api("POST /team/new", { guardrails: ["secret"] });
    expect([team.status, team.body.error]).toEqual([400, refusal]);
    const changed = await running.api("POST /key/update", { key: await keyOf({}), guardrails: ["secret"] });
    expect([changed.status, changed.body.error]).toEqual([400, refusal]);
    const wrong = await running.api("POST /key/generate", { permissions: { get_spend_routes: true } });
    expect([wrong.status, wrong.body.error.param]).toEqual([400, "permissions.get_spend_routes"]);
  });

  it("that a later gateway does not have let no call of the key pass, even where it has none at all", async () => {
    const key = await keyOf({ guardrails: ["codewords"] });
    const free = await keyOf({});
    await running.close();
    running = await start([]);
    expect(await say(key, "hello")).toBe("guardrail_unavailable");
    expect(await say(free, "hello")).toBe("through");
    const kept = await running.api("POST /key/update", { key, guardrails: ["codewords"], max_budget: 1 });
    expect(kept.status).toBe(200);
    await running.close();
    running = await start([await withGuardrails()]);
    expect(await say(key, "bluebird")).toBe("guardrail_blocked codewords");
    expect(await say(key, "hello")).toBe("through");
  });
});
