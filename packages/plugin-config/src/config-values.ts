import type { AccessValues } from "./access-values.ts";
import type { CacheValues } from "./cache-values.ts";
import type { GuardrailValues } from "./guardrail-values.ts";
import type { TokenKind } from "./money-values.ts";
import type { ComplexityRouterValues, FallbackList, RouterValues } from "./router-values.ts";
import type { ModelMode } from "./routing-values.ts";

/** What the supported keys hold once they have been checked; the catalogue has the meaning of each. */
export interface ConfigValues {
  readonly model_list?: readonly (ModelValues | undefined)[];
  readonly router_settings?: RouterValues;
  readonly litellm_settings?: {
    readonly drop_params?: boolean;
    readonly request_timeout?: number;
    readonly num_retries?: number;
    readonly fallbacks?: FallbackList;
    readonly context_window_fallbacks?: FallbackList;
    readonly content_policy_fallbacks?: FallbackList;
    readonly default_fallbacks?: readonly string[];
    readonly max_budget?: number;
    readonly budget_duration?: string;
    readonly timezone?: string;
    readonly max_internal_user_budget?: number;
    readonly internal_user_budget_duration?: string;
    readonly max_end_user_budget?: number;
    readonly max_end_user_budget_duration?: string;
    readonly budget_exceeded_status_code?: 422 | 429;
    readonly set_verbose?: false;
    readonly cache?: boolean;
    readonly enable_json_schema_validation?: boolean;
    readonly cache_params?: CacheValues;
    readonly enable_caching_on_provider_specific_optional_params?: boolean;
    readonly cost_discount_config?: Readonly<Record<string, number | undefined>>;
    readonly cost_margin_config?: Readonly<Record<string, MarginValues | undefined>>;
    readonly default_key_generate_params?: ParamsValues;
    readonly upperbound_key_generate_params?: ParamsValues;
    readonly default_team_params?: ParamsValues;
    readonly default_internal_user_params?: ParamsValues;
    readonly key_generation_settings?: ParamsValues;
  };
  readonly general_settings?: AccessValues & {
    readonly master_key?: string;
    readonly allow_weak_master_key?: boolean;
    readonly max_request_size_mb?: number;
    readonly background_health_checks?: boolean;
    readonly health_check_interval?: number;
    readonly health_check_concurrency?: number;
    readonly master_keys?: readonly string[];
    readonly database_url?: string;
    readonly database_connection_pool_limit?: number;
    readonly database_connection_timeout?: number;
    readonly proxy_batch_write_at?: number;
    readonly maximum_spend_logs_retention_period?: number;
    readonly store_audit_logs?: true;
    readonly user_api_key_cache_ttl?: number;
    readonly auth_cache_max_age?: number;
    readonly max_budget?: number;
    readonly budget_duration?: string;
    readonly default_max_output_tokens?: number;
    readonly clamp_max_tokens?: boolean;
    readonly fit_max_tokens?: boolean;
    readonly stream_response_cost?: boolean;
    readonly key_response_headers?: boolean;
    readonly max_parallel_requests?: number;
    readonly global_max_parallel_requests?: number;
    readonly token_rate_limit_type?: TokenKind;
    readonly fail_closed_rate_limit_enforcement?: boolean;
  };
  readonly guardrails?: readonly (GuardrailValues | undefined)[];
  readonly environment_variables?: Readonly<Record<string, string>>;
}

/** Fields of new keys, teams and users, in the words of the management API. */
export type ParamsValues = Readonly<Record<string, unknown>>;

type MarginValues = number | { readonly percentage?: number; readonly fixed_amount?: number };

export interface ModelValues {
  readonly model_name?: string;
  readonly litellm_params?: ModelParams;
  readonly model_info?: ModelInfo;
}

export interface ModelParams {
  readonly model?: string;
  readonly custom_llm_provider?: string;
  readonly api_key?: string;
  readonly api_base?: string;
  readonly organization?: readonly string[];
  readonly timeout?: number;
  readonly stream_timeout?: number;
  readonly weight?: number;
  readonly order?: number;
  readonly rpm?: number;
  readonly tpm?: number;
  readonly max_parallel_requests?: number;
  readonly max_retries?: number;
  readonly num_retries?: number;
  readonly tags?: readonly string[];
  readonly region_name?: string;
  readonly fallbacks?: readonly string[];
  readonly silent_model?: string;
  readonly complexity_router_config?: ComplexityRouterValues;
  readonly complexity_router_default_model?: string;
  readonly input_cost_per_token?: number;
  readonly output_cost_per_token?: number;
  readonly max_budget?: number;
  readonly budget_duration?: string;
  readonly drop_params?: boolean;
  readonly additional_drop_params?: readonly string[];
  readonly allowed_openai_params?: readonly string[];
  readonly extra_headers?: Readonly<Record<string, string>>;
  readonly extra_body?: Readonly<Record<string, unknown>>;
  readonly cache_control_injection_points?: readonly Readonly<Record<string, unknown>>[];
}

export interface ModelInfo {
  readonly id?: string;
  readonly mode?: ModelMode;
  readonly health_check_model?: string;
  readonly health_check_timeout?: number;
  readonly access_groups?: readonly string[];
  readonly team_id?: string;
  readonly team_public_model_name?: string;
  readonly base_model?: string;
  readonly max_input_tokens?: number;
  readonly max_output_tokens?: number;
  readonly supports_vision?: boolean;
  readonly supports_audio_input?: boolean;
  readonly supports_pdf_input?: boolean;
  readonly supports_function_calling?: boolean;
  readonly supports_response_schema?: boolean;
  readonly supports_reasoning?: boolean;
  readonly supports_prompt_caching?: boolean;
  readonly supports_assistant_prefill?: boolean;
  readonly input_cost_per_token?: number;
  readonly output_cost_per_token?: number;
}
