import { commonModels } from "../auth/model-grants.ts";
import type { JwtOptions, JwtRole } from "./jwt-options.ts";
import type { TokenFacts } from "./token-claims.ts";

/** From the highest to the lowest. */
const ORDER: readonly JwtRole[] = [
  "proxy_admin",
  "proxy_admin_viewer",
  "team",
  "internal_user",
  "internal_user_viewer",
];

const TEAM_ROUTES = ["llm_api_routes", "info_routes"];

/** What a token itself opens, before its user, team and organisation are asked. */
export interface TokenGrants {
  /** Undefined: what the user's record says. */
  readonly role: JwtRole | undefined;
  /** Undefined: as far as the records go. */
  readonly models: readonly string[] | undefined;
  /** null: no bound of its own. */
  readonly routes: readonly string[] | null;
}

/** Undefined: the token must have a role, and has none that means something here. */
export function grantsOf(facts: TokenFacts, options: JwtOptions): TokenGrants | undefined {
  const role = roleOf(facts, options);
  const required = options.requireRole ?? options.claims?.roles !== undefined;
  if (role === undefined && required) return undefined;
  if (role === "proxy_admin") return { role, models: ["*"], routes: options.adminAllowedRoutes ?? null };
  let models = facts.models;
  let routes: readonly string[] | null = role === "team" ? (options.teamAllowedRoutes ?? TEAM_ROUTES) : null;
  const bound = (by: { readonly models?: readonly string[]; readonly routes?: readonly string[] }): void => {
    if (by.models !== undefined) models = models === undefined ? by.models : commonModels(models, by.models);
    // every word in both; a path within a word of the other list is written out where it is meant
    if (by.routes !== undefined)
      routes = routes === null ? by.routes : routes.filter((each) => by.routes?.includes(each));
  };
  const kind = role ?? (facts.teamIds.length > 0 ? "team" : "internal_user");
  const permissions = options.rolePermissions?.find((each) => each.role === kind);
  if (permissions !== undefined) bound(permissions);
  if (options.scopeMappings !== undefined) {
    const mapped = options.scopeMappings.filter(({ scope }) => facts.scopes.includes(scope));
    const opened = mapped.flatMap((each) => each.routes ?? []);
    const unbounded = mapped.some((each) => each.routes === undefined);
    bound({
      models: [...new Set(mapped.flatMap((each) => each.models ?? []))],
      ...(!unbounded && { routes: opened }),
    });
  }
  return { role, models, routes };
}

function roleOf({ roles, scopes }: TokenFacts, { adminScope, roleMappings = [] }: JwtOptions): JwtRole | undefined {
  if (adminScope !== undefined && scopes.includes(adminScope)) return "proxy_admin";
  const mapped = new Set(
    roleMappings.filter((each) => roles.includes(each.role)).map(({ internalRole }) => internalRole),
  );
  return ORDER.find((each) => mapped.has(each));
}
