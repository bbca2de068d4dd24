import type { BudgetRule, LimitRule } from "./budget.ts";

/** How a caller's calls are routed, in place of what holds for everyone. Public model name → public model names. */
export interface RoutingPreferences {
  readonly fallbacks?: Readonly<Record<string, readonly string[]>>;
  readonly contextWindowFallbacks?: Readonly<Record<string, readonly string[]>>;
  readonly contentPolicyFallbacks?: Readonly<Record<string, readonly string[]>>;
  readonly budgetFallbacks?: Readonly<Record<string, readonly string[]>>;
  readonly rateLimitFallbacks?: Readonly<Record<string, readonly string[]>>;
  readonly defaultFallbacks?: readonly string[];
  readonly disableFallbacks?: boolean;
  readonly retries?: number;
}

/** Who is calling. Made by an `Authenticator`; read by routers, limits, budgets and management routes. */
export interface Principal {
  /** Stable id of the key or person; never the secret itself. */
  readonly id: string;
  readonly kind: "anonymous" | "master" | "key" | "user" | "service" | "application";
  /** May use management routes. */
  readonly admin: boolean;
  /** Public model names and wildcards this caller may use. Empty: none. */
  readonly models: readonly string[];
  readonly userId?: string;
  readonly teamId?: string;
  readonly organizationId?: string;
  /** The customer that its calls are made for, whatever a request says. */
  readonly endUserId?: string;
  readonly tags?: readonly string[];
  /** Other names for models, this caller's own: `{ fast: "gpt-5-mini" }`. They win over the gateway's. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Where this caller's calls are to be served from: only deployments of these regions. */
  readonly allowedRegions?: readonly string[];
  readonly routing?: RoutingPreferences;
  /**
   * Which routes it may use; without it, all that `admin` and the routes themselves allow. `calls`: all of the dialects;
   * `resources`: all others; `reads`: those of them that only show something; or a path, `/v1/chat/completions`,
   * `/key/*`. Decided on the route that was matched.
   */
  readonly routes?: readonly string[];
  /**
   * Which members of `cache` its requests may use: `no-cache`, `no-store`, `ttl`, `s-maxage`, `namespace`, `use-cache`.
   * Without it, all.
   */
  readonly cacheControls?: readonly string[];
  /** Budgets that its calls count against, of all levels: key, user, team, organisation. */
  readonly budgets?: readonly BudgetRule[];
  /** Limits that its calls count against, of all levels. */
  readonly limits?: readonly LimitRule[];
  /**
   * Guardrails, by name: `on` those that run for its calls besides, `off` those that its requests may turn off (`*`: all).
   * `globals: false`: what is on for everyone is not on for its calls; `on`, and lists that name the caller, still count.
   */
  readonly guardrails?: {
    readonly on?: readonly string[];
    readonly off?: readonly string[];
    readonly globals?: false;
  };
  /** Shown in reports beside the id. */
  readonly alias?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Code that calls the gateway in its own process. */
export const APPLICATION: Principal = { id: "application", kind: "application", admin: true, models: ["*"] };

/** Whether a grant covers a model: equal, or a wildcard such as `openai/*` or `*`. */
export function grants(pattern: string, model: string): boolean {
  if (pattern === "*" || pattern === model) return true;
  return pattern.endsWith("*") && model.startsWith(pattern.slice(0, -1));
}

/** Whether a principal may use a model. An empty list of models grants none. */
export function mayUse(principal: Principal, model: string): boolean {
  for (const pattern of principal.models) if (grants(pattern, model)) return true;
  return false;
}

/** Whether a principal may use a route, by the path that the route was registered with. */
export function mayReach(
  { routes }: Principal,
  route: { readonly path: string; readonly method: string; readonly ofDialect: boolean },
): boolean {
  if (routes === undefined) return true;
  return routes.some((granted) => {
    if (granted === "calls") return route.ofDialect;
    if (granted === "resources") return !route.ofDialect;
    if (granted === "reads") return !route.ofDialect && route.method === "GET";
    return grants(granted, route.path);
  });
}
