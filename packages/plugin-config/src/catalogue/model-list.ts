import { cachePoints } from "../cache-points.ts";
import { dollars, modelMode, numberFromZero, tries, wholeAboveZero } from "../routing-values.ts";
import {
  bodyMembers,
  credential,
  flag,
  headerMap,
  httpUrl,
  integer,
  modelNames,
  names,
  organization,
  seconds,
  text,
} from "../values.ts";
import type { ConfigKey } from "./key.ts";
import { later, refused, supported } from "./key.ts";
import { LATER_PRICE_FIELDS } from "./price-fields.ts";

const PARAMS = "model_list[].litellm_params";
const INFO = "model_list[].model_info";

/** What a model can do. */
const FLAGS: readonly (readonly [key: string, sentence: string])[] = [
  ["supports_vision", "Takes images"],
  ["supports_audio_input", "Takes audio"],
  ["supports_pdf_input", "Takes documents"],
  ["supports_function_calling", "Calls tools"],
  ["supports_response_schema", "Answers by a JSON schema"],
  ["supports_reasoning", "Reasons"],
  ["supports_prompt_caching", "Keeps the beginnings of requests"],
  ["supports_assistant_prefill", "Goes on from the beginning of an answer"],
];

/** What a model of `model_list` can say about itself. */
export const MODEL_LIST_KEYS: readonly ConfigKey[] = [
  supported(
    "model_list[].model_name",
    text,
    "Name that clients ask for; equal names form a group, `openai/*` is a wildcard.",
  ),
  supported(`${PARAMS}.model`, text, "`provider/model`, or a bare name whose vendor is known."),
  supported(`${PARAMS}.custom_llm_provider`, text, "Provider, where `model` does not say it."),
  supported(
    `${PARAMS}.api_key`,
    credential,
    "Key for the provider. Default: the provider's usual environment variable.",
  ),
  supported(`${PARAMS}.api_base`, httpUrl, "Where the provider answers, if not at its usual address."),
  supported(`${PARAMS}.timeout`, seconds, "Seconds for a whole try."),
  supported(`${PARAMS}.stream_timeout`, seconds, "Seconds until a stream begins."),
  supported(`${PARAMS}.organization`, organization, "OpenAI organisation; a list makes one deployment for each."),
  supported(`${PARAMS}.weight`, numberFromZero, "Share of the model's calls, relative to its other entries."),
  supported(`${PARAMS}.order`, integer, "Lower numbers of a group are tried first. Default 0."),
  supported(`${PARAMS}.rpm`, wholeAboveZero, "Most requests per minute; without `weight` also the share."),
  supported(`${PARAMS}.tpm`, wholeAboveZero, "Most tokens per minute; without `weight` and `rpm` also the share."),
  supported(`${PARAMS}.max_parallel_requests`, wholeAboveZero, "Most requests at the same time."),
  supported(`${PARAMS}.num_retries`, tries, "Retries at this deployment, instead of the settings'."),
  supported(`${PARAMS}.max_retries`, tries, "The same."),
  supported(`${PARAMS}.tags`, names, "Requests with one of these tags; `default`: those without."),
  supported(`${PARAMS}.region_name`, text, "Where it is; callers may be bound to regions."),
  supported(`${PARAMS}.silent_model`, text, "A model that gets a copy of every call; nobody waits for it."),
  supported(`${PARAMS}.input_cost_per_token`, dollars, "US dollars for a token of the request."),
  supported(`${PARAMS}.output_cost_per_token`, dollars, "US dollars for a token of the answer."),
  supported(`${PARAMS}.fallbacks`, modelNames, "Models to try when this one has failed."),
  supported(`${PARAMS}.drop_params`, flag, "Leave out parameters the model does not take, and report them."),
  supported(`${PARAMS}.additional_drop_params`, names, "Parameters to leave out in any case."),
  supported(
    `${PARAMS}.allowed_openai_params`,
    names,
    "Parameters to pass on although the model is said not to take them.",
  ),
  supported(`${PARAMS}.extra_headers`, headerMap, "Headers sent with every request."),
  supported(`${PARAMS}.extra_body`, bodyMembers, "Members added to the body of every request."),
  supported(
    `${PARAMS}.cache_control_injection_points`,
    cachePoints,
    "Where prompt-cache breakpoints are added: `location` (`message`, `tools`), `role`, `index`, `control.ttl`.",
  ),
  supported(
    `${INFO}.id`,
    text,
    "Stable id of the deployment. Default: derived from name, provider, model and address.",
  ),
  supported(`${INFO}.mode`, modelMode, "What health checks ask it. Default `chat`."),
  supported(`${INFO}.health_check_model`, text, "The model that health checks ask for, of a wildcard."),
  supported(`${INFO}.health_check_timeout`, seconds, "Seconds for a health check. Default 30."),
  supported(`${INFO}.team_id`, text, "The team that it belongs to; nobody else sees it."),
  supported(`${INFO}.team_public_model_name`, text, "The name that the team asks for, instead of `model_name`."),
  supported(`${INFO}.max_input_tokens`, wholeAboveZero, "Longer requests go to other deployments."),
  supported(
    `${INFO}.max_output_tokens`,
    wholeAboveZero,
    "Most tokens of an answer; what an Anthropic model is asked for where a request does not say.",
  ),
  ...FLAGS.map(([key, sentence]) => supported(`${INFO}.${key}`, flag, `${sentence}; \`false\` where it does not.`)),
  supported(`${INFO}.input_cost_per_token`, dollars, "As in `litellm_params`."),
  supported(`${INFO}.output_cost_per_token`, dollars, "As in `litellm_params`."),

  ...later("provider-azure", PARAMS, "api_version azure_ad_token tenant_id client_id client_secret"),
  ...later("credentials", PARAMS, "litellm_credential_name"),
  ...later("files", PARAMS, "max_file_size_mb s3_bucket_name gcs_bucket_name"),
  ...later("credentials", PARAMS, "configurable_clientside_auth_params"),
  ...refused('use a mock model: model "mock/fixed", "mock/fault-429", …', PARAMS, "mock_response mock_timeout"),
  ...refused(
    'use a mock model: model "mock/fault-429"',
    PARAMS,
    "mock_testing_fallbacks mock_testing_rate_limit_error",
  ),
  ...refused(
    'use a mock model: model "mock/fault-context"',
    PARAMS,
    "mock_testing_context_fallbacks mock_testing_content_policy_fallbacks",
  ),
  ...later("reasoning", PARAMS, "merge_reasoning_content_in_choices"),
  ...later("pass-through", PARAMS, "use_in_pass_through"),
  ...later("responses-bridge", PARAMS, "use_chat_completions_api"),
  ...refused('write the model as "litellm_proxy/<model>"', PARAMS, "use_litellm_proxy"),
  ...later(
    "provider-bedrock",
    PARAMS,
    `aws_access_key_id aws_secret_access_key aws_session_token aws_region_name aws_session_name aws_profile_name
     aws_role_name aws_web_identity_token aws_bedrock_runtime_endpoint aws_sts_endpoint aws_external_id`,
  ),
  ...later("provider-google", PARAMS, "vertex_project vertex_location vertex_credentials"),
  ...later("provider-watsonx", PARAMS, "watsonx_region_name"),
  ...later(
    "auto-router",
    PARAMS,
    "auto_router_config auto_router_config_path auto_router_default_model auto_router_embedding_model",
  ),
  ...refused(
    "defaults for a request's parameters go under extra_body",
    PARAMS,
    `temperature top_p max_tokens max_completion_tokens n stop seed presence_penalty frequency_penalty logit_bias
     response_format tools tool_choice parallel_tool_calls reasoning_effort user metadata`,
  ),
  ...later("price-kinds", PARAMS, LATER_PRICE_FIELDS),

  ...later("price-kinds", INFO, LATER_PRICE_FIELDS),
  supported(
    `${INFO}.access_groups`,
    names,
    "Groups that it is in: a key with such a name among its models may use it.",
  ),
  ...later("access-groups", INFO, "discoverable access_windows"),
  ...later(
    "model-info",
    INFO,
    `max_tokens supports_tool_choice supports_system_messages supports_parallel_function_calling supports_web_search
     supports_computer_use supports_native_streaming supports_audio_output supports_url_context supports_video_input
     supports_service_tier output_vector_size`,
  ),
];
