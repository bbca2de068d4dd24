import type {
  Attempt,
  Cost,
  Deployment,
  EntryStatus,
  ModelFacts,
  NanoUsd,
  OperationName,
  PricedWork,
  Pricing,
  ResultOf,
  Usage,
} from "@signalbox/kernel";
import { NO_USAGE } from "@signalbox/kernel";
import type { Received } from "./received.ts";

/** What an attempt cost, and how well that is known. */
export interface Receipt {
  readonly status: EntryStatus;
  readonly usage: Usage;
  /** What the provider charges; undefined when nothing is known of it. */
  readonly provider: NanoUsd | undefined;
  /** What budgets are charged; undefined when nothing is known of it. */
  readonly billed: NanoUsd | undefined;
  readonly cost?: Cost;
}

export const FREE: Receipt = { status: "void", usage: NO_USAGE, provider: 0n, billed: 0n };

/** Works out what attempts cost. */
export class Receipts {
  readonly #pricing: Pricing | undefined;
  readonly #unseenTokens: number;
  readonly #factsOf: (deployment: Deployment) => ModelFacts;

  constructor(pricing: Pricing | undefined, unseenTokens: number, factsOf: (deployment: Deployment) => ModelFacts) {
    this.#pricing = pricing;
    this.#factsOf = factsOf;
    this.#unseenTokens = unseenTokens;
  }

  /** Undefined when the price is unknown, or nothing bounds the cost. */
  bound(work: Attempt): NanoUsd | undefined {
    return this.#pricing?.bound(work as PricedWork);
  }

  /** Of a reply that came to its end. */
  final(work: Attempt, usage: Usage, result?: ResultOf<OperationName>): Receipt {
    const { deployment, operation, request } = work;
    const priced = result === undefined ? work : { deployment, operation, request, result };
    const cost = this.#pricing?.cost(priced as PricedWork, usage);
    if (cost !== undefined) return { status: "final", usage, provider: cost.provider, billed: cost.billed, cost };
    const { reportedCost } = usage;
    // without a price, what the provider itself says is all there is
    if (reportedCost !== undefined) return { status: "final", usage, provider: reportedCost, billed: reportedCost };
    // open to correction once the price is known
    return { status: "estimated", usage, provider: undefined, billed: undefined };
  }

  /** Nothing is known but the most it can have cost. */
  estimated(estimate: NanoUsd | undefined, usage: Usage = NO_USAGE): Receipt {
    return { status: "estimated", usage, provider: estimate, billed: estimate };
  }

  /**
   * Of a reply that broke off: never less than the provider can count. A token has at least one byte, so that bytes bound
   * the tokens that were seen; what is produced unseen is added, and no more than the estimate is charged.
   */
  broken(work: Attempt, received: Received, estimate: NanoUsd | undefined): Receipt {
    received.read();
    const { usage, tokens } = received;
    const { choiceCount = 1, maxOutputTokens } = work.request as { choiceCount?: number; maxOutputTokens?: number };
    if (usage !== undefined && received.complete(choiceCount)) return this.final(work, usage);
    const hidden = hiddenTokens(work, this.#factsOf(work.deployment));
    if (!received.measured || hidden === undefined) return this.estimated(estimate, usage);
    const seen = Math.max(tokens + this.#unseenTokens * choiceCount, usage?.outputTokens ?? 0) + hidden;
    const outputTokens = maxOutputTokens === undefined ? seen : Math.min(seen, maxOutputTokens * choiceCount + hidden);
    if (usage !== undefined && usage.inputTokens > 0) {
      const counted = { ...usage, outputTokens };
      const cost = this.#pricing?.cost(work as PricedWork, counted);
      if (cost === undefined || above(cost.billed, estimate)) return this.#counted(estimate, counted);
      return { status: "counted", usage: counted, provider: cost.provider, billed: cost.billed, cost };
    }
    // the input was not told: bounded as before the call, and only the output is what was seen
    const bound = this.#pricing?.bound({
      deployment: work.deployment,
      operation: work.operation,
      request: { ...work.request, maxOutputTokens: Math.max(1, outputTokens) } as PricedWork["request"],
    });
    const counted = { inputTokens: 0, outputTokens };
    return this.#counted(bound === undefined || above(bound, estimate) ? estimate : bound, counted);
  }

  #counted(amount: NanoUsd | undefined, usage: Usage): Receipt {
    return { status: "counted", usage, provider: amount, billed: amount };
  }
}

function above(amount: NanoUsd, estimate: NanoUsd | undefined): boolean {
  return estimate !== undefined && amount > estimate;
}

/** Tokens of reasoning that are billed and never shown, or shown as a summary; undefined when nothing bounds them. */
function hiddenTokens({ request }: Attempt, facts: ModelFacts): number | undefined {
  const { reasoning } = request as { reasoning?: { effort?: string; mode?: string; budgetTokens?: number } };
  const off = reasoning?.effort === "none" || reasoning?.mode === "disabled";
  if (off || (reasoning === undefined && facts.supportsReasoning !== true)) return 0;
  return reasoning?.budgetTokens;
}
