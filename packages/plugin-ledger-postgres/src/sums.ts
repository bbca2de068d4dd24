import { SUMMED } from "./corrections.ts";
import type { Database } from "./database.ts";

export const HOUR_MS = 3_600_000;

const TOTALS = `sum(sign * billed) AS billed, sum(sign) AS requests, sum(sign * failed::int) AS failures,
  sum(sign * input_tokens) AS input_tokens, sum(sign * output_tokens) AS output_tokens,
  sum(sign * cache_read_tokens) AS cache_read_tokens, sum(sign * cache_write_tokens) AS cache_write_tokens`;
const TOTAL_NAMES = "billed, requests, failures, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens";
const NAMES = "operation, model, deployment, provider, organization, team, user_id, key_id";

/**
 * Sums of entries, kept up to a watermark: a transaction id below which nothing can appear any more. Who reads adds
 * the entries above it, so that sums are exact at any moment.
 */
export class Sums {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Adds what was written since. False: somebody else is at it. */
  async refresh(): Promise<boolean> {
    const { schema } = this.#database;
    return await this.#database.long(async (session) => {
      const [lock] = await session.query<{ mine: boolean }>(
        "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS mine",
        [`signalbox sums of ${schema}`],
      );
      if (lock?.mine !== true) return false;
      const [mark] = await session.query<{ low: string; high: string; reset: boolean }>(
        `SELECT tx::text AS low, pg_snapshot_xmin(pg_current_snapshot())::text AS high,
          tx > pg_snapshot_xmax(pg_current_snapshot()) AS reset FROM ${schema}.watermark`,
      );
      if (mark === undefined) return false;
      if (mark.reset) await this.#reset(session);
      else if (mark.low !== mark.high) await session.query(statement(schema), [mark.low, mark.high]);
      return true;
    });
  }

  /** The tables came from another server by a dump: its transaction ids mean nothing here. */
  async #reset(session: { query(text: string): Promise<unknown> }): Promise<void> {
    const { schema } = this.#database;
    await session.query(`TRUNCATE ${schema}.sums_by_hour, ${schema}.sums_by_scope, ${schema}.sums_by_line,
      ${schema}.entry_corrections`);
    await session.query(`UPDATE ${schema}.entries SET tx = pg_current_xact_id()`);
    await session.query(`UPDATE ${schema}.watermark SET tx = '0'`);
  }
}

function statement(schema: string): string {
  const within = "tx >= $1::xid8 AND tx < $2::xid8";
  const hour = `started_at - mod(started_at, ${HOUR_MS})`;
  const names = NAMES.split(", ").map((name) => `coalesce(${name}, '')`);
  const add = (table: string, columns: string): string =>
    columns
      .split(", ")
      .map((column) => `${column} = ${table}.${column} + excluded.${column}`)
      .join(", ");
  return `WITH changed AS MATERIALIZED (
      SELECT 1 AS sign, error_code IS NOT NULL AS failed, ${SUMMED} FROM ${schema}.entries WHERE ${within}
      UNION ALL SELECT sign, failed, ${SUMMED} FROM ${schema}.entry_corrections WHERE ${within}
    ), by_hour AS (
      INSERT INTO ${schema}.sums_by_hour AS sums (hour, ${NAMES}, digest, ${TOTAL_NAMES})
      SELECT ${hour}, ${names.join(", ")}, md5(jsonb_build_array(${names.join(", ")})::text), ${TOTALS}
      FROM changed GROUP BY ${hour}, ${names.join(", ")}
      ON CONFLICT (hour, digest) DO UPDATE SET ${add("sums", TOTAL_NAMES)}
    ), by_scope AS (
      INSERT INTO ${schema}.sums_by_scope AS sums (scope, hour, billed, requests)
      SELECT key, ${hour}, sum(sign * billed), sum(sign) FROM changed, unnest(scope_keys || ''::text) AS key
      GROUP BY key, ${hour} ON CONFLICT (scope, hour) DO UPDATE SET ${add("sums", "billed, requests")}
    ), by_line AS (
      INSERT INTO ${schema}.sums_by_line AS sums (line, billed, requests)
      SELECT key, sum(sign * billed), sum(sign) FROM changed, unnest(line_keys) AS key
      GROUP BY key ON CONFLICT (line) DO UPDATE SET ${add("sums", "billed, requests")}
    ), gone AS (
      DELETE FROM ${schema}.entry_corrections WHERE tx < $2::xid8
    )
    UPDATE ${schema}.watermark SET tx = $2::xid8`;
}

/** A time as the parts that sums by hour cover, and those that they do not. */
export interface Span {
  /** Whole hours: epoch milliseconds, from inclusive, to exclusive. */
  readonly hours: readonly [from: number, to: number];
  /** What is left of hours at both ends. */
  readonly edges: readonly (readonly [from: number, to: number])[];
}

const EVER = 8_640_000_000_000_000;
/** Hours begin at multiples of an hour, also those before 1970. */
const BEGINNING = Math.ceil(-EVER / HOUR_MS) * HOUR_MS;
const END = Math.floor(EVER / HOUR_MS) * HOUR_MS;

export function spanOf({ from, to }: { readonly from?: number; readonly to?: number }): Span {
  const start = from === undefined ? BEGINNING : Math.max(BEGINNING, Math.ceil(from));
  const end = to === undefined ? END : Math.min(END, Math.ceil(to));
  const first = Math.ceil(start / HOUR_MS) * HOUR_MS;
  const last = Math.floor(end / HOUR_MS) * HOUR_MS;
  if (first >= last) return { hours: [first, first], edges: start < end ? [[start, end]] : [] };
  const edges = [
    [start, first],
    [last, end],
  ] as const;
  return { hours: [first, last], edges: edges.filter(([low, high]) => low < high) };
}
