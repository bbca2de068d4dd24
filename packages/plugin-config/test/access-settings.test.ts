import { describe, expect, test } from "vitest";
import { KEYS, load, report, withModel } from "./support/vendors.ts";

const general = (text: string): string => withModel(`general_settings:\n${text.replace(/^/gm, "  ")}\n`);

describe("who may call", () => {
  test("becomes options of the listener", () => {
    const { access } = load(
      general(`litellm_key_header_name: X-Gateway-Key
user_header_name: x-user
user_header_mappings: [{header_name: x-customer, litellm_user_role: customer}, {header_name: x-user, litellm_user_role: customer}]
allowed_ips: [10.0.0.0/8, "2001:db8::1"]
use_x_forwarded_for: true
trusted_proxies: [10.0.0.1]
allowed_routes: [llm_api_routes, /health/*]
admin_only_routes: [/v1/models]
public_routes: [LiteLLMRoutes.public_routes, /spend/calculate]
enforced_params: [user, metadata.project]
enforce_user_param: true
reject_clientside_metadata_tags: true`),
    );
    expect(access).toEqual({
      keyHeaders: ["X-Gateway-Key"],
      endUserHeaders: ["x-user", "x-customer"],
      allowedAddresses: ["10.0.0.0/8", "2001:db8::1"],
      trustedProxies: ["10.0.0.1"],
      allowedRoutes: ["calls", "/health/*"],
      adminOnlyRoutes: ["/v1/models"],
      publicRoutes: ["/spend/calculate"],
      requiredParams: ["user", "metadata.project"],
      requireUser: true,
      refuseTags: true,
    });
    expect(load(withModel("")).access).toEqual({});
    expect(load(general("user_header_mappings: {header_name: x-u, litellm_user_role: customer}")).access).toEqual({
      endUserHeaders: ["x-u"],
    });
  });

  test.each([
    [
      "use_x_forwarded_for: true",
      "6:24 general_settings.use_x_forwarded_for: would believe anybody's header; add trusted_proxies",
    ],
    [
      "trusted_proxies: [10.0.0.1]",
      "6:20 general_settings.trusted_proxies: has no effect alone; add use_x_forwarded_for: true",
    ],
    [
      "allowed_ips: [10.0.0.0/33]",
      '6:17 general_settings.allowed_ips[0]: is no address and no network such as "10.0.0.0/8"',
    ],
    ["user_header_name: x user", "6:21 general_settings.user_header_name: is not a header name"],
    [
      "user_header_mappings: [{header_name: x-user, litellm_user_role: internal_user}]",
      "6:25 general_settings.user_header_mappings: names internal users by a header, which anybody could write; they are known by their keys",
    ],
    [
      "public_routes: [info_rotes]",
      '6:19 general_settings.public_routes[0]: is not a route. Did you mean "info_routes"?',
    ],
    [
      "litellm_jwtauth: {user_id_upsert: true}",
      "6:20 general_settings.litellm_jwtauth: has no effect alone; add enable_jwt_auth: true",
    ],
    [
      "role_permissions: [{role: team, models: [fast]}]",
      "6:21 general_settings.role_permissions: has no effect alone; add enable_jwt_auth: true",
    ],
    [
      "enable_jwt_auth: true",
      "6:20 general_settings.enable_jwt_auth: does not know whose tokens, and for whom; set JWT_ISSUER and JWT_AUDIENCE, or litellm_jwtauth.issuers",
    ],
  ])("not with %s", (text, line) => {
    expect(report(general(text))).toEqual([line]);
  });
});

const TOKENS = { ...KEYS, JWT_ISSUER: "https://login.example", JWT_AUDIENCE: "gateway" };

