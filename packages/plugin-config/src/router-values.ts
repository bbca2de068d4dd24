import type { SplitSubject, StrategyName } from "./routing-values.ts";

export type FallbackList = readonly Readonly<Record<string, readonly string[]>>[];

/** `true`, or what there is to say about it. */
type Switch<Settings> = boolean | Settings;

type PerModel<Settings> = Readonly<Record<string, Settings>>;

/** How often a failure of each class is repeated. */
export interface RetryPolicyValues {
  readonly BadRequestErrorRetries?: number;
  readonly AuthenticationErrorRetries?: number;
  readonly TimeoutErrorRetries?: number;
  readonly RateLimitErrorRetries?: number;
  readonly ContentPolicyViolationErrorRetries?: number;
  readonly InternalServerErrorRetries?: number;
}

/** How many failures of each class a minute are tolerated. */
export interface AllowedFailsValues {
  readonly BadRequestErrorAllowedFails?: number;
  readonly AuthenticationErrorAllowedFails?: number;
  readonly TimeoutErrorAllowedFails?: number;
  readonly RateLimitErrorAllowedFails?: number;
  readonly ContentPolicyViolationErrorAllowedFails?: number;
  readonly InternalServerErrorAllowedFails?: number;
}

/** What the supported keys of `router_settings` hold once they have been checked. */
export interface RouterValues {
  readonly timeout?: number;
  readonly stream_timeout?: number;

  readonly routing_strategy?: StrategyName;
  readonly routing_strategy_args?: { readonly ttl?: number; readonly lowest_latency_buffer?: number };
  readonly model_strategies?: PerModel<StrategyName | undefined>;
  readonly routing_groups?: readonly (
    | {
        readonly group_name?: string;
        readonly models?: readonly string[];
        readonly routing_strategy?: StrategyName;
      }
    | undefined
  )[];
  readonly enable_pre_call_checks?: boolean;
  readonly optional_pre_call_checks?: readonly string[];
  readonly enable_tag_filtering?: boolean;
  readonly tag_filtering_match_any?: boolean;
  readonly deployment_affinity_ttl_seconds?: number;
  readonly session_affinity?: Switch<{ readonly ttl?: number }>;
  readonly prompt_cache_affinity?: Switch<{ readonly ttl?: number; readonly min_tokens?: number }>;
  readonly queue?: Switch<{ readonly max_waiting?: number; readonly max_wait?: number }>;
  readonly default_max_parallel_requests?: number;
  readonly model_group_alias?: PerModel<string | { readonly model?: string; readonly hidden?: boolean } | undefined>;
  readonly content_routers?: PerModel<ContentRouterValues | undefined>;
  readonly traffic_splits?: PerModel<SplitValues | undefined>;
  readonly mirrors?: PerModel<MirrorValues | undefined>;
  readonly ignore_invalid_deployments?: boolean;

  readonly redis_url?: string;
  readonly redis_host?: string;
  readonly redis_port?: number;
  readonly redis_username?: string;
  readonly redis_password?: string;
  readonly redis_db?: number;
  readonly provider_budget_config?: PerModel<
    { readonly budget_limit?: number; readonly time_period?: string } | undefined
  >;

  readonly fallbacks?: FallbackList;
  readonly context_window_fallbacks?: FallbackList;
  readonly content_policy_fallbacks?: FallbackList;
  readonly budget_fallbacks?: FallbackList;
  readonly rate_limit_fallbacks?: FallbackList;
  readonly default_fallbacks?: readonly string[];
  readonly max_fallbacks?: number;
  readonly num_retries?: number;
  readonly retry_after?: number;
  readonly retry_policy?: RetryPolicyValues & { readonly num_retries?: number; readonly retry_after?: number };
  readonly model_group_retry_policy?: PerModel<RetryPolicyValues | undefined>;
  readonly retry_budget?: { readonly ratio?: number; readonly min_per_second?: number };
  readonly allowed_fails?: number;
  readonly allowed_fails_policy?: AllowedFailsValues;
  readonly cooldown_time?: number;
  readonly disable_cooldowns?: boolean;
  readonly continue_streams?: boolean;
  readonly hedging?: Switch<{
    readonly percentile?: number;
    readonly min_delay?: number;
    readonly max_delay?: number;
    readonly max_share?: number;
    readonly models?: readonly string[];
  }>;
}

export interface SplitValues {
  readonly arms?: readonly ({ readonly model?: string; readonly percent?: number } | undefined)[];
  readonly by?: SplitSubject;
  readonly salt?: string;
}

export interface MirrorValues {
  readonly to?: string;
  readonly percent?: number;
  readonly max_parallel?: number;
  readonly timeout?: number;
}

export interface ContentRouterValues {
  readonly rules?: readonly (ContentRuleValues | undefined)[];
  readonly tiers?: {
    readonly simple?: string;
    readonly medium?: string;
    readonly complex?: string;
    readonly reasoning?: string;
  };
  readonly thresholds?: { readonly medium?: number; readonly complex?: number; readonly reasoning?: number };
  readonly weights?: Readonly<Record<string, number>>;
  readonly default_model?: string;
}

export interface ContentRuleValues {
  readonly name?: string;
  readonly when?: {
    readonly contains?: readonly string[];
    readonly system?: { readonly contains?: readonly string[] };
    readonly tools?: boolean | readonly string[];
    readonly images?: boolean;
    readonly min_input_tokens?: number;
    readonly max_input_tokens?: number;
    readonly reasoning?: boolean;
    readonly tags?: readonly string[];
  };
  readonly use?: string;
}

/** LiteLLM's shape of a router by complexity. */
export interface ComplexityRouterValues {
  readonly tiers?: {
    readonly SIMPLE?: string;
    readonly MEDIUM?: string;
    readonly COMPLEX?: string;
    readonly REASONING?: string;
  };
  readonly tier_boundaries?: {
    readonly simple_medium?: number;
    readonly medium_complex?: number;
    readonly complex_reasoning?: number;
  };
  readonly keyword_tier_rules?: readonly (
    | { readonly keywords?: readonly string[]; readonly tier?: "SIMPLE" | "MEDIUM" | "COMPLEX" | "REASONING" }
    | undefined
  )[];
  readonly default_model?: string;
}
