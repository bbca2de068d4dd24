import type { CandidateFilter } from "./candidate-filter.ts";

export function regionFilter(): CandidateFilter {
  return { name: "region", filter: (_call, candidates) => candidates };
}
