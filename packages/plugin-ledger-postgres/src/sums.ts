import { setTimeout as sleep } from "node:timers/promises";
import { SUMMED } from "./corrections.ts";
import type { Database } from "./database.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;
/** The first transaction id that is not given away yet. */
const NEWEST = "pg_snapshot_xmax(pg_current_snapshot())";
/** How long somebody else is waited for before another look. */
const LOOK_MS = 50;
/** How long an open transaction, or somebody else, is waited for. */
const PATIENCE_MS = 300_000;
/** Added up in one transaction: few enough for its time, also after hours in which nobody did. */
const MOST_ENTRIES = 50_000;

const TOTALS = `sum(sign * billed) AS billed, sum(sign) AS requests, sum(sign * failed::int) AS failures,
  sum(sign * (cache_hit IS TRUE)::int) AS cache_hits,
  sum(sign * input_tokens) AS input_tokens, sum(sign * output_tokens) AS output_tokens,
  sum(sign * cache_read_tokens) AS cache_read_tokens, sum(sign * cache_write_tokens) AS cache_write_tokens,
  sum(sign * coalesce(cache_savings, 0)) AS cache_savings`;
const TOTAL_NAMES =
  "billed, requests, failures, cache_hits, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_savings";
const WORK = "operation, model, deployment, provider";
const NAMES = "operation, model, deployment, provider, organization, team, user_id, key_id";

const LABELS = ["tag", "customer"] as const;
/** Whether a scope's key is JSON that jsonb can hold, as the function `labels` has it. */
const PLAIN = "right(key, 1) = ']' AND key !~ '\\\\u(0000|d[89a-f])'";

/** Entries without a scope of a kind: an id has no bare quotation mark, so that nothing else can look like one. */
function without(kind: string): string {
  return `array_to_string(scope_keys, ' ') !~ '\\["${kind}","([^"\\\\]|\\\\.)*("\\]| sha256:)'`;
}

/**
 * Sums of entries, kept up to a watermark: a transaction id below which nothing can appear any more. Who reads adds
 * the entries above it, so that sums are exact at any moment.
 */
export class Sums {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Adds what was written since, as far as no transaction is open that may still write before it, and so much at once as
   * takes seconds. False: nothing is left, or somebody else is at it.
   */
  async refresh(): Promise<boolean> {
    const { schema } = this.#database;
    return await this.#database.long(async (session) => {
      const [lock] = await session.query<{ mine: boolean }>(
        "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS mine",
        [`signalbox sums of ${schema}`],
      );
      if (lock?.mine !== true) return false;
      const [mark] = await session.query<{ low: string; high: string; reset: boolean }>(
        `SELECT tx::text AS low, pg_snapshot_xmin(pg_current_snapshot())::text AS high, tx > ${NEWEST} AS reset
          FROM ${schema}.watermark`,
      );
      if (mark === undefined) return false;
      if (mark.reset) {
        await this.#reset(session);
        return true;
      }
      if (mark.low === mark.high) return false;
      const [cut] = await session.query<{ most: string | null; next: string | null }>(
        `SELECT (SELECT e.tx::text FROM ${schema}.entries AS e WHERE e.tx >= $1::xid8 AND e.tx < $2::xid8
            ORDER BY e.tx OFFSET ${MOST_ENTRIES} LIMIT 1) AS most,
          (SELECT e.tx::text FROM ${schema}.entries AS e WHERE e.tx > $1::xid8 AND e.tx < $2::xid8
            ORDER BY e.tx LIMIT 1) AS next`,
        [mark.low, mark.high],
      );
      // what one transaction wrote is added at once, however much it is
      const end = (cut?.most === mark.low ? cut.next : cut?.most) ?? mark.high;
      await session.query(statement(schema), [mark.low, end]);
      return end !== mark.high;
    });
  }

  /** Adds everything that was written before it was called, and waits for whoever else is at it. */
  async complete(): Promise<void> {
    const { schema } = this.#database;
    const until = performance.now() + PATIENCE_MS;
    const [newest] = await this.#database.query<{ tx: string }>(`SELECT ${NEWEST}::text AS tx`);
    for (;;) {
      const more = await this.refresh();
      const [mark] = await this.#database.query<{ done: boolean }>(
        // an id beyond those of this server: the tables came from another one
        `SELECT tx >= $1::xid8 AND tx <= ${NEWEST} AS done FROM ${schema}.watermark`,
        [newest?.tx],
      );
      if (mark?.done === true) return;
      if (more) continue;
      if (performance.now() > until)
        throw this.#database.error(new Error("a transaction stays open: sums wait for it"));
      await sleep(LOOK_MS);
    }
  }

  /** The tables came from another server by a dump: its transaction ids mean nothing here. */
  async #reset(session: { query(text: string): Promise<unknown> }): Promise<void> {
    const { schema } = this.#database;
    await session.query(`TRUNCATE ${schema}.sums_by_hour, ${schema}.sums_by_day, ${schema}.sums_by_scope,
      ${schema}.sums_by_line, ${schema}.label_sums_by_hour, ${schema}.label_sums_by_day, ${schema}.entry_corrections`);
    await session.query(`UPDATE ${schema}.entries SET tx = pg_current_xact_id()`);
    await session.query(`UPDATE ${schema}.watermark SET tx = '0'`);
  }
}