describe("tokens of an identity provider", () => {
  test("are known by the variables", () => {
    const issuer = { issuer: "https://login.example", audience: "gateway" };
    const jwt = (env: Readonly<Record<string, string>>) =>
      load(general("enable_jwt_auth: true"), { env: { ...TOKENS, ...env } }).keys.jwt;
    expect(jwt({})).toEqual({ issuers: [issuer] });
    expect(jwt({ JWT_PUBLIC_KEY_URL: "https://login.example/keys" })?.issuers).toEqual([
      { ...issuer, jwksUrl: "https://login.example/keys" },
    ]);
    const discoveryUrl = "https://login.example/x/.well-known/openid-configuration";
    expect(jwt({ JWT_PUBLIC_KEY_URL: discoveryUrl })?.issuers).toEqual([{ ...issuer, discoveryUrl }]);
    expect(jwt({ JWT_AUDIENCE: "one, two" })?.issuers).toEqual([{ ...issuer, audience: ["one", "two"] }]);
    expect(() => jwt({ JWT_PUBLIC_KEY_URL: "https://a,https://b" })).toThrow(
      "finds several addresses in JWT_PUBLIC_KEY_URL; list the issuers in litellm_jwtauth.issuers",
    );
    expect(load(general("enable_jwt_auth: false\nlitellm_jwtauth: {user_id_upsert: true}")).keys.jwt).toBeUndefined();
  });

  test("say what the claims are called, and what roles and scopes mean", () => {
    const { jwt } = load(
      general(`enable_jwt_auth: true
litellm_jwtauth:
  roles_jwt_field: realm_access.roles
  user_roles_jwt_field: groups
  team_id_jwt_field: team
  role_mappings: [{role: staff, internal_role: internal_user}]
  enforce_rbac: false
  enforce_scope_based_access: true
  scope_mappings: [{scope: small, models: [fast], routes: [openai_routes]}]
  public_key_ttl: 60
  user_id_upsert: true
role_permissions: [{role: team, models: [fast], routes: [LiteLLMRoutes.openai_routes]}]`),
      { env: TOKENS },
    ).keys;
    expect(jwt).toEqual({
      issuers: [{ issuer: "https://login.example", audience: "gateway" }],
      claims: { teamId: "team", roles: ["realm_access.roles", "groups"] },
      roleMappings: [{ role: "staff", internalRole: "internal_user" }],
      requireRole: false,
      rolePermissions: [{ role: "team", models: ["fast"], routes: ["openai_routes"] }],
      scopeMappings: [{ scope: "small", models: ["fast"], routes: ["openai_routes"] }],
      publicKeyTtlMs: 60_000,
      userIdUpsert: true,
    });
  });

  test("may come from several issuers", () => {
    const { jwt } = load(
      general(`enable_jwt_auth: true
litellm_jwtauth:
  issuers:
    - {issuer: https://a, audience: gateway, jwks_url: https://a/keys, emails_verified: true}
    - {issuer: https://b, audience: [one, two], discovery_url: https://b/d}
    - {issuer: https://c}`),
      { env: { JWT_AUDIENCE: "gateway" } },
    ).keys;
    expect(jwt?.issuers).toEqual([
      { issuer: "https://a", audience: "gateway", jwksUrl: "https://a/keys", emailsVerified: true },
      { issuer: "https://b", audience: ["one", "two"], discoveryUrl: "https://b/d" },
      { issuer: "https://c", audience: "gateway" },
    ]);
  });

  test("scopes that are mapped and not asked for are a problem", () => {
    const text = "enable_jwt_auth: true\nlitellm_jwtauth:\n  scope_mappings: [{scope: small}]";
    expect(report(general(text), { env: TOKENS })).toEqual([
      "8:21 general_settings.litellm_jwtauth.scope_mappings: has no effect alone; add enforce_scope_based_access: true",
    ]);
    expect(
      report(general("enable_jwt_auth: true\nlitellm_jwtauth: {enforce_scope_based_access: true}"), { env: TOKENS }),
    ).toEqual(["7:20 general_settings.litellm_jwtauth.scope_mappings: is missing"]);
  });
});
