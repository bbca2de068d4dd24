import { setImmediate as breathe } from "node:timers/promises";
import type { Entry, EntryQuery } from "@signalbox/kernel";
import type { Database } from "../database/database.ts";
import { entryFilter, groupFilter, isOfGroups, piecesOf, sumFilter } from "./entry-filter.ts";
import type { EntryRow } from "./entry-row.ts";
import { readEntry } from "./entry-row.ts";
import { DAY_MS, QUARTER_MS } from "./entry-sums.ts";

const DEFAULT_PAGE = 100;
const QUARTERS_PER_DAY = DAY_MS / QUARTER_MS;

const SORTED: Readonly<Record<NonNullable<EntryQuery["sortBy"]>, string>> = {
  startedAt: "started_at",
  endedAt: "ended_at",
  billed: "billed",
  inputTokens: "input_tokens",
  outputTokens: "output_tokens",
};

/** A quarter of an hour in which there are, or were, entries that a query may find. */
interface Quarter {
  readonly bucket: number;
  readonly requests: number;
  readonly failures: number;
}

/** A row with what it is sorted by. */
type SortedRow = EntryRow & { readonly seq: bigint };

/** Finds entries a quarter of an hour at a time: sums tell where there are some, and calls are served meanwhile. */
export class EntryList {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async list(query: EntryQuery): Promise<readonly Entry[]> {
    const { limit = DEFAULT_PAGE, offset = 0, sortBy = "startedAt" } = query;
    if (limit <= 0) return [];
    if (isDirect(query)) return this.#read(query, limit, offset).map(readEntry);
    return sortBy === "startedAt"
      ? await this.#byTime(query, limit, offset)
      : await this.#sorted(query, sortBy, limit, offset);
  }

  async count(query: EntryQuery, most: number): Promise<number> {
    if (most <= 0) return 0;
    if (isDirect(query) && !isOfGroups(query)) return this.#countRows(query, most);
    const since = this.#sinceOldest(query);
    if (since === undefined) return 0;
    let count = 0;
    if (isOfGroups(since)) {
      const { entries, quarters, days } = piecesOf(since);
      for (const piece of entries) count += this.#countRows({ ...since, ...piece }, most);
      for (const [table, buckets] of [["sums_by_quarter", quarters] as const, ["sums_by_day", days] as const]) {
        for (const one of buckets) count += this.#countSums(table, since, one);
      }
      return Math.min(count, most);
    }
    for await (const { part } of this.#quarters(since, false)) {
      count += this.#countRows(part, most - count);
      if (count >= most) break;
    }
    return count;
  }

