import type { BudgetRule, NanoUsd, Principal } from "@signalbox/kernel";

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
  /** Streams end with their cost on a line that clients pass over: `: x-signalbox-response-cost 0.000123`. Default false. */
  readonly streamCost?: boolean;
  /** What the budget of the caller's key is stands in the response: `x-signalbox-key-max-budget`. Default false. */
  readonly keyHeaders?: boolean;
  /**
   * Asked for upstream where a chat or a completion names no limit of output tokens; of a request with a budget for thinking,
   * beside that. Else such a request may cost what the model's longest answer costs, which small budgets do not cover. The
   * response says so: `x-signalbox-injected-params: max_tokens=4096`. Default: nothing is asked for.
   */
  readonly defaultMaxOutputTokens?: number;
  /**
   * What asks for more output tokens than the model is known to give asks for as many as it gives, in place of the
   * provider's refusal: `x-signalbox-clamped-params: max_tokens=8192`. Default false.
   */
  readonly clampOutputTokens?: boolean;
  /**
   * What a budget does not cover is asked once more with as many output tokens as it covers: for all callers, or for some.
   * The response says so as above. Default false.
   */
  readonly fitOutputTokens?: boolean | ((principal: Principal) => boolean);
}