function statement(schema: string): string {
  const within = "tx >= $1::xid8 AND tx < $2::xid8";
  const hour = `started_at - mod(started_at, ${HOUR_MS})`;
  const day = `floor(hour / ${DAY_MS}.0)::bigint * ${DAY_MS}`;
  const names = NAMES.split(", ").map((name) => `coalesce(${name}, '')`);
  const named = NAMES.split(", ").map((name) => `coalesce(${name}, '') AS ${name}`);
  const added = TOTAL_NAMES.replaceAll(/\w+/g, "sum($&)");
  const summed = TOTAL_NAMES.replaceAll(/\w+/g, "sum($&) AS $&");
  const add = (table: string, columns: string): string =>
    columns
      .split(", ")
      .map((column) => `${column} = ${table}.${column} + excluded.${column}`)
      .join(", ");
  return `WITH changed AS MATERIALIZED (
      SELECT 1 AS sign, error_code IS NOT NULL AS failed, ${SUMMED} FROM ${schema}.entries WHERE ${within}
      UNION ALL SELECT sign, failed, ${SUMMED} FROM ${schema}.entry_corrections WHERE ${within}
    ), groups AS MATERIALIZED (
      -- what has all its scopes in common is much, and is taken apart once
      SELECT ${hour} AS hour, ${named.join(", ")}, scope_keys, ${TOTALS}
      FROM changed GROUP BY ${hour}, ${names.join(", ")}, scope_keys
    ), hours AS MATERIALIZED (
      SELECT hour, ${NAMES}, md5(jsonb_build_array(${NAMES})::text) AS digest, ${summed}
      FROM groups GROUP BY hour, ${NAMES}
    ), by_hour AS (
      INSERT INTO ${schema}.sums_by_hour AS sums (hour, ${NAMES}, digest, ${TOTAL_NAMES})
      SELECT hour, ${NAMES}, digest, ${TOTAL_NAMES} FROM hours
      ON CONFLICT (hour, digest) DO UPDATE SET ${add("sums", TOTAL_NAMES)}
    ), by_day AS (
      INSERT INTO ${schema}.sums_by_day AS sums (day, ${NAMES}, digest, ${TOTAL_NAMES})
      SELECT ${day}, ${NAMES}, digest, ${added} FROM hours GROUP BY ${day}, ${NAMES}, digest
      ON CONFLICT (day, digest) DO UPDATE SET ${add("sums", TOTAL_NAMES)}
    ), labelled AS MATERIALIZED (
      SELECT kind, label, hour, ${WORK}, md5(jsonb_build_array(label, ${WORK})::text) AS digest, ${summed}
      FROM (
        SELECT CASE WHEN starts_with(key, '["tag",') THEN 'tag' ELSE 'customer' END AS kind,
          CASE WHEN plain THEN key::jsonb ->> 1 ELSE key END AS label, groups.*
        FROM groups, unnest(scope_keys) AS key, LATERAL (SELECT ${PLAIN} AS plain) AS looked
        WHERE (starts_with(key, '["tag",') OR starts_with(key, '["customer",'))
          AND (NOT plain OR key::jsonb -> 2 IS NULL)
        ${LABELS.map((kind) => `UNION ALL SELECT '${kind}', '', groups.* FROM groups WHERE ${without(kind)}`).join(" ")}
      ) AS entry GROUP BY kind, label, hour, ${WORK}
    ), labels_by_hour AS (
      INSERT INTO ${schema}.label_sums_by_hour AS sums (kind, label, hour, ${WORK}, digest, ${TOTAL_NAMES})
      SELECT kind, label, hour, ${WORK}, digest, ${TOTAL_NAMES} FROM labelled
      ON CONFLICT (kind, hour, digest) DO UPDATE SET ${add("sums", TOTAL_NAMES)}
    ), labels_by_day AS (
      INSERT INTO ${schema}.label_sums_by_day AS sums (kind, label, day, ${WORK}, digest, ${TOTAL_NAMES})
      SELECT kind, label, ${day}, ${WORK}, digest, ${added} FROM labelled GROUP BY kind, label, ${day}, ${WORK}, digest
      ON CONFLICT (kind, label, day, digest) DO UPDATE SET ${add("sums", TOTAL_NAMES)}
    ), by_scope AS (
      INSERT INTO ${schema}.sums_by_scope AS sums (scope, hour, billed, requests)
      SELECT key, hour, sum(billed), sum(requests) FROM groups, unnest(scope_keys || ''::text) AS key
      GROUP BY key, hour ON CONFLICT (scope, hour) DO UPDATE SET ${add("sums", "billed, requests")}
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
