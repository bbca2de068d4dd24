import type { Scope, SpendQuery } from "@signalbox/kernel";
import { lineKey, scopeKey } from "./entry-row.ts";

interface WholeQuery extends SpendQuery {
  readonly scope: Scope;
}

/** Whether it asks for all that something has ever been charged, or for all of one of its lines. */
export function isWhole(query: SpendQuery): query is WholeQuery {
  return query.scope !== undefined && query.from === undefined && query.to === undefined;
}

/** What was billed to each, and in how many entries, in their order: from sums, and from entries that the sums do not hold. */
export function spentEachQuery(
  schema: string,
  queries: readonly WholeQuery[],
): { readonly text: string; readonly values: readonly unknown[] } {
  const lines = queries.map(({ scope, period }) => (period === undefined ? null : lineKey(period, scope)));
  const scopes = queries.map(({ scope, period }) => (period === undefined ? scopeKey(scope) : null));
  const fresh = `SELECT 1 AS sign, billed, scope_keys, line_keys FROM ${schema}.fresh_entries()
    UNION ALL SELECT sign, billed, scope_keys, line_keys FROM ${schema}.entry_corrections
      WHERE tx >= (SELECT tx FROM ${schema}.watermark)`;
  const text = `WITH wanted AS (
      SELECT * FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (line, scope, place)
    ), fresh AS MATERIALIZED (${fresh}),
    part AS (
      SELECT place, billed, requests FROM wanted JOIN ${schema}.sums_by_line USING (line)
      UNION ALL SELECT place, billed, requests FROM wanted JOIN ${schema}.sums_by_scope USING (scope)
      UNION ALL SELECT place, sign * billed, sign FROM fresh, unnest(line_keys) AS key JOIN wanted ON key = line
      UNION ALL SELECT place, sign * billed, sign FROM fresh, unnest(scope_keys) AS key JOIN wanted ON key = scope
    )
    SELECT coalesce(sum(billed), 0)::text AS billed, coalesce(sum(requests), 0)::text AS entries
    FROM wanted LEFT JOIN part USING (place) GROUP BY place ORDER BY place`;
  return { text, values: [lines, scopes] };
}
