import type { ReportQuery, ReportRow, Scope } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { lineKey, scopeKey, storable } from "./entry-row.ts";
import { DAY_MS, HOUR_MS, spanOf } from "./sums.ts";

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
  "cache_hits",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cache_savings",
];

const TOKENS = TOTALS.filter((name) => name.endsWith("tokens"));
/** Whether a cache answered. */
const HIT = "(cache_hit IS TRUE)::int";
const SAVED = "coalesce(cache_savings, 0)";

interface Query {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** From sums where they hold what is asked for, else from entries. */
export function reportQuery(schema: string, query: ReportQuery): Query {
  const sums = isSummable(query) ? sumsFor(schema, query) : undefined;
  return sums === undefined ? fromEntries(schema, query) : fromSums(schema, query, sums);
}

/** Tables of sums, and how entries are looked at to be added to them. */
interface SumTables {
  readonly hours: string;
  readonly days: string;
  /** What the sums are divided by. */
  readonly names: readonly string[];
  /** The same of entries and corrections. */
  readonly ofEntries: readonly string[];
  /** What stands behind the table of entries or of corrections. */
  readonly join: string;
  /** Which rows of the tables of sums. */
  readonly where: string;
  /** The column of a scope kind. */
  readonly column: (kind: string) => string;
}

const LABELS: readonly string[] = ["tag", "customer"];
const WORK: readonly string[] = ["operation", "model", "deployment", "provider"];

function sumsFor(schema: string, { groupBy, scope }: ReportQuery): SumTables | undefined {
  const divided = groupBy.filter((name) => name !== "day");
  if (scope === undefined || SCOPES.includes(scope.kind)) {
    if (divided.every((name) => Object.hasOwn(DIVISIONS, name))) {
      const names = Object.values(DIVISIONS);
      return {
        hours: `${schema}.sums_by_hour`,
        days: `${schema}.sums_by_day`,
        names,
        ofEntries: names.map((name) => `coalesce(${name}, '') AS ${name}`),
        join: "",
        where: "true",
        column: (kind) => DIVISIONS[kind] as string,
      };
    }
    if (scope !== undefined) return undefined;
  }
  const kinds = new Set(divided.filter((name) => !WORK.includes(name)));
  // a row for each tag of the entries that have another one: only entries know
  if (scope !== undefined && kinds.size > 0) return undefined;
  const [kind, ...others] = scope === undefined ? kinds : [scope.kind];
  if (kind === undefined || others.length > 0 || !LABELS.includes(kind)) return undefined;
  return {
    hours: `${schema}.label_sums_by_hour`,
    days: `${schema}.label_sums_by_day`,
    names: [...WORK, "label"],
    ofEntries: [...WORK, "coalesce(label, '') AS label"],
    join: `LEFT JOIN LATERAL ${schema}.labels(scope_keys, '${kind}') ON true`,
    where: `kind = '${kind}'`,
    column: (name) => (name === kind ? "label" : name),
  };
}

export function reportRow({ groupBy }: ReportQuery, row: Readonly<Record<string, string>>): ReportRow {
  const tokens = (name: string): number => Number(row[name]);
  return {
    group: Object.fromEntries(groupBy.map((name, index) => [name, row[`group_${index}`] ?? ""])),
    billed: BigInt(row.billed ?? 0),
    requests: tokens("requests"),
    failures: tokens("failures"),
    cacheHits: tokens("cache_hits"),
    inputTokens: tokens("input_tokens"),
    outputTokens: tokens("output_tokens"),
    cacheReadTokens: tokens("cache_read_tokens"),
    cacheWriteTokens: tokens("cache_write_tokens"),
    cacheSavings: BigInt(row["cache_savings"] ?? 0),
  };
}

function isSummable({ groupBy, scope, period, timezone }: ReportQuery): boolean {
  if (period !== undefined) return false;
  // Sums write no difference between an empty id and none, and keep long ones in short.
  if (scope !== undefined && (scope.model !== undefined || scope.id === "" || !isWhole(scope))) return false;
  return !groupBy.includes("day") || hasWholeHours(zoneOf(timezone));
}

function isWhole(scope: Scope): boolean {
  return SCOPES.includes(scope.kind) || scopeKey(scope) === JSON.stringify([scope.kind, scope.id]);
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

/** Sums added up by hour and by what divides the report: a day's name is then made for each hour, not for each sum. */
function byHour(columns: readonly string[], parts: readonly string[]): string {
  const names = [...new Set(["hour", ...columns])].join(", ");
  const totals = TOTALS.map((column) => `sum(${column}) AS ${column}`).join(", ");
  return `(SELECT ${names}, ${totals} FROM (${parts.join(" UNION ALL ")}) AS part GROUP BY ${names}) AS part`;
}

function fromSums(schema: string, query: ReportQuery, sums: SumTables): Query {
  const { groupBy, scope } = query;
  const span = spanOf(query);
  const [first, last] = span.hours;
  const all = [...(first < last ? [span.hours] : []), ...span.edges];
  const mark = `(SELECT tx FROM ${schema}.watermark)`;
  const zone = zoneOf(query.timezone);
  const values: unknown[] = [zone];
  let mine = "$1::text IS NOT NULL";
  if (scope !== undefined) {
    values.push(storable(scope.id));
    mine += ` AND ${sums.column(scope.kind)} = $2`;
  }
  const names = sums.names.join(", ");
  const between = (column: string, [start, end]: readonly [number, number]): string =>
    `${column} >= ${start} AND ${column} < ${end}`;
  const hour = `started_at - mod(started_at, ${HOUR_MS}) AS hour`;
  const tokens = TOKENS.join(", ");
  const entries = (where: string, table: string = `${schema}.entries`): string =>
    `SELECT ${hour}, ${sums.ofEntries.join(", ")}, billed, 1 AS requests, (error_code IS NOT NULL)::int AS failures,
      ${HIT} AS cache_hits, ${tokens}, ${SAVED} AS cache_savings FROM ${table} ${sums.join} WHERE ${mine} AND ${where}`;
  const parts = [
    ...span.edges.map((edge) => entries(`${between("started_at", edge)} AND tx < ${mark}`)),
    ...all.map((part) => entries(between("started_at", part), `${schema}.fresh_entries()`)),
  ];
  if (first < last) {
    // days of another zone are none of the sums' days
    const { days, hours } = daysWithin(span.hours, !groupBy.includes("day") || zone === "UTC");
    const summed = (table: string, column: string, part: readonly [number, number]): string =>
      `SELECT ${column}, ${names}, ${TOTALS.join(", ")} FROM ${table}
        WHERE ${sums.where} AND ${mine} AND ${between(column, part)}`;
    parts.push(
      ...hours.map((part) => summed(sums.hours, "hour", part)),
      ...days.map((part) => summed(sums.days, "day", part)),
      `SELECT ${hour}, ${sums.ofEntries.join(", ")}, sign * billed, sign, sign * failed::int,
        sign * ${HIT}, ${tokens
          .split(", ")
          .map((name) => `sign * ${name}`)
          .join(", ")}, sign * ${SAVED}
        FROM ${schema}.entry_corrections ${sums.join}
        WHERE tx >= ${mark} AND ${mine} AND ${between("started_at", span.hours)}`,
    );
  }
  if (parts.length === 0) parts.push(entries("false"));
  const columns = groupBy
    .filter((name) => name !== "day")
    .map((name) => (SCOPES.includes(name) || LABELS.includes(name) ? sums.column(name) : name));
  const rest = [...columns];
  const groups = groupBy.map((name) => (name === "day" ? dayOf("hour", "$1") : (rest.shift() as string)));
  return { text: grouped(groups, byHour(columns, parts)), values };
}

type Stretch = readonly [from: number, to: number];

/** Whole hours as whole days and the hours around them. */
function daysWithin(
  [first, last]: Stretch,
  wanted: boolean,
): {
  readonly days: readonly Stretch[];
  readonly hours: readonly Stretch[];
} {
  const [from, to] = [Math.ceil(first / DAY_MS) * DAY_MS, Math.floor(last / DAY_MS) * DAY_MS];
  if (!wanted || from >= to) return { days: [], hours: [[first, last]] };
  const around: readonly Stretch[] = [
    [first, from],
    [to, last],
  ];
  return { days: [[from, to]], hours: around.filter(([start, end]) => start < end) };
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
  const tokens = TOKENS.join(", ");
  const source = `(SELECT *, 1 AS requests, (error_code IS NOT NULL)::int AS failures, ${HIT} AS cache_hits FROM (
    SELECT started_at, model, provider, deployment, operation, scopes, error_code, cache_hit, billed, ${tokens},
      ${SAVED} AS cache_savings
    FROM ${schema}.entries WHERE ${conditions.join(" AND ")}) AS entry) AS entry ${joins.join(" ")}`;
  return { text: grouped(groups, source), values };
}
