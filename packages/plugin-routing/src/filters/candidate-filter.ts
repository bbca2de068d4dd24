import type { Call, Deployment } from "@signalbox/kernel";

/** Leaves out what a call must not or cannot use; says so in the trace. The same array when it leaves out nothing. */
export interface CandidateFilter {
  readonly name: string;
  filter(call: Call, candidates: readonly Deployment[]): readonly Deployment[];
}
