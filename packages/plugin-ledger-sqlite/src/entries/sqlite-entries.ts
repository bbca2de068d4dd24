import { setImmediate as breathe } from "node:timers/promises";
import type {
  BudgetLine,
  Entry,
  EntryQuery,
  EntryStore,
  LineSum,
  NanoUsd,
  ReportQuery,
  ReportRow,
  Spend,
  SpendQuery,
} from "@signalbox/kernel";
import type { Database } from "../database/database.ts";
import { entryFilter, piecesOf, sumFilter } from "./entry-filter.ts";
import { EntryList } from "./entry-list.ts";
import { reportEntries } from "./entry-report.ts";
import type { EntryRow, Value } from "./entry-row.ts";
import { lineText, readEntry, readLine } from "./entry-row.ts";
import { EntryWriter } from "./entry-writer.ts";

const LINES_AT_ONCE = 5_000;
/** How long calls wait for sums that are asked for together. */
const SLICE_MS = 5;

/** Entries in SQLite. Sums are written with them, so that nothing is added up twice. */
export class SqliteEntries implements EntryStore {
  readonly #database: Database;
  readonly #writer: EntryWriter;
  readonly #list: EntryList;

  constructor(database: Database, batchMs: number) {
    this.#database = database;
    this.#writer = new EntryWriter(database, batchMs);
    this.#list = new EntryList(database);
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

  async spentEach(queries: readonly SpendQuery[]): Promise<readonly Spend[]> {
    const spent: Spend[] = [];
    let until = performance.now() + SLICE_MS;
    for (const query of queries) {
      spent.push(this.#database.read(() => this.#spent(query)));
      if (performance.now() < until) continue;
      await breathe();
      until = performance.now() + SLICE_MS;
    }
    return spent;
  }

  report(query: ReportQuery): Promise<readonly ReportRow[]> {
    return reportEntries(this.#database, query);
  }

  list(query: EntryQuery): Promise<readonly Entry[]> {
    return this.#list.list(query);
  }

  count(query: EntryQuery, most: number): Promise<number> {
    return this.#list.count(query, most);
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

  async *lineSums(): AsyncGenerator<readonly LineSum[]> {
    let last = "";
    for (;;) {
      const rows = this.#database.read(() =>
        this.#database
          .exactStatement("SELECT line, billed FROM sums_by_line WHERE line > ? ORDER BY line LIMIT ?")
          .all(last, LINES_AT_ONCE),
      ) as unknown as readonly { readonly line: string; readonly billed: bigint }[];
      yield rows.map(({ line, billed }) => ({ line: readLine(line), posted: billed }));
      if (rows.length < LINES_AT_ONCE) return;
      last = (rows.at(-1) as (typeof rows)[number]).line;
      await breathe();
    }
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
        const { sql, values } = sumFilter(scope === undefined ? {} : { scope }, one);
        add(`SELECT sum(billed) AS billed, sum(requests) AS requests FROM ${table} WHERE ${sql}`, values);
      }
    }
    return { billed, pending: 0n, entries: Number(entries) };
  }
}
