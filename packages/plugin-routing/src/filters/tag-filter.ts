import type { CandidateFilter } from "./candidate-filter.ts";

/** Options of `tagFilter`. */
export interface TagFilterOptions {
  /** Default false: tags have no say in routing. */
  readonly enabled?: boolean;
  /** Default true: one tag in common is enough. False: a deployment must have all of the call's tags. */
  readonly matchAny?: boolean;
}

export function tagFilter(_options: TagFilterOptions): CandidateFilter {
  return { name: "tags", filter: (_call, candidates) => candidates };
}
