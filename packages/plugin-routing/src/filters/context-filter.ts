import type { Deployment, ModelFacts } from "@signalbox/kernel";
import type { CandidateFilter } from "./candidate-filter.ts";

export function contextFilter(_facts: (deployment: Deployment) => ModelFacts): CandidateFilter {
  return { name: "context", filter: (_call, candidates) => candidates };
}
