import { z } from "zod";
import type { ReportRow } from "@signalbox/kernel";
import type { Endpoint } from "../http/endpoint.ts";
import { endpoint } from "../http/endpoint.ts";
import { tableFields, text } from "../http/fields.ts";
import { tableOf } from "../http/table.ts";
import { moneyFor, namesOf, rangeFor } from "../reports/context.ts";
import { boundsOfDay } from "../reports/days.ts";
import { bySpend, selectionOf, sumsOf, totalOf } from "../reports/selection.ts";

const KINDS = {
  team: "team",
  customer: "customer",
  api_key: "key",
  user: "user",
  organization: "organization",
} as const;

/** `/global/spend/report`: who has spent what, on what. */
export const spendReportRoute: Endpoint = endpoint({
  method: "GET",
  path: "/global/spend/report",
  summary: "What teams, customers, keys, users or organisations have spent: per day, by model and key.",
  query: z.strictObject({
    ...tableFields,
    group_by: z.enum(Object.keys(KINDS) as (keyof typeof KINDS)[]).default("team"),
    api_key: text.exactOptional(),
    internal_user_id: text.exactOptional(),
    team_id: text.exactOptional(),
    customer_id: text.exactOptional(),
  }),
  async run({ query, viewer, sources }) {
    const { group_by: by, internal_user_id: user, team_id: team, customer_id: customer } = query;
    const key = query.api_key === undefined ? undefined : await viewer.keyId(query.api_key);
    const owners = { key, user, team };
    let owned = false;
    for (const [kind, id] of Object.entries(owners)) {
      if (id === undefined) continue;
      await viewer.require({ kind, id });
      owned = true;
    }
    if (!owned) viewer.requireAll();
    const kind = KINDS[by];
    const range = rangeFor(query, sources);
    const money = await moneyFor(query, viewer, sources);
    // what a report is grouped by may not also be what the store is asked for alone: a row has to name it
    const selection = selectionOf({ ...owners, customer });
    const totals = by === "api_key";
    // sums by customer know no keys: nobody could read them in a second
    const details = kind === "customer" ? ["model"] : ["model", "key"];
    const groups = [...new Set([...(totals ? [] : ["day"]), kind, ...details])];
    const rows = await sumsOf(sources.entries, selection, range, groups);
    const names = await namesOf(
      sources,
      kind,
      rows.map(({ group }) => group[kind] as string),
    );
    const nameOf = (id: string): string => names.get(id)?.alias ?? id;
    const at = (row: ReportRow): number =>
      row.group["day"] === undefined ? range.to - 1 : boundsOfDay(row.group["day"], range.timezone).from;
    const flat = rows.toSorted(byDayAndSpend).map((row) => ({
      ...(row.group["day"] !== undefined && { date: row.group["day"] }),
      [by]: row.group[kind] as string,
      ...(kind !== "key" && { [`${by}_name`]: nameOf(row.group[kind] as string) }),
      model: row.group["model"] as string,
      ...(row.group["key"] !== undefined && kind !== "key" && { api_key: row.group["key"] }),
      ...money.of("spend", row.billed, at(row)),
      ...money.of("cache_savings", row.cacheSavings, at(row)),
      total_tokens: row.inputTokens + row.outputTokens,
      api_requests: row.requests,
    }));
    if (totals) {
      const json = groupsOf(rows, kind).map(([id, some]) => {
        const sum = totalOf(some);
        return {
          api_key: id,
          key_alias: names.get(id)?.alias ?? null,
          ...money.of("total_cost", sum.billed, range.to - 1),
          ...money.of("total_cache_savings", sum.cacheSavings, range.to - 1),
          total_input_tokens: sum.inputTokens,
          total_output_tokens: sum.outputTokens,
          model_details: some.toSorted(bySpend).map((row) => ({
            model: row.group["model"],
            ...money.of("total_cost", row.billed, range.to - 1),
            total_input_tokens: row.inputTokens,
            total_output_tokens: row.outputTokens,
          })),
        };
      });
      return tableOf(flat, json);
    }
    const json = groupsOf(rows, "day")
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([day, ofDay]) => ({
        group_by_day: day,
        [`${by}s`]: groupsOf(ofDay, kind).map(([id, some]) => ({
          [`${by}_id`]: id,
          [`${by}_name`]: nameOf(id),
          ...money.of("total_spend", totalOf(some).billed, boundsOfDay(day, range.timezone).from),
          metadata: some.toSorted(bySpend).map((row) => ({
            model: row.group["model"],
            ...(row.group["key"] !== undefined && { api_key: row.group["key"] }),
            ...money.of("spend", row.billed, at(row)),
            ...money.of("cache_savings", row.cacheSavings, at(row)),
            total_tokens: row.inputTokens + row.outputTokens,
          })),
        })),
      }));
    return tableOf(flat, json);
  },
});

function byDayAndSpend(one: ReportRow, other: ReportRow): number {
  const [a = "", b = ""] = [one.group["day"], other.group["day"]];
  return a === b ? bySpend(one, other) : a < b ? -1 : 1;
}

/** The most expensive group first. */
function groupsOf(rows: readonly ReportRow[], field: string): readonly (readonly [string, readonly ReportRow[]])[] {
  const groups = Map.groupBy(rows, ({ group }) => group[field] as string);
  const sums = [...groups].map(([id, some]) => ({ id, some, total: totalOf(some).billed }));
  return sums
    .toSorted((one, other) =>
      one.total === other.total ? (one.id < other.id ? -1 : 1) : one.total < other.total ? 1 : -1,
    )
    .map(({ id, some }) => [id, some]);
}
