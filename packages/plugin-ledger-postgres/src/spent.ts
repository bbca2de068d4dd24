import type { SpendQuery } from "@signalbox/kernel";
import { lineKey, scopeKey } from "./entry-row.ts";
import { spanOf } from "./sums.ts";

interface Query {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** What was billed, and in how many entries: from sums, and from entries that the sums do not hold. */
export function spentQuery(schema: string, query: SpendQuery): Query {
  const { scope, period, from, to } = query;
  const mark = `(SELECT tx FROM ${schema}.watermark)`;
  const total = (parts: readonly string[]): string =>
    `SELECT coalesce(sum(billed), 0)::text AS billed, coalesce(sum(requests), 0)::text AS entries
      FROM (${parts.join(" UNION ALL ")}) AS part`;
  const entries = (where: string, table: string = "entries"): string =>
    `SELECT billed, 1::bigint AS requests FROM ${schema}.${table} WHERE ${where}`;
  const corrections = (where: string): string =>
    `SELECT sign * billed, sign::bigint FROM ${schema}.entry_corrections WHERE tx >= ${mark} AND ${where}`;

  if (period !== undefined) {
    const key = lineKey(period, scope);
    const mine = "line_keys @> ARRAY[$1::text]";
    if (from !== undefined || to !== undefined) {
      const [start, end] = bounds(query);
      return { text: total([entries(`${mine} AND started_at >= ${start} AND started_at < ${end}`)]), values: [key] };
    }
    const sums = `SELECT billed, requests FROM ${schema}.sums_by_line WHERE line = $1`;
    return { text: total([sums, entries(mine, "fresh_entries()"), corrections(mine)]), values: [key] };
  }

  const span = spanOf(query);
  const [first, last] = span.hours;
  const mine = scope === undefined ? "$1::text = ''" : "scope_keys @> ARRAY[$1::text]";
  const between = (start: number, end: number): string => `started_at >= ${start} AND started_at < ${end}`;
  const parts = span.edges.map(([start, end]) => entries(`${mine} AND ${between(start, end)} AND tx < ${mark}`));
  const [start, end] = bounds(query);
  parts.push(entries(`${mine} AND ${between(start, end)}`, "fresh_entries()"));
  if (first < last) {
    parts.push(
      `SELECT billed, requests FROM ${schema}.sums_by_scope WHERE scope = $1 AND hour >= ${first} AND hour < ${last}`,
      corrections(`${mine} AND ${between(first, last)}`),
    );
  }
  return { text: total(parts), values: [scope === undefined ? "" : scopeKey(scope)] };
}

/** The whole of the time that a query is about. */
function bounds(query: SpendQuery): readonly [from: number, to: number] {
  const { hours, edges } = spanOf(query);
  const all = [...(hours[0] < hours[1] ? [hours] : []), ...edges];
  if (all.length === 0) return [0, 0];
  return [Math.min(...all.map(([start]) => start)), Math.max(...all.map(([, end]) => end))];
}
