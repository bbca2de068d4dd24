import type { JwtValues, RolePermission, ScopeMapping, TokenRole } from "./access-values.ts";
import type { ConfigValues } from "./config-values.ts";
import type { Variables } from "./environment.ts";
import type { KeyPath, Source } from "./source.ts";
import { milliseconds } from "./timeouts.ts";

/** How callers with tokens of an identity provider are let in: the option `jwt` of `keys`. */
export interface JwtSettings {
  readonly issuers: readonly JwtIssuerSettings[];
  readonly claims?: JwtClaimSettings;
  readonly adminScope?: string;
  readonly adminAllowedRoutes?: readonly string[];
  readonly teamAllowedRoutes?: readonly string[];
  readonly roleMappings?: readonly { readonly role: string; readonly internalRole: TokenRole }[];
  readonly requireRole?: boolean;
  readonly rolePermissions?: readonly RolePermission[];
  readonly scopeMappings?: readonly ScopeMapping[];
  readonly userIdUpsert?: boolean;
  readonly teamIdUpsert?: boolean;
  readonly allowedEmailDomain?: string;
  readonly publicKeyTtlMs?: number;
}

/** Who signs tokens. */
export interface JwtIssuerSettings {
  readonly issuer: string;
  readonly audience: string | readonly string[];
  readonly jwksUrl?: string;
  readonly discoveryUrl?: string;
  readonly emailsVerified?: boolean;
}

/** Names of claims. */
export interface JwtClaimSettings {
  readonly userId?: string;
  readonly email?: string;
  readonly teamId?: string;
  readonly teamIds?: string;
  readonly organizationId?: string;
  readonly endUserId?: string;
  readonly roles?: readonly string[];
  readonly models?: string;
}

const GENERAL = "general_settings";
const SECTION = [GENERAL, "litellm_jwtauth"] as const;
const ISSUER = "JWT_ISSUER";
const AUDIENCE = "JWT_AUDIENCE";
const KEYS = "JWT_PUBLIC_KEY_URL";
const DISCOVERY = /\/\.well-known\/openid-configuration$/;

/** Undefined: tokens let nobody in. */
export function collectJwt(
  { general_settings: general = {} }: ConfigValues,
  variables: Variables,
  source: Source,
): JwtSettings | undefined {
  const { enable_jwt_auth: enabled, litellm_jwtauth: jwt = {}, role_permissions: permissions } = general;
  if (enabled !== true) {
    for (const key of ["litellm_jwtauth", "role_permissions"]) {
      if (!source.has([GENERAL, key]) || source.faulty([GENERAL, key])) continue;
      if (!source.lacks([GENERAL], "enable_jwt_auth")) continue;
      source.problem([GENERAL, key], "has no effect alone", "add enable_jwt_auth: true");
    }
    return undefined;
  }
  const { enforce_scope_based_access: byScope, scope_mappings: scopes } = jwt;
  if (scopes !== undefined && source.lacks(SECTION, "enforce_scope_based_access")) {
    source.problem([...SECTION, "scope_mappings"], "has no effect alone", "add enforce_scope_based_access: true");
  }
  if (byScope === true) source.missing(SECTION, "scope_mappings");
  const issuers =
    jwt.issuers === undefined ? fromVariables(variables, source) : fromFile(jwt.issuers, variables, source);
  const claims = claimsOf(jwt);
  return {
    issuers,
    ...(Object.keys(claims).length > 0 && { claims }),
    ...(jwt.admin_jwt_scope !== undefined && { adminScope: jwt.admin_jwt_scope }),
    ...(jwt.admin_allowed_routes !== undefined && { adminAllowedRoutes: jwt.admin_allowed_routes }),
    ...(jwt.team_allowed_routes !== undefined && { teamAllowedRoutes: jwt.team_allowed_routes }),
    ...(jwt.role_mappings !== undefined && {
      roleMappings: jwt.role_mappings.map((one) => ({ role: one.role, internalRole: one.internal_role })),
    }),
    ...(jwt.enforce_rbac !== undefined && { requireRole: jwt.enforce_rbac }),
    ...(permissions !== undefined && { rolePermissions: permissions }),
    ...(byScope === true && scopes !== undefined && { scopeMappings: scopes }),
    ...(jwt.user_id_upsert !== undefined && { userIdUpsert: jwt.user_id_upsert }),
    ...(jwt.team_id_upsert !== undefined && { teamIdUpsert: jwt.team_id_upsert }),
    ...(jwt.user_allowed_email_domain !== undefined && { allowedEmailDomain: jwt.user_allowed_email_domain }),
    ...(jwt.public_key_ttl !== undefined && { publicKeyTtlMs: milliseconds(jwt.public_key_ttl) }),
  };
}

