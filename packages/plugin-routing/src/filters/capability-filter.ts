import type { Deployment, ModelFacts } from "@signalbox/kernel";
import type { CandidateFilter } from "./candidate-filter.ts";

export function capabilityFilter(_facts: (deployment: Deployment) => ModelFacts): CandidateFilter {
  return { name: "capability", filter: (_call, candidates) => candidates };
}
