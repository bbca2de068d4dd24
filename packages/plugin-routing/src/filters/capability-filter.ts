import type { Call, Deployment, ModelFacts } from "@signalbox/kernel";
import { CHAT_PARAMETERS } from "@signalbox/kernel";
import type { CandidateFilter } from "./candidate-filter.ts";
import { CAPABILITIES, lacks, needs } from "./capabilities.ts";
import type { Sieved } from "./sieve.ts";
import { noted, Sieve, takeApart } from "./sieve.ts";

/** Beside the bits of capabilities: the call says itself that nothing may be dropped, or that anything may. */
const KEEP_ALL = 1 << 16;
const DROP_ANY = 1 << 17;

/**
 * Leaves out deployments whose model is known not to have what a request needs: images, audio, documents, tools, an
 * answer by a JSON schema, reasoning. What is not known counts as there. Where parameters may be dropped, a model
 * without them serves when there is no other. Nothing left: `unsupported_operation`.
 */
export function capabilityFilter(facts: (deployment: Deployment) => ModelFacts): CandidateFilter {
  const sieve = new Sieve<number>();
  /** What at least one of the candidates lacks. */
  const lacking = new WeakMap<readonly Deployment[], number>();

  function lackingAmong(candidates: readonly Deployment[]): number {
    let bits = lacking.get(candidates);
    if (bits === undefined) {
      bits = 0;
      for (const candidate of candidates) bits |= lacks(facts(candidate));
      lacking.set(candidates, bits);
    }
    return bits;
  }

  function sieved(call: Call, candidates: readonly Deployment[], needed: number): Sieved {
    const strict = takeApart(candidates, (candidate) => reason(candidate, lacks(facts(candidate)) & needed));
    if (strict.kept.length > 0) return strict;
    return takeApart(candidates, (candidate) =>
      reason(candidate, lacks(facts(candidate)) & needed & ~droppable(call, candidate)),
    );
  }

  return {
    name: "capabilities",
    filter(call, candidates) {
      const lacked = lackingAmong(candidates);
      if (lacked === 0) return candidates;
      const needed = needs(call, lacked);
      if (needed === 0) return candidates;
      const { dropParams } = call.options;
      const key = needed | (dropParams === undefined ? 0 : dropParams ? DROP_ANY : KEEP_ALL);
      const found = sieve.find(candidates, key) ?? sieve.keep(candidates, key, sieved(call, candidates, needed));
      return noted(call, found, "unsupported_operation");
    },
  };
}

function reason({ upstreamModel }: Deployment, missing: number): string | undefined {
  if (missing === 0) return undefined;
  const all = CAPABILITIES.filter(({ bit }) => (missing & bit) !== 0).map(({ lack }) => lack);
  return `model ${JSON.stringify(upstreamModel)}: ${all.join(", ")}`;
}

/** What the deployment leaves out of a request or passes on in spite of the tables. */
function droppable(call: Call, { dropParams, allowedParams, additionalDropParams }: Deployment): number {
  let bits = 0;
  for (const { bit, parameter } of CAPABILITIES) {
    if (parameter === undefined) continue;
    const name = CHAT_PARAMETERS[parameter];
    const named = (allowedParams?.includes(name) ?? false) || (additionalDropParams?.includes(name) ?? false);
    if (named || (call.options.dropParams ?? dropParams ?? false)) bits |= bit;
  }
  return bits;
}