function claimsOf(jwt: JwtValues): JwtClaimSettings {
  const { roles_jwt_field: roles, user_roles_jwt_field: userRoles } = jwt;
  const all = [roles, userRoles].filter((claim) => claim !== undefined);
  return {
    ...(jwt.user_id_jwt_field !== undefined && { userId: jwt.user_id_jwt_field }),
    ...(jwt.user_email_jwt_field !== undefined && { email: jwt.user_email_jwt_field }),
    ...(jwt.team_id_jwt_field !== undefined && { teamId: jwt.team_id_jwt_field }),
    ...(jwt.team_ids_jwt_field !== undefined && { teamIds: jwt.team_ids_jwt_field }),
    ...(jwt.org_id_jwt_field !== undefined && { organizationId: jwt.org_id_jwt_field }),
    ...(jwt.end_user_id_jwt_field !== undefined && { endUserId: jwt.end_user_id_jwt_field }),
    ...(all.length > 0 && { roles: [...new Set(all)] }),
    ...(jwt.models_jwt_field !== undefined && { models: jwt.models_jwt_field }),
  };
}

/** A token is for somebody, from somebody: neither is guessed. */
function fromVariables(variables: Variables, source: Source): readonly JwtIssuerSettings[] {
  const issuer = variables.get(ISSUER);
  const audience = listed(variables.get(AUDIENCE));
  const urls = listed(variables.get(KEYS));
  const at: KeyPath = [GENERAL, "enable_jwt_auth"];
  if (issuer === undefined || audience.length === 0) {
    if (!source.unsure(SECTION, "issuers")) {
      const message = "does not know whose tokens, and for whom";
      source.problem(at, message, `set ${ISSUER} and ${AUDIENCE}, or litellm_jwtauth.issuers`);
    }
    return [];
  }
  if (urls.length > 1) {
    source.problem(at, `finds several addresses in ${KEYS}`, "list the issuers in litellm_jwtauth.issuers");
  }
  const [url] = urls;
  return [{ issuer, audience: single(audience), ...(url !== undefined && keysAt(url)) }];
}

function fromFile(
  entries: NonNullable<JwtValues["issuers"]>,
  variables: Variables,
  source: Source,
): readonly JwtIssuerSettings[] {
  return entries.flatMap((entry, index) => {
    if (entry === undefined) return [];
    const at: KeyPath = [...SECTION, "issuers", index];
    const issuer = entry.issuer ?? variables.get(ISSUER);
    const audience = entry.audience ?? listed(variables.get(AUDIENCE));
    if (issuer === undefined) source.missing(at, "issuer");
    if (audience.length === 0) source.missing(at, "audience");
    if (issuer === undefined || audience.length === 0) return [];
    const { jwks_url: jwksUrl, discovery_url: discoveryUrl, emails_verified: emailsVerified } = entry;
    return [
      {
        issuer,
        audience: typeof audience === "string" ? audience : single(audience),
        ...(jwksUrl !== undefined && { jwksUrl }),
        ...(discoveryUrl !== undefined && { discoveryUrl }),
        ...(emailsVerified !== undefined && { emailsVerified }),
      },
    ];
  });
}

/** The variable may hold either. */
function keysAt(url: string): Pick<JwtIssuerSettings, "jwksUrl" | "discoveryUrl"> {
  return DISCOVERY.test(url) ? { discoveryUrl: url } : { jwksUrl: url };
}

function listed(text: string | undefined): readonly string[] {
  return (text ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function single(list: readonly string[]): string | readonly string[] {
  return list.length === 1 ? (list[0] as string) : list;
}
