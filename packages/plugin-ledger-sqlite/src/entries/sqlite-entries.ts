import { setImmediate as breathe } from "node:timers/promises";
import type {
  BudgetLine,
  Entry,
  EntryStore,
  NanoUsd,
  ReportQuery,
  ReportRow,
  Spend,
  SpendQuery,
} from "@signalbox/kernel";
import type { Database } from "../database/database.ts";
import { entryFilter, hasSums, piecesOf, sumFilter } from "./entry-filter.ts";
import { reportEntries } from "./entry-report.ts";
import type { EntryRow, Value } from "./entry-row.ts";
import { lineText, readEntry } from "./entry-row.ts";
import { DAY_MS, QUARTER_MS } from "./entry-sums.ts";
import { EntryWriter } from "./entry-writer.ts";

const DEFAULT_PAGE = 100;
const NEWEST_FIRST = "ORDER BY started_at DESC, seq DESC";

/** Entries in SQLite. Sums are written with them, so that nothing is added up twice. */
export class SqliteEntries implements EntryStore {
  readonly #database: Database;
  readonly #writer: EntryWriter;

  constructor(database: Database, batchMs: number) {
    this.#database = database;
    this.#writer = new EntryWriter(database, batchMs);
  }

  async append(entries: readonly Entry[]): Promise<void> {
    let at = 0;
    while (at < entries.length) {
      const start = at;
      at = await this.#database.write((transaction) => this.#writer.write(entries, start, transaction));
      if (at < entries.length) await breathe();
    }
  }

  async spent(query: SpendQuery): Promise<Spend> {
    return this.#database.read(() => this.#spent(query));
  }

  report(query: ReportQuery): Promise<readonly ReportRow[]> {
    return reportEntries(this.#database, query);
  }

  async list(query: SpendQuery & { readonly limit?: number; readonly offset?: number }): Promise<readonly Entry[]> {
    const { limit = DEFAULT_PAGE, offset = 0, ...rest } = query;
    if (limit <= 0) return [];
    if (rest.scope === undefined || rest.scope.kind === "session") {
      return this.#database.read(() => this.#entries(rest, limit, offset));
    }
    return await this.#listOfScope(rest, limit, offset);
  }

  async get(id: string): Promise<Entry | undefined> {
    return this.find(id);
  }

  /** What `get` answers, at once. */
  find(id: string): Entry | undefined {
    return this.#database.read(() => {
      const row = this.#database.exactStatement("SELECT * FROM entries WHERE id = ?").get(id);
      return row === undefined ? undefined : readEntry(row as EntryRow);
    });
  }

  /** What entries have posted on a line of a budget. */
  posted({ scope, period }: Pick<BudgetLine, "scope" | "period">): NanoUsd {
    return this.#database.read(() => this.#spent({ scope, period })).billed;
  }

  /** Deletes at most so many of the oldest entries from before a time; answers how many. Sums stay. */
  deleteSome(before: number, most: number): Promise<number> {
    return this.#database.write(() => {
      const oldest = "SELECT seq FROM entries WHERE started_at < ? ORDER BY started_at LIMIT ?";
      this.#database.statement(`DELETE FROM entry_sessions WHERE seq IN (${oldest})`).run(before, most);
      return Number(this.#database.statement(`DELETE FROM entries WHERE seq IN (${oldest})`).run(before, most).changes);
    });
  }

  #spent(query: SpendQuery): Spend {
    const { scope, period, from, to } = query;
    let [billed, entries] = [0n, 0n];
    const add = (sql: string, values: readonly Value[]): void => {
      const row = this.#database.exactStatement(sql).get(...values);
      billed += (row?.["billed"] as bigint | null | undefined) ?? 0n;
      entries += (row?.["requests"] as bigint | null | undefined) ?? 0n;
    };
    if (scope !== undefined && period !== undefined && from === undefined && to === undefined) {
      add("SELECT billed, requests FROM sums_by_line WHERE line = ?", [lineText(scope, period)]);
      return { billed, pending: 0n, entries: Number(entries) };
    }
    const pieces = piecesOf(query);
    for (const piece of pieces.entries) {
      const { sql, values } = entryFilter(piece);
      add(`SELECT sum(billed) AS billed, count(*) AS requests FROM entries WHERE ${sql}`, values);
    }
    for (const [table, buckets] of [
      ["sums_by_quarter", pieces.quarters] as const,
      ["sums_by_day", pieces.days] as const,
    ]) {
      for (const one of buckets) {
        const { sql, values } = sumFilter(scope, one);
        add(`SELECT sum(billed) AS billed, sum(requests) AS requests FROM ${table} WHERE ${sql}`, values);
      }
    }
    return { billed, pending: 0n, entries: Number(entries) };
  }

  #entries(query: SpendQuery, limit: number, offset: number): Entry[] {
    const { sql, values } = entryFilter(query);
    const rows = this.#database
      .exactStatement(`SELECT * FROM entries WHERE ${sql} ${NEWEST_FIRST} LIMIT ? OFFSET ?`)
      .all(...values, limit, offset);
    return rows.map((row) => readEntry(row as EntryRow));
  }

  /** Sums tell the days and quarters of an hour in which a scope has entries: nothing else is read. */
  async #listOfScope(query: SpendQuery, limit: number, offset: number): Promise<readonly Entry[]> {
    const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = query;
    const found: Entry[] = [];
    let skip = offset;
    let day: number | undefined = Number.isFinite(to) ? Math.floor(to / DAY_MS) + 1 : Number.MAX_SAFE_INTEGER;
    for (;;) {
      const before: number = day;
      day = this.#database.read(() => this.#dayBefore(before, query));
      if (day === undefined || (day + 1) * DAY_MS <= from) return found;
      const quarters = { from: (day * DAY_MS) / QUARTER_MS, to: ((day + 1) * DAY_MS) / QUARTER_MS };
      for (const { bucket, requests } of this.#database.read(() => this.#quartersOf(query, quarters))) {
        const [start, end] = [bucket * QUARTER_MS, (bucket + 1) * QUARTER_MS];
        if (end <= from || start >= to) continue;
        const whole = hasSums(query) && from <= start && end <= to;
        if (whole && requests <= skip) {
          skip -= requests;
          continue;
        }
        const part = { ...query, from: Math.max(from, start), to: Math.min(to, end) };
        const some = this.#database.read(() => this.#entries(part, skip + limit - found.length, 0));
        found.push(...some.slice(skip));
        skip = Math.max(0, skip - some.length);
        if (found.length >= limit) return found;
      }
      await breathe();
    }
  }

  #dayBefore(day: number, { scope }: SpendQuery): number | undefined {
    const { sql, values } = sumFilter(scope, { from: Number.MIN_SAFE_INTEGER, to: day });
    const row = this.#database.statement(`SELECT max(bucket) AS bucket FROM sums_by_day WHERE ${sql}`).get(...values);
    return (row?.["bucket"] as number | null | undefined) ?? undefined;
  }

  #quartersOf({ scope }: SpendQuery, quarters: { readonly from: number; readonly to: number }): readonly Quarter[] {
    const { sql, values } = sumFilter(scope, quarters);
    const rows = this.#database
      .statement(
        `SELECT bucket, sum(requests) AS requests FROM sums_by_quarter WHERE ${sql} GROUP BY bucket ORDER BY bucket DESC`,
      )
      .all(...values);
    return rows as unknown as readonly Quarter[];
  }
}

interface Quarter {
  readonly bucket: number;
  readonly requests: number;
}
