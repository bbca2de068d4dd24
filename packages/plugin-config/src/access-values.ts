import { isIP } from "node:net";
import { z } from "zod";
import { didYouMean } from "@signalbox/kernel";

// The kinds of values that keys about access take. Every message completes the sentence "<key> …".

const expected = (what: string): { readonly error: string } => ({ error: `must be ${what}` });
const text = z.string(expected("text")).min(1, expected("text that is not empty"));

/** Of a request; lower or upper case. */
export const headerName: z.ZodType<string> = text.regex(/^[\w!#$%&'*+.^`|~-]+$/, { error: "is not a header name" });

/** `10.0.0.1`, `10.0.0.0/8` */
export const addresses: z.ZodType<readonly string[]> = z.array(
  z.string(expected("an address")).refine(isNetwork, { error: 'is no address and no network such as "10.0.0.0/8"' }),
  expected("a list of addresses and networks"),
);

function isNetwork(written: string): boolean {
  const [address = "", prefix, ...rest] = written.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

/** Words for many routes, and what the gateway calls them. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  llm_api_routes: ["calls"],
  openai_routes: ["calls"],
  management_routes: ["resources"],
  info_routes: ["reads"],
  spend_tracking_routes: ["/spend/*"],
  global_spend_tracking_routes: ["/global/*"],
  // open in any case
  public_routes: [],
};

const PREFIX = /^LiteLLMRoutes\./;

/** Paths and words; a word may have the name of LiteLLM's list in front. */
function routeList(translated: boolean): z.ZodType<readonly string[]> {
  return z
    .array(
      z.string(expected("a route")).check(({ value, issues }) => {
        const word = value.replace(PREFIX, "");
        if (value.startsWith("/") || Object.hasOwn(WORDS, word)) return;
        const hint =
          didYouMean(word, Object.keys(WORDS)) || ` It is a path, or one of ${Object.keys(WORDS).join(", ")}.`;
        issues.push({ code: "custom", message: `is not a route.${hint}`, input: value });
      }),
      expected("a list of routes"),
    )
    .transform((routes) =>
      routes
        .map((route) => route.replace(PREFIX, ""))
        .flatMap((route) => (translated ? (WORDS[route] ?? [route]) : [route])),
    );
}

/** For the listener. */
export const routes: z.ZodType<readonly string[]> = routeList(true);

/** For grants, which know the words themselves. */
export const grantedRoutes: z.ZodType<readonly string[]> = routeList(false);

const header = z.strictObject({ header_name: headerName, litellm_user_role: text });

/** Which header names whom. */
export const userHeaders: z.ZodType<readonly string[]> = z
  .union([header, z.array(header)], expected("a list of {header_name, litellm_user_role}"))
  .transform((given, context) => {
    const list = Array.isArray(given) ? given : [given];
    for (const { litellm_user_role: role } of list) {
      if (role === "customer") continue;
      const message =
        role === "internal_user"
          ? "names internal users by a header, which anybody could write; they are known by their keys"
          : `has the role ${JSON.stringify(role)}; it is customer`;
      context.issues.push({ code: "custom", message, input: given });
    }
    return list.map(({ header_name: name }) => name);
  });

const ROLES = ["proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer", "team"] as const;

/** What a token can stand for. */
export type TokenRole = (typeof ROLES)[number];

const role = z.enum(ROLES, expected(`one of ${ROLES.join(", ")}`));
const models = z.array(text, expected("a list of models"));

/** What a role may use. */
export interface RolePermission {
  readonly role: TokenRole;
  readonly models?: readonly string[];
  readonly routes?: readonly string[];
}

export const rolePermissions: z.ZodType<readonly RolePermission[]> = z.array(
  z.strictObject({ role, models: models.exactOptional(), routes: grantedRoutes.exactOptional() }),
  expected("a list of {role, models, routes}"),
);

/** What a role of the issuer means here. */
export interface RoleMapping {
  readonly role: string;
  readonly internal_role: TokenRole;
}

export const roleMappings: z.ZodType<readonly RoleMapping[]> = z.array(
  z.strictObject({ role: text, internal_role: role }),
  expected("a list of {role, internal_role}"),
);

/** What a scope of a token opens. */
export interface ScopeMapping {
  readonly scope: string;
  readonly models?: readonly string[];
  readonly routes?: readonly string[];
}

export const scopeMappings: z.ZodType<readonly ScopeMapping[]> = z.array(
  z.strictObject({ scope: text, models: models.exactOptional(), routes: grantedRoutes.exactOptional() }),
  expected("a list of {scope, models, routes}"),
);

/** What `litellm_jwtauth` holds once it has been checked. */
export interface JwtValues {
  readonly issuers?: readonly (
    | {
        readonly issuer?: string;
        readonly audience?: string | readonly string[];
        readonly jwks_url?: string;
        readonly discovery_url?: string;
        readonly emails_verified?: boolean;
      }
    | undefined
  )[];
  readonly admin_jwt_scope?: string;
  readonly admin_allowed_routes?: readonly string[];
  readonly team_allowed_routes?: readonly string[];
  readonly team_id_jwt_field?: string;
  readonly team_ids_jwt_field?: string;
  readonly user_id_jwt_field?: string;
  readonly user_email_jwt_field?: string;
  readonly org_id_jwt_field?: string;
  readonly end_user_id_jwt_field?: string;
  readonly models_jwt_field?: string;
  readonly roles_jwt_field?: string;
  readonly user_roles_jwt_field?: string;
  readonly user_allowed_email_domain?: string;
  readonly user_id_upsert?: boolean;
  readonly team_id_upsert?: boolean;
  readonly public_key_ttl?: number;
  readonly enforce_rbac?: boolean;
  readonly enforce_scope_based_access?: boolean;
  readonly scope_mappings?: readonly ScopeMapping[];
  readonly role_mappings?: readonly RoleMapping[];
}

/** The keys of `general_settings` that say who may call, from where, with what. */
export interface AccessValues {
  readonly litellm_key_header_name?: string;
  readonly user_header_name?: string;
  readonly user_header_mappings?: readonly string[];
  readonly allowed_ips?: readonly string[];
  readonly use_x_forwarded_for?: boolean;
  readonly trusted_proxies?: readonly string[];
  readonly allowed_routes?: readonly string[];
  readonly admin_only_routes?: readonly string[];
  readonly public_routes?: readonly string[];
  readonly enforced_params?: readonly string[];
  readonly enforce_user_param?: boolean;
  readonly reject_clientside_metadata_tags?: boolean;
  readonly enable_jwt_auth?: boolean;
  readonly litellm_jwtauth?: JwtValues;
  readonly role_permissions?: readonly RolePermission[];
}
