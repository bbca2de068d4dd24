import type { KeySample } from "./key-samples.ts";

const just = (value: unknown): KeySample => ({ value });
const beside = (value: unknown, others: Readonly<Record<string, unknown>>, name?: string): KeySample => ({
  value,
  beside: others,
  ...(name !== undefined && { name }),
});

const PARAMS = "model_list[].litellm_params";
const INFO = "model_list[].model_info";
const ROUTER = "router_settings";
const LITELLM = "litellm_settings";
const GENERAL = "general_settings";

const PRICES = `output_cost_per_reasoning_token input_cost_per_token_cache_hit
  cache_read_input_token_cost cache_read_input_token_cost_above_200k_tokens cache_read_input_audio_token_cost
  cache_read_input_image_token_cost
  cache_creation_input_token_cost cache_creation_input_token_cost_above_1hr
  cache_creation_input_token_cost_above_200k_tokens cache_creation_input_token_cost_above_1hr_above_200k_tokens
  input_cost_per_token_above_128k_tokens input_cost_per_token_above_200k_tokens input_cost_per_token_above_272k_tokens
  output_cost_per_token_above_128k_tokens output_cost_per_token_above_200k_tokens
  output_cost_per_token_above_272k_tokens
  input_cost_per_token_batches output_cost_per_token_batches input_cost_per_token_priority
  output_cost_per_token_priority input_cost_per_token_flex output_cost_per_token_flex
  cache_read_input_token_cost_priority cache_read_input_token_cost_flex
  input_cost_per_audio_token output_cost_per_audio_token input_cost_per_audio_per_second input_cost_per_second
  input_cost_per_character input_cost_per_image output_cost_per_image
  input_cost_per_image_token output_cost_per_image_token input_cost_per_query input_cost_per_request
  output_cost_per_second input_cost_per_pixel output_cost_per_pixel ocr_cost_per_page annotation_cost_per_page
  code_interpreter_cost_per_session file_search_cost_per_1k_calls citation_cost_per_token`.split(/\s+/);

const prices = (section: string): Readonly<Record<string, KeySample>> => ({
  ...Object.fromEntries(PRICES.map((field) => [`${section}.${field}`, just(0.000004)])),
  [`${section}.search_context_cost_per_query`]: just({ search_context_size_low: 0.03 }),
  [`${section}.tiered_pricing`]: just([{ range: [0, 128_000], input_cost_per_token: 0.000001 }]),
  [`${section}.provider_specific_entry`]: just({ fast: 6 }),
});

const fields = (section: string, samples: Readonly<Record<string, unknown>>): Readonly<Record<string, KeySample>> =>
  Object.fromEntries(Object.entries(samples).map(([key, value]) => [`${LITELLM}.${section}.${key}`, just(value)]));

const LIMITS = { max_budget: 5, budget_duration: "1d", max_parallel_requests: 3, tpm_limit: 1_000, rpm_limit: 10 };
const BOUNDS = { ...LIMITS, soft_budget: 4 };
const DATABASE = { [`${GENERAL}.database_url`]: "postgres://app:password@db/app" };
const REDIS = { [`${ROUTER}.redis_host`]: "cache" };

