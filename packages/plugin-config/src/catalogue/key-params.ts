import type { z } from "zod";
import { budgetDollars, duration } from "../money-values.ts";
import { wholeFromZero } from "../routing-values.ts";
import { anyMap, names, text } from "../values.ts";
import type { ConfigKey } from "./key.ts";
import { later, supported } from "./key.ts";

const LITELLM = "litellm_settings";

type Row = readonly [key: string, value: z.ZodType, sentence: string];

const LIMITS: readonly Row[] = [
  ["max_budget", budgetDollars, "US dollars"],
  ["budget_duration", duration, "How long that lasts"],
  ["max_parallel_requests", wholeFromZero, "Requests at the same time"],
  ["tpm_limit", wholeFromZero, "Tokens per minute"],
  ["rpm_limit", wholeFromZero, "Requests per minute"],
];

const BOUNDS: readonly Row[] = [...LIMITS, ["soft_budget", budgetDollars, "US dollars at which to tell"]];

const KEY_ROWS: readonly Row[] = [
  ...BOUNDS,
  ["duration", duration, "How long it is valid"],
  ["models", names, "Models"],
  ["metadata", anyMap, "What stands beside it"],
  ["tags", names, "Tags"],
  ["aliases", anyMap, "Other names for models"],
  ["allowed_routes", names, "Routes"],
  ["key_type", text, "`default`, `llm_api`, `management` or `read_only`"],
  ["team_id", text, "Its team"],
];

const TEAM_ROWS: readonly Row[] = [
  ...BOUNDS,
  ["models", names, "Models"],
  ["model_aliases", anyMap, "Other names for models"],
  ["metadata", anyMap, "What stands beside it"],
  ["tags", names, "Tags"],
  ["team_member_permissions", names, "What its members may do"],
];

const USER_ROWS: readonly Row[] = [
  ...BOUNDS,
  ["user_role", text, "Its role"],
  ["models", names, "Models"],
  ["metadata", anyMap, "What stands beside it"],
];

function rows(section: string, of: string, table: readonly Row[]): readonly ConfigKey[] {
  return table.map(([key, value, sentence]) => supported(`${LITELLM}.${section}.${key}`, value, `${sentence}, ${of}.`));
}

/** What new keys, teams and users are like. */
export const KEY_PARAMS_KEYS: readonly ConfigKey[] = [
  ...rows("default_key_generate_params", "of a new key that says nothing", KEY_ROWS),
  ...rows("upperbound_key_generate_params", "at most, of any key", [
    ...LIMITS,
    ["duration", duration, "How long it is valid"],
  ]),
  ...rows("default_team_params", "of a new team that says nothing", TEAM_ROWS),
  ...rows("default_internal_user_params", "of a new user that says nothing", USER_ROWS),
  ...rows("key_generation_settings", "to make keys of a team", [
    ["team_key_generation.allowed_team_member_roles", names, "Who it takes"],
    ["team_key_generation.required_params", names, "What a request must say"],
  ]),
  ...rows("key_generation_settings", "to make keys without a team", [
    ["personal_key_generation.allowed_user_roles", names, "Who it takes"],
    ["personal_key_generation.required_params", names, "What a request must say"],
  ]),
  ...later("default-teams", `${LITELLM}.default_internal_user_params`, "teams"),
];