  async #byTime(query: EntryQuery, limit: number, offset: number): Promise<readonly Entry[]> {
    const found: Entry[] = [];
    const since = this.#sinceOldest(query);
    if (since === undefined) return found;
    let skip = offset;
    for await (const { part, certain } of this.#quarters(since, query.ascending === true)) {
      if (certain !== undefined && certain <= skip) {
        skip -= certain;
        continue;
      }
      const some = this.#read(part, skip + limit - found.length, 0);
      found.push(...some.slice(skip).map(readEntry));
      skip = Math.max(0, skip - some.length);
      if (found.length >= limit) break;
    }
    return found;
  }

  /** Keeps the first ones of all quarters; no more than are asked for. */
  async #sorted(
    query: EntryQuery,
    sortBy: NonNullable<EntryQuery["sortBy"]>,
    limit: number,
    offset: number,
  ): Promise<readonly Entry[]> {
    const since = this.#sinceOldest(query);
    if (since === undefined) return [];
    const column = SORTED[sortBy] as keyof SortedRow;
    const direction = query.ascending === true ? 1 : -1;
    const compare = (one: SortedRow, other: SortedRow): number => {
      const [a, b] = one[column] === other[column] ? [one.seq, other.seq] : [one[column], other[column]];
      return (a as bigint) < (b as bigint) ? -direction : direction;
    };
    let first: SortedRow[] = [];
    for await (const { part } of this.#quarters(since, false)) {
      const some = this.#read(part, offset + limit, 0);
      if (some.length > 0) first = [...first, ...some].sort(compare).slice(0, offset + limit);
    }
    return first.slice(offset).map(readEntry);
  }

  /** Retention takes entries and leaves sums. Undefined: there are no entries. */
  #sinceOldest(query: EntryQuery): EntryQuery | undefined {
    const row = this.#database.read(() =>
      this.#database.statement("SELECT min(started_at) AS oldest FROM entries").get(),
    );
    const oldest = row?.["oldest"] as number | null | undefined;
    if (oldest === null || oldest === undefined) return undefined;
    return { ...query, from: Math.max(oldest, query.from ?? Number.NEGATIVE_INFINITY) };
  }

  #read(query: EntryQuery, limit: number, offset: number): readonly SortedRow[] {
    const { sql, values } = entryFilter(query);
    const direction = query.ascending === true ? "ASC" : "DESC";
    const order = `${SORTED[query.sortBy ?? "startedAt"]} ${direction}, seq ${direction}`;
    const text = `SELECT * FROM entries WHERE ${sql} ORDER BY ${order} LIMIT ? OFFSET ?`;
    return this.#database.read(
      () => this.#database.exactStatement(text).all(...values, limit, offset) as unknown as readonly SortedRow[],
    );
  }

  #countRows(query: EntryQuery, most: number): number {
    const { sql, values } = entryFilter(query);
    const text = `SELECT count(*) AS number FROM (SELECT 1 FROM entries WHERE ${sql} LIMIT ?)`;
    return this.#database.read(() => this.#database.statement(text).get(...values, most)?.["number"] as number);
  }

  #countSums(table: string, query: EntryQuery, buckets: { readonly from: number; readonly to: number }): number {
    const { sql, values } = sumFilter(query, buckets);
    const number = query.failed === undefined ? "requests" : query.failed ? "failures" : "requests - failures";
    const text = `SELECT coalesce(sum(${number}), 0) AS number FROM ${table} WHERE ${sql}`;
    return this.#database.read(() => this.#database.statement(text).get(...values)?.["number"] as number);
  }

  /** `certain`: how many entries of a quarter the query finds, where sums can tell. */
  async *#quarters(
    query: EntryQuery,
    ascending: boolean,
  ): AsyncGenerator<{ readonly part: EntryQuery; readonly certain: number | undefined }> {
    const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY, failed } = query;
    const certainly = isOfGroups(query);
    const groups = groupFilter(query);
    let day = ascending ? dayOf(from, Number.MIN_SAFE_INTEGER) - 1 : dayOf(to, Number.MAX_SAFE_INTEGER) + 1;
    for (;;) {
      const next = this.#nextDay(day, ascending);
      if (next === undefined || (ascending ? next * DAY_MS >= to : (next + 1) * DAY_MS <= from)) return;
      day = next;
      const text = `SELECT bucket, sum(requests) AS requests, sum(failures) AS failures FROM sums_by_quarter
        WHERE bucket >= ? AND bucket < ? AND ${groups.sql}
        GROUP BY bucket ORDER BY bucket ${ascending ? "ASC" : "DESC"}`;
      const found = this.#database.read(() =>
        this.#database.statement(text).all(next * QUARTERS_PER_DAY, (next + 1) * QUARTERS_PER_DAY, ...groups.values),
      ) as unknown as readonly Quarter[];
      for (const { bucket, requests, failures } of found) {
        const [start, end] = [bucket * QUARTER_MS, (bucket + 1) * QUARTER_MS];
        if (end <= from || start >= to) continue;
        const number = failed === undefined ? requests : failed ? failures : requests - failures;
        if (number === 0) continue;
        const whole = certainly && from <= start && end <= to;
        const part = { ...query, from: Math.max(from, start), to: Math.min(to, end) };
        yield { part, certain: whole ? number : undefined };
        if (!whole) await breathe();
      }
      await breathe();
    }
  }

  #nextDay(day: number, ascending: boolean): number | undefined {
    const text = ascending
      ? "SELECT min(bucket) AS bucket FROM sums_by_day WHERE bucket > ?"
      : "SELECT max(bucket) AS bucket FROM sums_by_day WHERE bucket < ?";
    const row = this.#database.read(() => this.#database.statement(text).get(day));
    return (row?.["bucket"] as number | null | undefined) ?? undefined;
  }
}

function dayOf(instant: number, otherwise: number): number {
  return Number.isFinite(instant) ? Math.floor(instant / DAY_MS) : otherwise;
}

/** Whether an index leads to the entries, in their order. */
function isDirect(query: EntryQuery): boolean {
  const { scope, callId, sortBy = "startedAt" } = query;
  if (callId !== undefined || scope?.kind === "session") return true;
  return sortBy === "startedAt" && entryFilter({ ...query, from: 0, to: 0 }).values.length === 2;
}
