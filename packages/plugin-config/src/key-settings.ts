import type { ConfigValues, ModelValues, ParamsValues } from "./config-values.ts";
import type { Variables } from "./environment.ts";
import type { JwtSettings } from "./jwt-settings.ts";
import { collectJwt } from "./jwt-settings.ts";
import { publicName } from "./public-names.ts";
import type { Source } from "./source.ts";
import { milliseconds } from "./timeouts.ts";

/** What a configuration says about virtual keys: options of `keys`. Names within the parameters are LiteLLM's. */
export interface KeySettings {
  readonly jwt?: JwtSettings;
  /** Public models by the groups that they are in. */
  readonly modelGroups?: Readonly<Record<string, readonly string[]>>;
  readonly cacheTtlMs?: number;
  readonly cacheMaxAgeMs?: number;
  readonly timezone?: string;
  readonly defaultKeyGenerateParams?: ParamsValues;
  readonly upperboundKeyGenerateParams?: ParamsValues;
  readonly defaultTeamParams?: ParamsValues;
  readonly defaultInternalUserParams?: ParamsValues;
  readonly keyGenerationSettings?: ParamsValues;
}

/** How long a known key is used while the store is silent, if nothing is said. */
const DEFAULT_MAX_AGE_SECONDS = 300;
const DEFAULT_TTL_SECONDS = 60;

export function collectKeys(values: ConfigValues, variables: Variables, source: Source): KeySettings {
  const { general_settings: general = {}, litellm_settings: calls = {} } = values;
  const { user_api_key_cache_ttl: ttl, auth_cache_max_age: maxAge } = general;
  if ((ttl ?? DEFAULT_TTL_SECONDS) > (maxAge ?? Math.max(DEFAULT_MAX_AGE_SECONDS, ttl ?? 0))) {
    const at = ["general_settings", maxAge === undefined ? "user_api_key_cache_ttl" : "auth_cache_max_age"];
    source.problem(at, `is shorter than user_api_key_cache_ttl, ${ttl ?? DEFAULT_TTL_SECONDS}`);
  }
  const users = {
    ...(calls.max_internal_user_budget !== undefined && { max_budget: calls.max_internal_user_budget }),
    ...(calls.internal_user_budget_duration !== undefined && { budget_duration: calls.internal_user_budget_duration }),
    ...calls.default_internal_user_params,
  };
  const { timezone, default_key_generate_params: keys, default_team_params: teams } = calls;
  const { upperbound_key_generate_params: upperbound, key_generation_settings: generation } = calls;
  const groups = groupsOf(values.model_list ?? []);
  const jwt = collectJwt(values, variables, source);
  return {
    ...(jwt !== undefined && { jwt }),
    ...(groups.size > 0 && { modelGroups: Object.fromEntries(groups) }),
    ...(ttl !== undefined && { cacheTtlMs: milliseconds(ttl) }),
    ...((maxAge !== undefined || (ttl ?? 0) > DEFAULT_MAX_AGE_SECONDS) && {
      cacheMaxAgeMs: milliseconds(maxAge ?? (ttl as number)),
    }),
    ...(timezone !== undefined && { timezone }),
    ...(keys !== undefined && { defaultKeyGenerateParams: keys }),
    ...(upperbound !== undefined && { upperboundKeyGenerateParams: upperbound }),
    ...(teams !== undefined && { defaultTeamParams: teams }),
    ...(Object.keys(users).length > 0 && { defaultInternalUserParams: users }),
    ...(generation !== undefined && { keyGenerationSettings: generation }),
  };
}

function groupsOf(models: readonly (ModelValues | undefined)[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>();
  for (const entry of models) {
    const model = entry === undefined ? undefined : publicName(entry);
    if (model === undefined) continue;
    for (const group of entry?.model_info?.access_groups ?? []) {
      groups.set(group, [...new Set([...(groups.get(group) ?? []), model])]);
    }
  }
  return groups;
}
