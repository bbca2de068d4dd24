import { z } from "zod";
import type { ReportRow } from "@signalbox/kernel";
import type { Endpoint, EndpointInput } from "../http/endpoint.ts";
import { endpoint } from "../http/endpoint.ts";
import { limit, tableFields, text } from "../http/fields.ts";
import { tableOf } from "../http/table.ts";
import type { ReportFields } from "../reports/context.ts";
import { moneyFor, namesOf, rangeFor } from "../reports/context.ts";
import type { Range } from "../reports/days.ts";
import { boundsOfDay } from "../reports/days.ts";
import type { Fields, Money } from "../reports/money.ts";
import { usdOf } from "../reports/money.ts";
import { bySpend, selectionOf, sumsOf, totalOf } from "../reports/selection.ts";
import { named } from "./top-spenders.ts";

const dates = z.strictObject({ ...tableFields });
const most = z.strictObject({ ...tableFields, limit });

interface Asked {
  readonly range: Range;
  readonly money: Money;
  sums(groupBy: readonly string[]): Promise<readonly ReportRow[]>;
}

/** What all of these need: an administrator or a viewer, days, and a currency. */
async function ask<Query extends ReportFields>({
  query,
  viewer,
  sources,
}: Pick<EndpointInput<unknown, Query>, "query" | "viewer" | "sources">): Promise<Asked> {
  viewer.requireAll();
  const range = rangeFor(query, sources);
  const money = await moneyFor(query, viewer, sources);
  return { range, money, sums: (groupBy) => sumsOf(sources.entries, {}, range, groupBy) };
}

