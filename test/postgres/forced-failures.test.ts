import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BudgetLine, ReservationStore } from "@signalbox/kernel";
import type { OwnDatabase } from "../services/index.ts";
import { createDatabase } from "../services/index.ts";
import { newEntry, TEAM } from "./entries.ts";
import { LostAnswers } from "./lost-answers.ts";
import { opened, ownSchema } from "./opened.ts";

const line: BudgetLine = { scope: TEAM, period: "all", limit: 1_000n };
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

/** Runs before a new row with this id. */
async function inTheMiddle(schema: string, id: string, body: string): Promise<void> {
  await client.query(`CREATE SEQUENCE ${schema}.times`);
  await client.query(`
    CREATE FUNCTION ${schema}.in_the_middle() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.id = '${id}' THEN ${body} END IF;
      RETURN NEW;
    END $$`);
  await client.query(
    `CREATE TRIGGER in_the_middle BEFORE INSERT ON ${schema}.entries
      FOR EACH ROW EXECUTE FUNCTION ${schema}.in_the_middle()`,
  );
}

async function times(schema: string): Promise<number> {
  const { rows } = await client.query(`SELECT last_value::int * is_called::int AS times FROM ${schema}.times`);
  return rows[0].times;
}

describe("in the middle of a batch of entries", () => {
  it.each([
    ["a serialization failure", "40001"],
    ["a deadlock", "40P01"],
    ["a lock that is not to be had", "55P03"],
  ])("%s: each is written once", async (_name, state) => {
    const schema = ownSchema();
    const plugin = await opened({ url: database.url, schema });
    const entries = Array.from({ length: 500 }, () => newEntry());
    const failing = `IF nextval('${schema}.times') <= 3 THEN RAISE EXCEPTION 'not now' USING ERRCODE = '${state}'; END IF;`;
    await inTheMiddle(schema, entries[250]?.id ?? "", failing);
    await plugin.entryStore.append(entries);
    expect(await times(schema)).toBe(4);
    await plugin.maintain();
    const whole = { billed: 3_500n, pending: 0n, entries: 500 };
    expect(await plugin.entryStore.spent({ scope: TEAM })).toEqual(whole);
    await plugin.entryStore.append(entries);
    await plugin.maintain();
    expect(await plugin.entryStore.spent({ scope: TEAM, period: "all" })).toEqual(whole);
    await plugin.close?.();
  });

  it("two that wait for each other: one is told so, and tries again", { timeout: 20_000 }, async () => {
    const schema = ownSchema();
    const plugin = await opened({ url: database.url, schema });
    const entries = Array.from({ length: 100 }, () => newEntry());
    await inTheMiddle(
      schema,
      entries[50]?.id ?? "",
      `PERFORM nextval('${schema}.times'), pg_advisory_xact_lock(1), pg_advisory_xact_lock(2);`,
    );
    const other = new pg.Client({ connectionString: database.url, application_name: "the test" });
    await other.connect();
    // this one waits with patience, so that the other one is chosen
    await other.query("SET deadlock_timeout = '20s'");
    await other.query("BEGIN");
    await other.query("SELECT pg_advisory_xact_lock(2)");
    const written = plugin.entryStore.append(entries);
    await expect.poll(() => times(schema)).toBe(1);
    await other.query("SELECT pg_advisory_xact_lock(1)");
    await other.query("COMMIT");
    await other.end();
    await written;
    expect(await times(schema)).toBeGreaterThan(1);
    expect(await plugin.entryStore.spent({ scope: TEAM })).toEqual({ billed: 700n, pending: 0n, entries: 100 });
    await plugin.close?.();
  });

  it("a row that the server will never take keeps no other one out", async () => {
    const schema = ownSchema();
    const plugin = await opened({ url: database.url, schema });
    const entries = Array.from({ length: 100 }, () => newEntry());
    await inTheMiddle(schema, entries[50]?.id ?? "", "RAISE EXCEPTION 'never' USING ERRCODE = '23514';");
    await expect(plugin.entryStore.append(entries)).rejects.toMatchObject({ code: "invalid_request" });
    expect((await plugin.entryStore.spent({ scope: TEAM })).entries).toBe(99);
    await plugin.close?.();
  });
});

describe("when the answer to what was committed is lost", () => {
  it("entries are written once, and so is a correction", async () => {
    const proxy = await LostAnswers.before(database.url);
    const plugin = await opened({ url: proxy.url, schema: ownSchema(), pool: 2 });
    const entries = Array.from({ length: 200 }, () => newEntry({ status: "estimated", billed: 10n }));
    proxy.loseOne("ON CONFLICT (id, month)");
    await plugin.entryStore.append(entries);
    expect(proxy.lost).toBe(1);
    await plugin.maintain();
    expect(await plugin.entryStore.spent({ scope: TEAM })).toEqual({ billed: 2_000n, pending: 0n, entries: 200 });
    const ends = entries.map((each) => ({ ...each, status: "final" as const, billed: 4n }));
    for (const about of ["COMMIT", "entry_corrections"]) {
      proxy.loseOne(about);
      // as a spool does it: until it is in
      for (;;) {
        try {
          await plugin.entryStore.append(ends);
          break;
        } catch (error) {
          expect(error).toMatchObject({ code: "ledger_unavailable" });
        }
      }
    }
    await plugin.maintain();
    const whole = { billed: 800n, pending: 0n, entries: 200 };
    expect(await plugin.entryStore.spent({ scope: TEAM })).toEqual(whole);
    expect(await plugin.entryStore.spent({ scope: TEAM, period: "all" })).toEqual(whole);
    await plugin.close?.();
    proxy.close();
  });

  it("what was reserved, settled or corrected counts once", async () => {
    const proxy = await LostAnswers.before(database.url);
    const plugin = await opened({ url: proxy.url, schema: ownSchema(), pool: 2, reservations: true });
    const store = plugin.reservationStore as ReservationStore;
    proxy.loseOne(".reserve(");
    expect(await store.reserve({ id: "a/1", estimate: 600n, lines: [line] }, 60_000)).toEqual({ held: true });
    expect(await store.balance(line)).toEqual({ posted: 0n, pending: 600n });
    proxy.loseOne(".reserve(");
    expect(await store.reserve({ id: "b/1", estimate: 600n, lines: [line] }, 60_000)).toMatchObject({ held: false });
    proxy.loseOne(".settle(");
    await store.settle([{ id: "a/1", actual: 500n, status: "estimated", lines: [line] }]);
    proxy.loseOne(".settle(");
    await store.settle([{ id: "a/1", actual: 300n, status: "final", lines: [line] }]);
    expect(await store.balance(line)).toEqual({ posted: 300n, pending: 0n });
    proxy.loseOne("posted + $3");
    await store.correct(line, 300n, 50n).catch(() => false);
    // nobody knows whether it was done, so it is looked at again
    expect(await store.correct(line, 300n, 50n)).toBe(false);
    expect(await store.balance(line)).toEqual({ posted: 350n, pending: 0n });
    expect(proxy.lost).toBe(5);
    await plugin.close?.();
    proxy.close();
  });
});
