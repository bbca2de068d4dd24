import type { Attempt, Deployment, ModelFacts, NanoUsd, Principal } from "@signalbox/kernel";
import type { BudgetsOptions } from "../options.ts";

/** What of a request's limit of output tokens was changed. */
export interface OutputChange {
  /** What the request named; undefined: nothing. */
  readonly from: number | undefined;
  readonly to: number;
  readonly why: string;
}

/** An attempt whose limit of output tokens may have been changed. */
export interface LimitedAttempt {
  readonly attempt: Attempt;
  readonly change?: OutputChange;
}

type OutputOptions = Pick<BudgetsOptions, "defaultMaxOutputTokens" | "clampOutputTokens" | "fitOutputTokens">;

/** What `OutputLimits` reads of requests for chats and completions. */
interface Limited {
  readonly maxOutputTokens?: number;
  readonly reasoning?: { readonly budgetTokens?: number };
}

/** Members of upstream bodies with which a deployment sets a limit itself. */
const OWN_LIMITS: readonly string[] = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
/** An answer of fewer tokens helps nobody; some vendors take no smaller limit. */
const FEWEST_TOKENS = 16;
/** Where a request names no limit, and nothing is known of the model: what is tried to fit. */
const MOST_TOKENS = 1 << 20;

/** Sets, lowers and fits limits of output tokens, where the options say so. */
export class OutputLimits {
  readonly #options: OutputOptions;
  readonly #factsOf: (deployment: Deployment) => ModelFacts;

  constructor(options: OutputOptions, factsOf: (deployment: Deployment) => ModelFacts) {
    this.#options = options;
    this.#factsOf = factsOf;
  }

  /** Before the attempt is estimated: the default where it names no limit, the model's where it names a higher one. */
  limited(attempt: Attempt): LimitedAttempt {
    const { defaultMaxOutputTokens, clampOutputTokens } = this.#options;
    if (defaultMaxOutputTokens === undefined && clampOutputTokens !== true) return { attempt };
    if (!isAdjustable(attempt)) return { attempt };
    const { maxOutputTokens: from, reasoning } = attempt.request as Limited;
    const most = this.#factsOf(attempt.deployment).maxOutputTokens ?? Number.POSITIVE_INFINITY;
    if (from !== undefined) {
      if (clampOutputTokens !== true || from <= most) return { attempt };
      return changed(attempt, { from, to: most, why: "the model gives no more" });
    }
    if (defaultMaxOutputTokens === undefined) return { attempt };
    // thinking stands within the limit: the default is what is left for the answer
    const to = Math.min(most, defaultMaxOutputTokens + (reasoning?.budgetTokens ?? 0));
    return changed(attempt, { from, to, why: "the request named no limit" });
  }

  mayFit(principal: Principal): boolean {
    const { fitOutputTokens = false } = this.#options;
    return typeof fitOutputTokens === "function" ? fitOutputTokens(principal) : fitOutputTokens;
  }

  /**
   * With as many output tokens as what is left of a budget covers; undefined when that is too little for an answer, or when
   * the attempt cannot be changed.
   */
  fitted(
    attempt: Attempt,
    left: NanoUsd,
    bound: (attempt: Attempt) => NanoUsd | undefined,
  ): LimitedAttempt | undefined {
    if (!isAdjustable(attempt)) return undefined;
    const { maxOutputTokens: from, reasoning } = attempt.request as Limited;
    const covers = (tokens: number): boolean => {
      const most = bound(withOutput(attempt, tokens));
      return most !== undefined && most <= left;
    };
    let fits = FEWEST_TOKENS + (reasoning?.budgetTokens ?? 0);
    let tooMany = (from ?? this.#factsOf(attempt.deployment).maxOutputTokens ?? MOST_TOKENS) + 1;
    if (fits >= tooMany || !covers(fits)) return undefined;
    while (tooMany - fits > 1) {
      const middle = Math.floor((fits + tooMany) / 2);
      if (covers(middle)) fits = middle;
      else tooMany = middle;
    }
    return changed(attempt, { from, to: fits, why: "the budget covers no more" });
  }
}

/** Tells the client and the trace of a change. */
export function tellOutput({ trace }: Attempt, { from, to, why }: OutputChange): void {
  const name = "max_tokens";
  if (from === undefined) trace.header("x-signalbox-injected-params", `${name}=${to}`);
  else trace.header("x-signalbox-clamped-params", `${name}=${to}`);
  trace.note("attempt", `${name} was set to ${to}: ${why}`);
}

/** Chats and completions; not where the deployment sets a limit of its own, which goes upstream in any case. */
function isAdjustable({ operation, deployment }: Attempt): boolean {
  if (operation !== "chat" && operation !== "complete") return false;
  const { extraBody } = deployment;
  return extraBody === undefined || !OWN_LIMITS.some((name) => name in extraBody);
}

function changed(attempt: Attempt, change: OutputChange): LimitedAttempt {
  return { attempt: withOutput(attempt, change.to), change };
}

/** In the native lane the client's bytes still go upstream: providers write the limit of the request into them. */
function withOutput(attempt: Attempt, maxOutputTokens: number): Attempt {
  const request = { ...attempt.request, maxOutputTokens } as Attempt["request"];
  const { native } = attempt;
  if (native === undefined || native.request !== attempt.request) return { ...attempt, request };
  return { ...attempt, request, native: { ...native, request } };
}
