import { checkOptions } from "./check-options.ts";
import type { CooldownOptions, FailureClass } from "./health/cooldown-options.ts";
import type { ProbeOptions } from "./health/probe-options.ts";
import type { HedgeOptions } from "./hedge/hedge-options.ts";

/** Public model name → public model names to try after it, in order. */
export type Chains = Readonly<Record<string, readonly string[]>>;

/**
 * Repetitions after a failure of a class, instead of `retries`:
 *
 * - `timeout`: `timeout`.
 * - `rateLimit`: `provider_rate_limited`, `rate_limit_exceeded`, `concurrency_limit_exceeded`.
 * - `internalServer`: `provider_error` (failed connections and broken replies too), `provider_overloaded`.
 * - `badRequest`: `invalid_request`, `unsupported_parameter`, `request_too_large`, and only where the provider says that
 *   another try may do better. Default 0.
 * - `contentPolicy`: `content_policy_violation`. Default 0.
 * - `authentication`: `provider_auth_failed`. How many other deployments are tried after it; the same one never is.
 *   Default: all.
 */
export type RetryPolicy = Readonly<Partial<Record<FailureClass, number>>>;

/** How much of the traffic may be retries, of each public model and of the whole gateway. */
export interface RetryBudgetOptions {
  /** Retries per call. Default 0.2. */
  readonly ratio?: number;
  /** Allowed besides. Default 10. */
  readonly minPerSecond?: number;
  /** What is looked back on. Default 10,000. */
  readonly windowMs?: number;
}

/** Options of `fallbacks`. */
export interface FallbacksOptions {
  /** Chains for every failure that has no chain of its own. */
  readonly fallbacks?: Chains;
  /** After `context_length_exceeded`. */
  readonly contextWindowFallbacks?: Chains;
  /** After `content_policy_violation`. */
  readonly contentPolicyFallbacks?: Chains;
  /** After `budget_exceeded`. */
  readonly budgetFallbacks?: Chains;
  /** After `provider_rate_limited`, `rate_limit_exceeded` and `concurrency_limit_exceeded`. */
  readonly rateLimitFallbacks?: Chains;
  /** For models without a chain. */
  readonly defaultFallbacks?: readonly string[];
  /** Most other models tried for one call. Default 5. */
  readonly maxFallbacks?: number;
  /** Repetitions of a failed try within one model. Default 2. */
  readonly retries?: number;
  /** Least wait before a repetition. Default 0. */
  readonly retryAfterMs?: number;
  readonly retryPolicy?: RetryPolicy;
  /** Public model name → policy; what it does not name comes from `retryPolicy`. */
  readonly modelRetryPolicies?: Readonly<Record<string, RetryPolicy>>;
  readonly retryBudget?: RetryBudgetOptions;
  /** When a deployment that fails is left out for a while. */
  readonly cooldown?: CooldownOptions;
  /** Asks deployments in the background whether they are well. Default: nobody is asked. */
  readonly probes?: ProbeOptions;
  /** Goes on at the next deployment when a stream breaks after its beginning. Default false. */
  readonly continueStreams?: boolean;
  /** Tries a second deployment beside one that is slow to answer. Default: never. */
  readonly hedge?: HedgeOptions;
}

/** What the router goes by: the options with their defaults. */
export interface RouterSettings {
  readonly chains: ChainSettings;
  readonly maxFallbacks: number;
  readonly retries: number;
  readonly retryAfterMs: number;
  readonly retryPolicy: RetryPolicy;
  readonly modelRetryPolicies: ReadonlyMap<string, RetryPolicy>;
  readonly retryBudget: Required<RetryBudgetOptions>;
}

/** The chains by the option they come from. */
export type ChainSettings = Pick<
  FallbacksOptions,
  | "fallbacks"
  | "contextWindowFallbacks"
  | "contentPolicyFallbacks"
  | "budgetFallbacks"
  | "rateLimitFallbacks"
  | "defaultFallbacks"
>;

/** @throws {GatewayError} `option_invalid` naming the option */
export function routerSettings(options: FallbacksOptions): RouterSettings {
  checkOptions(options);
  return {
    chains: options,
    maxFallbacks: options.maxFallbacks ?? 5,
    retries: options.retries ?? 2,
    retryAfterMs: options.retryAfterMs ?? 0,
    retryPolicy: options.retryPolicy ?? {},
    modelRetryPolicies: new Map(Object.entries(options.modelRetryPolicies ?? {})),
    retryBudget: { ratio: 0.2, minPerSecond: 10, windowMs: 10_000, ...options.retryBudget },
  };
}
