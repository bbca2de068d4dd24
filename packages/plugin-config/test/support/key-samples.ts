import { ACCESS_SAMPLES } from "./access-samples.ts";
import { CACHE_SAMPLES } from "./cache-samples.ts";
import { GUARDRAIL_SAMPLES } from "./guardrail-samples.ts";
import { MONEY_SAMPLES } from "./money-samples.ts";

/** What to write for a key so that it must make a difference. */
export interface KeySample {
  readonly value: unknown;
  /** What else has to be there, by path. */
  readonly beside?: Readonly<Record<string, unknown>>;
  /** What stands for `*` in the key's path. Default `one`, the name of a model. */
  readonly name?: string;
}

const just = (value: unknown): KeySample => ({ value });

const beside = (value: unknown, others: Readonly<Record<string, unknown>>, name?: string): KeySample => ({
  value,
  beside: others,
  ...(name !== undefined && { name }),
});

const PARAMS = "model_list[].litellm_params";
const INFO = "model_list[].model_info";
const ROUTER = "router_settings";
const GENERAL = "general_settings";
const FAILURES = ["BadRequest", "Authentication", "Timeout", "RateLimit", "ContentPolicyViolation", "InternalServer"];

const perFailure = (section: string, suffix: string): Readonly<Record<string, KeySample>> =>
  Object.fromEntries(FAILURES.map((name) => [`${section}.${name}Error${suffix}`, just(4)]));

const SPLIT = {
  [`${ROUTER}.traffic_splits.split.arms`]: [
    { model: "one", percent: 40 },
    { model: "two", percent: 60 },
  ],
};
const MIRROR = { [`${ROUTER}.mirrors.one.to`]: "two" };
const GROUP = { [`${ROUTER}.routing_groups`]: [{ group_name: "g", models: ["one"], routing_strategy: "priority" }] };
const LATENCY = { [`${ROUTER}.routing_strategy`]: "latency-based-routing" };
const CHECKED = { [`${GENERAL}.background_health_checks`]: true };
const RULE = { name: "r", when: { images: true }, use: "two" };
const AUTO = {
  [`${ROUTER}.content_routers.auto`]: { rules: [RULE], tiers: { simple: "one" } },
};
const WHEN = `${ROUTER}.content_routers.*.rules[].when`;
const COMPLEXITY = `${PARAMS}.complexity_router_config`;
const LITELLM_AUTO = {
  "model_list[].model_name": "auto",
  [`${PARAMS}.model`]: "auto_router/complexity_router",
  [`${COMPLEXITY}.tiers`]: { SIMPLE: "two" },
};

const KEYWORDS = { keywords: ["poem"], tier: "COMPLEX" };

const flags = (...keys: readonly string[]): Readonly<Record<string, KeySample>> =>
  Object.fromEntries(keys.map((key) => [`${INFO}.supports_${key}`, just(false)]));

const inAuto = (value: unknown): KeySample => beside(value, AUTO, "auto");
const inLitellmAuto = (value: unknown): KeySample => beside(value, LITELLM_AUTO);

