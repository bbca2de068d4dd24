import { z } from "zod";
import type { ReportRow } from "@signalbox/kernel";
import { Periods } from "@signalbox/kernel/ledger";
import type { Endpoint, EndpointInput } from "../http/endpoint.ts";
import { endpoint } from "../http/endpoint.ts";
import { rangeFields, tableFields, text } from "../http/fields.ts";
import type { Table } from "../http/table.ts";
import { tableOf } from "../http/table.ts";
import { rangeFor } from "../reports/context.ts";
import type { Fields } from "../reports/money.ts";
import { usdOf } from "../reports/money.ts";
import { selectionOf, sumsOf, totalOf } from "../reports/selection.ts";

const query = z.strictObject({
  ...rangeFields,
  format: tableFields.format,
  model_group: text.exactOptional(),
});
type Input = EndpointInput<undefined, z.infer<typeof query>>;

/** What a row counts, under the names of one report. */
type Count = (row: ReportRow) => Fields;

const requests: Count = (row) => ({ api_requests: row.requests, total_tokens: row.inputTokens + row.outputTokens });
const failures: Count = (row) => ({ num_exceptions: row.failures });
const hits: Count = (row) => ({ cache_hits: row.cacheHits, cache_misses: row.requests - row.cacheHits });

async function rowsOf(
  { query: asked, viewer, sources }: Input,
  groupBy: readonly string[],
): Promise<readonly ReportRow[]> {
  viewer.requireAll();
  const selection = selectionOf({ model: asked.model_group });
  const rows = await sumsOf(sources.entries, selection, rangeFor(asked, sources), groupBy);
  return rows.toSorted((one, other) => (JSON.stringify(one.group) < JSON.stringify(other.group) ? -1 : 1));
}

/** Days, and all of them together. */
function daily(rows: readonly ReportRow[], count: Count): Record<string, unknown> {
  const sums = Object.entries(count(totalOf(rows))).map(([name, value]) => [`sum_${name}`, value]);
  return {
    daily_data: rows.map((row) => ({ date: row.group["day"], ...count(row) })),
    ...Object.fromEntries(sums),
  };
}

function whole(path: string, summary: string, count: Count): Endpoint {
  return endpoint({
    method: "GET",
    path,
    summary,
    query,
    async run(input): Promise<Table> {
      const rows = await rowsOf(input, ["day"]);
      const flat = rows.map((row) => ({ date: row.group["day"] as string, ...count(row) }));
      return tableOf(flat, daily(rows, count));
    },
  });
}

function divided(path: string, summary: string, field: "model" | "deployment", name: string, count: Count): Endpoint {
  return endpoint({
    method: "GET",
    path,
    summary,
    query,
    async run(input): Promise<Table> {
      const rows = await rowsOf(input, ["day", field]);
      const flat = rows.map((row) => ({
        date: row.group["day"] as string,
        [name]: row.group[field] as string,
        ...count(row),
      }));
      const groups = [...Map.groupBy(rows, ({ group }) => group[field] as string)];
      return tableOf(
        flat,
        groups
          .toSorted(([one], [other]) => (one < other ? -1 : 1))
          .map(([id, some]) => ({ [name]: id, ...daily(some, count) })),
      );
    },
  });
}

/** `/global/activity*`: how much was asked, and what failed; and what providers may spend. */
export const activityRoutes: readonly Endpoint[] = [
  whole("/global/activity", "Requests and tokens of each day.", requests),
  divided("/global/activity/model", "Requests and tokens of each day, by model.", "model", "model", requests),
  whole("/global/activity/cache_hits", "Requests of each day that a cache has answered, and that it has not.", hits),
  whole("/global/activity/exceptions", "Failed attempts of each day.", failures),
  divided(
    "/global/activity/exceptions/deployment",
    "Failed attempts of each day, by deployment.",
    "deployment",
    "api_base",
    failures,
  ),
  endpoint({
    method: "GET",
    path: "/provider/budgets",
    summary: "What providers may spend, and have spent in the current period.",
    async run({ viewer, sources }) {
      viewer.requireAll();
      const { budgets, ledger, entries, timezone, now } = sources;
      const periods = new Periods(timezone);
      const providers: Record<string, unknown> = {};
      for (const rule of budgets) {
        const { scope, limit, duration } = rule;
        if (scope.kind !== "provider" || scope.model !== undefined) continue;
        const period = periods.periodOf(rule, now());
        const { billed } = await (ledger ?? entries).spent({ scope, period: period.id });
        providers[scope.id] = {
          budget_limit: limit === null ? null : usdOf(limit),
          time_period: duration ?? null,
          spend: usdOf(billed),
          spend_nano: `${billed}`,
          budget_reset_at: period.endsAt === undefined ? null : new Date(period.endsAt).toISOString(),
        };
      }
      return { providers };
    },
  }),
];
