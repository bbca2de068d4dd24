import {
  addedPart,
  alwaysTrue,
  budgetDollars,
  budgetStatus,
  databaseUrl,
  days,
  duration,
  multiples,
  part,
  port,
  priceRanges,
  redisUrl,
  searchPrices,
  timezone,
  tokenKind,
} from "../money-values.ts";
import { dollars, wholeAboveZero, wholeFromZero } from "../routing-values.ts";
import { credentials, flag, integer, seconds, text } from "../values.ts";
import type { ConfigKey } from "./key.ts";
import { supported } from "./key.ts";
import { PRICE_FIELDS } from "./price-fields.ts";

const PARAMS = "model_list[].litellm_params";
const INFO = "model_list[].model_info";
const ROUTER = "router_settings";
const LITELLM = "litellm_settings";
const GENERAL = "general_settings";

const PRICES: readonly ConfigKey[] = [PARAMS, INFO].flatMap((section) => [
  ...PRICE_FIELDS.map((field) =>
    supported(`${section}.${field}`, dollars, section === PARAMS ? "US dollars." : "As in `litellm_params`."),
  ),
  supported(`${section}.search_context_cost_per_query`, searchPrices, "US dollars by `search_context_size_…`."),
  supported(`${section}.tiered_pricing`, priceRanges, "Prices by ranges of the input."),
  supported(
    `${section}.provider_specific_entry`,
    multiples,
    "What service tiers and places cost, in multiples: `{fast: 6}`.",
  ),
]);

/** What concerns prices, budgets, limits, and where all that is kept. */
export const MONEY_KEYS: readonly ConfigKey[] = [
  supported(`${PARAMS}.max_budget`, budgetDollars, "US dollars that this deployment may cost."),
  supported(`${PARAMS}.budget_duration`, duration, "How long that lasts. Default: for ever."),
  ...PRICES,
  supported(`${INFO}.base_model`, text, "The model whose price holds, where `model` does not say it."),

  supported(`${ROUTER}.redis_url`, redisUrl, "Redis for what processes share. Default: `REDIS_URL`."),
  supported(`${ROUTER}.redis_host`, text, "The same in parts: its host."),
  supported(`${ROUTER}.redis_port`, port, "Default 6379."),
  supported(`${ROUTER}.redis_username`, text, "Who logs in."),
  supported(`${ROUTER}.redis_password`, text, "The password."),
  supported(`${ROUTER}.redis_db`, integer, "Number of the database. Default 0."),
  supported(`${ROUTER}.provider_budget_config.*.budget_limit`, budgetDollars, "US dollars that a provider may cost."),
  supported(`${ROUTER}.provider_budget_config.*.time_period`, duration, "How long that lasts. Default: for ever."),

  supported(`${LITELLM}.max_budget`, budgetDollars, "US dollars that the whole gateway may spend."),
  supported(`${LITELLM}.budget_duration`, duration, "How long that lasts. Default: for ever."),
  supported(`${LITELLM}.timezone`, timezone, "Where days, weeks and months begin. Default UTC."),
  supported(`${LITELLM}.max_internal_user_budget`, budgetDollars, "US dollars of a new user that says nothing."),
  supported(`${LITELLM}.internal_user_budget_duration`, duration, "How long that lasts."),
  supported(
    `${LITELLM}.max_end_user_budget`,
    budgetDollars,
    "US dollars of each customer without a budget of its own.",
  ),
  supported(`${LITELLM}.max_end_user_budget_duration`, duration, "How long that lasts. Default: for ever."),
  supported(
    `${LITELLM}.budget_exceeded_status_code`,
    budgetStatus,
    "422 for clients that repeat whatever is 429. Default 429.",
  ),
  supported(`${LITELLM}.cost_discount_config.*`, part, "Off the costs of a provider, or `global`: 0.05 is 5 %."),
  supported(`${LITELLM}.cost_margin_config.*`, addedPart, "Put on the costs of a provider, or `global`: 0.05 is 5 %."),
  supported(`${LITELLM}.cost_margin_config.*.percentage`, addedPart, "The same."),
  supported(`${LITELLM}.cost_margin_config.*.fixed_amount`, dollars, "US dollars put on each attempt."),

  supported(`${GENERAL}.master_keys`, credentials, "Further keys that may do everything."),
  supported(
    `${GENERAL}.database_url`,
    databaseUrl,
    "PostgreSQL, or `sqlite:///path`, for spend and keys. Default: `DATABASE_URL`, else a file in the data directory.",
  ),
  supported(`${GENERAL}.database_connection_pool_limit`, wholeAboveZero, "Most connections. Default 10."),
  supported(`${GENERAL}.database_connection_timeout`, seconds, "Seconds to connect. Default 10."),
  supported(`${GENERAL}.proxy_batch_write_at`, seconds, "Changes nothing: spend is written at once, in batches."),
  supported(`${GENERAL}.maximum_spend_logs_retention_period`, days, "How long single entries are kept; sums stay."),
  supported(`${GENERAL}.store_audit_logs`, alwaysTrue, "Changes nothing: changes are always on record."),
  supported(
    `${GENERAL}.user_api_key_cache_ttl`,
    seconds,
    "Seconds for which a known key is not looked up. Default 60.",
  ),
  supported(`${GENERAL}.auth_cache_max_age`, seconds, "The same while the database is silent. Default 300."),
  supported(`${GENERAL}.max_budget`, budgetDollars, "US dollars of each virtual key without a budget of its own."),
  supported(`${GENERAL}.budget_duration`, duration, "How long that lasts. Default: for ever."),
  supported(
    `${GENERAL}.default_max_output_tokens`,
    wholeAboveZero,
    "Asked for upstream where a request names no limit of output tokens, so that small budgets cover it.",
  ),
  supported(`${GENERAL}.clamp_max_tokens`, flag, "Lower limits of output tokens to the model's own. Default false."),
  supported(
    `${GENERAL}.fit_max_tokens`,
    flag,
    "Ask for as many output tokens as a budget covers, where it does not cover a request. Default false.",
  ),
  supported(`${GENERAL}.stream_response_cost`, flag, "Streams end with their cost, on a line that clients pass over."),
  supported(`${GENERAL}.key_response_headers`, flag, "Limits and budget of the caller's key in headers of responses."),
  supported(`${GENERAL}.max_parallel_requests`, wholeFromZero, "Calls of each key at the same time."),
  supported(`${GENERAL}.global_max_parallel_requests`, wholeFromZero, "All calls at the same time."),
  supported(`${GENERAL}.token_rate_limit_type`, tokenKind, "Which tokens count: `total`, `input`, `output`."),
  supported(
    `${GENERAL}.fail_closed_rate_limit_enforcement`,
    flag,
    "Refuse what is limited while Redis is silent. Default: each process counts its share.",
  ),
];
