import type { BudgetLine } from "@signalbox/kernel";

const DAY_MS = 86_400_000;
const LONGEST_MS = 400 * DAY_MS;

/** Names the counter of a line. Its limit is no part of it; ids may hold any separator. */
export function lineName({ scope, period }: Pick<BudgetLine, "scope" | "period">): string {
  const { kind, id, model } = scope;
  return JSON.stringify(model === undefined ? [period, kind, id] : [period, kind, id, model]);
}

/** The line of a name, a tab and a limit. */
export function lineOf(text: string): BudgetLine {
  // JSON has no tabs outside of escapes.
  const [name = "", limit = ""] = text.split("\t");
  const [period, kind, id, model] = JSON.parse(name) as [string, string, string, string?];
  return {
    scope: model === undefined ? { kind, id } : { kind, id, model },
    period,
    limit: limit === "" ? null : BigInt(limit),
  };
}

/**
 * How long a counter is kept after it was used last: longer than its period and everything that may still be posted to
 * it. 0: for good.
 */
export function lifeOf({ period }: Pick<BudgetLine, "period">): number {
  if (period === "all") return 0;
  if (/^\d{4}-(\d{2}-\d{2}|W\d{2})$/.test(period)) return 40 * DAY_MS;
  if (!/^[1-9]\d*$/.test(period)) return LONGEST_MS;
  // A rolling window is numbered from 1970: that tells how long it is.
  const windowMs = Math.ceil(Date.now() / Number(period));
  return Math.min(2 * windowMs + 8 * DAY_MS, LONGEST_MS);
}