/** `/global/spend/*`: what the whole gateway has cost. */
export const globalSpendRoutes: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/global/spend",
    summary: "What everything has cost since the beginning, and the gateway's budget.",
    async run({ viewer, sources }) {
      viewer.requireAll();
      const { billed } = await sources.entries.spent({});
      const budget = sources.budgets.find(({ scope }) => scope.kind === "gateway" && scope.model === undefined);
      const limitOf = budget?.limit ?? null;
      return {
        spend: usdOf(billed),
        spend_nano: `${billed}`,
        max_budget: limitOf === null ? null : usdOf(limitOf),
        budget_duration: budget?.duration ?? null,
      };
    },
  }),
  endpoint({
    method: "GET",
    path: "/global/spend/logs",
    summary: "What each day has cost; the last thirty, where no dates are given.",
    query: z.strictObject({ ...tableFields, api_key: text.exactOptional() }),
    async run({ query, viewer, sources }) {
      const key = query.api_key === undefined ? undefined : await viewer.keyId(query.api_key);
      if (key === undefined) viewer.requireAll();
      else await viewer.require({ kind: "key", id: key });
      const range = rangeFor(query, sources);
      const money = await moneyFor(query, viewer, sources);
      const rows = await sumsOf(sources.entries, selectionOf({ key }), range, ["day"]);
      const flat = byDay(rows).map((row) => dayRow(row, range, money));
      return tableOf(flat, flat);
    },
  }),
  endpoint({
    method: "GET",
    path: "/global/spend/keys",
    summary: "The keys that have spent most.",
    query: most,
    async run(input) {
      const { range, money, sums } = await ask(input);
      const rows = named(await sums(["key"]), "key").slice(0, input.query.limit);
      const names = await namesOf(
        input.sources,
        "key",
        rows.map(({ group }) => group["key"] as string),
      );
      const flat = rows.map(({ group, billed }) => {
        const id = group["key"] as string;
        const { alias = null, name = null } = names.get(id) ?? {};
        return { api_key: id, key_alias: alias, key_name: name, ...money.of("total_spend", billed, range.to - 1) };
      });
      return tableOf(flat, flat);
    },
  }),
  endpoint({
    method: "GET",
    path: "/global/spend/models",
    summary: "The models that have cost most.",
    query: most,
    async run(input) {
      const { range, money, sums } = await ask(input);
      const flat = named(await sums(["model"]), "model")
        .slice(0, input.query.limit)
        .map(({ group, billed }) => ({
          model: group["model"] as string,
          ...money.of("total_spend", billed, range.to - 1),
        }));
      return tableOf(flat, flat);
    },
  }),
  endpoint({
    method: "GET",
    path: "/global/spend/teams",
    summary: "What teams have spent, each day and in all.",
    query: dates,
    async run(input) {
      const { range, money, sums } = await ask(input);
      const rows = named(await sums(["day", "team"]), "team");
      const groups = Map.groupBy(rows, ({ group }) => group["team"] as string);
      const totals = [...groups.values()].map((some) => ({ ...totalOf(some), group: (some[0] as ReportRow).group }));
      totals.sort(bySpend);
      const names = await namesOf(input.sources, "team", groups.keys());
      const nameOf = (id: string): string => names.get(id)?.alias ?? id;
      const teams = totals.map(({ group }) => nameOf(group["team"] as string));
      const daily = [...Map.groupBy(rows, ({ group }) => group["day"] as string)]
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(([day, some]) => ({
          date: day,
          ...Object.fromEntries(some.map(({ group, billed }) => [nameOf(group["team"] as string), usdOf(billed)])),
        }));
      const flat = byDay(rows).map((row) => ({
        ...dayRow(row, range, money),
        team_id: row.group["team"] as string,
        team_name: nameOf(row.group["team"] as string),
      }));
      return tableOf(flat, {
        daily_spend: daily,
        teams,
        total_spend_per_team: totals.map(({ group, billed }) => ({
          team_id: group["team"],
          name: nameOf(group["team"] as string),
          ...money.of("total_spend", billed, range.to - 1),
        })),
      });
    },
  }),
  endpoint({
    method: "GET",
    path: "/global/spend/provider",
    summary: "What providers have charged for, by what was billed.",
    query: dates,
    async run(input) {
      const { range, money, sums } = await ask(input);
      const flat = named(await sums(["provider"]), "provider").map(({ group, billed }) => ({
        provider: group["provider"] as string,
        ...money.of("spend", billed, range.to - 1),
      }));
      return tableOf(flat, flat);
    },
  }),
  endpoint({
    method: "GET",
    path: "/global/spend/tags",
    summary: "What the calls that bear a tag have cost; `tags`: only these, with commas.",
    query: z.strictObject({ ...tableFields, tags: text.exactOptional() }),
    async run(input) {
      const { range, money, sums } = await ask(input);
      const wanted = input.query.tags?.split(",");
      const flat = named(await sums(["tag"]), "tag")
        .filter(({ group }) => wanted === undefined || wanted.includes(group["tag"] as string))
        .map(({ group, billed, requests }) => ({
          name: group["tag"] as string,
          ...money.of("spend", billed, range.to - 1),
          log_count: requests,
        }));
      return tableOf(flat, { spend_per_tag: flat });
    },
  }),
  endpoint({
    method: "GET",
    path: "/global/spend/all_tag_names",
    summary: "All tags that calls have borne.",
    query: dates,
    async run(input) {
      const { sums } = await ask(input);
      const names = named(await sums(["tag"]), "tag").map(({ group }) => group["tag"] as string);
      return tableOf(
        names.map((tag) => ({ tag })),
        { tag_names: names.toSorted() },
      );
    },
  }),
  endpoint({
    method: "GET",
    path: "/global/all_end_users",
    summary: "All customers that calls were made for.",
    query: dates,
    async run(input) {
      const { sums } = await ask(input);
      const ids = named(await sums(["customer"]), "customer").map(({ group }) => group["customer"] as string);
      return tableOf(
        ids.map((id) => ({ end_user: id })),
        { end_users: ids.toSorted() },
      );
    },
  }),
  endpoint({
    method: "POST",
    path: "/global/spend/end_users",
    summary: "What customers have spent; with `api_key`, through one key.",
    body: z.strictObject({
      api_key: text.nullable().exactOptional(),
      startTime: tableFields.start_date,
      endTime: tableFields.end_date,
      selectedTeam: text.nullable().exactOptional(),
    }),
    query: z.strictObject({ currency: tableFields.currency, format: tableFields.format }),
    async run({ body, query, viewer, sources }) {
      viewer.requireAll();
      const asked = { start_date: body.startTime, end_date: body.endTime, ...query };
      const range = rangeFor(asked, sources);
      const money = await moneyFor(asked, viewer, sources);
      const key = typeof body.api_key === "string" ? await viewer.keyId(body.api_key) : undefined;
      const selection = selectionOf({ key, team: body.selectedTeam ?? undefined });
      const flat = named(await sumsOf(sources.entries, selection, range, ["customer"]), "customer").map(
        ({ group, requests, billed }): Fields => ({
          end_user: group["customer"] as string,
          total_count: requests,
          ...money.of("total_spend", billed, range.to - 1),
        }),
      );
      return tableOf(flat, flat);
    },
  }),
  endpoint({
    method: "POST",
    path: "/global/spend/refresh",
    summary: "Nothing: sums are always up to date.",
    run({ viewer }) {
      viewer.requireAll();
      return { message: "sums are always up to date", status: "success" };
    },
  }),
];

function byDay(rows: readonly ReportRow[]): readonly ReportRow[] {
  return rows.toSorted((one, other) => {
    const [a, b] = [one.group["day"] as string, other.group["day"] as string];
    return a === b ? bySpend(one, other) : a < b ? -1 : 1;
  });
}

function dayRow({ group, billed }: ReportRow, { timezone }: Range, money: Money): Fields {
  const day = group["day"] as string;
  return { date: day, ...money.of("spend", billed, boundsOfDay(day, timezone).from) };
}
