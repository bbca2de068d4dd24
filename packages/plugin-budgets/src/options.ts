import type { BudgetRule, NanoUsd } from "@signalbox/kernel";

/** Options of `budgets`. */
export interface BudgetsOptions {
  /**
   * Budgets of the gateway's own, beside those of each principal. The id `*` gives each one of a kind a budget of its
   * own: `{ scope: { kind: "customer", id: "*" }, … }` holds for every customer that no other rule names.
   */
  readonly budgets?: readonly BudgetRule[];
  /** IANA zone in which days, weeks and months begin, where a rule names none. Default `UTC`. */
  readonly timezone?: string;
  /** Shares of a hard budget at which to tell. Default `[0.8]`. */
  readonly thresholds?: readonly number[];
  /**
   * What to set aside under a hard budget for an attempt whose cost nothing bounds. Without it such an attempt is refused
   * with `price_unknown`.
   */
  readonly unknownPrice?: NanoUsd;
  /** Tokens added to what was counted of a broken stream: produced, and never received. Default 16. */
  readonly unseenTokens?: number;
}
