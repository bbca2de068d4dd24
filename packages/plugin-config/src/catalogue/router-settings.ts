import type { z } from "zod";
import { preCallChecks } from "../pre-call-checks.ts";
import {
  hedgeDelay,
  percent,
  percentile,
  perSecond,
  share,
  splitSubject,
  strategyName,
  tries,
  waitSeconds,
  wholeAboveZero,
} from "../routing-values.ts";
import { fallbackList, flag, integer, modelNames, seconds, text } from "../values.ts";
import type { ConfigKey, SupportedKey } from "./key.ts";
import { later, refused, supported } from "./key.ts";

const ROUTER = "router_settings";

const FAILURES = [
  "BadRequestError",
  "AuthenticationError",
  "TimeoutError",
  "RateLimitError",
  "ContentPolicyViolationError",
  "InternalServerError",
];

/** A figure for each class of failures. */
function perClass(section: string, suffix: string, value: z.ZodType, sentence: string): readonly SupportedKey[] {
  return FAILURES.map((name) => supported(`${section}.${name}${suffix}`, value, `${sentence} \`${name}\`.`));
}

/** Which deployment of a model is tried first. */
const STRATEGY_KEYS: readonly ConfigKey[] = [
  supported(`${ROUTER}.routing_strategy`, strategyName, "How deployments are ordered. Default `simple-shuffle`."),
  supported(`${ROUTER}.routing_strategy_args.ttl`, seconds, "How long a latency counts. Default 3600."),
  supported(
    `${ROUTER}.routing_strategy_args.lowest_latency_buffer`,
    share,
    "Deployments slower than the fastest by at most this share are equal to it. Default 0.1.",
  ),
  ...refused(
    "latencies fade with time, and no number of them is kept; set ttl",
    `${ROUTER}.routing_strategy_args`,
    "rolling_window_size",
  ),
  supported(`${ROUTER}.model_strategies.*`, strategyName, "Another strategy for one model."),
  supported(`${ROUTER}.routing_groups[].group_name`, text, "What messages call the group."),
  supported(`${ROUTER}.routing_groups[].models`, modelNames, "Models of the group; each is in one group."),
  supported(`${ROUTER}.routing_groups[].routing_strategy`, strategyName, "The strategy of these models."),
  ...refused(
    "routing_strategy_args of router_settings hold for all models",
    `${ROUTER}.routing_groups[]`,
    "routing_strategy_args",
  ),
  supported(
    `${ROUTER}.enable_pre_call_checks`,
    flag,
    "Leave out deployments that cannot serve a request: too small a context, no images, … Default true.",
  ),
  supported(`${ROUTER}.optional_pre_call_checks`, preCallChecks, "LiteLLM's names for affinities."),
  supported(`${ROUTER}.enable_tag_filtering`, flag, "Route by tags. Default false."),
  supported(`${ROUTER}.tag_filtering_match_any`, flag, "One tag in common is enough. Default true."),
  supported(`${ROUTER}.session_affinity`, flag, "Keep a session at one deployment. Default false."),
  supported(`${ROUTER}.session_affinity.ttl`, seconds, "How long, after its last answer. Default 3600."),
  supported(`${ROUTER}.deployment_affinity_ttl_seconds`, seconds, "The same for LiteLLM's affinity checks."),
  supported(`${ROUTER}.prompt_cache_affinity`, flag, "Send equal beginnings to one deployment. Default false."),
  supported(`${ROUTER}.prompt_cache_affinity.ttl`, seconds, "How long, after its last use. Default 300."),
  supported(`${ROUTER}.prompt_cache_affinity.min_tokens`, wholeAboveZero, "Shorter ones do not count. Default 1024."),
  ...refused("session_affinity holds for all models", ROUTER, "model_group_affinity_config"),
];

/** Which model serves a call, and who else gets a copy. */
const TRAFFIC_KEYS: readonly ConfigKey[] = [
  supported(`${ROUTER}.model_group_alias.*`, text, "Another name for a model."),
  supported(`${ROUTER}.model_group_alias.*.model`, text, "The model."),
  supported(`${ROUTER}.model_group_alias.*.hidden`, flag, "Leave the alias out of listings. Default false."),
  supported(`${ROUTER}.traffic_splits.*.arms[].model`, text, "A model that takes a share of the calls."),
  supported(`${ROUTER}.traffic_splits.*.arms[].percent`, percent, "Its share; together they are 100."),
  supported(`${ROUTER}.traffic_splits.*.by`, splitSubject, "Whose calls stay together. Default `key`."),
  supported(`${ROUTER}.traffic_splits.*.salt`, text, "Splits with the same salt divide alike. Default: the name."),
  supported(`${ROUTER}.mirrors.*.to`, text, "The model that gets copies; nobody waits for it."),
  supported(`${ROUTER}.mirrors.*.percent`, percent, "Share of the calls that are copied. Default 100."),
  supported(`${ROUTER}.mirrors.*.max_parallel`, wholeAboveZero, "Most copies at the same time. Default 10."),
  supported(`${ROUTER}.mirrors.*.timeout`, seconds, "Seconds for a copy. Default 120."),
  supported(`${ROUTER}.default_max_parallel_requests`, wholeAboveZero, "For deployments that do not say."),
  supported(`${ROUTER}.queue`, flag, "Wait for a deployment where all are busy. Default false."),
  supported(`${ROUTER}.queue.max_waiting`, wholeAboveZero, "Most calls that wait. Default 1000."),
  supported(`${ROUTER}.queue.max_wait`, seconds, "Longest wait. Default 30."),
  supported(`${ROUTER}.ignore_invalid_deployments`, flag, "Start without entries that cannot be served."),
];

