import { GatewayError } from "../errors.ts";
import type { Entry, Spend, SpendQuery } from "../ledger.ts";
import type { EntryQuery, EntryStore, ReportQuery, ReportRow } from "../ledger-stores.ts";
import type { Health } from "../plugin.ts";
import { scopeKey } from "./line-key.ts";
import { Periods } from "./periods.ts";

/** What `MemoryEntries` may be told. */
export interface MemoryEntriesOptions {
  /** How many entries are kept; the oldest go first, and sums no longer count them. Default 100,000. */
  readonly maximum?: number;
}

const DEFAULT_MAXIMUM = 100_000;
const DEFAULT_PAGE = 100;

/** Entries in the memory of one process: for development and tests, and lost with it. */
export class MemoryEntries implements EntryStore {
  readonly #entries = new Map<string, Entry>();
  readonly #maximum: number;
  #dropped = 0;
  #closed = false;

  constructor(options: MemoryEntriesOptions = {}) {
    this.#maximum = options.maximum ?? DEFAULT_MAXIMUM;
  }

  async append(entries: readonly Entry[]): Promise<void> {
    this.#checkOpen();
    for (const entry of entries) {
      const before = this.#entries.get(entry.id);
      if (before === undefined || isCorrection(before, entry)) this.#entries.set(entry.id, entry);
      if (this.#entries.size <= this.#maximum) continue;
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest as string);
      this.#dropped++;
    }
  }

  async spent(query: SpendQuery): Promise<Spend> {
    this.#checkOpen();
    let [billed, entries] = [0n, 0];
    for (const entry of this.#found(query)) {
      billed += entry.billed;
      entries++;
    }
    return { billed, pending: 0n, entries };
  }

  async spentEach(queries: readonly SpendQuery[]): Promise<readonly Spend[]> {
    return await Promise.all(queries.map((query) => this.spent(query)));
  }

  async report(query: ReportQuery): Promise<readonly ReportRow[]> {
    this.#checkOpen();
    const periods = new Periods(query.timezone);
    const rows = new Map<string, ReportRow>();
    for (const entry of this.#found(query)) {
      for (const values of groupsOf(entry, query.groupBy, periods)) {
        const key = JSON.stringify(values);
        rows.set(key, addEntry(rows.get(key) ?? emptyRow(query.groupBy, values), entry));
      }
    }
    return [...rows.values()];
  }

  async list(query: EntryQuery): Promise<Entry[]> {
    this.#checkOpen();
    const { limit = DEFAULT_PAGE, offset = 0, sortBy = "startedAt", ascending = false } = query;
    const found = [...this.#found(query)].filter((entry) => matches(entry, query));
    const direction = ascending ? 1 : -1;
    found.sort((one, other) => {
      const [a, b] = [sortedBy(one, sortBy), sortedBy(other, sortBy)];
      if (a !== b) return a < b ? -direction : direction;
      return one.id < other.id ? -direction : direction;
    });
    return found.slice(offset, offset + limit);
  }

  async count(query: EntryQuery, most: number): Promise<number> {
    this.#checkOpen();
    let count = 0;
    for (const entry of this.#found(query)) {
      if (count >= most) break;
      if (matches(entry, query)) count++;
    }
    return count;
  }

  async get(id: string): Promise<Entry | undefined> {
    this.#checkOpen();
    return this.#entries.get(id);
  }

  health(): Health {
    const kept = `${this.#entries.size} entries in memory, lost when the process ends`;
    return { ok: true, detail: this.#dropped === 0 ? kept : `${kept}; ${this.#dropped} older ones were dropped` };
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  *#found({ scope, period, from, to }: SpendQuery): Iterable<Entry> {
    const wanted = scope === undefined ? undefined : scopeKey(scope);
    for (const entry of this.#entries.values()) {
      if (from !== undefined && entry.startedAt < from) continue;
      if (to !== undefined && entry.startedAt >= to) continue;
      if (wanted !== undefined && !entry.scopes.some((one) => scopeKey(one) === wanted)) continue;
      if (period !== undefined) {
        const lines = entry.lines ?? [];
        if (!lines.some((line) => line.period === period && (wanted ?? scopeKey(line.scope)) === scopeKey(line.scope)))
          continue;
      }
      yield entry;
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new GatewayError("ledger_unavailable", "the entries are closed", { retryAfterMs: 1_000 });
  }
}

/** Whether an entry may take the place of one with the same id: only what was a guess, by what is known. */
function isCorrection(before: Entry, after: Entry): boolean {
  const guessed = before.status === "estimated" || before.status === "counted";
  return guessed && (after.status === "final" || after.status === "void");
}

function matches(entry: Entry, query: EntryQuery): boolean {
  for (const name of ["callId", "operation", "model", "deployment", "provider", "errorCode"] as const) {
    if (query[name] !== undefined && entry[name] !== query[name]) return false;
  }
  const { failed, minimum, maximum, scopes = [] } = query;
  if (failed !== undefined && (entry.errorCode !== undefined) !== failed) return false;
  if (minimum !== undefined && entry.billed < minimum) return false;
  if (maximum !== undefined && entry.billed > maximum) return false;
  return scopes.every((wanted) => entry.scopes.some((one) => scopeKey(one) === scopeKey(wanted)));
}

function sortedBy(entry: Entry, field: NonNullable<EntryQuery["sortBy"]>): number | bigint {
  return field === "inputTokens" || field === "outputTokens" ? entry.usage[field] : entry[field];
}

/** One list of values for each row that an entry counts in: several where it has several tags. */
function groupsOf(entry: Entry, groupBy: readonly string[], periods: Periods): readonly (readonly string[])[] {
  let groups: readonly (readonly string[])[] = [[]];
  for (const name of groupBy) {
    const values = valuesOf(entry, name, periods);
    groups = groups.flatMap((group) => values.map((value) => [...group, value]));
  }
  return groups;
}

function valuesOf(entry: Entry, name: string, periods: Periods): readonly string[] {
  switch (name) {
    case "day":
      return [periods.periodOf({ duration: "1d" }, entry.startedAt).id];
    case "model":
    case "provider":
    case "deployment":
    case "operation":
      return [entry[name]];
    default: {
      const ids = new Set<string>();
      for (const { kind, id, model } of entry.scopes) if (kind === name && model === undefined) ids.add(id);
      return ids.size === 0 ? [""] : [...ids];
    }
  }
}

function emptyRow(groupBy: readonly string[], values: readonly string[]): ReportRow {
  return {
    group: Object.fromEntries(groupBy.map((name, index) => [name, values[index] as string])),
    billed: 0n,
    requests: 0,
    failures: 0,
    cacheHits: 0,
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    cacheSavings: 0n,
  };
}

function addEntry(row: ReportRow, { billed, errorCode, cacheHit, cacheSavings = 0n, usage }: Entry): ReportRow {
  return {
    ...row,
    billed: row.billed + billed,
    requests: row.requests + 1,
    failures: row.failures + (errorCode === undefined ? 0 : 1),
    cacheHits: row.cacheHits + (cacheHit === true ? 1 : 0),
    inputTokens: row.inputTokens + usage.inputTokens,
    outputTokens: row.outputTokens + usage.outputTokens,
    cacheReadTokens: row.cacheReadTokens + (usage.cacheReadTokens ?? 0),
    cacheWriteTokens: row.cacheWriteTokens + (usage.cacheWriteTokens ?? 0) + (usage.cacheWrite1hTokens ?? 0),
    cacheSavings: row.cacheSavings + cacheSavings,
  };
}
