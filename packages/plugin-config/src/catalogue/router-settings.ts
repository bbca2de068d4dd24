import { fallbackList, seconds } from "../values.ts";
import type { ConfigKey } from "./key.ts";
import { later, refused, supported } from "./key.ts";

const ROUTER = "router_settings";
const RETRY_CLASSES = `
  BadRequestErrorRetries AuthenticationErrorRetries TimeoutErrorRetries RateLimitErrorRetries
  ContentPolicyViolationErrorRetries InternalServerErrorRetries
`;
const FAIL_CLASSES = `
  BadRequestErrorAllowedFails AuthenticationErrorAllowedFails TimeoutErrorAllowedFails RateLimitErrorAllowedFails
  ContentPolicyViolationErrorAllowedFails InternalServerErrorAllowedFails
`;

/** What concerns the choice of deployments. */
export const ROUTER_SETTINGS_KEYS: readonly ConfigKey[] = [
  supported(
    `${ROUTER}.fallbacks`,
    fallbackList,
    "Models to try when all deployments of one have failed: `[{a: [b, c]}]`.",
  ),
  supported(`${ROUTER}.timeout`, seconds, "Seconds for a whole call over all tries. Default 600."),
  supported(`${ROUTER}.stream_timeout`, seconds, "The default of a model's `stream_timeout`."),

  ...later("routing", ROUTER, "routing_strategy routing_strategy_args"),
  ...later("routing", `${ROUTER}.routing_strategy_args`, "ttl lowest_latency_buffer rolling_window_size"),
  ...later("fallbacks", ROUTER, "num_retries retry_after retry_policy model_group_retry_policy max_fallbacks"),
  ...later("fallbacks", `${ROUTER}.retry_policy`, `num_retries retry_after ${RETRY_CLASSES}`),
  ...later("fallbacks", ROUTER, "context_window_fallbacks content_policy_fallbacks default_fallbacks"),
  ...later("fallbacks", ROUTER, "allowed_fails allowed_fails_policy cooldown_time disable_cooldowns"),
  ...later("fallbacks", `${ROUTER}.allowed_fails_policy`, FAIL_CLASSES),
  ...later("routing", ROUTER, "enable_pre_call_checks optional_pre_call_checks enable_tag_filtering"),
  ...later("routing", ROUTER, "tag_filtering_match_any model_group_alias default_max_parallel_requests"),
  ...later("routing", ROUTER, "deployment_affinity_ttl_seconds model_group_affinity_config routing_groups"),
  ...later("routing", ROUTER, "ignore_invalid_deployments"),
  ...later("redis", ROUTER, "redis_host redis_port redis_password redis_url redis_db"),
  ...later("budgets", ROUTER, "provider_budget_config"),
  ...later("cache", ROUTER, "caching_groups"),
  ...refused("connections are kept and closed by the transport", ROUTER, "client_ttl"),
  ...refused("set cache in litellm_settings", ROUTER, "cache_responses"),
  ...later("guardrails", ROUTER, "guardrail_list"),
  ...later("mcp", ROUTER, "search_tools"),
  ...refused("write a plugin with a router", ROUTER, "plugins"),
];
