import { z } from "zod";
import type { Entry, EntryQuery, Scope } from "@signalbox/kernel";
import { GatewayError, parseUsd } from "@signalbox/kernel";
import type { Endpoint } from "../http/endpoint.ts";
import { endpoint } from "../http/endpoint.ts";
import { flag, page, pageSize, rangeFields, tableFields, text, usd } from "../http/fields.ts";
import type { Row } from "../http/table.ts";
import { Table } from "../http/table.ts";
import { allEntries } from "../reports/all-entries.ts";
import type { ReportFields } from "../reports/context.ts";
import { moneyFor, rangeFor } from "../reports/context.ts";
import type { Money } from "../reports/money.ts";
import { Money as PlainMoney } from "../reports/money.ts";
import { columnsOf, spendRow } from "../reports/spend-row.ts";
import type { Sources } from "../sources.ts";
import type { Viewer } from "../viewer.ts";
import { daySummary } from "./day-summary.ts";

/** Counted further, lists of tens of millions would take seconds for their last page's number. */
const MOST_COUNTED = 100_000;
/** Whoever wants more exports. */
const MOST_SORTED = 10_000;

const SORTS = {
  startTime: "startedAt",
  endTime: "endedAt",
  spend: "billed",
  prompt_tokens: "inputTokens",
  completion_tokens: "outputTokens",
} as const;

const filters = {
  api_key: text.exactOptional(),
  user_id: text.exactOptional(),
  team_id: text.exactOptional(),
  organization_id: text.exactOptional(),
  end_user: text.exactOptional(),
  request_id: text.exactOptional(),
};

const paged = z.strictObject({
  ...tableFields,
  ...filters,
  key_alias: text.exactOptional(),
  session_id: text.exactOptional(),
  tag: text.exactOptional(),
  model: text.exactOptional(),
  model_id: text.exactOptional(),
  provider: text.exactOptional(),
  call_type: text.exactOptional(),
  status_filter: z.enum(["success", "failure"]).exactOptional(),
  error_code: text.exactOptional(),
  min_spend: usd.exactOptional(),
  max_spend: usd.exactOptional(),
  page,
  page_size: pageSize,
  sort_by: z.enum(Object.keys(SORTS) as (keyof typeof SORTS)[]).default("startTime"),
  sort_order: z.enum(["asc", "desc"]).default("desc"),
});
type PagedQuery = z.infer<typeof paged>;

/** `/spend/logs*`: entries, one by one. */
export const logRoutes: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/spend/logs",
    summary: "What each attempt has cost; with dates and without `summarize=false`, what each day has cost.",
    query: z.strictObject({ ...tableFields, ...filters, summarize: flag.default(true) }),
    async run({ query, viewer, sources }) {
      const money = await moneyFor(query, viewer, sources);
      if (query.request_id !== undefined) {
        const found = await attemptsOf(query.request_id, viewer, sources);
        const rows = found.map((entry) => spendRow(entry, money));
        return new Table(columnsOf(money), [rows], rows);
      }
      const scopes = await scopesOf(query, viewer);
      const range = rangeFor(query, sources);
      const dated = query.start_date !== undefined || query.end_date !== undefined;
      if (dated && query.summarize) return await daySummary(scopes, range, money, sources);
      return exported({ ...conditionsOf(scopes), ...range }, money, sources);
    },
  }),
  ...(["/spend/logs/v2", "/spend/logs/ui"] as const).map((path) =>
    endpoint({
      method: "GET",
      path,
      summary: "What attempts have cost, page by page; as CSV: all pages.",
      query: paged,
      run: ({ query, viewer, sources }) => pageOf(query, viewer, sources),
    }),
  ),
  endpoint({
    method: "GET",
    path: "/spend/logs/session/ui",
    summary: "All attempts of a session, page by page.",
    query: z.strictObject({ ...rangeFields, session_id: text, page, page_size: pageSize }),
    async run({ query, viewer, sources }) {
      const scopes: Scope[] = [{ kind: "session", id: query.session_id }];
      if (!viewer.seesAll) scopes.push(viewer.own);
      const dated = query.start_date !== undefined || query.end_date !== undefined;
      const range = dated ? rangeFor(query, sources) : {};
      const money = new PlainMoney(sources.pricing, undefined);
      return await oneOf({ ...conditionsOf(scopes), ...range }, query, money, sources);
    },
  }),
  ...(["/spend/logs/ui/:request_id", "/spend/logs/ui/:request_id/:attempt"] as const).map((path) =>
    endpoint({
      method: "GET",
      path,
      summary: "One attempt, or the last attempt of a call. Messages are not kept in entries.",
      async run({ params, viewer, sources }) {
        const { request_id: call = "", attempt } = params;
        const [found] = await attemptsOf(attempt === undefined ? call : `${call}/${attempt}`, viewer, sources);
        if (found === undefined) throw new GatewayError("not_found", "there is no such request");
        return { ...spendRow(found, new PlainMoney(sources.pricing, undefined)), messages: null, response: null };
      },
    }),
  ),
];

