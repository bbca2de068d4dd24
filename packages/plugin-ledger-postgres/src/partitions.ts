import type { Database } from "./database.ts";
import { codeOf } from "./database-errors.ts";

/** Made before they are needed: a month's first entry does not wait for its table. */
const AHEAD = 2;

/** The tables of the months that entries are kept in. */
export class Partitions {
  readonly #database: Database;
  readonly #known = new Set<number>([0]);

  constructor(database: Database) {
    this.#database = database;
  }

  /** Makes what is missing of these months (`202611`). */
  async ensure(months: Iterable<number>): Promise<void> {
    const missing = [...new Set(months)].filter((month) => !this.#known.has(month));
    if (missing.length === 0) return;
    const { schema } = this.#database;
    await this.#database.long(async (session) => {
      await session.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [
        `signalbox partitions of ${schema}`,
      ]);
      for (const month of missing) {
        const name = `${schema}.entries_${month}`;
        const [row] = await session.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [name]);
        if (row?.there === true) continue;
        // Attaching does not stand in the way of writers to other months, as a partition made in one step would.
        await session.query(`CREATE TABLE ${name} (LIKE ${schema}.entries INCLUDING ALL)`);
        await session.query(`ALTER TABLE ${schema}.entries ATTACH PARTITION ${name} FOR VALUES IN (${month})`);
      }
    });
    for (const month of missing) this.#known.add(month);
  }

  ensureAhead(now: number = Date.now()): Promise<void> {
    return this.ensure(Array.from({ length: AHEAD + 1 }, (_, offset) => monthAfter(now, offset)));
  }

  /** Somebody else may have dropped a month. */
  forget(): void {
    this.#known.clear();
    this.#known.add(0);
  }

  /** Drops the months before the last `keep` ones, the current one included. Answers them. */
  async drop(keep: number, now: number = Date.now()): Promise<readonly number[]> {
    const first = monthAfter(now, 1 - keep);
    const { schema } = this.#database;
    const dropped: number[] = [];
    const rows = await this.#database.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass($1) ORDER BY 1`,
      [`${schema}.entries`],
    );
    for (const { name } of rows) {
      const month = Number(/^entries_(\d{6})$/.exec(name)?.[1] ?? Number.POSITIVE_INFINITY);
      if (month >= first) continue;
      try {
        await this.#database.long(async (session) => {
          // Whoever queued up behind a waiting drop would wait with it.
          await session.query("SET LOCAL lock_timeout = '2s'");
          await session.query(`LOCK TABLE ${schema}.${name} IN ACCESS EXCLUSIVE MODE`);
          // What no sum holds yet would be lost with its table.
          const unsummed = `SELECT 1 FROM ${schema}.${name} WHERE tx >= (SELECT tx FROM ${schema}.watermark) LIMIT 1`;
          if ((await session.query(unsummed)).length > 0) return;
          await session.query(`DROP TABLE ${schema}.${name}`);
          dropped.push(month);
        });
      } catch (error) {
        if (codeOf(error) !== "55P03") throw error; // in use: at the next occasion
      }
      this.#known.delete(month);
    }
    return dropped;
  }
}

function monthAfter(now: number, months: number): number {
  const date = new Date(now);
  const first = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1));
  return first.getUTCFullYear() * 100 + first.getUTCMonth() + 1;
}
