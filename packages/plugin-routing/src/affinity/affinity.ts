import type { AttemptWatcher, Call, Deployment } from "@signalbox/kernel";

/** Remembers which deployment served something like this call before. */
export interface Affinity extends AttemptWatcher {
  readonly name: string;
  /** The deployment to try first, if it is among the candidates. */
  preferred(call: Call, candidates: readonly Deployment[]): Deployment | undefined;
}
