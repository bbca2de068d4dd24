import type { Strategy } from "@signalbox/kernel";

/** Names of the strategies that this package has. `usage-based-routing-v2` is another name of `usage-based-routing`. */
export type StrategyName =
  | "simple-shuffle"
  | "least-busy"
  | "latency-based-routing"
  | "cost-based-routing"
  | "usage-based-routing"
  | "usage-based-routing-v2"
  | "priority";

/** Settings of `latency-based-routing`. */
export interface LatencyOptions {
  /** Deployments slower than the fastest by at most this share are equal to it. Default 0.1. */
  readonly lowestLatencyBuffer?: number;
  /** How long a figure counts when no new one comes. Default 3,600,000. */
  readonly ttlMs?: number;
  /** Share of the calls that try deployments without a recent figure, all of them together. Default 0.05. */
  readonly trialShare?: number;
}

/** Settings of `usage-based-routing`. */
export interface UsageOptions {
  /** The time over which tokens are counted. Default 60,000. */
  readonly windowMs?: number;
}

/** Options of `routing`. */
export interface RoutingOptions {
  /** How the deployments of a model are ordered: a name, or a strategy of your own. Default `simple-shuffle`. */
  readonly strategy?: StrategyName | Strategy;
  /** Other strategies for some models, by public name. */
  readonly models?: Readonly<Record<string, StrategyName | Strategy>>;
  readonly latency?: LatencyOptions;
  readonly usage?: UsageOptions;
}
