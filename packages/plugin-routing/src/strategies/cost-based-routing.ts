import type { Call, Deployment, RoutingParts, Strategy } from "@signalbox/kernel";
import { estimatedTokens } from "@signalbox/kernel";
import type { StrategyParts } from "./choice.ts";
import { choosing, randomLeast } from "./choice.ts";

/** US dollars per token; undefined: unknown. */
interface Prices {
  readonly input: number | undefined;
  readonly output: number | undefined;
}

/**
 * The deployment at which this call will probably cost least; chance decides among equals. Those whose price is unknown
 * come last.
 */
export function costBasedRouting({ facts, random }: Pick<StrategyParts, "facts" | "random">): Strategy {
  return choosing<Prices>({
    name: "cost-based-routing",
    prepare: (candidates) => candidates.map((deployment) => pricesOf(deployment, facts)),
    choose(call, left, first) {
      const { input, output } = estimatedTokens(call);
      // what cannot be estimated is compared by its price for a token
      const inputTokens = Math.max(1, input);
      if (first) noteUnpriced(call, left, output > 0);
      return randomLeast(left, (prices) => costOf(prices, inputTokens, output), random);
    },
  });
}

function pricesOf(deployment: Deployment, facts: RoutingParts["facts"]): Prices {
  const { inputCostPerToken, outputCostPerToken } = facts(deployment);
  return { input: priceOf(inputCostPerToken), output: priceOf(outputCostPerToken) };
}

function priceOf(price: number | undefined): number | undefined {
  return price !== undefined && Number.isFinite(price) && price >= 0 ? price : undefined;
}

/** An operation without output needs no price for it. Infinity: unknown. */
function costOf({ input, output }: Prices, inputTokens: number, outputTokens: number): number {
  if (input === undefined) return Number.POSITIVE_INFINITY;
  if (outputTokens === 0) return input * inputTokens;
  return output === undefined ? Number.POSITIVE_INFINITY : input * inputTokens + output * outputTokens;
}

function noteUnpriced(call: Call, candidates: readonly Prices[], withOutput: boolean): void {
  let unpriced = 0;
  for (const { input, output } of candidates) {
    if (input === undefined || (withOutput && output === undefined)) unpriced += 1;
  }
  if (unpriced === 0) return;
  const order = unpriced === candidates.length ? "chosen by chance" : "tried last";
  call.trace.note("route", `lowest cost: ${unpriced} of ${candidates.length} deployments without a price, ${order}`);
}
