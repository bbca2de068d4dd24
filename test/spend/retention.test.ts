import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { IdSource } from "@signalbox/kernel";
import { sqliteLedger } from "@signalbox/plugin-ledger-sqlite";
import { opened } from "../postgres/opened.ts";
import { createDatabase } from "../services/index.ts";
import { entryOf, scopes } from "./spend-gateway.ts";

const DAY_MS = 86_400_000;
const ids = new IdSource();

/** What a team has spent in an attempt so many days ago. */
function old(days: number, team: string, billed: bigint) {
  const startedAt = Date.now() - days * DAY_MS;
  const callId = ids.next(startedAt);
  return entryOf({
    id: `${callId}/1`,
    callId,
    at: new Date(startedAt).toISOString(),
    billed,
    scopes: scopes({ team, tag: "t" }),
  });
}

const FINANCE = "SELECT team, SUM(cost_usd) AS usd FROM spend_logs GROUP BY team ORDER BY team";

describe("entries that are older than they are to be kept", () => {
  it("go from SQLite, and reports about them stay", async () => {
    const folder = mkdtempSync(join(tmpdir(), "signalbox-retention-"));
    const file = join(folder, "ledger.db");
    const first = sqliteLedger({ file });
    await first.setup?.(undefined as never);
    await first.entryStore.append([old(100, "red", 1_000_000_000n), old(1, "red", 2_500_000_000n), old(2, "blue", 7n)]);
    await first.close?.();
    const second = sqliteLedger({ file, retentionDays: 30 });
    await second.setup?.(undefined as never);
    try {
      await expect.poll(async () => (await second.entryStore.list({})).length).toBe(2);
      const rows = await second.entryStore.report({ groupBy: ["team"] });
      expect(Object.fromEntries(rows.map(({ group, billed }) => [group["team"], billed]))).toEqual({
        red: 3_500_000_000n,
        blue: 7n,
      });
      expect(await second.entryStore.count({}, 100)).toBe(2);
      expect(await second.entryStore.count({ scope: { kind: "team", id: "red" } }, 100)).toBe(1);
      expect(await second.entryStore.list({ scope: { kind: "team", id: "red" }, limit: 5 })).toHaveLength(1);
      const client = new DatabaseSync(file, { readOnly: true });
      expect(
        client
          .prepare(FINANCE)
          .all()
          .map((row) => ({ ...row })),
      ).toEqual([
        { team: "blue", usd: 0.000000007 },
        { team: "red", usd: 2.5 },
      ]);
      client.close();
    } finally {
      await second.close?.();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("go from PostgreSQL by month, and reports about them stay", async () => {
    const database = await createDatabase();
    const plugin = await opened({ url: database.url, pool: 2, retentionMonths: 1 });
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await plugin.entryStore.append([
        old(100, "red", 1_000_000_000n),
        old(0, "red", 2_500_000_000n),
        old(0, "blue", 7n),
      ]);
      await plugin.maintain();
      expect(await plugin.entryStore.list({})).toHaveLength(2);
      for (const groupBy of [["team"], ["tag", "model"]]) {
        const rows = await plugin.entryStore.report({ groupBy });
        expect(
          rows.reduce((sum, { billed }) => sum + billed, 0n),
          groupBy.join(),
        ).toBe(3_500_000_007n);
      }
      const tags = await plugin.entryStore.report({ groupBy: ["day"], scope: { kind: "tag", id: "t" } });
      expect(tags).toHaveLength(2);
      expect(await plugin.entryStore.count({ scope: { kind: "team", id: "red" } }, 100)).toBe(1);
      const { rows } = await client.query(FINANCE);
      expect(rows.map(({ team, usd }) => [team, Number(usd)])).toEqual([
        ["blue", 0.000000007],
        ["red", 2.5],
      ]);
    } finally {
      await plugin.close?.();
      await client.end();
      await database.drop();
    }
  });
});
