import type { ReportQuery, ReportRow } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { lineKey, scopeKey, storable } from "./entry-row.ts";
import { HOUR_MS, spanOf } from "./sums.ts";

/** What sums by hour are divided by. */
const DIVISIONS: Readonly<Record<string, string>> = {
  operation: "operation",
  model: "model",
  provider: "provider",
  deployment: "deployment",
  organization: "organization",
  team: "team",
  user: "user_id",
  key: "key_id",
};
const SCOPES: readonly string[] = ["organization", "team", "user", "key"];
const TOTALS = [
  "billed",
  "requests",
  "failures",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
];

interface Query {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** From sums where they hold what is asked for, else from entries. */
export function reportQuery(schema: string, query: ReportQuery): Query {
  return isSummed(query) ? fromSums(schema, query) : fromEntries(schema, query);
}

export function reportRow({ groupBy }: ReportQuery, row: Readonly<Record<string, string>>): ReportRow {
  const tokens = (name: string): number => Number(row[name]);
  return {
    group: Object.fromEntries(groupBy.map((name, index) => [name, row[`group_${index}`] ?? ""])),
    billed: BigInt(row.billed ?? 0),
    requests: tokens("requests"),
    failures: tokens("failures"),
    inputTokens: tokens("input_tokens"),
    outputTokens: tokens("output_tokens"),
    cacheReadTokens: tokens("cache_read_tokens"),
    cacheWriteTokens: tokens("cache_write_tokens"),
  };
}

function isSummed({ groupBy, scope, period, timezone }: ReportQuery): boolean {
  if (period !== undefined) return false;
  // Sums write no difference between an empty id and none.
  if (scope !== undefined && (scope.model !== undefined || scope.id === "" || !SCOPES.includes(scope.kind)))
    return false;
  if (groupBy.includes("day") && !hasWholeHours(zoneOf(timezone))) return false;
  return groupBy.every((name) => name === "day" || Object.hasOwn(DIVISIONS, name));
}

function zoneOf(timezone: string | undefined): string {
  const zone = timezone ?? "UTC";
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    throw new GatewayError("invalid_request", `there is no time zone ${JSON.stringify(zone)}`, { param: "timezone" });
  }
}

/** Whether days of a zone begin with an hour of UTC, in summer and in winter. */
function hasWholeHours(zone: string): boolean {
  const format = new Intl.DateTimeFormat("en", { timeZone: zone, minute: "numeric" });
  return [Date.UTC(2026, 0), Date.UTC(2026, 6)].every((time) => Number(format.format(time)) === 0);
}

const total = (column: string): string => `sum(${column})::text AS ${column}`;
const dayOf = (milliseconds: string, zone: string): string =>
  `to_char(to_timestamp(${milliseconds} / 1e3) AT TIME ZONE ${zone}, 'YYYY-MM-DD')`;

function grouped(groups: readonly string[], source: string): string {
  const places = groups.map((_, index) => `${index + 1}`).join(", ");
  const named = groups.map((group, index) => `${group} AS group_${index}, `).join("");
  return `SELECT ${named}${TOTALS.map(total).join(", ")} FROM ${source}
    GROUP BY ${places === "" ? "()" : places} HAVING sum(requests) <> 0 ORDER BY ${places === "" ? "1" : places}`;
}

function fromSums(schema: string, query: ReportQuery): Query {
  const { groupBy, scope } = query;
  const span = spanOf(query);
  const [first, last] = span.hours;
  const all = [...(first < last ? [span.hours] : []), ...span.edges];
  const mark = `(SELECT tx FROM ${schema}.watermark)`;
  const values: unknown[] = [zoneOf(query.timezone)];
  let mine = "$1::text IS NOT NULL";
  if (scope !== undefined) {
    values.push(storable(scope.id));
    mine += ` AND ${DIVISIONS[scope.kind]} = $2`;
  }
  const names = Object.values(DIVISIONS);
  const between = (column: string, [start, end]: readonly [number, number]): string =>
    `${column} >= ${start} AND ${column} < ${end}`;
  const hour = `started_at - mod(started_at, ${HOUR_MS}) AS hour`;
  const tokens = TOTALS.slice(3).join(", ");
  const entries = (where: string): string =>
    `SELECT ${hour}, ${names.map((name) => `coalesce(${name}, '') AS ${name}`).join(", ")},
      billed, 1 AS requests, (error_code IS NOT NULL)::int AS failures, ${tokens}
      FROM ${schema}.entries WHERE ${mine} AND ${where}`;
  const parts = [
    ...span.edges.map((edge) => entries(`${between("started_at", edge)} AND tx < ${mark}`)),
    ...all.map((part) => entries(`tx >= ${mark} AND ${between("started_at", part)}`)),
  ];
  if (first < last) {
    parts.push(
      `SELECT hour, ${names.join(", ")}, ${TOTALS.join(", ")}
        FROM ${schema}.sums_by_hour WHERE ${mine} AND ${between("hour", span.hours)}`,
      `SELECT ${hour}, ${names.map((name) => `coalesce(${name}, '')`).join(", ")}, sign * billed, sign,
        sign * failed::int, ${tokens
          .split(", ")
          .map((name) => `sign * ${name}`)
          .join(", ")}
        FROM ${schema}.entry_corrections WHERE tx >= ${mark} AND ${mine} AND ${between("started_at", span.hours)}`,
    );
  }
  if (parts.length === 0) parts.push(entries("false"));
  const groups = groupBy.map((name) => (name === "day" ? dayOf("hour", "$1") : (DIVISIONS[name] as string)));
  return { text: grouped(groups, `(${parts.join(" UNION ALL ")}) AS part`), values };
}

/** Scopes of one kind: an entry counts in the group of each. */
function fromEntries(schema: string, { groupBy, scope, period, from, to, timezone }: ReportQuery): Query {
  const values: unknown[] = [];
  const place = (value: unknown): string => `$${values.push(value)}`;
  const conditions = ["true"];
  if (period !== undefined) conditions.push(`line_keys @> ARRAY[${place(lineKey(period, scope))}::text]`);
  else if (scope !== undefined) conditions.push(`scope_keys @> ARRAY[${place(scopeKey(scope))}::text]`);
  if (from !== undefined) conditions.push(`started_at >= ${place(Math.ceil(from))}`);
  if (to !== undefined) conditions.push(`started_at < ${place(Math.ceil(to))}`);
  const joins: string[] = [];
  const groups = groupBy.map((name, index) => {
    if (name === "day") return dayOf("started_at", `${place(zoneOf(timezone))}::text`);
    if (Object.hasOwn(DIVISIONS, name) && !SCOPES.includes(name)) return DIVISIONS[name] as string;
    joins.push(`LEFT JOIN LATERAL (
      SELECT DISTINCT scope ->> 'id' AS id FROM jsonb_array_elements(scopes) AS scope
      WHERE scope ->> 'kind' = ${place(storable(name))} AND NOT scope ? 'model'
    ) AS scope_${index} ON true`);
    return `coalesce(scope_${index}.id, '')`;
  });
  const tokens = TOTALS.slice(3).join(", ");
  const source = `(SELECT *, 1 AS requests, (error_code IS NOT NULL)::int AS failures FROM (
    SELECT started_at, model, provider, deployment, operation, scopes, error_code, billed, ${tokens}
    FROM ${schema}.entries WHERE ${conditions.join(" AND ")}) AS entry) AS entry ${joins.join(" ")}`;
  return { text: grouped(groups, source), values };
}