/** One for every supported key about money, stores and keys. */
export const MONEY_SAMPLES: Readonly<Record<string, KeySample>> = {
  [`${PARAMS}.max_budget`]: just(25),
  [`${PARAMS}.budget_duration`]: beside("1d", { [`${PARAMS}.max_budget`]: 25 }),
  ...prices(PARAMS),
  ...prices(INFO),
  [`${INFO}.base_model`]: just("gpt-5"),

  [`${ROUTER}.redis_url`]: just("redis://cache:6379/1"),
  [`${ROUTER}.redis_host`]: just("cache"),
  [`${ROUTER}.redis_port`]: beside(6380, REDIS),
  [`${ROUTER}.redis_username`]: beside("gateway", REDIS),
  [`${ROUTER}.redis_password`]: beside("hush", REDIS),
  [`${ROUTER}.redis_db`]: beside(2, REDIS),
  [`${ROUTER}.provider_budget_config.*.budget_limit`]: { value: 50, name: "openai" },
  [`${ROUTER}.provider_budget_config.*.time_period`]: beside(
    "1d",
    { [`${ROUTER}.provider_budget_config.openai.budget_limit`]: 50 },
    "openai",
  ),

  [`${LITELLM}.max_budget`]: just(500),
  [`${LITELLM}.budget_duration`]: beside("1mo", { [`${LITELLM}.max_budget`]: 500 }),
  [`${LITELLM}.timezone`]: just("Africa/Johannesburg"),
  [`${LITELLM}.max_internal_user_budget`]: just(10),
  [`${LITELLM}.internal_user_budget_duration`]: just("1mo"),
  [`${LITELLM}.max_end_user_budget`]: just(1),
  [`${LITELLM}.max_end_user_budget_duration`]: beside("1mo", { [`${LITELLM}.max_end_user_budget`]: 1 }),
  [`${LITELLM}.budget_exceeded_status_code`]: just(422),
  [`${LITELLM}.cost_discount_config.*`]: { value: 0.05, name: "openai" },
  [`${LITELLM}.cost_margin_config.*`]: { value: 0.1, name: "global" },
  [`${LITELLM}.cost_margin_config.*.percentage`]: { value: 0.1, name: "openai" },
  [`${LITELLM}.cost_margin_config.*.fixed_amount`]: { value: 0.001, name: "openai" },

  ...fields("default_key_generate_params", {
    ...BOUNDS,
    duration: "30d",
    models: ["one"],
    metadata: { floor: 3 },
    tags: ["blue"],
    aliases: { fast: "one" },
    allowed_routes: ["/v1/chat/completions"],
    key_type: "llm_api",
    team_id: "blue",
  }),
  ...fields("upperbound_key_generate_params", { ...LIMITS, duration: "30d" }),
  ...fields("default_team_params", {
    ...BOUNDS,
    models: ["one"],
    model_aliases: { fast: "one" },
    metadata: { floor: 3 },
    tags: ["blue"],
    team_member_permissions: ["/key/generate"],
  }),
  ...fields("default_internal_user_params", {
    ...BOUNDS,
    user_role: "internal_user",
    models: ["one"],
    metadata: { floor: 3 },
  }),
  ...fields("key_generation_settings", {
    "team_key_generation.allowed_team_member_roles": ["admin"],
    "team_key_generation.required_params": ["tags"],
    "personal_key_generation.allowed_user_roles": ["proxy_admin"],
    "personal_key_generation.required_params": ["tags"],
  }),

  [`${LITELLM}.set_verbose`]: just(false),
  [`${GENERAL}.master_keys`]: just(["sk-2b7e151628aed2a6"]),
  [`${GENERAL}.database_url`]: just("postgres://app:password@db/app"),
  [`${GENERAL}.database_connection_pool_limit`]: beside(20, DATABASE),
  [`${GENERAL}.database_connection_timeout`]: beside(5, DATABASE),
  [`${GENERAL}.proxy_batch_write_at`]: just(60),
  [`${GENERAL}.maximum_spend_logs_retention_period`]: just("90d"),
  [`${GENERAL}.store_audit_logs`]: just(true),
  [`${GENERAL}.user_api_key_cache_ttl`]: just(30),
  [`${GENERAL}.auth_cache_max_age`]: just(600),
  [`${GENERAL}.max_budget`]: just(500),
  [`${GENERAL}.budget_duration`]: beside("30d", { [`${GENERAL}.max_budget`]: 500 }),
  [`${GENERAL}.default_max_output_tokens`]: just(4_096),
  [`${GENERAL}.clamp_max_tokens`]: just(true),
  [`${GENERAL}.fit_max_tokens`]: just(true),
  [`${GENERAL}.stream_response_cost`]: just(true),
  [`${GENERAL}.key_response_headers`]: just(true),
  [`${GENERAL}.max_parallel_requests`]: just(5),
  [`${GENERAL}.global_max_parallel_requests`]: just(100),
  [`${GENERAL}.token_rate_limit_type`]: just("output"),
  [`${GENERAL}.fail_closed_rate_limit_enforcement`]: just(true),
};
