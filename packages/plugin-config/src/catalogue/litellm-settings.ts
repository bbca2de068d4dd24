import { tries } from "../routing-values.ts";
import { fallbackList, flag, modelNames, notVerbose, seconds } from "../values.ts";
import type { ConfigKey } from "./key.ts";
import { later, refused, supported } from "./key.ts";

const LITELLM = "litellm_settings";

/** What concerns all calls. The section keeps its name, so that existing files work. */
export const LITELLM_SETTINGS_KEYS: readonly ConfigKey[] = [
  supported(`${LITELLM}.drop_params`, flag, "The default of a model's `drop_params`."),
  supported(`${LITELLM}.request_timeout`, seconds, "The default of a model's `timeout`."),
  supported(`${LITELLM}.fallbacks`, fallbackList, "As `router_settings.fallbacks`."),
  supported(`${LITELLM}.context_window_fallbacks`, fallbackList, "As in `router_settings`."),
  supported(`${LITELLM}.content_policy_fallbacks`, fallbackList, "As in `router_settings`."),
  supported(`${LITELLM}.default_fallbacks`, modelNames, "As in `router_settings`."),
  supported(`${LITELLM}.num_retries`, tries, "As in `router_settings`."),
  supported(`${LITELLM}.set_verbose`, notVerbose, "`false`, which changes nothing."),

  ...later("logging", LITELLM, "callbacks success_callback failure_callback service_callbacks"),
  ...later(
    "logging",
    LITELLM,
    "turn_off_message_logging redact_user_api_key_info redact_messages_in_exceptions json_logs",
  ),
  ...later("rewrite", LITELLM, "modify_params"),
  ...later("transport", LITELLM, "force_ipv4 ssl_verify ssl_certificate"),
  ...later("shared-auth-cache", LITELLM, "enable_redis_auth_cache"),
  ...later("budget-exceptions", LITELLM, "max_end_user_budget_id max_ui_session_budget disable_end_user_cost_tracking"),
  ...later("model-hub", LITELLM, "public_model_groups"),
  ...later("mcp", LITELLM, "mcp_aliases mcp_semantic_tool_filter"),
  ...refused('use mock models: model "mock/fixed"', LITELLM, "network_mock"),
  ...later(
    "prometheus",
    LITELLM,
    `require_auth_for_metrics_endpoint prometheus_metrics_config custom_prometheus_metadata_labels
     custom_prometheus_tags`,
  ),
  ...later("otel", LITELLM, "forward_traceparent_to_llm_provider"),
];