/** What happens after a failure. */
const RESILIENCE_KEYS: readonly ConfigKey[] = [
  supported(`${ROUTER}.timeout`, seconds, "Seconds for a whole call over all tries. Default 600."),
  supported(`${ROUTER}.stream_timeout`, seconds, "The default of a model's `stream_timeout`."),
  supported(
    `${ROUTER}.fallbacks`,
    fallbackList,
    "Models to try when all deployments of one have failed: `[{a: [b, c]}]`.",
  ),
  supported(`${ROUTER}.context_window_fallbacks`, fallbackList, "The same for requests that are too long."),
  supported(`${ROUTER}.content_policy_fallbacks`, fallbackList, "The same for what a provider's policy refuses."),
  supported(`${ROUTER}.budget_fallbacks`, fallbackList, "The same for exceeded budgets."),
  supported(`${ROUTER}.rate_limit_fallbacks`, fallbackList, "The same for exceeded rate limits."),
  supported(`${ROUTER}.default_fallbacks`, modelNames, "Models to try after one that has no chain."),
  supported(`${ROUTER}.max_fallbacks`, tries, "Most other models for one call. Default 5."),
  supported(`${ROUTER}.num_retries`, tries, "Further tries at the same model. Default 2."),
  supported(`${ROUTER}.retry_after`, waitSeconds, "Least seconds before a retry. Default 0."),
  supported(`${ROUTER}.retry_policy.num_retries`, tries, "As `num_retries`."),
  supported(`${ROUTER}.retry_policy.retry_after`, waitSeconds, "As `retry_after`."),
  ...perClass(`${ROUTER}.retry_policy`, "Retries", tries, "Retries after"),
  ...perClass(`${ROUTER}.model_group_retry_policy.*`, "Retries", tries, "For one model: retries after"),
  supported(`${ROUTER}.retry_budget.ratio`, share, "Retries per call over all calls. Default 0.2."),
  supported(`${ROUTER}.retry_budget.min_per_second`, perSecond, "Retries allowed besides. Default 10."),
  supported(`${ROUTER}.allowed_fails`, integer, "Failures a minute before a deployment is left out."),
  ...perClass(`${ROUTER}.allowed_fails_policy`, "AllowedFails", integer, "The same for"),
  supported(`${ROUTER}.cooldown_time`, seconds, "Seconds for which it is left out. Default 5."),
  supported(`${ROUTER}.disable_cooldowns`, flag, "Leave no deployment out. Default false."),
  supported(`${ROUTER}.continue_streams`, flag, "Go on at another deployment when a stream breaks. Default false."),
  supported(`${ROUTER}.hedging`, flag, "Try a second deployment beside a slow one. Default false."),
  supported(`${ROUTER}.hedging.percentile`, percentile, "Slow is what this share of calls is not. Default 0.95."),
  supported(`${ROUTER}.hedging.min_delay`, hedgeDelay, "Seconds to wait at least. Default 0.1."),
  supported(`${ROUTER}.hedging.max_delay`, hedgeDelay, "Seconds to wait at most. Default 30."),
  supported(`${ROUTER}.hedging.max_share`, share, "Most second tries per call. Default 0.1."),
  supported(`${ROUTER}.hedging.models`, modelNames, "Only these models. Default: all."),
];

/** What concerns the choice of deployments. Without a name in LiteLLM, the keys are our own. */
export const ROUTER_SETTINGS_KEYS: readonly ConfigKey[] = [
  ...STRATEGY_KEYS,
  ...TRAFFIC_KEYS,
  ...RESILIENCE_KEYS,

  ...later("cache", ROUTER, "caching_groups"),
  ...refused("connections are kept and closed by the transport", ROUTER, "client_ttl"),
  ...refused("set cache in litellm_settings", ROUTER, "cache_responses"),
  ...later("guardrails", ROUTER, "guardrail_list"),
  ...later("mcp", ROUTER, "search_tools"),
  ...refused("write a plugin with a router", ROUTER, "plugins"),
];
