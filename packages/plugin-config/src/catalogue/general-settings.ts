import { checksAtOnce, intervalSeconds } from "../routing-values.ts";
import { credential, flag, megabytes } from "../values.ts";
import type { ConfigKey } from "./key.ts";
import { later, refused, supported } from "./key.ts";

const GENERAL = "general_settings";
const PASS_THROUGH = `${GENERAL}.pass_through_endpoints[]`;

/** What concerns the server and its keys. */
export const GENERAL_SETTINGS_KEYS: readonly ConfigKey[] = [
  supported(
    `${GENERAL}.master_key`,
    credential,
    "The key that every request needs. Without it only this machine is served.",
  ),
  supported(`${GENERAL}.allow_weak_master_key`, flag, "Let a short or well-known key serve other machines too."),
  supported(`${GENERAL}.max_request_size_mb`, megabytes, "Largest request body in megabytes. Default 20."),
  supported(`${GENERAL}.background_health_checks`, flag, "Ask deployments whether they are well. Default false."),
  supported(`${GENERAL}.health_check_interval`, intervalSeconds, "Seconds between two rounds. Default 300."),
  supported(`${GENERAL}.health_check_concurrency`, checksAtOnce, "Deployments asked at the same time. Default 10."),

  ...later("logging", GENERAL, "disable_error_logs"),
  ...refused(
    "not needed: budget periods are part of the ledger's keys, and no job resets them",
    GENERAL,
    "proxy_budget_rescheduler_min_time proxy_budget_rescheduler_max_time disable_reset_budget",
  ),
  ...refused("the ledger's write-ahead spool replaces it", GENERAL, "use_redis_transaction_buffer"),
  ...refused("spend is always recorded once there is a ledger", GENERAL, "disable_spend_logs disable_spend_updates"),
  ...refused(
    "a key that was seen before keeps its own rights for auth_cache_max_age; nobody gains any",
    GENERAL,
    "allow_requests_on_db_unavailable",
  ),
  ...later("response-limits", GENERAL, "max_response_size_mb"),
  ...refused("GET /health always shows details, and to administrators only", GENERAL, "health_check_details"),
  ...refused("what health checks find out always counts for routing", GENERAL, "enable_health_check_routing"),
  ...later("shared-health-checks", GENERAL, "use_shared_health_check"),
  ...later("alerts", GENERAL, "alerting alerting_threshold alert_types alert_to_webhook_url alerting_args"),
  ...refused(
    "write a plugin with an authenticator",
    GENERAL,
    "custom_auth custom_key_generate custom_key_update custom_sso custom_ui_sso_sign_in_handler",
  ),
  ...later("budget-exceptions", GENERAL, "skip_user_budget_on_team_key"),
  ...later("secret-managers", GENERAL, "key_management_system key_management_settings"),
  ...later("forward-headers", GENERAL, "forward_client_headers_to_llm_api forward_llm_provider_auth_headers"),
  ...later("logging", GENERAL, "store_prompts_in_spend_logs"),
  ...refused(
    "not needed: what is older than maximum_spend_logs_retention_period goes by itself",
    GENERAL,
    "maximum_spend_logs_retention_interval maximum_spend_logs_cleanup_cron",
  ),
  ...later("compatibility", GENERAL, "completion_model"),
  ...refused('models of a provider are served by a wildcard: model_name "openai/*"', GENERAL, "infer_model_from_keys"),
  ...refused("usage is always read upstream, whatever the client asked for", GENERAL, "always_include_stream_usage"),
  ...later("pass-through", GENERAL, "pass_through_endpoints"),
  ...later(
    "pass-through",
    PASS_THROUGH,
    "path target headers include_subpath auth cost_per_request guardrails forward_headers",
  ),
  ...later(
    "mcp",
    GENERAL,
    "search_tools mcp_internal_ip_ranges mcp_trusted_proxy_ranges mcp_client_side_auth_header_name user_mcp_management_mode",
  ),
  ...later("console", GENERAL, "control_plane_url"),
];