/** One for every supported key. */
export const KEY_SAMPLES: Readonly<Record<string, KeySample>> = {
  "model_list[].model_name": just("three"),
  [`${PARAMS}.model`]: just("openai/gpt-4o"),
  [`${PARAMS}.custom_llm_provider`]: just("ollama"),
  [`${PARAMS}.api_key`]: just("sk-of-its-own"),
  [`${PARAMS}.api_base`]: just("https://proxy.example/v1"),
  [`${PARAMS}.organization`]: just("org-1"),
  [`${PARAMS}.timeout`]: just(5),
  [`${PARAMS}.stream_timeout`]: just(5),
  [`${PARAMS}.weight`]: just(3),
  [`${PARAMS}.order`]: just(7),
  [`${PARAMS}.rpm`]: just(60),
  [`${PARAMS}.tpm`]: just(6_000),
  [`${PARAMS}.max_parallel_requests`]: just(4),
  [`${PARAMS}.num_retries`]: just(1),
  [`${PARAMS}.max_retries`]: just(1),
  [`${PARAMS}.tags`]: just(["blue"]),
  [`${PARAMS}.region_name`]: just("eu"),
  [`${PARAMS}.silent_model`]: just("two"),
  [`${PARAMS}.input_cost_per_token`]: just(0.000001),
  [`${PARAMS}.output_cost_per_token`]: just(0.000002),
  [`${PARAMS}.fallbacks`]: just(["two"]),
  [`${PARAMS}.drop_params`]: just(true),
  [`${PARAMS}.additional_drop_params`]: just(["seed"]),
  [`${PARAMS}.allowed_openai_params`]: just(["seed"]),
  [`${PARAMS}.extra_headers`]: just({ "x-team": "blue" }),
  [`${PARAMS}.extra_body`]: just({ top_k: 3 }),
  [`${PARAMS}.cache_control_injection_points`]: just([{ location: "message", role: "system" }]),
  [`${INFO}.id`]: just("mine"),
  [`${INFO}.mode`]: just("embedding"),
  [`${INFO}.health_check_model`]: just("gpt-5-mini"),
  [`${INFO}.health_check_timeout`]: just(3),
  [`${INFO}.access_groups`]: just(["small-models"]),
  [`${INFO}.team_id`]: just("blue"),
  [`${INFO}.team_public_model_name`]: beside("ours", { [`${INFO}.team_id`]: "blue" }),
  [`${INFO}.max_input_tokens`]: just(8_000),
  [`${INFO}.max_output_tokens`]: just(800),
  ...flags("vision", "audio_input", "pdf_input", "function_calling", "response_schema", "reasoning"),
  ...flags("prompt_caching", "assistant_prefill"),
  [`${INFO}.input_cost_per_token`]: just(0.000001),
  [`${INFO}.output_cost_per_token`]: just(0.000002),

  [`${ROUTER}.routing_strategy`]: just("least-busy"),
  [`${ROUTER}.routing_strategy_args.ttl`]: beside(60, LATENCY),
  [`${ROUTER}.routing_strategy_args.lowest_latency_buffer`]: beside(0.5, LATENCY),
  [`${ROUTER}.model_strategies.*`]: just("priority"),
  // the name is for messages; strategies.test.ts shows it
  [`${ROUTER}.routing_groups[].models`]: beside(["two"], GROUP),
  [`${ROUTER}.routing_groups[].routing_strategy`]: beside("least-busy", GROUP),
  [`${ROUTER}.enable_pre_call_checks`]: just(false),
  [`${ROUTER}.optional_pre_call_checks`]: just(["prompt_caching"]),
  [`${ROUTER}.enable_tag_filtering`]: just(true),
  [`${ROUTER}.tag_filtering_match_any`]: beside(false, { [`${ROUTER}.enable_tag_filtering`]: true }),
  [`${ROUTER}.session_affinity`]: just(true),
  [`${ROUTER}.session_affinity.ttl`]: just(60),
  [`${ROUTER}.deployment_affinity_ttl_seconds`]: beside(60, {
    [`${ROUTER}.optional_pre_call_checks`]: ["session_affinity"],
  }),
  [`${ROUTER}.prompt_cache_affinity`]: just(true),
  [`${ROUTER}.prompt_cache_affinity.ttl`]: just(60),
  [`${ROUTER}.prompt_cache_affinity.min_tokens`]: just(2_048),

  [`${ROUTER}.model_group_alias.*`]: { value: "two", name: "nick" },
  [`${ROUTER}.model_group_alias.*.model`]: { value: "two", name: "nick" },
  [`${ROUTER}.model_group_alias.*.hidden`]: beside(true, { [`${ROUTER}.model_group_alias.nick.model`]: "two" }, "nick"),
  [`${ROUTER}.traffic_splits.*.arms[].model`]: beside(
    "split",
    {
      ...SPLIT,
      "model_list[].model_name": "split",
      [`${ROUTER}.traffic_splits.split.arms`]: [{ model: "two", percent: 100 }],
    },
    "split",
  ),
  [`${ROUTER}.traffic_splits.*.arms[].percent`]: beside(
    100,
    { [`${ROUTER}.traffic_splits.split.arms`]: [{ model: "one" }] },
    "split",
  ),
  [`${ROUTER}.traffic_splits.*.by`]: beside("user", SPLIT, "split"),
  [`${ROUTER}.traffic_splits.*.salt`]: beside("season", SPLIT, "split"),
  [`${ROUTER}.mirrors.*.to`]: just("two"),
  [`${ROUTER}.mirrors.*.percent`]: beside(5, MIRROR),
  [`${ROUTER}.mirrors.*.max_parallel`]: beside(5, MIRROR),
  [`${ROUTER}.mirrors.*.timeout`]: beside(5, MIRROR),
  [`${ROUTER}.default_max_parallel_requests`]: just(5),
  [`${ROUTER}.queue`]: just(true),
  [`${ROUTER}.queue.max_waiting`]: just(5),
  [`${ROUTER}.queue.max_wait`]: just(5),
  [`${ROUTER}.ignore_invalid_deployments`]: beside(true, {
    model_list: [
      { model_name: "one", litellm_params: { model: "nobody/x" } },
      { model_name: "two", litellm_params: { model: "ollama/qwen3" } },
    ],
  }),

  [`${ROUTER}.fallbacks`]: just([{ one: ["two"] }]),
  [`${ROUTER}.context_window_fallbacks`]: just([{ one: ["two"] }]),
  [`${ROUTER}.content_policy_fallbacks`]: just([{ one: ["two"] }]),
  [`${ROUTER}.budget_fallbacks`]: just([{ one: ["two"] }]),
  [`${ROUTER}.rate_limit_fallbacks`]: just([{ one: ["two"] }]),
  [`${ROUTER}.default_fallbacks`]: just(["two"]),
  [`${ROUTER}.max_fallbacks`]: just(1),
  [`${ROUTER}.timeout`]: just(5),
  [`${ROUTER}.stream_timeout`]: just(5),
  [`${ROUTER}.num_retries`]: just(1),
  [`${ROUTER}.retry_after`]: just(1),
  [`${ROUTER}.retry_policy.num_retries`]: just(1),
  [`${ROUTER}.retry_policy.retry_after`]: just(1),
  ...perFailure(`${ROUTER}.retry_policy`, "Retries"),
  ...perFailure(`${ROUTER}.model_group_retry_policy.*`, "Retries"),
  [`${ROUTER}.retry_budget.ratio`]: just(0.5),
  [`${ROUTER}.retry_budget.min_per_second`]: just(1),
  [`${ROUTER}.allowed_fails`]: just(1),
  ...perFailure(`${ROUTER}.allowed_fails_policy`, "AllowedFails"),
  [`${ROUTER}.cooldown_time`]: just(1),
  [`${ROUTER}.disable_cooldowns`]: just(true),
  [`${ROUTER}.continue_streams`]: just(true),
  [`${ROUTER}.hedging`]: just(true),
  [`${ROUTER}.hedging.percentile`]: just(0.9),
  [`${ROUTER}.hedging.min_delay`]: just(0.5),
  [`${ROUTER}.hedging.max_delay`]: just(5),
  [`${ROUTER}.hedging.max_share`]: just(0.5),
  [`${ROUTER}.hedging.models`]: just(["one"]),

  [`${ROUTER}.content_routers.*.rules[].name`]: inAuto("pictures"),
  [`${WHEN}.contains`]: inAuto(["poem"]),
  [`${WHEN}.system.contains`]: inAuto(["poem"]),
  [`${WHEN}.tools`]: inAuto(true),
  [`${WHEN}.images`]: inAuto(false),
  [`${WHEN}.min_input_tokens`]: inAuto(5),
  [`${WHEN}.max_input_tokens`]: inAuto(5),
  [`${WHEN}.reasoning`]: inAuto(true),
  [`${WHEN}.tags`]: inAuto(["blue"]),
  [`${ROUTER}.content_routers.*.rules[].use`]: inAuto("one"),
  ...Object.fromEntries(
    ["simple", "medium", "complex", "reasoning"].map((tier) => [
      `${ROUTER}.content_routers.*.tiers.${tier}`,
      inAuto("two"),
    ]),
  ),
  [`${ROUTER}.content_routers.*.thresholds.medium`]: inAuto(0.1),
  [`${ROUTER}.content_routers.*.thresholds.complex`]: inAuto(0.6),
  [`${ROUTER}.content_routers.*.thresholds.reasoning`]: inAuto(0.9),
  ...Object.fromEntries(
    "reasoning maths task code terms steps constraints length structure tools turns plain"
      .split(" ")
      .map((signal) => [`${ROUTER}.content_routers.*.weights.${signal}`, inAuto(0.05)]),
  ),
  [`${ROUTER}.content_routers.*.default_model`]: inAuto("two"),
  ...Object.fromEntries(
    ["MEDIUM", "COMPLEX", "REASONING"].map((tier) => [`${COMPLEXITY}.tiers.${tier}`, inLitellmAuto("two")]),
  ),
  [`${COMPLEXITY}.tiers.SIMPLE`]: beside("three", {
    model_list: [
      { model_name: "auto", litellm_params: { model: "auto_router/complexity_router" } },
      { model_name: "two", litellm_params: { model: "ollama/qwen3" } },
      { model_name: "three", litellm_params: { model: "ollama/qwen3" } },
    ],
    ...LITELLM_AUTO,
  }),
  [`${COMPLEXITY}.tier_boundaries.simple_medium`]: inLitellmAuto(0.1),
  [`${COMPLEXITY}.tier_boundaries.medium_complex`]: inLitellmAuto(0.4),
  [`${COMPLEXITY}.tier_boundaries.complex_reasoning`]: inLitellmAuto(0.8),
  [`${COMPLEXITY}.keyword_tier_rules[].keywords`]: beside(["song"], {
    ...LITELLM_AUTO,
    [`${COMPLEXITY}.keyword_tier_rules`]: [{ ...KEYWORDS, tier: "SIMPLE" }],
  }),
  [`${COMPLEXITY}.keyword_tier_rules[].tier`]: beside("SIMPLE", {
    model_list: [
      { model_name: "auto", litellm_params: { model: "auto_router/complexity_router" } },
      { model_name: "two", litellm_params: { model: "ollama/qwen3" } },
      { model_name: "openai/*", litellm_params: { model: "openai/*" } },
    ],
    ...LITELLM_AUTO,
    [`${COMPLEXITY}.tiers`]: { SIMPLE: "two", COMPLEX: "openai/gpt-5" },
    [`${COMPLEXITY}.keyword_tier_rules`]: [KEYWORDS],
  }),
  [`${COMPLEXITY}.default_model`]: inLitellmAuto("two"),
  [`${PARAMS}.complexity_router_default_model`]: inLitellmAuto("two"),

  "litellm_settings.drop_params": just(true),
  "litellm_settings.request_timeout": just(5),
  "litellm_settings.fallbacks": just([{ one: ["two"] }]),
  "litellm_settings.context_window_fallbacks": just([{ one: ["two"] }]),
  "litellm_settings.content_policy_fallbacks": just([{ one: ["two"] }]),
  "litellm_settings.default_fallbacks": just(["two"]),
  "litellm_settings.num_retries": just(1),
  [`${GENERAL}.master_key`]: just("sk-8f2d91c64e0b7a35"),
  [`${GENERAL}.allow_weak_master_key`]: just(true),
  [`${GENERAL}.max_request_size_mb`]: just(1.5),
  [`${GENERAL}.background_health_checks`]: just(true),
  [`${GENERAL}.health_check_interval`]: beside(60, CHECKED),
  [`${GENERAL}.health_check_concurrency`]: beside(5, CHECKED),
  ...MONEY_SAMPLES,
  ...CACHE_SAMPLES,
  ...ACCESS_SAMPLES,
  ...GUARDRAIL_SAMPLES,
  environment_variables: just({ OPENAI_API_KEY: "sk-declared" }),
};
