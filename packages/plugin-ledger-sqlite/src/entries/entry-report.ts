import { setImmediate as breathe } from "node:timers/promises";
import type { ReportQuery, ReportRow, Scope, SpendQuery } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { Periods } from "@signalbox/kernel/ledger";
import type { Database } from "../database/database.ts";
import { entryFilter, piecesOf, sumFilter } from "./entry-filter.ts";
import type { Value } from "./entry-row.ts";
import { readScopes } from "./entry-row.ts";
import { DAY_MS, QUARTER_MS } from "./entry-sums.ts";

const COLUMN_NAMES: ReadonlySet<string> = new Set(["model", "provider", "deployment", "operation"]);
/** Reports without days are added up in pieces of so many, so that calls are served meanwhile. */
const PIECE_MS = 30 * DAY_MS;

const SUMS =
  "billed, requests, failures, cache_hits, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_savings";
const SUM_OF_SUMS = SUMS.replaceAll(/\w+/g, "sum($&) AS $&");
const SUM_OF_ENTRIES = SUMS.replaceAll(/\w+/g, "sum($&) AS $&")
  .replace("sum(requests)", "count(*)")
  .replace("sum(failures)", "count(error_code)")
  .replace("sum(cache_hits)", "coalesce(sum(cache_hit), 0)")
  .replace("sum(cache_savings)", "coalesce(sum(cache_savings), 0)");

type SumRow = Readonly<Record<string, bigint | string>>;

/** Adds up a report: from sums where they can tell, a day or a month at a time. */
export async function reportEntries(database: Database, query: ReportQuery): Promise<readonly ReportRow[]> {
  const byDay = query.groupBy.includes("day");
  const nextPiece = byDay ? dayPieces(query.timezone) : longPieces;
  const rows = new ReportRows(query.groupBy, (id) => database.read(() => factsOf(database, id)));
  let from = query.from ?? Number.NEGATIVE_INFINITY;
  const to = query.to ?? Number.POSITIVE_INFINITY;
  while (from < to) {
    const found = database.read(() => nextWithEntries(database, from));
    if (found === undefined || found >= to) break;
    const piece = nextPiece(Math.max(from, found));
    const part = { ...query, from: Math.max(from, piece.from), to: Math.min(to, piece.to) };
    database.read(() => addPiece(database, part, rows, piece.day));
    from = piece.to;
    await breathe();
  }
  return rows.all();
}

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly day: string;
}

function dayPieces(timezone: string | undefined): (instant: number) => Piece {
  let periods: Periods;
  try {
    periods = new Periods(timezone);
  } catch (cause) {
    throw new GatewayError("invalid_request", `there is no time zone ${JSON.stringify(timezone)}`, {
      param: "timezone",
      cause,
    });
  }
  return (instant) => {
    const { id, startsAt, endsAt } = periods.periodOf({ duration: "1d" }, instant);
    return { from: startsAt, to: endsAt ?? Number.POSITIVE_INFINITY, day: id };
  };
}

function longPieces(instant: number): Piece {
  const from = Math.floor(instant / DAY_MS) * DAY_MS;
  return { from, to: from + PIECE_MS, day: "" };
}

/** The first quarter of an hour with entries, not before the one of `from`. */
function nextWithEntries(database: Database, from: number): number | undefined {
  const bucket = Number.isFinite(from) ? Math.floor(from / QUARTER_MS) : Number.MIN_SAFE_INTEGER;
  const row = database.statement("SELECT min(bucket) AS bucket FROM sums_by_quarter WHERE bucket >= ?").get(bucket);
  const found = row?.["bucket"] as number | null | undefined;
  return found === null || found === undefined ? undefined : found * QUARTER_MS;
}

