import type { Entry, NanoUsd } from "@signalbox/kernel";
import type { Database } from "../database/database.ts";
import { cacheWriteTokens, lineText, scopesText, scopeText, whole } from "./entry-row.ts";

/** What every time zone's days are aligned to. */
export const QUARTER_MS = 900_000;
/** A day of UTC. */
export const DAY_MS = 86_400_000;

/** More groups than this are looked up again. */
const MOST_GROUPS = 100_000;

interface Sums {
  readonly bucket: number;
  readonly group: number;
  billed: NanoUsd;
  requests: number;
  failures: number;
  hits: number;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  saved: NanoUsd;
}

const UPSERT = (table: string): string => `
INSERT INTO ${table} (bucket, group_id, billed, requests, failures, cache_hits, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_savings)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
  billed = billed + excluded.billed, requests = requests + excluded.requests, failures = failures + excluded.failures,
  cache_hits = cache_hits + excluded.cache_hits,
  input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
  cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
  cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
  cache_savings = cache_savings + excluded.cache_savings`;

const UPSERT_LINE = `
INSERT INTO sums_by_line (line, billed, requests) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET billed = billed + excluded.billed, requests = requests + excluded.requests`;

/** Adds up what a transaction writes, and writes the sums with it. */
export class EntrySums {
  readonly #database: Database;
  /** Scopes → operation, model … → id. */
  readonly #groups = new Map<string, Map<string, number>>();
  #known = 0;
  readonly #quarters = new Map<string, Sums>();
  readonly #lines = new Map<string, { billed: NanoUsd; requests: number }>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** `times`: 1 for an entry that comes, -1 for one that is replaced. */
  add(entry: Entry, scopes: string, times: 1 | -1): void {
    const sums = this.#quarter(Math.floor(entry.startedAt / QUARTER_MS), this.#group(entry, scopes));
    const { usage, billed } = entry;
    const change = times === 1 ? billed : -billed;
    sums.billed += change;
    sums.requests += times;
    if (entry.errorCode !== undefined) sums.failures += times;
    if (entry.cacheHit === true) sums.hits += times;
    sums.input += times * whole(usage.inputTokens);
    sums.output += times * whole(usage.outputTokens);
    sums.cacheRead += times * whole(usage.cacheReadTokens);
    sums.cacheWrite += times * cacheWriteTokens(usage);
    if (entry.cacheSavings !== undefined) sums.saved += BigInt(times) * entry.cacheSavings;
    for (const key of new Set(entry.lines?.map(({ scope, period }) => lineText(scope, period)))) {
      const line = this.#lines.get(key) ?? { billed: 0n, requests: 0 };
      this.#lines.set(key, line);
      line.billed += change;
      line.requests += times;
    }
  }

  /** Writes what was added, inside the transaction of its entries. */
  flush(): void {
    const quarter = this.#database.statement(UPSERT("sums_by_quarter"));
    for (const one of this.#quarters.values()) run(quarter, one.bucket, one);
    const day = this.#database.statement(UPSERT("sums_by_day"));
    for (const one of byDay(this.#quarters.values())) run(day, one.bucket, one);
    const line = this.#database.statement(UPSERT_LINE);
    for (const [key, { billed, requests }] of this.#lines) line.run(key, billed, requests);
    this.#clear();
  }

  /** Forgets what was added, and the groups made for it: the transaction may not have happened. */
  discard(): void {
    this.#clear();
    this.#groups.clear();
    this.#known = 0;
  }

  #clear(): void {
    this.#quarters.clear();
    this.#lines.clear();
  }

  #quarter(bucket: number, group: number): Sums {
    const key = `${bucket} ${group}`;
    let sums = this.#quarters.get(key);
    if (sums === undefined) {
      sums = {
        bucket,
        group,
        billed: 0n,
        requests: 0,
        failures: 0,
        hits: 0,
        input: 0,
        output: 0,
        cacheRead: 0,
        cacheWrite: 0,
        saved: 0n,
      };
      this.#quarters.set(key, sums);
    }
    return sums;
  }

  #group({ operation, model, deployment, provider, scopes }: Entry, text: string): number {
    const lasting = scopes.some(({ kind }) => kind === "session")
      ? scopesText(scopes.filter(({ kind }) => kind !== "session"))
      : text;
    const rest = JSON.stringify([operation, model, deployment, provider]);
    let known = this.#groups.get(lasting);
    const id = known?.get(rest);
    if (id !== undefined) return id;
    if (this.#known >= MOST_GROUPS) {
      this.#groups.clear();
      this.#known = 0;
      known = undefined;
    }
    const made = this.#database
      .statement(
        `INSERT INTO entry_groups (scopes, operation, model, deployment, provider) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET operation = operation RETURNING group_id`,
      )
      .get(lasting, operation, model, deployment, provider) as { readonly group_id: number };
    const add = this.#database.statement("INSERT OR IGNORE INTO group_scopes (scope, group_id) VALUES (?, ?)");
    for (const scope of scopes) if (scope.kind !== "session") add.run(scopeText(scope), made.group_id);
    known ??= new Map<string, number>();
    known.set(rest, made.group_id);
    this.#groups.set(lasting, known);
    this.#known++;
    return made.group_id;
  }
}

function run(statement: ReturnType<Database["statement"]>, bucket: number, one: Sums): void {
  const { group, billed, requests, failures, hits, input, output, cacheRead, cacheWrite, saved } = one;
  statement.run(bucket, group, billed, requests, failures, hits, input, output, cacheRead, cacheWrite, saved);
}

function byDay(quarters: Iterable<Sums>): Iterable<Sums> {
  const days = new Map<string, Sums>();
  for (const one of quarters) {
    const bucket = Math.floor((one.bucket * QUARTER_MS) / DAY_MS);
    const key = `${bucket} ${one.group}`;
    const day = days.get(key);
    if (day === undefined) {
      days.set(key, { ...one, bucket });
      continue;
    }
    day.billed += one.billed;
    day.requests += one.requests;
    day.failures += one.failures;
    day.hits += one.hits;
    day.input += one.input;
    day.output += one.output;
    day.cacheRead += one.cacheRead;
    day.cacheWrite += one.cacheWrite;
    day.saved += one.saved;
  }
  return days.values();
}
