import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Entry, EntryStore } from "@signalbox/kernel";
import { IdSource } from "@signalbox/kernel";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase } from "../services/index.ts";
import { opened } from "./opened.ts";

const ENTRIES = 40_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const END = Date.UTC(2026, 10, 20);
const START = END - 15 * DAY_MS;
/** Neither an hour nor a day begins or ends then. */
const odd = { from: START + DAY_MS + 1_234_567, to: END - DAY_MS - 7_654_321 };
const team = { kind: "team", id: "t-3" };

let database: OwnDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const ids = new IdSource();
  const entries = Array.from({ length: ENTRIES }, (_, index): Entry => {
    const startedAt = START + Math.floor((index / ENTRIES) * 15 * DAY_MS);
    const callId = ids.next(startedAt);
    const scopes = [
      { kind: "team", id: `t-${index % 10}` },
      { kind: "key", id: `k-${index % 50}` },
      { kind: "tag", id: `tag-${index % 5}` },
      { kind: "customer", id: `c-${index % 100}` },
    ];
    return {
      id: `${callId}/1`,
      callId,
      attempt: 1,
      operation: "chat",
      model: `m-${index % 3}`,
      deployment: "d",
      provider: "p",
      scopes,
      lines: [{ scope: { kind: "team", id: `t-${index % 10}` }, period: "2026-11" }],
      usage: { inputTokens: 1, outputTokens: 1 },
      cost: 1n,
      billed: 1n,
      status: "final",
      startedAt,
      endedAt: startedAt + 1,
    };
  });
  const plugin = await opened({ url: database.url, pool: 2 });
  await plugin.entryStore.append(entries);
  await plugin.maintain();
  await plugin.close?.();
  await client.query("ANALYZE");
}, 120_000);

afterAll(async () => {
  await client.end();
  await database.drop();
});

/** How many entries the server has read one by one, without an index. */
async function readInOrder(): Promise<number> {
  const { rows } = await client.query<{ number: string }>(
    "SELECT sum(seq_tup_read) AS number FROM pg_stat_user_tables WHERE schemaname = 'signalbox' AND relname ~ '^entries'",
  );
  return Number(rows[0]?.number);
}

/** A session tells what it has read when it ends at the latest. */
async function readBy(ask: (store: EntryStore) => Promise<unknown>): Promise<number> {
  const before = await readInOrder();
  const plugin = await opened({ url: database.url, pool: 1 });
  const answer = await ask(plugin.entryStore);
  expect(answer).not.toHaveLength(0);
  await plugin.close?.();
  await expect
    .poll(async () => {
      const { rows } = await client.query<{ number: number }>(
        "SELECT count(*)::int AS number FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'signalbox%'",
      );
      return rows[0]?.number;
    })
    .toBe(0);
  return (await readInOrder()) - before;
}

async function linesOf(store: EntryStore): Promise<readonly unknown[]> {
  const lines: unknown[] = [];
  for await (const some of store.lineSums?.() ?? []) lines.push(...some);
  return lines;
}

describe("what reports read", () => {
  it.each<[string, (store: EntryStore) => Promise<unknown>]>([
    ["days", (store) => store.report({ ...odd, groupBy: ["day"] })],
    ["days of a zone", (store) => store.report({ ...odd, groupBy: ["day"], timezone: "Africa/Johannesburg" })],
    ["days and keys of a team", (store) => store.report({ ...odd, scope: team, groupBy: ["day", "key"] })],
    ["models since ever", (store) => store.report({ groupBy: ["model"] })],
    ["tags", (store) => store.report({ ...odd, groupBy: ["tag"] })],
    ["customers since ever", (store) => store.report({ groupBy: ["customer"] })],
    ["days of a tag", (store) => store.report({ ...odd, scope: { kind: "tag", id: "tag-1" }, groupBy: ["day"] })],
    ["everything", async (store) => [await store.spent({})]],
    ["a team", async (store) => [await store.spent({ scope: team })]],
    ["a team between two moments", async (store) => [await store.spent({ scope: team, ...odd })]],
    ["a line", async (store) => [await store.spent({ scope: team, period: "2026-11" })]],
    [
      "many at once",
      async (store) => await (store.spentEach?.([{ scope: team }, { scope: team, period: "2026-11" }]) ?? []),
    ],
    ["all lines", linesOf],
    ["the newest entries", (store) => store.list({ limit: 50 })],
    ["the newest entries of a key", (store) => store.list({ scope: { kind: "key", id: "k-7" }, limit: 50 })],
  ])("is found by an index: %s", async (_what, ask) => {
    expect(await readBy(ask)).toBe(0);
  });

  it("is all entries, where no sum can tell", async () => {
    expect(await readBy((store) => store.report({ groupBy: ["session"] }))).toBeGreaterThanOrEqual(ENTRIES);
  });
});
