import type { Deployment, ModelFacts } from "@signalbox/kernel";
import type { CandidateFilter } from "./candidate-filter.ts";
import { leastInputTokens } from "./least-input-tokens.ts";
import { Sieve, takeApart } from "./sieve.ts";

/**
 * Leaves out deployments whose model certainly cannot take the input of a call (`context_length_exceeded`); see
 * `leastInputTokens` for what is certain. The answer's length is not counted. A window that is not known is no obstacle.
 */
export function contextFilter(facts: (deployment: Deployment) => ModelFacts): CandidateFilter {
  /** By the largest window that is too small. */
  const sieve = new Sieve<number>();
  /** Known windows of the candidates, the smallest first. */
  const windows = new WeakMap<readonly Deployment[], readonly number[]>();

  function windowsOf(candidates: readonly Deployment[]): readonly number[] {
    let known = windows.get(candidates);
    if (known === undefined) {
      const all = candidates.flatMap((candidate) => facts(candidate).maxInputTokens ?? []);
      known = [...new Set(all)].sort((one, other) => one - other);
      windows.set(candidates, known);
    }
    return known;
  }

  const windowOf = (candidate: Deployment): number => facts(candidate).maxInputTokens ?? Number.POSITIVE_INFINITY;

  return {
    name: "context",
    filter(call, candidates) {
      const known = windowsOf(candidates);
      const smallest = known[0];
      if (smallest === undefined) return candidates;
      const tokens = leastInputTokens(call, smallest);
      if (tokens <= smallest) return candidates;
      const exceeded = known.findLast((window) => window < tokens) as number;
      const found =
        sieve.find(candidates, exceeded) ??
        sieve.keep(
          candidates,
          exceeded,
          takeApart(candidates, (candidate) =>
            windowOf(candidate) <= exceeded ? `takes ${windowOf(candidate)} tokens of input` : undefined,
          ),
        );
      for (const { deployment, reason } of found.leftOut) {
        call.trace.skip(deployment, `the input has at least ${tokens} tokens, and the model ${reason}`, {
          code: "context_length_exceeded",
        });
      }
      return found.kept;
    },
  };
}
