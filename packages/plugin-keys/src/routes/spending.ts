import type { BudgetLine, Scope } from "@signalbox/kernel";
import { withBudget } from "../auth/bounds.ts";
import type { Bounds, BudgetRecord } from "../records/records.ts";
import type { Management } from "./management.ts";
import { hasBudget, shown } from "./management.ts";

/** Something that has budgets, and where its spend is booked. */
export interface Spender {
  readonly scope: Scope;
  readonly bounds: Bounds;
}

/** What a row tells of money. */
export interface Spending {
  /** US dollars: since its budget began anew; without a budget that does, since ever. null where no ledger says it. */
  readonly spend: number | null;
  /** RFC 3339. */
  readonly budget_reset_at: string | null;
  readonly litellm_budget_table: Record<string, unknown> | null;
}

/** The spending of many at once, in their order. */
export async function spendingOf(spenders: readonly Spender[], management: Management): Promise<readonly Spending[]> {
  const budgets = await budgetsOf(spenders, management);
  const now = Date.now();
  const lines = spenders.map(({ scope, bounds }) => {
    const period = management.periodOf(withBudget(bounds, budgets.get(bounds.budget_id ?? "")), now);
    return { scope, ...(period !== undefined && { period: period.id, endsAt: period.endsAt }) };
  });
  const spent = await management.spentEach(lines.map(({ endsAt: _, ...query }) => query));
  return spenders.map(({ bounds }, index) => {
    const budget = budgets.get(bounds.budget_id ?? "");
    const endsAt = lines[index]?.endsAt;
    return {
      spend: spent[index] ?? null,
      budget_reset_at: endsAt === undefined ? null : new Date(endsAt).toISOString(),
      litellm_budget_table: budget === undefined ? null : budgetTable(budget),
    };
  });
}

/** The lines that something is charged to for itself now, but for those of single models. The first is its main one. */
export async function linesOf(
  { scope, bounds }: Spender,
  windows: readonly { readonly budget_duration: string }[],
  management: Management,
): Promise<readonly Pick<BudgetLine, "scope" | "period">[]> {
  const budget = bounds.budget_id == null ? undefined : await management.collections.budgets.get(bounds.budget_id);
  const whole = withBudget(bounds, budget);
  const now = Date.now();
  const periods = new Set<string>();
  if (hasBudget(whole)) periods.add(management.periodOf(whole, now)?.id ?? "all");
  for (const { budget_duration } of windows) {
    periods.add(management.periodOf({ max_budget: 0, budget_duration }, now)?.id ?? "all");
  }
  return [...periods].map((period) => ({ scope, period }));
}

function budgetTable(budget: BudgetRecord): Record<string, unknown> {
  const { id: budget_id, ...rest } = shown(budget);
  return { budget_id, ...rest };
}

async function budgetsOf(
  spenders: readonly Spender[],
  { collections: { budgets } }: Management,
): Promise<ReadonlyMap<string, BudgetRecord>> {
  const found = new Map<string, BudgetRecord>();
  for (const { bounds } of spenders) {
    const id = bounds.budget_id;
    if (id === undefined || id === null || found.has(id)) continue;
    const budget = await budgets.get(id);
    if (budget !== undefined) found.set(id, budget);
  }
  return found;
}

/** Every budget and limit by its name, so that a reader need not know which of them can be absent. */
export const NO_BOUNDS = {
  max_budget: null,
  soft_budget: null,
  budget_duration: null,
  budget_id: null,
  max_parallel_requests: null,
  tpm_limit: null,
  rpm_limit: null,
  model_max_budget: null,
  model_rpm_limit: null,
  model_tpm_limit: null,
} as const;
