import pg from "pg";
import { expect, it } from "vitest";
import type { EntryStore, ReportQuery } from "@signalbox/kernel";
import { opened } from "../postgres/opened.ts";
import { createDatabase } from "../services/index.ts";
import { entryOf, scopes } from "./spend-gateway.ts";

const QUERIES: readonly ReportQuery[] = [
  { groupBy: ["day"] },
  { groupBy: ["day", "team"], timezone: "Africa/Johannesburg" },
  { groupBy: ["tag"] },
  { groupBy: ["day", "customer", "model"] },
  { groupBy: ["model"], scope: { kind: "tag", id: "a" } },
  { groupBy: ["day"], scope: { kind: "customer", id: `c "1"\\` } },
  { groupBy: ["tag"], from: Date.parse("2026-11-02T03:04:05Z"), to: Date.parse("2026-11-09T22:10:00Z") },
  { groupBy: [], from: Date.parse("2026-11-02T03:04:05Z"), to: Date.parse("2026-11-09T22:10:00Z") },
];

async function reports(store: EntryStore): Promise<readonly unknown[]> {
  return await Promise.all(
    QUERIES.map(async (query) => {
      const rows = await store.report(query);
      return rows
        .map((row) => `${JSON.stringify(row.group)} ${row.billed} ${row.requests} ${row.inputTokens}`)
        .toSorted();
    }),
  );
}

it("sums by day, by tag and by customer say what entries say, and are made for tables of an older version", async () => {
  const database = await createDatabase();
  const url = database.url;
  let plugin = await opened({ url, pool: 2 });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const entries = Array.from({ length: 2_000 }, (_, index) =>
      entryOf({
        at: new Date(Date.parse("2026-11-01T00:00:00Z") + index * 437_000).toISOString(),
        billed: BigInt(index),
        model: `m-${index % 3}`,
        usage: { inputTokens: index, outputTokens: 1 },
        scopes: scopes({
          team: `t-${index % 4}`,
          ...(index % 5 > 0 && { tag: index % 2 === 0 ? ["a", "b"] : ["b", "nul \u0000"] }),
          ...(index % 7 > 0 && { customer: `c "${index % 7}"\\` }),
        }),
      }),
    );
    await plugin.entryStore.append(entries);
    const fromEntries = await reports(plugin.entryStore);
    expect(fromEntries[4]).toHaveLength(3);
    await plugin.maintain();
    expect(await reports(plugin.entryStore)).toEqual(fromEntries);
    const { rows } = await client.query("SELECT count(*)::int AS number FROM signalbox.label_sums_by_day");
    expect(rows[0].number).toBeGreaterThan(50);

    await plugin.close?.();
    await client.query(`DROP TABLE signalbox.sums_by_day, signalbox.label_sums_by_hour, signalbox.label_sums_by_day;
      DROP FUNCTION signalbox.labels, signalbox.fresh_entries; 
      ALTER TABLE signalbox.sums_by_hour DROP COLUMN cache_hits;
      ALTER TABLE signalbox.entry_corrections DROP COLUMN cache_hit;
      DELETE FROM signalbox.migrations WHERE version >= 5`);
    plugin = await opened({ url, pool: 2 });
    expect(await reports(plugin.entryStore)).toEqual(fromEntries);
    await plugin.entryStore.append([entryOf({ at: "2026-11-05T05:00:00Z", billed: 1n, scopes: scopes({ tag: "a" }) })]);
    await plugin.maintain();
    const [tag] = await plugin.entryStore.report({ groupBy: [], scope: { kind: "tag", id: "a" } });
    expect(tag?.requests).toBe(801);
  } finally {
    await plugin.close?.();
    await client.end();
    await database.drop();
  }
});