function addPiece(database: Database, query: ReportQuery, rows: ReportRows, day: string): void {
  const { entries, quarters, days } = piecesOf(query);
  const columns = rows.columns;
  const grouped = columns.length === 0 ? "" : `GROUP BY ${columns.join(", ")}`;
  const names = columns.map((name) => `${name}, `).join("");
  const add = (sql: string, values: readonly Value[]): void => {
    for (const row of database.exactStatement(sql).iterate(...values)) rows.add(row as SumRow, day);
  };
  // Added up by group first: its number compares faster than its texts, and its scopes are read once.
  // Without a scope, all groups of a time are wanted, in which order the table stands: not by the index of a group.
  const group = query.scope === undefined ? "+group_id" : "group_id";
  const fromSums = (table: string, sql: string): string =>
    rows.ofGroups
      ? `SELECT group_id, ${SUM_OF_SUMS} FROM ${table} WHERE ${sql} GROUP BY ${group}`
      : columns.length === 0
        ? `SELECT ${SUM_OF_SUMS} FROM ${table} WHERE ${sql}`
        : `SELECT ${names}${SUM_OF_SUMS} FROM
         (SELECT group_id, ${SUM_OF_SUMS} FROM ${table} WHERE ${sql} GROUP BY ${group})
         JOIN entry_groups USING (group_id) ${grouped}`;
  for (const piece of entries) {
    const { sql, values } = entryFilter(piece as SpendQuery);
    add(`SELECT ${names}${SUM_OF_ENTRIES} FROM entries WHERE ${sql} ${grouped}`, values);
  }
  for (const [table, buckets] of [["sums_by_quarter", quarters] as const, ["sums_by_day", days] as const]) {
    for (const one of buckets) {
      const { sql, values } = sumFilter(query.scope === undefined ? {} : { scope: query.scope }, one);
      add(fromSums(table, sql), values);
    }
  }
}

/** What the entries of a group have in common. */
interface Facts {
  readonly row: SumRow;
  readonly scopes: readonly Scope[];
}

function factsOf(database: Database, id: bigint): Facts {
  const sql = "SELECT operation, model, deployment, provider, scopes FROM entry_groups WHERE group_id = ?";
  const row = database.statement(sql).get(id) as SumRow;
  return { row, scopes: readScopes(row["scopes"] as string) };
}

/** The rows of a report while it is added up. */
class ReportRows {
  readonly #groupBy: readonly string[];
  readonly #rows = new Map<string, { -readonly [Name in keyof ReportRow]: ReportRow[Name] }>();
  readonly #factsOf: (group: bigint) => Facts;
  readonly #facts = new Map<bigint, Facts>();
  /** What SQL has to group by. */
  readonly columns: readonly string[];
  /** Whether scopes divide the report: then sums are added up by group, and divided here. */
  readonly ofGroups: boolean;

  constructor(groupBy: readonly string[], factsOfGroup: (group: bigint) => Facts) {
    this.#groupBy = groupBy;
    this.#factsOf = factsOfGroup;
    const own = [...new Set(groupBy)].filter((name) => COLUMN_NAMES.has(name));
    const scopes = groupBy.some((name) => name !== "day" && !COLUMN_NAMES.has(name));
    this.columns = scopes ? [...own, "scopes"] : own;
    this.ofGroups = scopes;
  }

  add(row: SumRow, day: string): void {
    if (row["requests"] === null || row["requests"] === 0n) return;
    for (const values of this.#groupsOf(row, day)) {
      const key = JSON.stringify(values);
      const sum = this.#rows.get(key) ?? {
        group: Object.fromEntries(this.#groupBy.map((name, index) => [name, values[index] as string])),
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
      this.#rows.set(key, sum);
      sum.billed += row["billed"] as bigint;
      sum.requests += Number(row["requests"]);
      sum.failures += Number(row["failures"]);
      sum.cacheHits += Number(row["cache_hits"]);
      sum.inputTokens += Number(row["input_tokens"]);
      sum.outputTokens += Number(row["output_tokens"]);
      sum.cacheReadTokens += Number(row["cache_read_tokens"]);
      sum.cacheWriteTokens += Number(row["cache_write_tokens"]);
      sum.cacheSavings += row["cache_savings"] as bigint;
    }
  }

  all(): readonly ReportRow[] {
    return [...this.#rows.values()];
  }

  /** One list of values for each row that it counts in: several where it has several tags. */
  #groupsOf(row: SumRow, day: string): readonly (readonly string[])[] {
    const facts = this.#factsOfRow(row);
    let groups: readonly (readonly string[])[] = [[]];
    for (const name of this.#groupBy) {
      const values = this.#valuesOf(name, facts, day);
      groups = groups.flatMap((group) => values.map((value) => [...group, value]));
    }
    return groups;
  }

  #factsOfRow(row: SumRow): Facts {
    const id = row["group_id"] as bigint | undefined;
    if (id === undefined) return { row, scopes: "scopes" in row ? readScopes(row["scopes"] as string) : [] };
    const facts = this.#facts.get(id) ?? this.#factsOf(id);
    this.#facts.set(id, facts);
    return facts;
  }

  #valuesOf(name: string, { row, scopes }: Facts, day: string): readonly string[] {
    if (name === "day") return [day];
    if (COLUMN_NAMES.has(name)) return [row[name] as string];
    const ids = new Set<string>();
    for (const { kind, id, model } of scopes) if (kind === name && model === undefined) ids.add(id);
    return ids.size === 0 ? [""] : [...ids];
  }
}
