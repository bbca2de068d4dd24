import type { KeySample } from "./key-samples.ts";

const GENERAL = "general_settings";
const JWT = `${GENERAL}.litellm_jwtauth`;

const just = (samples: Readonly<Record<string, unknown>>): Readonly<Record<string, KeySample>> =>
  Object.fromEntries(Object.entries(samples).map(([key, value]) => [`${GENERAL}.${key}`, { value }]));

const ISSUER = { issuer: "https://login.example", audience: "gateway" };
const ON = { [`${GENERAL}.enable_jwt_auth`]: true, [`${JWT}.issuers`]: [ISSUER] };

const tokens = (samples: Readonly<Record<string, unknown>>): Readonly<Record<string, KeySample>> =>
  Object.fromEntries(Object.entries(samples).map(([key, value]) => [`${JWT}.${key}`, { value, beside: ON }]));

const without = (key: "issuer" | "audience"): KeySample => {
  const { [key]: value, ...rest } = ISSUER;
  return { value, beside: { ...ON, [`${JWT}.issuers`]: [rest] } };
};

/** One for every supported key about who may call. */
export const ACCESS_SAMPLES: Readonly<Record<string, KeySample>> = {
  ...just({
    litellm_key_header_name: "x-gateway-key",
    user_header_name: "x-user",
    user_header_mappings: [{ header_name: "x-user", litellm_user_role: "customer" }],
    allowed_ips: ["10.0.0.0/8"],
    allowed_routes: ["/v1/models"],
    admin_only_routes: ["/v1/models"],
    public_routes: ["/v1/models"],
    enforced_params: ["user"],
    enforce_user_param: true,
    reject_clientside_metadata_tags: true,
  }),
  [`${GENERAL}.use_x_forwarded_for`]: { value: true, beside: { [`${GENERAL}.trusted_proxies`]: ["10.0.0.1"] } },
  [`${GENERAL}.trusted_proxies`]: { value: ["10.0.0.1"], beside: { [`${GENERAL}.use_x_forwarded_for`]: true } },
  [`${GENERAL}.role_permissions`]: { value: [{ role: "team", models: ["one"] }], beside: ON },
  [`${GENERAL}.enable_jwt_auth`]: { value: true, beside: { [`${JWT}.issuers`]: [ISSUER] } },
  [`${JWT}.issuers[].issuer`]: without("issuer"),
  [`${JWT}.issuers[].audience`]: without("audience"),
  ...tokens({
    "issuers[].jwks_url": "https://login.example/keys",
    "issuers[].discovery_url": "https://login.example/discovery",
    "issuers[].emails_verified": true,
    admin_jwt_scope: "admin",
    admin_allowed_routes: ["management_routes"],
    team_id_jwt_field: "team",
    team_ids_jwt_field: "teams",
    team_allowed_routes: ["openai_routes"],
    user_id_jwt_field: "user",
    user_email_jwt_field: "email",
    org_id_jwt_field: "org",
    end_user_id_jwt_field: "customer",
    models_jwt_field: "models",
    roles_jwt_field: "roles",
    user_roles_jwt_field: "roles",
    role_mappings: [{ role: "staff", internal_role: "internal_user" }],
    enforce_rbac: false,
    scope_mappings: [{ scope: "small", models: ["one"] }],
    user_allowed_email_domain: "example.com",
    user_id_upsert: true,
    team_id_upsert: true,
    public_key_ttl: 60,
  }),
  [`${JWT}.enforce_scope_based_access`]: {
    value: true,
    beside: { ...ON, [`${JWT}.scope_mappings`]: [{ scope: "small", models: ["one"] }] },
  },
  [`${JWT}.scope_mappings`]: {
    value: [{ scope: "small", models: ["one"] }],
    beside: { ...ON, [`${JWT}.enforce_scope_based_access`]: true },
  },
};
