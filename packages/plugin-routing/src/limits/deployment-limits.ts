import type { RoutingParts, Strategy } from "@signalbox/kernel";

/** Where calls wait when every deployment of their model is busy. */
export interface QueueOptions {
  /** How many calls may wait in this process. Default 1,000. */
  readonly maxWaiting?: number;
  /** Default 30,000. */
  readonly maxWaitMs?: number;
}

/** Options of `withLimits`. */
export interface LimitOptions {
  /** Without it nobody waits: a full deployment is passed over. */
  readonly queue?: QueueOptions;
  /** For deployments that do not say: most attempts that run at the same time. */
  readonly defaultMaxParallel?: number;
  /** Epoch milliseconds, for the windows of `rpm` and `tpm`. Default `Date.now`. */
  readonly now?: () => number;
}

export function withLimits(strategy: Strategy, _options: LimitOptions, _parts: RoutingParts): Strategy {
  return strategy;
}
