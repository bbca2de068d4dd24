import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen } from "@signalbox/express/node";
import type { Entry, EntryStore, Plugin, Scope } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { keys } from "@signalbox/plugin-keys";
import { postgresLedger } from "@signalbox/plugin-ledger-postgres";
import { sqliteLedger } from "@signalbox/plugin-ledger-sqlite";
import { pricing } from "@signalbox/plugin-pricing";
import { spend } from "@signalbox/plugin-spend";
import { mock } from "@signalbox/provider-mock";
import { openaiDialects } from "@signalbox/provider-openai";
import { createDatabase } from "../services/index.ts";

const MASTER = "sk-master-key-of-the-gateway-0001";
const NOW = Date.parse("2026-11-20T12:00:00Z");

export const STORES = ["sqlite", "postgres"] as const;
export type StoreName = (typeof STORES)[number];

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into by literal expectations
  readonly body: any;
}

/** A gateway that reports what one of the stores keeps. */
export interface SpendGateway {
  readonly entries: EntryStore;
  /** Ids of keys: ada's in the team red, bob's in the team blue. */
  readonly ids: { readonly ada: string; readonly bob: string };
  /** Their keys. */
  readonly keys: { readonly ada: string; readonly bob: string; readonly viewer: string };
  readonly url: string;
  get(path: string, key?: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  post(path: string, body: unknown, key?: string): Promise<Answer>;
  close(): Promise<void>;
}

let number = 0;

export function entryOf(change: Partial<Entry> & { readonly at?: string }): Entry {
  const { at = "2026-11-20T09:00:00Z", ...rest } = change;
  const startedAt = Date.parse(at);
  const callId = `call-${++number}`;
  return {
    id: `${callId}/1`,
    callId,
    attempt: 1,
    operation: "chat",
    model: "gpt-4o",
    deployment: "d-1",
    provider: "openai",
    scopes: [],
    usage: { inputTokens: 0, outputTokens: 0 },
    cost: change.billed ?? 0n,
    billed: 0n,
    status: "final",
    startedAt,
    endedAt: startedAt + 500,
    ...rest,
  };
}

/** `{ team: "red", tag: ["x", "y"] }` */
export function scopes(of: Readonly<Record<string, string | readonly string[]>>): readonly Scope[] {
  return [
    { kind: "gateway", id: "gateway" },
    ...Object.entries(of).flatMap(([kind, ids]) =>
      (typeof ids === "string" ? [ids] : ids).map((id): Scope => ({ kind, id })),
    ),
  ];
}

async function storeOf(name: StoreName): Promise<{ readonly plugin: Plugin; remove(): Promise<void> }> {
  if (name === "postgres") {
    const database = await createDatabase();
    return { plugin: postgresLedger({ url: database.url, pool: 4 }), remove: () => database.drop() };
  }
  const folder = mkdtempSync(join(tmpdir(), "signalbox-spend-"));
  return {
    plugin: sqliteLedger({ file: join(folder, "ledger.db") }),
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

export async function spendGateway(name: StoreName): Promise<SpendGateway> {
  const { plugin, remove } = await storeOf(name);
  const gateway = await createGateway({
    plugins: [
      { name: "vendors", providers: [mock()], dialects: openaiDialects() },
      plugin,
      keys({ masterKeys: [new Secret(MASTER)], pepper: new Secret("pepper-of-the-tests-0123456789-abcdef") }),
      pricing({
        prices: { "gpt-4o": { input_cost_per_token: 0.0000025, output_cost_per_token: 0.00001 } },
        margins: { global: { percent: 10 } },
        currencies: {
          ZAR: [
            { date: "2026-01-01", perUsd: "18" },
            { date: "2026-11-19", perUsd: "17.25" },
          ],
        },
      }),
      spend({
        now: () => NOW,
        budgets: [
          { scope: { kind: "gateway", id: "gateway" }, limit: 100_000_000_000n, duration: "1mo" },
          { scope: { kind: "provider", id: "openai" }, limit: 5_000_000_000n, duration: "1d" },
        ],
      }),
    ],
    deployments: [
      { id: "d-1", model: "gpt-4o", provider: "mock", upstreamModel: "echo" },
      { id: "d-2", model: "unpriced", provider: "mock", upstreamModel: "echo", info: {} },
    ],
  });
  const listener = await listen(gateway, { port: 0 });
  const ask = async (path: string, init: RequestInit, key: string): Promise<Answer> => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", ...(init.headers as object) };
    const response = await fetch(listener.url + path, { ...init, headers });
    const text = await response.text();
    const json = response.headers.get("content-type")?.startsWith("application/json") === true;
    return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : undefined };
  };
  const post: SpendGateway["post"] = (path, body, key = MASTER) =>
    ask(path, { method: "POST", body: JSON.stringify(body) }, key);
  const made = async (path: string, body: unknown): Promise<Readonly<Record<string, string>>> => {
    const answer = await post(path, body);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.text}`);
    return answer.body;
  };
  for (const [id, role] of [
    ["ada", "internal_user"],
    ["bob", "internal_user"],
    ["vera", "proxy_admin_viewer"],
  ]) {
    await made("/user/new", { user_id: id, user_role: role, auto_create_key: false });
  }
  const red = { team_id: "red", team_alias: "Red team", metadata: { currency: "ZAR" } };
  await made("/team/new", { ...red, members_with_roles: [{ user_id: "ada", role: "admin" }] });
  await made("/team/new", { team_id: "blue", members_with_roles: [{ user_id: "bob", role: "user" }] });
  const ada = await made("/key/generate", { user_id: "ada", team_id: "red", key_alias: "ada's", models: ["gpt-4o"] });
  const bob = await made("/key/generate", { user_id: "bob", team_id: "blue", models: ["gpt-4o"] });
  const viewer = await made("/key/generate", { user_id: "vera", models: ["gpt-4o"] });
  return {
    entries: plugin.entryStore as EntryStore,
    ids: { ada: ada["token"] as string, bob: bob["token"] as string },
    keys: { ada: ada["key"] as string, bob: bob["key"] as string, viewer: viewer["key"] as string },
    url: listener.url,
    get: (path, key = MASTER, headers = {}) => ask(path, { headers }, key),
    post,
    async close() {
      await listener.close();
      await gateway.close();
      await remove();
    },
  };
}

/** Five attempts of three days. */
export function someEntries({ ids }: Pick<SpendGateway, "ids">): readonly Entry[] {
  const ada = { key: ids.ada, user: "ada", team: "red" };
  const bob = { key: ids.bob, user: "bob", team: "blue" };
  return [
    entryOf({
      id: "one/1",
      callId: "one",
      at: "2026-11-18T10:00:00Z",
      billed: 1_500_000_000n,
      scopes: scopes({ ...ada, tag: "x", customer: "c-1", provider: "openai" }),
      tags: ["x"],
      usage: { inputTokens: 100, outputTokens: 50 },
    }),
    entryOf({
      id: "two/1",
      callId: "two",
      at: "2026-11-19T10:00:00Z",
      billed: 3n,
      scopes: scopes({ ...bob, tag: ["x", "y"], customer: "c-2", session: "s-1", provider: "openai" }),
      tags: ["x", "y"],
      usage: { inputTokens: 7, outputTokens: 0 },
      errorCode: "timeout",
    }),
    entryOf({
      id: "three/1",
      callId: "three",
      at: "2026-11-19T23:30:00Z",
      billed: 250_000_001n,
      model: "claude",
      provider: "anthropic",
      deployment: "d-9",
      scopes: scopes({ ...ada, provider: "anthropic" }),
      usage: { inputTokens: 1_000, outputTokens: 10, cacheReadTokens: 400 },
      cacheSavings: 1_080_000n,
    }),
    entryOf({
      id: "four/1",
      callId: "four",
      at: "2026-11-20T08:00:00Z",
      billed: 2_000_000_000n,
      scopes: scopes({ ...bob, tag: "x", session: "s-1", provider: "openai" }),
      lines: [{ scope: { kind: "provider", id: "openai" }, period: "2026-11-20" }],
      tags: ["x"],
      usage: { inputTokens: 20, outputTokens: 30, cacheWriteTokens: 16 },
      cacheSavings: -12_000n,
    }),
    entryOf({ id: "five/1", callId: "five", cacheHit: true, scopes: scopes({ key: "master" }) }),
  ];
}
