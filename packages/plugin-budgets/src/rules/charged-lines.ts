import type { BudgetLine, BudgetRule, NanoUsd } from "@signalbox/kernel";
import type { Periods } from "@signalbox/kernel/ledger";
import { sameScope } from "./attempt-scopes.ts";

/** A line of an attempt, and what else its rule says. */
export interface ChargedLine extends BudgetLine {
  /** Epoch milliseconds; undefined when the period never ends. */
  readonly endsAt: number | undefined;
  /** Tells, and blocks nothing. */
  readonly soft: NanoUsd | undefined;
}

/** The lines of some rules at an instant; rules for the same counter become one line with the tighter limit. */
export function chargedLines(rules: readonly BudgetRule[], periods: Periods, now: number): readonly ChargedLine[] {
  const lines: ChargedLine[] = [];
  for (const rule of rules) {
    const { id: period, endsAt } = periods.periodOf(rule, now);
    const line: ChargedLine = { scope: rule.scope, period, limit: limitOf(rule, now), endsAt, soft: rule.soft };
    const at = lines.findIndex((other) => other.period === period && sameScope(other.scope, line.scope));
    if (at < 0) lines.push(line);
    else lines[at] = tighter(lines[at] as ChargedLine, line);
  }
  return lines;
}

function limitOf({ limit, increase }: BudgetRule, now: number): NanoUsd | null {
  return limit !== null && increase !== undefined && now < increase.until ? limit + increase.by : limit;
}

function tighter(one: ChargedLine, other: ChargedLine): ChargedLine {
  return { ...one, limit: smaller(one.limit, other.limit) ?? null, soft: smaller(one.soft, other.soft) ?? undefined };
}

function smaller<None extends null | undefined>(one: NanoUsd | None, other: NanoUsd | None): NanoUsd | None {
  if (one === null || one === undefined) return other;
  return other === null || other === undefined || one < other ? one : other;
}