async function pageOf(query: PagedQuery, viewer: Viewer, sources: Sources): Promise<unknown> {
  const { min_spend: least, max_spend: most, request_id: callId } = query;
  const money = await moneyFor(query, viewer, sources);
  const found: EntryQuery = {
    ...conditionsOf(await scopesOf(query, viewer, sources)),
    ...rangeFor(query, sources),
    ...(callId !== undefined && { callId: callId.replace(/\/\d+$/, "") }),
    ...(query.model !== undefined && { model: query.model }),
    ...(query.model_id !== undefined && { deployment: query.model_id }),
    ...(query.provider !== undefined && { provider: query.provider }),
    ...(query.call_type !== undefined && { operation: query.call_type }),
    ...(query.status_filter !== undefined && { failed: query.status_filter === "failure" }),
    ...(query.error_code !== undefined && { errorCode: query.error_code }),
    ...(least !== undefined && { minimum: parseUsd(least) }),
    ...(most !== undefined && { maximum: parseUsd(most) }),
  };
  const sorted = { ...found, sortBy: SORTS[query.sort_by], ascending: query.sort_order === "asc" };
  if (query.format === "csv") return exported(found, money, sources);
  if (query.sort_by !== "startTime" && query.page * query.page_size > MOST_SORTED) {
    throw new GatewayError("invalid_request", `"page": by ${query.sort_by}, only the first ${MOST_SORTED} are listed`, {
      param: "page",
    });
  }
  return await oneOf(sorted, query, money, sources);
}

/** One page, with how many there are. */
async function oneOf(
  found: EntryQuery,
  { page: number, page_size: size }: { readonly page: number; readonly page_size: number },
  money: Money,
  { entries }: Sources,
): Promise<unknown> {
  const [some, total] = await Promise.all([
    entries.list({ ...found, limit: size, offset: (number - 1) * size }),
    entries.count(found, MOST_COUNTED),
  ]);
  const rows = some.map((entry) => spendRow(entry, money));
  const json = {
    data: rows,
    total,
    ...(total === MOST_COUNTED && { total_is_minimum: true }),
    page: number,
    page_size: size,
    total_pages: Math.ceil(total / size),
  };
  return new Table(columnsOf(money), [rows], json);
}

/** Everything, as it is read from the store. */
function exported(query: EntryQuery, money: Money, { entries }: Sources): Table {
  async function* pages(): AsyncGenerator<readonly Row[]> {
    for await (const some of allEntries(entries, query)) yield some.map((entry) => spendRow(entry, money));
  }
  return new Table(columnsOf(money), pages());
}

/** By the id of an attempt or of its call, the last attempt first; only those that the viewer may see. */
async function attemptsOf(id: string, viewer: Viewer, { entries }: Sources): Promise<readonly Entry[]> {
  const one = await entries.get(id);
  const found = one === undefined ? await entries.list({ callId: id, limit: 1_000 }) : [one];
  const seen: Entry[] = [];
  for (const entry of found) if (await viewer.seesEntry(entry)) seen.push(entry);
  return seen.sort((a, b) => b.attempt - a.attempt);
}

interface ScopeFields extends ReportFields {
  readonly api_key?: string;
  readonly key_alias?: string;
  readonly user_id?: string;
  readonly organization_id?: string;
  readonly end_user?: string;
  readonly session_id?: string;
  readonly tag?: string;
}

/** Whose entries: each that is named has to be one that the viewer may see, or all have to be its own. */
async function scopesOf(query: ScopeFields, viewer: Viewer, sources?: Sources): Promise<readonly Scope[]> {
  const scopes: Scope[] = [];
  let owner = false;
  const owned = async (kind: string, id: string | undefined): Promise<void> => {
    if (id === undefined) return;
    await viewer.require({ kind, id });
    scopes.push({ kind, id });
    owner = true;
  };
  await owned("key", query.api_key === undefined ? undefined : await viewer.keyId(query.api_key));
  if (query.key_alias !== undefined) {
    const id = await sources?.directory()?.keyIdOfAlias(query.key_alias);
    if (id === undefined) throw new GatewayError("not_found", "there is no such key");
    await owned("key", id);
  }
  await owned("user", query.user_id);
  await owned("team", query.team_id);
  await owned("organization", query.organization_id);
  const { end_user: customer, session_id: session, tag } = query;
  for (const [kind, id] of Object.entries({ customer, session, tag })) {
    if (id !== undefined) scopes.push({ kind, id });
  }
  if (!owner && !viewer.seesAll) scopes.push(viewer.own);
  return scopes;
}

/** A session leads to its entries by an index, so that it comes first. */
function conditionsOf(scopes: readonly Scope[]): Pick<EntryQuery, "scope" | "scopes"> {
  const [first, ...rest] = scopes.toSorted((one) => (one.kind === "session" ? -1 : 0));
  return first === undefined ? {} : { scope: first, scopes: rest };
}
