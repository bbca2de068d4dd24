import { ACCESS_KEYS } from "./access-keys.ts";
import { CACHE_KEYS } from "./cache-keys.ts";
import { CONTENT_ROUTER_KEYS } from "./content-routers.ts";
import { GENERAL_SETTINGS_KEYS } from "./general-settings.ts";
import { GUARDRAIL_KEYS } from "./guardrail-keys.ts";
import type { ConfigKey } from "./key.ts";
import { KEY_PARAMS_KEYS } from "./key-params.ts";
import { LITELLM_SETTINGS_KEYS } from "./litellm-settings.ts";
import { MODEL_LIST_KEYS } from "./model-list.ts";
import { MONEY_KEYS } from "./money-keys.ts";
import { ROUTER_SETTINGS_KEYS } from "./router-settings.ts";
import { TOP_LEVEL_KEYS } from "./top-level.ts";

/** Every known key, in the order in which a reader would expect them. */
export const CONFIG_KEYS: readonly ConfigKey[] = [
  ...MODEL_LIST_KEYS,
  ...ROUTER_SETTINGS_KEYS,
  ...CONTENT_ROUTER_KEYS,
  ...LITELLM_SETTINGS_KEYS,
  ...CACHE_KEYS,
  ...GENERAL_SETTINGS_KEYS,
  ...ACCESS_KEYS,
  ...MONEY_KEYS,
  ...KEY_PARAMS_KEYS,
  ...GUARDRAIL_KEYS,
  ...TOP_LEVEL_KEYS,
];
