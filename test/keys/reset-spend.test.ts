import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Plugin } from "@signalbox/kernel";
import { budgets } from "@signalbox/plugin-budgets";
import { postgresLedger } from "@signalbox/plugin-ledger-postgres";
import { sqliteLedger } from "@signalbox/plugin-ledger-sqlite";
import { pricing } from "@signalbox/plugin-pricing";
import { redis } from "@signalbox/plugin-redis";
import { createDatabase, redisUrl } from "../services/index.ts";
import type { KeysGateway } from "./keys-gateway.ts";
import { keysGateway } from "./keys-gateway.ts";

let running: KeysGateway | undefined;
let directory: string | undefined;

afterEach(async () => {
  await running?.close();
  running = undefined;
  if (directory !== undefined) rmSync(directory, { recursive: true });
  directory = undefined;
});

const money = (): readonly Plugin[] => [pricing({ prices: { small: { input_cost_per_request: 0.4 } } }), budgets({})];

/** A call of the model `small` costs 40 cents. */
async function start(ledger: readonly Plugin[]): Promise<KeysGateway> {
  running = await keysGateway(undefined, [...ledger, ...money()]);
  return running;
}

function file(): string {
  directory ??= mkdtempSync(join(tmpdir(), "reset-spend-"));
  return join(directory, "ledger.db");
}

async function settled(gateway: KeysGateway, token: string, spend: number): Promise<void> {
  await expect
    .poll(async () => (await gateway.api(`GET /key/info?key=${token}`)).body.info.spend, { timeout: 5_000 })
    .toBe(spend);
}

const STORES: readonly (readonly [string, () => Promise<readonly Plugin[]>])[] = [
  ["SQLite", async () => [sqliteLedger({ file: file() })]],
  ["PostgreSQL", async () => [postgresLedger({ url: (await createDatabase()).url, reservations: true })]],
  [
    "PostgreSQL and Redis",
    async () => [
      redis({ url: await redisUrl(), namespace: `reset-spend-${process.pid}-${Date.now()}` }),
      postgresLedger({ url: (await createDatabase()).url }),
    ],
  ],
];

describe.each(STORES)("what a key has spent, in %s", (_, ledger) => {
  it("is set back by an entry of its own, and the budget with it", async () => {
    const gateway = await start(await ledger());
    const { api, chat } = gateway;
    const { body: key } = await api("POST /key/generate", { models: ["small"], max_budget: 1, budget_duration: "30d" });
    expect(key).toMatchObject({ spend: 0, max_budget: 1 });
    expect([(await chat(key.key)).status, (await chat(key.key)).status, (await chat(key.key)).status]).toEqual([
      200, 200, 429,
    ]);
    await settled(gateway, key.token, 0.8);

    const reset = await api(`POST /key/${key.token}/reset_spend`, { reset_to: 0.1, reason: "goodwill" });
    expect(reset.status, JSON.stringify(reset.body)).toBe(200);
    const { budget_reset_at: resetAt, ...rest } = reset.body;
    expect(rest).toEqual({ key_hash: key.token, spend: 0.1, previous_spend: 0.8, max_budget: 1 });
    const now = new Date();
    expect(resetAt).toBe(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1)).toISOString());
    await settled(gateway, key.token, 0.1);
    expect([(await chat(key.key)).status, (await chat(key.key)).status, (await chat(key.key)).status]).toEqual([
      200, 200, 429,
    ]);
    await settled(gateway, key.token, 0.9);
    const { body: log } = await api(`GET /audit?object_id=${key.token}&action=spend_reset`);
    expect(log.audit_logs).toMatchObject([
      { changed_by: "master", before_value: { spend: 0.8 }, updated_values: { spend: 0.1, reason: "goodwill" } },
    ]);
  });
});

