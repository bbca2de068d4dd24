import { names, variableMap } from "../values.ts";
import type { ConfigKey } from "./key.ts";
import { later, supported } from "./key.ts";

/** Keys beside the four sections. */
export const TOP_LEVEL_KEYS: readonly ConfigKey[] = [
  supported("include", names, "Other files to read: maps merge, lists append."),
  supported(
    "environment_variables",
    variableMap,
    "Variables for `os.environ/NAME` and for providers' usual key variables.",
  ),

  ...later("mcp", "", "mcp_servers mcp_tools search_tools vector_store_registry"),
  ...later("a2a", "", "agent_list"),
  ...later("credentials", "", "credential_list"),
  ...later("prompts", "", "prompts"),
  ...later("logging", "", "callback_settings"),
  ...later("files", "", "files_settings finetune_settings assistant_settings"),
  ...later("compatibility", "", "compat"),
  ...later("compatibility", "compat", "litellm_headers litellm_metrics litellm_errors"),
];
