import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Entry, ReservationStore, StoredRecord } from "@signalbox/kernel";
import { IdSource } from "@signalbox/kernel";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase } from "../services/index.ts";
import { opened, ownSchema } from "./opened.ts";

const ids = new IdSource();
const team = { kind: "team", id: "red" };
let database: OwnDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url, application_name: "the test" });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

function entry(change: Partial<Entry> = {}, now: number = Date.now()): Entry {
  const callId = ids.next(now);
  return {
    id: `${callId}/1`,
    callId,
    attempt: 1,
    operation: "chat",
    model: "m",
    deployment: "d",
    provider: "p",
    scopes: [team],
    usage: { inputTokens: 10, outputTokens: 5 },
    cost: 7n,
    billed: 7n,
    status: "final",
    startedAt: now,
    endedAt: now,
    ...change,
  };
}

async function cut(): Promise<void> {
  await client.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'signalbox%'",
  );
}

describe("a ledger in PostgreSQL", () => {
  it("sets itself up once, when eight processes start at once", async () => {
    const schema = ownSchema();
    const plugins = await Promise.all(
      Array.from({ length: 8 }, () => opened({ url: database.url, schema, pool: 2, reservations: true })),
    );
    const { rows } = await client.query(`SELECT version FROM ${schema}.migrations ORDER BY version`);
    expect(rows).toEqual([
      { version: 1 },
      { version: 2 },
      { version: 3 },
      { version: 4 },
      { version: 5 },
      { version: 6 },
      { version: 7 },
      { version: 8 },
      { version: 9 },
    ]);
    await client.query(`INSERT INTO ${schema}.migrations (version) VALUES (99)`);
    await expect(opened({ url: database.url, schema })).rejects.toThrow("of version 99, newer than this program's 9");
    for (const plugin of plugins) await plugin.close?.();
  });

  it("inserts nothing of a replay of 5,000 entries", async () => {
    const plugin = await opened({ url: database.url, schema: ownSchema() });
    const entries = Array.from({ length: 5_000 }, () => entry());
    await plugin.entryStore.append(entries);
    await plugin.maintain();
    await plugin.entryStore.append(entries);
    expect(await plugin.entryStore.spent({})).toEqual({ billed: 35_000n, pending: 0n, entries: 5_000 });
    await plugin.close?.();
  });

  it("writes each entry once while its connections are cut", async () => {
    const plugin = await opened({ url: database.url, schema: ownSchema(), pool: 4 });
    let writing = true;
    const cutting = (async () => {
      while (writing) {
        await cut();
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
    })();
    const batches = Array.from({ length: 20 }, () => Array.from({ length: 100 }, () => entry()));
    await Promise.all(
      batches.map(async (batch) => {
        // As a spool does it: until it is in.
        for (;;) {
          try {
            return await plugin.entryStore.append(batch);
          } catch (error) {
            expect(error).toMatchObject({ code: "ledger_unavailable" });
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
        }
      }),
    ).finally(() => {
      writing = false;
    });
    await cutting;
    await expect.poll(() => plugin.maintain().then(() => "done", String), { timeout: 5_000 }).toBe("done");
    expect(await plugin.entryStore.spent({ scope: team })).toEqual({ billed: 14_000n, pending: 0n, entries: 2_000 });
    await plugin.close?.();
  });

  it("settles crossing lines by many at once", async () => {
    const plugin = await opened({ url: database.url, schema: ownSchema(), reservations: true });
    const store = plugin.reservationStore as ReservationStore;
    const lines = ["a", "b", "c"].map((id) => ({ scope: { kind: "key", id }, period: "all", limit: 1_000n }));
    await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const mine = index % 2 === 0 ? lines : lines.toReversed();
        await store.reserve({ id: `${index}/1`, estimate: 10n, lines: mine }, 60_000);
        await store.settle([{ id: `${index}/1`, actual: 5n, status: "final", lines: mine }]);
      }),
    );
    for (const line of lines) expect(await store.balance(line)).toEqual({ posted: 300n, pending: 0n });
    await plugin.close?.();
  });

  it("says that changes may have been missed when the connection for news was cut", async () => {
    const plugin = await opened({ url: database.url, schema: ownSchema() });
    const records = await plugin.recordStore.open<StoredRecord>({ name: "keys", indexes: [] });
    const told: string[] = [];
    records.watch((id) => void told.push(id));
    await cut();
    await expect.poll(() => told.filter((id) => id === "*").length, { timeout: 5_000 }).toBeGreaterThanOrEqual(2);
    await plugin.close?.();
  });

  it("answers finance, and drops months that may go", async () => {
    const schema = ownSchema();
    const plugin = await opened({ url: database.url, schema, retentionMonths: 2 });
    await plugin.entryStore.append([entry({ billed: 1_500_000_000n }), entry({}, Date.UTC(2024, 4, 5))]);
    const question = `SELECT team, SUM(cost_usd)::float AS usd FROM ${schema}.spend_logs GROUP BY team`;
    expect((await client.query(question)).rows).toEqual([{ team: "red", usd: 1.500000007 }]);
    await plugin.maintain();
    expect((await client.query(question)).rows).toEqual([{ team: "red", usd: 1.5 }]);
    expect((await plugin.entryStore.spent({ scope: team })).entries).toBe(2);
    await plugin.close?.();
  });
});
