export { fallbacks } from "./fallbacks.ts";
export type { CooldownOptions, FailureClass } from "./health/cooldown-options.ts";
export type { ProbeOptions } from "./health/probe-options.ts";
export type { HedgeOptions } from "./hedge/hedge-options.ts";
export type { Chains, FallbacksOptions, RetryBudgetOptions, RetryPolicy } from "./options.ts";
