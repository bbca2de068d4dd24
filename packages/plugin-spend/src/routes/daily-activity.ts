import { z } from "zod";
import type { ReportRow } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Endpoint, EndpointInput } from "../http/endpoint.ts";
import { endpoint } from "../http/endpoint.ts";
import { idList, page, tableFields, text } from "../http/fields.ts";
import type { Table } from "../http/table.ts";
import { tableOf } from "../http/table.ts";
import { metricsOf, moneyFor, namesOf, rangeFor } from "../reports/context.ts";
import type { Range } from "../reports/days.ts";
import { boundsOfDay } from "../reports/days.ts";
import type { Fields, Money } from "../reports/money.ts";
import type { Condition, Selection } from "../reports/selection.ts";
import { selectionOf, sumsOf, totalOf } from "../reports/selection.ts";
import type { Sources } from "../sources.ts";
import type { Viewer } from "../viewer.ts";

/** Whose activity, and the field of the query that names them. */
const ENTITIES = {
  user: { kind: "user", ids: "user_id" },
  team: { kind: "team", ids: "team_ids" },
  organization: { kind: "organization", ids: "organization_ids" },
  customer: { kind: "customer", ids: "end_user_ids" },
  tag: { kind: "tag", ids: "tags" },
} as const;
type Entity = keyof typeof ENTITIES;

const OWNED: readonly Entity[] = ["user", "team", "organization"];

const queryOf = (ids: string) =>
  z.strictObject({
    ...tableFields,
    [ids]: idList.exactOptional(),
    model: text.exactOptional(),
    api_key: text.exactOptional(),
    page,
    /** Days. */
    page_size: z.coerce.number().int().min(1).max(1_000).default(31),
  });

interface ActivityQuery {
  readonly start_date?: string;
  readonly end_date?: string;
  readonly timezone?: string;
  readonly currency?: string;
  readonly model?: string;
  readonly api_key?: string;
  readonly page: number;
  readonly page_size: number;
}

/** How a day is taken apart. */
const BREAKDOWNS = [
  ["models", "model"],
  ["model_groups", "model"],
  ["providers", "provider"],
  ["endpoints", "operation"],
  ["api_keys", "key"],
] as const;

/** The daily activity of users, teams, organisations, customers and tags. */
export const dailyActivityRoutes: readonly Endpoint[] = [
  ...(Object.keys(ENTITIES) as Entity[]).map((entity) => activityRoute(`/${entity}/daily/activity`, entity, true)),
  activityRoute("/end_user/daily/activity", "customer", true),
  activityRoute("/user/daily/activity/aggregated", "user", false),
];

function activityRoute(path: string, entity: Entity, paged: boolean): Endpoint {
  const { kind, ids } = ENTITIES[entity];
  return endpoint({
    method: "GET",
    path,
    summary: `What each day has come to, by ${entity}; ${paged ? "page by page, the latest day first" : "all days at once"}.`,
    query: queryOf(ids) as unknown as z.ZodType<ActivityQuery>,
    async run(input) {
      const asked = (input.query as unknown as Readonly<Record<string, readonly string[] | undefined>>)[ids];
      const entities = await entitiesOf(entity, asked, input);
      return await activityOf(kind, entities, input, paged);
    },
  });
}

/** Which ones: those that are named, else what the viewer may see. Undefined: all. */
async function entitiesOf(
  entity: Entity,
  asked: readonly string[] | undefined,
  { viewer }: Pick<EndpointInput<undefined, ActivityQuery>, "viewer">,
): Promise<readonly string[] | undefined> {
  if (asked !== undefined) {
    if (!OWNED.includes(entity)) viewer.requireAll();
    for (const id of asked) await viewer.require({ kind: entity, id });
    return asked;
  }
  if (viewer.seesAll) return undefined;
  if (entity === "user" && viewer.principal.userId !== undefined) return [viewer.principal.userId];
  throw new GatewayError(
    "route_not_allowed",
    "this route is for proxy administrators and viewers; name what you may see",
  );
}

