export type { PromptCacheAffinityOptions } from "./affinity/prompt-cache-affinity.ts";
export type { SessionAffinityOptions } from "./affinity/session-affinity.ts";
export type { TagFilterOptions } from "./filters/tag-filter.ts";
export type { QueueOptions } from "./limits/deployment-limits.ts";
export type { MirrorReport } from "./mirror/mirror-layer.ts";
export type { MirrorOptions } from "./mirror/mirror-options.ts";
export type { LatencyOptions, RoutingOptions, StrategyName, UsageOptions } from "./options.ts";
export { routing } from "./routing.ts";
export type { ComplexitySignal } from "./selectors/complexity.ts";
export type {
  ComplexityTier,
  ContentCondition,
  ContentRouterOptions,
  ContentRule,
} from "./selectors/content-options.ts";
export type { SplitArm, SplitOptions, SplitSubject } from "./selectors/split.ts";
