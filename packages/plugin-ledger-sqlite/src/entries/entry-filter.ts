import type { SpendQuery } from "@signalbox/kernel";
import type { Value } from "./entry-row.ts";
import { lineText, periodText, scopeText } from "./entry-row.ts";
import { DAY_MS, QUARTER_MS } from "./entry-sums.ts";

/** A condition of SQL, and what stands for its question marks. */
export interface Filter {
  readonly sql: string;
  readonly values: readonly Value[];
}

const QUARTERS_PER_DAY = DAY_MS / QUARTER_MS;
/** Beyond every time that JavaScript has. */
const FAR = 10_000_000_000;

/** Which rows of `entries`. */
export function entryFilter({ scope, period, from, to }: SpendQuery): Filter {
  const parts: string[] = [];
  const values: Value[] = [];
  const add = (sql: string, value: Value): void => {
    parts.push(sql);
    values.push(value);
  };
  if (from !== undefined) add("started_at >= ?", Math.ceil(from));
  if (to !== undefined) add("started_at < ?", Math.ceil(to));
  if (scope !== undefined) {
    if (scope.kind === "session") add("seq IN (SELECT seq FROM entry_sessions WHERE scope = ?)", scopeText(scope));
    else add("instr(scopes, ?) > 0", scopeText(scope));
  }
  if (period !== undefined) {
    add("instr(lines, ?) > 0", scope === undefined ? periodText(period) : lineText(scope, period));
  }
  return { sql: parts.length === 0 ? "TRUE" : parts.join(" AND "), values };
}

/** Which rows of a table of sums; the scope is none of a session. */
export function sumFilter(scope: SpendQuery["scope"], { from, to }: Buckets): Filter {
  const range: Filter = { sql: "bucket >= ? AND bucket < ?", values: [from, to] };
  if (scope === undefined) return range;
  return {
    sql: `${range.sql} AND group_id IN (SELECT group_id FROM entry_groups WHERE instr(scopes, ?) > 0)`,
    values: [...range.values, scopeText(scope)],
  };
}

/** Whether sums can answer, other than for parts of a quarter of an hour. */
export function hasSums({ scope, period }: SpendQuery): boolean {
  return period === undefined && scope?.kind !== "session";
}

/** Buckets of a table of sums. */
export interface Buckets {
  readonly from: number;
  readonly to: number;
}

/** A time in pieces: entries at the edges, quarters of an hour further in, whole days in the middle. */
export interface Pieces {
  readonly entries: readonly SpendQuery[];
  readonly quarters: readonly Buckets[];
  readonly days: readonly Buckets[];
}

export function piecesOf(query: SpendQuery): Pieces {
  const { from = -FAR * QUARTER_MS, to = FAR * QUARTER_MS } = query;
  if (to <= from) return { entries: [], quarters: [], days: [] };
  const [first, last] = [Math.ceil(from / QUARTER_MS), Math.floor(to / QUARTER_MS)];
  if (!hasSums(query) || first >= last) return { entries: [query], quarters: [], days: [] };
  const [start, end] = [first * QUARTER_MS, last * QUARTER_MS];
  const entries: SpendQuery[] = [];
  if (from < start) entries.push({ ...query, from, to: start });
  if (end < to) entries.push({ ...query, from: end, to });
  const days = { from: Math.ceil(first / QUARTERS_PER_DAY), to: Math.floor(last / QUARTERS_PER_DAY) };
  if (days.from >= days.to) return { entries, quarters: [{ from: first, to: last }], days: [] };
  const around = [
    { from: first, to: days.from * QUARTERS_PER_DAY },
    { from: days.to * QUARTERS_PER_DAY, to: last },
  ];
  return { entries, quarters: around.filter((piece) => piece.from < piece.to), days: [days] };
}
