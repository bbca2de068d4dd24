/** What the supported keys hold once they have been checked; the catalogue has the meaning of each. */
export interface ConfigValues {
  readonly model_list?: readonly (ModelValues | undefined)[];
  readonly router_settings?: {
    readonly fallbacks?: FallbackList;
    readonly timeout?: number;
    readonly stream_timeout?: number;
  };
  readonly litellm_settings?: {
    readonly drop_params?: boolean;
    readonly request_timeout?: number;
    readonly fallbacks?: FallbackList;
  };
  readonly general_settings?: {
    readonly master_key?: string;
    readonly allow_weak_master_key?: boolean;
    readonly max_request_size_mb?: number;
  };
  readonly environment_variables?: Readonly<Record<string, string>>;
}

export type FallbackList = readonly Readonly<Record<string, readonly string[]>>[];

export interface ModelValues {
  readonly model_name?: string;
  readonly litellm_params?: ModelParams;
  readonly model_info?: { readonly id?: string };
}

export interface ModelParams {
  readonly model?: string;
  readonly custom_llm_provider?: string;
  readonly api_key?: string;
  readonly api_base?: string;
  readonly organization?: readonly string[];
  readonly timeout?: number;
  readonly stream_timeout?: number;
  readonly order?: number;
  readonly fallbacks?: readonly string[];
  readonly drop_params?: boolean;
  readonly additional_drop_params?: readonly string[];
  readonly allowed_openai_params?: readonly string[];
  readonly extra_headers?: Readonly<Record<string, string>>;
  readonly extra_body?: Readonly<Record<string, unknown>>;
}