describe("what a key has spent", () => {
  it("stays set back after a restart, and nothing that was on record is another", async () => {
    const first = sqliteLedger({ file: file() });
    const gateway = await start([first]);
    const { body: key } = await gateway.api("POST /key/generate", { models: ["small"], max_budget: 0.5 });
    await gateway.chat(key.key);
    await settled(gateway, key.token, 0.4);
    await gateway.api("POST /key/reset_spend", { key: key.token, reset_to: 0 });
    const [adjustment, call] = await first.entryStore.list({});
    expect(call).toMatchObject({ billed: 400_000_000n, operation: "chat" });
    expect(adjustment).toMatchObject({
      billed: -400_000_000n,
      operation: "adjustment",
      lines: [{ scope: { kind: "key", id: key.token }, period: "all" }],
      metadata: { adjusted_by: "master" },
    });
    await gateway.close();
    const again = await start([sqliteLedger({ file: file() })]);
    await settled(again, key.token, 0);
    expect([(await again.chat(key.key)).status, (await again.chat(key.key)).status]).toEqual([200, 429]);
  });

  it("is set back once by many at once", async () => {
    const ledger = sqliteLedger({ file: file() });
    const gateway = await start([ledger]);
    const { body: key } = await gateway.api("POST /key/generate", { models: ["small"], max_budget: 0.5 });
    await gateway.chat(key.key);
    await settled(gateway, key.token, 0.4);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => gateway.api(`POST /key/${key.token}/reset_spend`, { reset_to: 0 })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    await settled(gateway, key.token, 0);
    expect(await ledger.entryStore.list({})).toHaveLength(2);
  });

  it("in several windows is set back in each", async () => {
    const ledger = sqliteLedger({ file: file() });
    const gateway = await start([ledger]);
    const { body: key } = await gateway.api("POST /key/generate", {
      models: ["small"],
      max_budget: 1,
      budget_limits: [{ budget_duration: "1d", max_budget: 0.5 }],
    });
    expect([(await gateway.chat(key.key)).status, (await gateway.chat(key.key)).status]).toEqual([200, 429]);
    await settled(gateway, key.token, 0.4);
    await gateway.api(`POST /key/${key.token}/reset_spend`, { reset_to: 0 });
    expect([(await gateway.chat(key.key)).status, (await gateway.chat(key.key)).status]).toEqual([200, 429]);
    await settled(gateway, key.token, 0.4);
    const { billed } = await ledger.ledger.spent({ scope: { kind: "key", id: key.token } });
    expect(billed).toBe(400_000_000n);
  });

  it("is not the holder's to set back, nobody else's to see, and never more than it was", async () => {
    const gateway = await start([sqliteLedger({ file: file() })]);
    const { api, user } = gateway;
    const [mine, other] = [await user("mine"), await user("other")];
    const { body: key } = await api("POST /key/generate", { user_id: "mine", models: ["small"], max_budget: 1 });
    const path = `POST /key/${key.token}/reset_spend`;
    expect((await api(path, { reset_to: 0 }, mine)).body.error.code).toBe("route_not_allowed");
    expect((await api(path, { reset_to: 0 }, other)).body.error.code).toBe("not_found");
    expect((await api(path, { reset_to: 0 }, key.key)).status).toBe(403);
    const more = await api(path, { reset_to: 1 });
    expect([more.status, more.body.error.param]).toEqual([400, "reset_to"]);
    expect((await api(path, { reset_to: -1 })).status).toBe(400);
    expect((await api(path, {})).body.error.param).toBe("reset_to");
    expect((await api("POST /key/tok_none/reset_spend", { reset_to: 0 })).status).toBe(404);
    const spent = await api("POST /key/generate", { spend: 0.7, max_budget: 1, models: ["small"] });
    await settled(gateway, spent.body.token, 0.7);
    expect((await gateway.chat(spent.body.key)).status).toBe(429);
    expect((await api("POST /key/generate", { spend: 0.7 }, mine)).body.error.param).toBe("spend");
    await api("POST /key/update", { key: spent.body.token, spend: 0 });
    expect((await gateway.chat(spent.body.key)).status).toBe(200);
  });

  it("is one question to the store for a page of keys", async () => {
    const ledger = sqliteLedger({ file: file() });
    const gateway = await start([ledger]);
    for (let key = 0; key < 5; key++) {
      await gateway.api("POST /key/generate", {
        models: ["small"],
        spend: key / 10,
        ...(key % 2 > 0 && { max_budget: 1 }),
      });
    }
    const [one, many] = [vi.spyOn(ledger.entryStore, "spent"), vi.spyOn(ledger.entryStore, "spentEach")];
    const { body } = await gateway.api("GET /key/list?return_full_object=true&sort_order=asc");
    expect(body.keys.map(({ spend }: { spend: number }) => spend)).toEqual([0, 0.1, 0.2, 0.3, 0.4]);
    expect([one.mock.calls.length, many.mock.calls.length]).toEqual([0, 1]);
  });

  it("is set back with that of all keys and teams, and what everything has cost stays", async () => {
    const ledger = sqliteLedger({ file: file() });
    const gateway = await start([ledger]);
    const { api, chat } = gateway;
    await api("POST /team/new", { team_id: "red", max_budget: 0.5 });
    const { body: free } = await api("POST /key/generate", { models: ["small"], team_id: "red" });
    const { body: bound } = await api("POST /key/generate", {
      models: ["small"],
      max_budget: 0.9,
      budget_limits: [{ budget_duration: "1d", max_budget: 0.5 }],
    });
    await api("POST /key/generate", { models: ["small"] });
    expect([(await chat(free.key)).status, (await chat(bound.key)).status]).toEqual([200, 200]);
    expect([(await chat(free.key)).status, (await chat(bound.key)).status]).toEqual([429, 429]);
    await settled(gateway, free.token, 0.4);
    await settled(gateway, bound.token, 0.4);
    expect((await api("POST /global/spend/reset", {}, bound.key)).status).toBe(403);
    expect((await api("POST /global/spend/reset", { reason: "a new year" })).body).toEqual({
      message: "what all keys and teams have spent is set back",
      status: "success",
      keys: 2,
      teams: 1,
    });
    await settled(gateway, free.token, 0);
    await settled(gateway, bound.token, 0);
    expect((await api("GET /team/info?team_id=red")).body.team_info.spend).toBe(0);
    expect((await ledger.entryStore.spent({})).billed).toBe(800_000_000n);
    expect((await api("POST /global/spend/reset", {})).body).toMatchObject({ keys: 0, teams: 0 });
    expect([(await chat(free.key)).status, (await chat(bound.key)).status]).toEqual([200, 200]);
    expect([(await chat(free.key)).status, (await chat(bound.key)).status]).toEqual([429, 429]);
    const { body: log } = await api("GET /audit?object_id=red&action=spend_reset");
    expect(log.audit_logs).toMatchObject([
      { table_name: "teams", before_value: { spend: 0.4 }, updated_values: { spend: 0, reason: "a new year" } },
    ]);
  });

  it("cannot be set back where no ledger keeps it", async () => {
    running = await keysGateway();
    const { body: key } = await running.api("POST /key/generate", { models: ["small"] });
    const { status, body } = await running.api(`POST /key/${key.token}/reset_spend`, { reset_to: 0 });
    expect([status, body.error.code]).toEqual([503, "ledger_unavailable"]);
    expect((await running.api("POST /global/spend/reset")).body.error.code).toBe("ledger_unavailable");
  });
});

