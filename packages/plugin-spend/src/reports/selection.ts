import type { EntryStore, ReportQuery, ReportRow, Scope } from "@signalbox/kernel";
import type { Range } from "./days.ts";

/** Which values of a field count. */
export interface Condition {
  /** `model`, `key`, `team`: what reports can be grouped by. */
  readonly field: string;
  readonly test: (value: string) => boolean;
}

/** What a report is about. */
export interface Selection {
  readonly scope?: Scope;
  readonly conditions?: readonly Condition[];
}

/** All of these: the first that is the id of a scope goes to the store, the others are looked at row by row. */
export function selectionOf(wanted: Readonly<Record<string, string | readonly string[] | undefined>>): Selection {
  let scope: Scope | undefined;
  const conditions: Condition[] = [];
  for (const [field, value] of Object.entries(wanted)) {
    if (value === undefined) continue;
    const values = typeof value === "string" ? [value] : value;
    const [only] = values;
    if (scope === undefined && values.length === 1 && only !== "" && field !== "model" && field !== "provider") {
      scope = { kind: field, id: only as string };
    } else {
      conditions.push({ field, test: (text) => values.includes(text) });
    }
  }
  return { ...(scope !== undefined && { scope }), conditions };
}

/** Asks the store, and adds up what the conditions leave by what was asked for. */
export async function sumsOf(
  entries: EntryStore,
  { scope, conditions = [] }: Selection,
  { from, to, timezone }: Range,
  groupBy: ReportQuery["groupBy"],
): Promise<readonly ReportRow[]> {
  // a scope is the same in every row: naming it would only ask which others its entries have
  if (scope !== undefined && groupBy.includes(scope.kind)) {
    const others = groupBy.filter((name) => name !== scope.kind);
    const found = await sumsOf(entries, { scope, conditions }, { from, to, timezone }, others);
    return found.map((row) => ({ ...row, group: { ...row.group, [scope.kind]: scope.id } }));
  }
  const extra = conditions.map(({ field }) => field).filter((field) => !groupBy.includes(field));
  const rows = await entries.report({
    ...(scope !== undefined && { scope }),
    from,
    to,
    timezone,
    groupBy: [...groupBy, ...new Set(extra)],
  });
  if (conditions.length === 0) return rows;
  const found = new Map<string, ReportRow>();
  for (const row of rows) {
    if (!conditions.every(({ field, test }) => test(row.group[field] as string))) continue;
    const group = Object.fromEntries(groupBy.map((name) => [name, row.group[name] as string]));
    const key = JSON.stringify(Object.values(group));
    const before = found.get(key);
    found.set(key, before === undefined ? { ...row, group } : addRows(before, row));
  }
  return [...found.values()];
}

/** The group of the first one. */
function addRows(one: ReportRow, other: ReportRow): ReportRow {
  return {
    group: one.group,
    billed: one.billed + other.billed,
    requests: one.requests + other.requests,
    failures: one.failures + other.failures,
    cacheHits: one.cacheHits + other.cacheHits,
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    cacheReadTokens: one.cacheReadTokens + other.cacheReadTokens,
    cacheWriteTokens: one.cacheWriteTokens + other.cacheWriteTokens,
    cacheSavings: one.cacheSavings + other.cacheSavings,
  };
}

/** What nothing adds up to. */
const NO_SUMS: ReportRow = {
  group: {},
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

/** All rows together. */
export function totalOf(rows: readonly ReportRow[]): ReportRow {
  return rows.reduce(addRows, NO_SUMS);
}

/** The most expensive first; then by name, so that pages and files are the same each time. */
export function bySpend(one: ReportRow, other: ReportRow): number {
  if (one.billed !== other.billed) return one.billed < other.billed ? 1 : -1;
  return JSON.stringify(one.group) < JSON.stringify(other.group) ? -1 : 1;
}
