import { z } from "zod";
import type { EntryStore, ReportRow } from "@signalbox/kernel";
import { formatUsd, GatewayError } from "@signalbox/kernel";
import { requireViewer } from "./actor.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { id } from "./fields.ts";
import type { Management } from "./management.ts";

const DAY_MS = 86_400_000;
const MOST_DAYS = 366;
/** How far back active users are told. */
const SPANS = { dau: { days: 7, step: 1 }, wau: { days: 49, step: 7 }, mau: { days: 210, step: 30 } } as const;

const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, "must be a date such as 2026-11-21");

/** Routes that tell how tags are used, from the ledger. Days are those of UTC. */
export const tagUsage: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/tag/distinct",
    summary: "The tags that calls had in the last year.",
    async run({ actor, management }) {
      requireViewer(actor);
      const to = tomorrow();
      const rows = await report(management, ["tag"], to - MOST_DAYS * DAY_MS, to);
      return { results: rows.map(({ group }) => ({ tag: group["tag"] })) };
    },
  }),
  endpoint({
    method: "GET",
    path: "/tag/summary",
    summary: "What each tag was used for, between two days.",
    query: z.strictObject({ start_date: date, end_date: date, tag_filter: id.exactOptional() }),
    async run({ actor, query: { start_date, end_date, tag_filter: wanted }, management }) {
      requireViewer(actor);
      const from = dayOf(start_date, "start_date");
      const to = dayOf(end_date, "end_date") + DAY_MS;
      if (to <= from || to - from > MOST_DAYS * DAY_MS) {
        throw new GatewayError("invalid_request", `between one day and ${MOST_DAYS} days`, { param: "end_date" });
      }
      const sums = await report(management, ["tag"], from, to);
      const users = await report(management, ["tag", "user"], from, to);
      return { results: sums.filter(({ group }) => wanted === undefined || group["tag"] === wanted).map(summaryOf) };

      function summaryOf({ group, billed, requests, failures, inputTokens, outputTokens }: ReportRow): unknown {
        const tag = group["tag"];
        return {
          tag,
          unique_users: users.filter((row) => row.group["tag"] === tag && row.group["user"] !== "").length,
          total_requests: requests,
          successful_requests: requests - failures,
          failed_requests: failures,
          total_tokens: inputTokens + outputTokens,
          total_spend: Number(formatUsd(billed)),
        };
      }
    },
  }),
  ...(["dau", "wau", "mau"] as const).map((span) =>
    endpoint({
      method: "GET",
      path: `/tag/${span}`,
      summary: `Users whose calls had a tag, by ${{ dau: "day", wau: "week", mau: "30 days" }[span]}, the latest first.`,
      query: z.strictObject({ tag_filter: id.exactOptional() }),
      async run({ actor, query: { tag_filter: wanted }, management }) {
        requireViewer(actor);
        const { days, step } = SPANS[span];
        const results: unknown[] = [];
        const end = tomorrow();
        for (let to = end; to > end - days * DAY_MS; to -= step * DAY_MS) {
          const rows = await report(management, ["tag", "user"], to - step * DAY_MS, to);
          const users = new Map<string, number>();
          for (const { group } of rows) {
            const tag = group["tag"] ?? "";
            if (group["user"] !== "" && (wanted === undefined || tag === wanted))
              users.set(tag, (users.get(tag) ?? 0) + 1);
          }
          const day = new Date(to - step * DAY_MS).toISOString().slice(0, 10);
          for (const [tag, active_users] of users) results.push({ tag, active_users, date: day });
        }
        return { results };
      },
    }),
  ),
];

async function report(
  management: Management,
  groupBy: readonly string[],
  from: number,
  to: number,
): Promise<readonly ReportRow[]> {
  const entries: EntryStore | undefined = management.surroundings.entries;
  if (entries === undefined) {
    throw new GatewayError("ledger_unavailable", "no ledger of this gateway keeps entries; add a ledger plugin");
  }
  return (await entries.report({ groupBy, from, to })).filter(({ group }) => group["tag"] !== "");
}

function tomorrow(): number {
  return (Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS;
}

function dayOf(text: string, param: string): number {
  const day = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(day)) throw new GatewayError("invalid_request", "there is no such day", { param });
  return day;
}
