import { z } from "zod";
import type { ReportRow } from "@signalbox/kernel";
import type { Endpoint } from "../http/endpoint.ts";
import { endpoint } from "../http/endpoint.ts";
import { limit, tableFields, text } from "../http/fields.ts";
import { tableOf } from "../http/table.ts";
import { metricsOf, moneyFor, namesOf, rangeFor } from "../reports/context.ts";
import { bySpend, selectionOf, sumsOf } from "../reports/selection.ts";

/** Without those that have no such id. */
export function named(rows: readonly ReportRow[], field: string): readonly ReportRow[] {
  return rows.filter(({ group }) => group[field] !== "").toSorted(bySpend);
}

/** `/spend/keys`, `/spend/users`, `/spend/tags`: who has spent most. */
export const topSpenderRoutes: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/spend/keys",
    summary: "Keys by what they have spent.",
    query: z.strictObject({ ...tableFields, team_id: text.exactOptional(), limit }),
    async run({ query, viewer, sources }) {
      if (query.team_id !== undefined) await viewer.require({ kind: "team", id: query.team_id });
      const own = query.team_id === undefined && !viewer.seesAll ? { [viewer.own.kind]: viewer.own.id } : {};
      const range = rangeFor(query, sources);
      const money = await moneyFor(query, viewer, sources);
      const selection = selectionOf({ ...own, team: query.team_id });
      const rows = named(await sumsOf(sources.entries, selection, range, ["key"]), "key").slice(0, query.limit);
      const names = await namesOf(
        sources,
        "key",
        rows.map(({ group }) => group["key"] as string),
      );
      const flat = rows.map((row) => {
        const id = row.group["key"] as string;
        return {
          api_key: id,
          key_alias: names.get(id)?.alias ?? null,
          key_name: names.get(id)?.name ?? null,
          ...metricsOf(row, money, range.to - 1),
        };
      });
      return tableOf(flat, flat);
    },
  }),
  endpoint({
    method: "GET",
    path: "/spend/users",
    summary: "Users by what they have spent; with `user_id`, one.",
    query: z.strictObject({ ...tableFields, user_id: text.exactOptional(), limit }),
    async run({ query, viewer, sources }) {
      const { user_id: asked } = query;
      if (asked !== undefined) await viewer.require({ kind: "user", id: asked });
      const own = asked === undefined && !viewer.seesAll ? { [viewer.own.kind]: viewer.own.id } : {};
      const range = rangeFor(query, sources);
      const money = await moneyFor(query, viewer, sources);
      const selection = selectionOf({ ...own, user: asked ?? own["user"] });
      const rows = named(await sumsOf(sources.entries, selection, range, ["user"]), "user").slice(0, query.limit);
      const names = await namesOf(
        sources,
        "user",
        rows.map(({ group }) => group["user"] as string),
      );
      const flat = rows.map((row) => {
        const id = row.group["user"] as string;
        return {
          user_id: id,
          user_alias: names.get(id)?.alias ?? null,
          ...metricsOf(row, money, range.to - 1),
        };
      });
      return tableOf(flat, flat);
    },
  }),
  endpoint({
    method: "GET",
    path: "/spend/tags",
    summary: "Tags by what the calls that bear them have cost.",
    query: z.strictObject({ ...tableFields, limit }),
    async run({ query, viewer, sources }) {
      viewer.requireAll();
      const range = rangeFor(query, sources);
      const money = await moneyFor(query, viewer, sources);
      const rows = named(await sumsOf(sources.entries, {}, range, ["tag"]), "tag").slice(0, query.limit);
      const flat = rows.map((row) => ({
        individual_request_tag: row.group["tag"] as string,
        log_count: row.requests,
        ...money.of("total_spend", row.billed, range.to - 1),
      }));
      return tableOf(flat, flat);
    },
  }),
];
