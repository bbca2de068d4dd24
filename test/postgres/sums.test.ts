import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Entry } from "@signalbox/kernel";
import { IdSource } from "@signalbox/kernel";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase } from "../services/index.ts";
import { opened, ownSchema } from "./opened.ts";

const team = { kind: "team", id: "red" };
const ids = new IdSource();
let database: OwnDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database.drop();
});

function entries(number: number): readonly Entry[] {
  const now = Date.now();
  return Array.from({ length: number }, () => {
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
      lines: [{ scope: team, period: "all" }],
      usage: { inputTokens: 1, outputTokens: 1 },
      cost: 1n,
      billed: 1n,
      status: "final",
      startedAt: now,
      endedAt: now,
    };
  });
}

async function numberOf(text: string): Promise<number> {
  const { rows } = await client.query<{ number: string }>(
    `SELECT coalesce(sum(number), 0) AS number FROM (${text}) AS x`,
  );
  return Number(rows[0]?.number);
}

const fresh = (schema: string): Promise<number> => numberOf(`SELECT count(*) AS number FROM ${schema}.fresh_entries()`);

describe("sums in PostgreSQL", () => {
  it("are complete when maintenance has ended, also if somebody else was at them", async () => {
    const schema = ownSchema();
    const plugin = await opened({ url: database.url, schema, pool: 2 });
    const lock = ["SELECT pg_advisory_lock(hashtextextended($1, 0))", [`signalbox sums of "${schema}"`]] as const;
    await client.query(lock[0], [...lock[1]]);
    await plugin.entryStore.append(entries(10));
    let ended = false;
    const maintained = plugin.maintain().then(() => {
      ended = true;
    });
    await sleep(300);
    expect(ended).toBe(false);
    expect(await fresh(schema)).toBe(10);
    await client.query("SELECT pg_advisory_unlock_all()");
    await maintained;
    expect(await fresh(schema)).toBe(0);
    expect(await numberOf(`SELECT requests AS number FROM ${schema}.sums_by_day`)).toBe(10);
    await plugin.close?.();
  });

  it("wait for a transaction that has written and is still open", async () => {
    const schema = ownSchema();
    const plugin = await opened({ url: database.url, schema, pool: 2 });
    await plugin.entryStore.append(entries(3));
    await client.query("BEGIN");
    await client.query(`INSERT INTO ${schema}.entries
      SELECT (jsonb_populate_record(e, jsonb_build_object('id', id || 'x', 'tx', pg_current_xact_id()::text))).*
      FROM ${schema}.entries AS e`);
    const maintained = plugin.maintain();
    await sleep(200);
    await client.query("COMMIT");
    await maintained;
    await plugin.maintain();
    expect(await fresh(schema)).toBe(0);
    expect((await plugin.entryStore.spent({ scope: team })).entries).toBe(6);
    await plugin.close?.();
  });

  it("catch up with any number of entries, and with any number of one transaction", async () => {
    const schema = ownSchema();
    const plugin = await opened({ url: database.url, schema, pool: 2 });
    await plugin.entryStore.append(entries(1_000));
    for (const clones of [60, 20, 5]) {
      await client.query(
        `INSERT INTO ${schema}.entries
          SELECT (jsonb_populate_record(e, jsonb_build_object('id', concat(id, '-', $1::int, '-', clone),
            'tx', pg_current_xact_id()::text))).*
          FROM ${schema}.entries AS e, generate_series(1, $1::int) AS clone WHERE id LIKE '%/1'`,
        [clones],
      );
    }
    const spend = { billed: 86_000n, pending: 0n, entries: 86_000 };
    expect(await plugin.entryStore.spent({ scope: team })).toEqual(spend);
    await plugin.maintain();
    expect(await fresh(schema)).toBe(0);
    expect(await plugin.entryStore.spent({ scope: team })).toEqual(spend);
    expect(await plugin.entryStore.spent({ scope: team, period: "all" })).toEqual(spend);
    expect(await numberOf(`SELECT requests AS number FROM ${schema}.sums_by_hour`)).toBe(86_000);
    expect(await numberOf(`SELECT requests AS number FROM ${schema}.sums_by_line WHERE starts_with(line, '"')`)).toBe(
      86_000,
    );
    await plugin.close?.();
  }, 60_000);
});