describe("how tags are used", () => {
  it("is told from the ledger", async () => {
    const gateway = await start([sqliteLedger({ file: file() })]);
    const { api, chat, user } = gateway;
    const ada = await user("ada", { models: ["small"] });
    const tagged = { metadata: { tags: ["search"] } };
    expect((await chat(ada, "small", tagged)).status).toBe(200);
    expect((await chat(ada, "small", tagged)).status).toBe(200);
    const today = new Date().toISOString().slice(0, 10);
    const days = `start_date=${today}&end_date=${today}`;
    await expect
      .poll(async () => (await api(`GET /tag/summary?${days}`)).body.results, { timeout: 5_000 })
      .toMatchObject([
        {
          tag: "search",
          unique_users: 1,
          total_requests: 2,
          successful_requests: 2,
          failed_requests: 0,
          total_spend: 0.8,
        },
      ]);
    expect((await api("GET /tag/distinct")).body).toEqual({ results: [{ tag: "search" }] });
    expect((await api("GET /tag/dau")).body).toEqual({ results: [{ tag: "search", active_users: 1, date: today }] });
    expect((await api("GET /tag/mau?tag_filter=other")).body).toEqual({ results: [] });
    expect((await api("GET /tag/summary?start_date=2026-02-31&end_date=2026-13-01")).status).toBe(400);
    expect((await api("GET /tag/distinct", undefined, ada)).status).toBe(403);
  });
});
