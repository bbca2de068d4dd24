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
  };
  readonly general_settings?: {
    readonly master_key?: string;
    readonly allow_weak_master_key?: boolean;
    readonly max_request_size_mb?: number;
    readonly background_health_checks?: boolean;
    readonly health_check_interval?: number;
    readonly health_check_concurrency?: number;
  };
  readonly environment_variables?: Readonly<Record<string, string>>;
}

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
  readonly drop_params?: boolean;
  readonly additional_drop_params?: readonly string[];
  readonly allowed_openai_params?: readonly string[];
  readonly extra_headers?: Readonly<Record<string, string>>;
  readonly extra_body?: Readonly<Record<string, unknown>>;
}

export interface ModelInfo {
  readonly id?: string;
  readonly mode?: ModelMode;
  readonly health_check_model?: string;
  readonly health_check_timeout?: number;
  readonly team_id?: string;
  readonly team_public_model_name?: string;
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
