import type {
  Entry,
  EntryQuery,
  EntryStore,
  LineSum,
  ReportQuery,
  ReportRow,
  Spend,
  SpendQuery,
} from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { Corrections } from "./corrections.ts";
import type { Database } from "./database.ts";
import { codeOf, isAboutData } from "./database-errors.ts";
import { countQuery, listQuery } from "./entry-list.ts";
import type { EntryRow } from "./entry-row.ts";
import { COLUMN_NAMES, COLUMNS, columnArrays, entryOf, monthOf } from "./entry-row.ts";
import { lineSums } from "./line-sums.ts";
import type { Partitions } from "./partitions.ts";
import { reportQuery, reportRow } from "./report.ts";
import { spentQuery } from "./spent.ts";
import { isWhole, spentEachQuery } from "./spent-each.ts";

const BATCH = 1_000;
const CHECK_VIOLATION = "23514";

/** Entries in one table by month, written in batches and summed up beside. */
export class PostgresEntries implements EntryStore {
  readonly #database: Database;
  readonly #partitions: Partitions;
  readonly #corrections: Corrections;
  readonly #insert: string;

  constructor(database: Database, partitions: Partitions) {
    const { schema } = database;
    this.#database = database;
    this.#partitions = partitions;
    this.#corrections = new Corrections(database);
    const parameters = COLUMNS.map(({ type }, index) => `$${index + 1}::${type === "text[]" ? "text" : type}[]`);
    const values = COLUMNS.map(({ name, type }) => (type === "text[]" ? `${name}::text[]` : name));
    this.#insert = `WITH inserted AS (
      INSERT INTO ${schema}.entries (${COLUMN_NAMES})
      SELECT ${values.join(", ")} FROM unnest(${parameters.join(", ")}) AS row (${COLUMN_NAMES})
      ON CONFLICT (id, month) DO NOTHING RETURNING 1
    ) SELECT count(*)::int AS inserted FROM inserted`;
  }

  async append(entries: readonly Entry[]): Promise<void> {
    // Everybody writes in the same order, so that nobody waits in a circle.
    const ordered = once(entries).sort((one, other) => (one.id < other.id ? -1 : 1));
    for (let start = 0; start < ordered.length; start += BATCH) await this.#write(ordered.slice(start, start + BATCH));
  }

  async spent(query: SpendQuery): Promise<Spend> {
    const { text, values } = spentQuery(this.#database.schema, query);
    const [row] = await this.#database.query<{ billed: string; entries: string }>(text, values);
    return { billed: BigInt(row?.billed ?? 0), pending: 0n, entries: Number(row?.entries ?? 0) };
  }

  async spentEach(queries: readonly SpendQuery[]): Promise<readonly Spend[]> {
    if (!queries.every(isWhole)) return await Promise.all(queries.map((query) => this.spent(query)));
    const { text, values } = spentEachQuery(this.#database.schema, queries);
    const rows = await this.#database.query<{ billed: string; entries: string }>(text, values);
    return rows.map(({ billed, entries }) => ({ billed: BigInt(billed), pending: 0n, entries: Number(entries) }));
  }

  async report(query: ReportQuery): Promise<readonly ReportRow[]> {
    const { text, values } = reportQuery(this.#database.schema, query);
    const rows = await this.#database.long((session) => session.query<Record<string, string>>(text, values));
    return rows.map((row) => reportRow(query, row));
  }

  async list(query: EntryQuery): Promise<readonly Entry[]> {
    const { text, values } = listQuery(this.#database.schema, query);
    const rows = await this.#database.long((session) => session.query<EntryRow>(text, values));
    return rows.map(entryOf);
  }

  async count(query: EntryQuery, most: number): Promise<number> {
    const { text, values } = countQuery(this.#database.schema, query, most);
    const [row] = await this.#database.long((session) => session.query<{ number: number }>(text, values));
    return row?.number ?? 0;
  }

  async get(id: string): Promise<Entry | undefined> {
    const slash = id.lastIndexOf("/");
    const months = [...new Set([monthOf(slash < 0 ? id : id.slice(0, slash)), 0])];
    const [row] = await this.#database.query<EntryRow>(
      `SELECT * FROM ${this.#database.schema}.entries WHERE id = $1 AND month = ANY ($2)`,
      [id, months],
    );
    return row === undefined ? undefined : entryOf(row);
  }

  async exclusively(name: string, work: () => Promise<void>): Promise<boolean> {
    return await this.#database.long(async (session) => {
      const [lock] = await session.query<{ mine: boolean }>(
        "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS mine",
        [`signalbox ${name} of ${this.#database.schema}`],
      );
      if (lock?.mine === true) await work();
      return lock?.mine === true;
    });
  }

  lineSums(): AsyncIterable<readonly LineSum[]> {
    return lineSums(this.#database);
  }

  async #write(entries: readonly Entry[], again = true): Promise<void> {
    await this.#partitions.ensure(entries.map(({ callId }) => monthOf(callId)));
    try {
      const [row] = await this.#database.repeat<{ inserted: number }>(this.#insert, columnArrays(entries));
      if (row?.inserted !== entries.length) await this.#corrections.apply(entries);
    } catch (error) {
      if (again && codeOf(error) === CHECK_VIOLATION) {
        this.#partitions.forget();
        return await this.#write(entries, false);
      }
      if (!isAboutData(error)) throw error;
      if (entries.length === 1) throw refusal(error);
      // One entry that cannot be written must not keep the others out.
      const half = entries.length >> 1;
      const parts = await Promise.allSettled([this.#write(entries.slice(0, half)), this.#write(entries.slice(half))]);
      for (const part of parts) if (part.status === "rejected") throw part.reason;
    }
  }
}

/** It would be the same the next time. */
function refusal(cause: unknown): GatewayError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new GatewayError("invalid_request", `an entry cannot be stored: ${why}`, { source: "ledger-postgres", cause });
}

/** Each id once: as it came first, or what it became within the batch. */
function once(entries: readonly Entry[]): Entry[] {
  const byId = new Map<string, Entry>();
  for (const entry of entries) {
    const before = byId.get(entry.id);
    if (before === undefined || (isGuess(before) && !isGuess(entry))) byId.set(entry.id, entry);
  }
  return [...byId.values()];
}

function isGuess({ status }: Entry): boolean {
  return status === "estimated" || status === "counted";
}
