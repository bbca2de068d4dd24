import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Entry } from "@signalbox/kernel";
import { IdSource } from "@signalbox/kernel";
import type { PostgresLedgerPlugin } from "@signalbox/plugin-ledger-postgres";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase } from "../services/index.ts";
import { opened } from "./opened.ts";

let database: OwnDatabase;
let client: pg.Client;
let plugin: PostgresLedgerPlugin;
let some: Entry;

beforeAll(async () => {
  database = await createDatabase();
  plugin = await opened({ url: database.url, pool: 2 });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const ids = new IdSource();
  const now = Date.now();
  const entries = Array.from({ length: 20_000 }, (_, index): Entry => {
    const callId = ids.next(now);
    return {
      id: `${callId}/1`,
      callId,
      attempt: 1,
      operation: "chat",
      model: "m",
      deployment: "d",
      provider: "p",
      scopes: [{ kind: "key", id: `k${index % 2_000}` }],
      lines: [{ scope: { kind: "key", id: `k${index % 2_000}` }, period: "all" }],
      usage: { inputTokens: 1, outputTokens: 1 },
      cost: 1n,
      billed: 1n,
      status: "final",
      startedAt: now,
      endedAt: now,
    };
  });
  some = entries[0] as Entry;
  await plugin.entryStore.append(entries);
  await plugin.maintain();
  await client.query("ANALYZE");
});

afterAll(async () => {
  await plugin.close?.();
  await client.end();
  await database.drop();
});

async function plan(text: string, values: readonly unknown[]): Promise<string> {
  const { rows } = await client.query(`EXPLAIN ${text}`, [...values]);
  return rows.map((row: Record<string, string>) => row["QUERY PLAN"]).join("\n");
}

describe("what stands in a call's way", () => {
  it.each<[string, string, () => readonly unknown[]]>([
    ["an entry", "SELECT * FROM signalbox.entries WHERE id = $1 AND month = 0", () => [some.id]],
    ["entries of a key", "SELECT * FROM signalbox.entries WHERE scope_keys @> $1", () => [['["key","k7"]']]],
    [
      "entries above the watermark",
      "SELECT billed FROM signalbox.entries WHERE tx >= (SELECT tx FROM signalbox.watermark) AND tx < $1::xid8",
      () => ["0"],
    ],
    ["a sum of a key", "SELECT billed FROM signalbox.sums_by_scope WHERE scope = $1", () => ['["key","k7"]']],
    ["a sum of a line", "SELECT billed FROM signalbox.sums_by_line WHERE line = $1", () => ['"all" ["key","k7"]']],
    ["a counter", "SELECT posted FROM signalbox.counters WHERE line = $1", () => ["x"]],
  ])("is found by an index: %s", async (_what, text, values) => {
    await client.query("SET enable_seqscan = off");
    const found = await plan(text, values());
    expect(found).toMatch(/Index/);
    expect(found.replaceAll(/Seq Scan on (watermark|entries_undated).*/g, "")).not.toContain("Seq Scan");
  });
});
