import {
  addresses,
  grantedRoutes,
  headerName,
  roleMappings,
  rolePermissions,
  routes,
  scopeMappings,
  userHeaders,
} from "../access-values.ts";
import { flag, names, organization as oneOrSeveral, seconds, text } from "../values.ts";
import type { ConfigKey } from "./key.ts";
import { later, supported } from "./key.ts";

const GENERAL = "general_settings";
const JWT = `${GENERAL}.litellm_jwtauth`;

/** Who may call, from where, and with what. */
export const ACCESS_KEYS: readonly ConfigKey[] = [
  supported(
    `${GENERAL}.litellm_key_header_name`,
    headerName,
    "A header that a key is read from before the usual ones.",
  ),
  supported(`${GENERAL}.user_header_name`, headerName, "A header that names the end user."),
  supported(
    `${GENERAL}.user_header_mappings`,
    userHeaders,
    "The same, as `{header_name, litellm_user_role: customer}`.",
  ),
  supported(`${GENERAL}.allowed_ips`, addresses, "Addresses and networks that may call. Default: all."),
  supported(`${GENERAL}.use_x_forwarded_for`, flag, "Believe this header of `trusted_proxies`. Default false."),
  supported(`${GENERAL}.trusted_proxies`, addresses, "Addresses and networks of the proxies in front."),
  supported(
    `${GENERAL}.allowed_routes`,
    routes,
    "The only routes that are served: paths, `/key/*`, `llm_api_routes`, …",
  ),
  supported(`${GENERAL}.admin_only_routes`, routes, "Routes for administrators only."),
  supported(`${GENERAL}.public_routes`, routes, "Routes that need no key."),
  supported(`${GENERAL}.enforced_params`, names, "What every call must say: `user`, `metadata.project`."),
  supported(`${GENERAL}.enforce_user_param`, flag, "Every call must name its end user. Default false."),
  supported(`${GENERAL}.reject_clientside_metadata_tags`, flag, "Refuse tags in requests. Default false."),
  supported(`${GENERAL}.role_permissions`, rolePermissions, "Models and routes of the roles that tokens have."),

  supported(`${GENERAL}.enable_jwt_auth`, flag, "Let callers in with tokens of an identity provider. Default false."),
  supported(`${JWT}.issuers[].issuer`, text, "Who signs: exactly the `iss` of its tokens. Default `JWT_ISSUER`."),
  supported(`${JWT}.issuers[].audience`, oneOrSeveral, "The `aud` of tokens for this gateway. Default `JWT_AUDIENCE`."),
  supported(
    `${JWT}.issuers[].jwks_url`,
    text,
    "Where its keys are. Default: what discovery says; `JWT_PUBLIC_KEY_URL`.",
  ),
  supported(`${JWT}.issuers[].discovery_url`, text, "Its discovery document, if not at the usual place."),
  supported(`${JWT}.issuers[].emails_verified`, flag, "All addresses in its tokens were checked. Default false."),
  supported(`${JWT}.admin_jwt_scope`, text, "Tokens with this scope are an administrator's. Default: none."),
  supported(`${JWT}.admin_allowed_routes`, grantedRoutes, "Routes of such tokens. Default: all."),
  supported(`${JWT}.team_id_jwt_field`, text, "The claim with the team, with dots for claims within claims."),
  supported(`${JWT}.team_ids_jwt_field`, text, "The claim with several teams."),
  supported(`${JWT}.team_allowed_routes`, grantedRoutes, "Routes of tokens that stand for a team."),
  supported(`${JWT}.user_id_jwt_field`, text, "The claim with the user. Default `sub`."),
  supported(`${JWT}.user_email_jwt_field`, text, "The claim with the user's address."),
  supported(`${JWT}.org_id_jwt_field`, text, "The claim with the organization."),
  supported(`${JWT}.end_user_id_jwt_field`, text, "The claim with the customer."),
  supported(`${JWT}.models_jwt_field`, text, "The claim with models; a token without it has none."),
  supported(`${JWT}.roles_jwt_field`, text, "The claim with roles."),
  supported(`${JWT}.user_roles_jwt_field`, text, "Another claim with roles."),
  supported(`${JWT}.role_mappings`, roleMappings, "What roles mean here, as `{role, internal_role}`."),
  supported(`${JWT}.enforce_rbac`, flag, "A token needs a role that means something. Default: where roles are read."),
  supported(`${JWT}.enforce_scope_based_access`, flag, "Scopes open models and routes. Default false."),
  supported(`${JWT}.scope_mappings`, scopeMappings, "Which ones, as `{scope, models, routes}`."),
  supported(`${JWT}.user_allowed_email_domain`, text, "Only users with a checked address of this domain."),
  supported(`${JWT}.user_id_upsert`, flag, "Make a record for users that have none. Default false."),
  supported(`${JWT}.team_id_upsert`, flag, "The same for teams."),
  supported(
    `${JWT}.public_key_ttl`,
    seconds,
    "Seconds for which keys of issuers are not asked for again. Default 600.",
  ),

  ...later("oauth2", GENERAL, "enable_oauth2_auth enable_oauth2_proxy_auth"),
  ...later("model-store", GENERAL, "store_model_in_db supported_db_objects"),
];
