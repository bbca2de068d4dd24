import { z } from "zod";
import type { KeyPolicy } from "../key-policy.ts";
import type { Optional } from "./fields.ts";
import {
  aliases,
  boundFields,
  boundOrBudgetFields,
  duration,
  id,
  keyFields,
  metadata,
  models,
  tags,
} from "./fields.ts";
import { MEMBER_ROUTES } from "./key-grants.ts";

const role = z.enum(["proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer"]);
const requiredFields = z.array(z.enum(Object.keys(keyFields) as [string, ...string[]]));

type PolicyFields = { readonly [Name in keyof KeyPolicy]-?: Optional<NonNullable<KeyPolicy[Name]>> };

/** The options that say what new objects are like. */
export const policyFields: PolicyFields = {
  timezone: z.string().refine(isTimezone, "must be an IANA zone such as Europe/Madrid").exactOptional(),
  defaultKeyGenerateParams: z
    .strictObject({
      ...boundOrBudgetFields,
      duration: duration.exactOptional(),
      models: models.exactOptional(),
      metadata: metadata.exactOptional(),
      tags: tags.exactOptional(),
      aliases: aliases.exactOptional(),
      allowed_routes: z.array(id).max(100).exactOptional(),
      key_type: keyFields.key_type,
      router_settings: keyFields.router_settings,
      team_id: id.exactOptional(),
    })
    .exactOptional(),
  upperboundKeyGenerateParams: z
    .strictObject({
      duration: duration.exactOptional(),
      budget_duration: duration.exactOptional(),
      max_budget: boundFields.max_budget,
      max_parallel_requests: boundFields.max_parallel_requests,
      tpm_limit: boundFields.tpm_limit,
      rpm_limit: boundFields.rpm_limit,
    })
    .exactOptional(),
  defaultTeamParams: z
    .strictObject({
      ...boundOrBudgetFields,
      models: models.exactOptional(),
      model_aliases: aliases.exactOptional(),
      metadata: metadata.exactOptional(),
      tags: tags.exactOptional(),
      team_member_permissions: z.array(z.enum(MEMBER_ROUTES as [string, ...string[]])).exactOptional(),
    })
    .exactOptional(),
  defaultInternalUserParams: z
    .strictObject({
      ...boundOrBudgetFields,
      user_role: role.exactOptional(),
      models: models.exactOptional(),
      metadata: metadata.exactOptional(),
    })
    .exactOptional(),
  keyGenerationSettings: z
    .strictObject({
      team_key_generation: z
        .strictObject({
          allowed_team_member_roles: z.array(z.enum(["admin", "user"])).exactOptional(),
          required_params: requiredFields.exactOptional(),
        })
        .exactOptional(),
      personal_key_generation: z
        .strictObject({
          allowed_user_roles: z.array(role).exactOptional(),
          required_params: requiredFields.exactOptional(),
        })
        .exactOptional(),
    })
    .exactOptional(),
} as unknown as PolicyFields;

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
