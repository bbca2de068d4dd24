import type { EntryQuery, Scope, SpendQuery } from "@signalbox/kernel";
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

/** Fields that entries and their groups share. */
const SHARED: readonly (readonly [keyof EntryQuery, string])[] = [
  ["operation", "operation"],
  ["model", "model"],
  ["deployment", "deployment"],
  ["provider", "provider"],
];

/** Which rows of `entries`. */
export function entryFilter(query: EntryQuery): Filter {
  const { scope, scopes = [], period, from, to, callId, failed, errorCode, minimum, maximum } = query;
  const parts: string[] = [];
  const values: Value[] = [];
  const add = (sql: string, ...given: readonly Value[]): void => {
    parts.push(sql);
    values.push(...given);
  };
  if (from !== undefined && from > -FAR * QUARTER_MS) add("started_at >= ?", Math.ceil(from));
  if (to !== undefined && to < FAR * QUARTER_MS) add("started_at < ?", Math.ceil(to));
  // an id is the call's, a slash and a number; the sign after the slash is 0
  if (callId !== undefined) add("id >= ? AND id < ? AND call_id = ?", `${callId}/`, `${callId}0`, callId);
  for (const one of scope === undefined ? scopes : [scope, ...scopes]) {
    if (one.kind === "session") add("seq IN (SELECT seq FROM entry_sessions WHERE scope = ?)", scopeText(one));
    else add("instr(scopes, ?) > 0", scopeText(one));
  }
  if (period !== undefined) {
    add("instr(lines, ?) > 0", scope === undefined ? periodText(period) : lineText(scope, period));
  }
  for (const [field, column] of SHARED) {
    if (query[field] !== undefined) add(`${column} = ?`, query[field] as string);
  }
  if (failed !== undefined) parts.push(failed ? "error_code IS NOT NULL" : "error_code IS NULL");
  if (errorCode !== undefined) add("error_code = ?", errorCode);
  if (minimum !== undefined) add("billed >= ?", minimum);
  if (maximum !== undefined) add("billed <= ?", maximum);
  return { sql: parts.length === 0 ? "TRUE" : parts.join(" AND "), values };
}

/** Which groups the entries of a query are in, as far as groups can tell. */
export function groupFilter(query: EntryQuery): Filter {
  const parts: string[] = [];
  const values: Value[] = [];
  for (const scope of scopesOf(query)) {
    if (scope.kind === "session") continue;
    parts.push("group_id IN (SELECT group_id FROM group_scopes WHERE scope = ?)");
    values.push(scopeText(scope));
  }
  const own: string[] = [];
  for (const [field, column] of SHARED) {
    if (query[field] === undefined) continue;
    own.push(`${column} = ?`);
    values.push(query[field] as string);
  }
  if (own.length > 0) {
    // of a scope's groups, only those are looked at
    const among = [...parts, ...own].join(" AND ");
    return { sql: `group_id IN (SELECT group_id FROM entry_groups WHERE ${among})`, values };
  }
  return { sql: parts.length === 0 ? "TRUE" : parts.join(" AND "), values };
}

function scopesOf({ scope, scopes = [] }: EntryQuery): readonly Scope[] {
  return scope === undefined ? scopes : [scope, ...scopes];
}

/** Whether sums by group know exactly how many entries a query finds. */
export function isOfGroups(query: EntryQuery): boolean {
  const { period, callId, errorCode, minimum, maximum } = query;
  if ([period, callId, errorCode, minimum, maximum].some((value) => value !== undefined)) return false;
  return !scopesOf(query).some(({ kind }) => kind === "session");
}

/** Which rows of a table of sums; the scopes are none of a session. */
export function sumFilter(query: EntryQuery, { from, to }: Buckets): Filter {
  const { sql, values } = groupFilter(query);
  return { sql: `bucket >= ? AND bucket < ? AND ${sql}`, values: [from, to, ...values] };
}

/** Whether sums can answer, other than for parts of a quarter of an hour. */
function hasSums({ scope, period }: SpendQuery): boolean {
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