async function activityOf(
  kind: string,
  entities: readonly string[] | undefined,
  { query, viewer, sources }: EndpointInput<undefined, ActivityQuery>,
  paged: boolean,
): Promise<Table> {
  const range = rangeFor(query, sources);
  const team = kind === "team" && entities?.length === 1 ? entities[0] : undefined;
  const money = await moneyFor({ ...query, team_id: team }, viewer, sources);
  const selection = await selectedBy(kind, entities, query, viewer);
  const days = (await sumsOf(sources.entries, selection, range, ["day"])).toSorted(latestFirst);
  const { page: number, page_size: size } = paged ? query : { page: 1, page_size: days.length };
  const shown = days.slice((number - 1) * size, number * size);
  const pages = Math.ceil(days.length / Math.max(1, size));
  const parts = shown.length === 0 ? NO_PARTS : await partsOf(kind, selection, spanOf(shown, range), sources);
  const metrics = (row: ReportRow, at: number): Fields => metricsOf(row, money, at);
  const json = {
    results: shown.map((row) => {
      const day = row.group["day"] as string;
      const at = boundsOfDay(day, range.timezone).from;
      const told = (rows: readonly ReportRow[], field: string, names: PartNames): Record<string, unknown> =>
        Object.fromEntries(
          rows
            .filter(({ group }) => group["day"] === day && group[field] !== "")
            .map((one) => {
              const id = one.group[field] as string;
              return [id, { metrics: metrics(one, at), metadata: names.get(id) ?? {} }];
            }),
        );
      return {
        date: day,
        metrics: metrics(row, at),
        breakdown: {
          ...Object.fromEntries(
            BREAKDOWNS.map(([name, field]) => [name, told(parts.rows.get(field) ?? [], field, parts.names)]),
          ),
          mcp_servers: {},
          entities: told(parts.rows.get(kind) ?? [], kind, parts.names),
        },
      };
    }),
    metadata: {
      ...totalsOf(days, range, money),
      page: number,
      total_pages: pages,
      has_more: number < pages,
    },
  };
  const flat = shown.map((row) => {
    const day = row.group["day"] as string;
    return { date: day, ...metrics(row, boundsOfDay(day, range.timezone).from) };
  });
  return tableOf(flat, json);
}

type PartNames = ReadonlyMap<string, Readonly<Record<string, string>>>;

interface Parts {
  readonly rows: ReadonlyMap<string, readonly ReportRow[]>;
  readonly names: PartNames;
}

const NO_PARTS: Parts = { rows: new Map(), names: new Map() };

async function selectedBy(
  kind: string,
  entities: readonly string[] | undefined,
  query: ActivityQuery,
  viewer: Viewer,
): Promise<Selection> {
  const key = query.api_key === undefined ? undefined : await viewer.keyId(query.api_key);
  const selection = selectionOf({ [kind]: entities, key, model: query.model });
  if (entities !== undefined || kind === "user") return selection;
  // the activity of teams is not that of those who are in none
  const some: Condition = { field: kind, test: (id) => id !== "" };
  return { ...selection, conditions: [...(selection.conditions ?? []), some] };
}

/** The same days, taken apart in several ways. */
async function partsOf(kind: string, selection: Selection, range: Range, sources: Sources): Promise<Parts> {
  // sums by customer and by tag know no keys: nobody could read them in a second
  const fields = BREAKDOWNS.map(([, field]) => field).filter(
    (field) => field !== "key" || (kind !== "customer" && kind !== "tag"),
  );
  const rows = new Map<string, readonly ReportRow[]>();
  for (const field of new Set<string>([...fields, kind])) {
    rows.set(field, await sumsOf(sources.entries, selection, range, ["day", field]));
  }
  const names = new Map<string, Readonly<Record<string, string>>>();
  for (const [field, member] of [
    ["key", "key_alias"],
    [kind, "alias"],
  ] as const) {
    const ids = (rows.get(field) ?? []).map(({ group }) => group[field] as string);
    for (const [id, { alias }] of await namesOf(sources, field, ids)) {
      if (alias !== undefined) names.set(id, { [member]: alias });
    }
  }
  return { rows, names };
}

/** From the first of these days to the last, within what was asked for. */
function spanOf(days: readonly ReportRow[], range: Range): Range {
  const names = days.map(({ group }) => group["day"] as string).toSorted();
  const { from } = boundsOfDay(names[0] as string, range.timezone);
  const { to } = boundsOfDay(names.at(-1) as string, range.timezone);
  return { ...range, from: Math.max(from, range.from), to: Math.min(to, range.to) };
}

function totalsOf(days: readonly ReportRow[], range: Range, money: Money): Record<string, unknown> {
  const total = totalOf(days);
  const metrics = metricsOf(total, money, range.to - 1);
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [
      /^(total_|currency|exchange)/.test(name) ? name : `total_${name}`,
      value,
    ]),
  );
}

function latestFirst(one: ReportRow, other: ReportRow): number {
  return (one.group["day"] as string) < (other.group["day"] as string) ? 1 : -1;
}
