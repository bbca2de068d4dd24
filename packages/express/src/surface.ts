import type { Dialect, Gateway, Route } from "@signalbox/kernel";
import { IdSource } from "@signalbox/kernel";
import { ACCESS_LISTS } from "./access-options.ts";
import { AccessPolicy } from "./access-policy.ts";
import { cacheRoutes } from "./cache-routes.ts";
import type { HandlerOptions, Settings } from "./handler-options.ts";
import { handlerSettings } from "./handler-options.ts";
import { healthRoutes, managementRoutes } from "./management-routes.ts";
import type { RouteEntry } from "./route-table.ts";
import { RouteTable } from "./route-table.ts";

/** What all requests of one handler share. */
export interface Surface {
  readonly gateway: Gateway;
  readonly settings: Settings;
  readonly table: RouteTable;
  /** Undefined where the options ask for nothing of it: requests then pay nothing for it. */
  readonly policy: AccessPolicy | undefined;
  /** Routes that a dialect brings, in contrast to those of plugins and surfaces. */
  readonly dialectRoutes: ReadonlySet<Route>;
  /** For responses that belong to no call. */
  readonly ids: IdSource;
  /** Set once, when the process is about to end: readiness says no and every reply closes its connection. */
  draining: boolean;
}

/** @throws {GatewayError} `option_invalid` */
export function createSurface(gateway: Gateway, options: HandlerOptions): Surface {
  const settings = handlerSettings(options);
  const fallback = defaultDialect(gateway.dialects);
  const entries: RouteEntry[] = gateway.dialects.flatMap((dialect) =>
    dialect.routes.map((route) => ({ route, dialect })),
  );
  const dialectEntries = entries.length;
  for (const route of gateway.routes) entries.push({ route, dialect: fallback });
  const surface: Surface = {
    gateway,
    settings,
    dialectRoutes: new Set(entries.slice(0, dialectEntries).map(({ route }) => route)),
    table: undefined as unknown as RouteTable,
    policy: asksForPolicy(settings) ? new AccessPolicy(settings) : undefined,
    ids: new IdSource(),
    draining: false,
  };
  const taken = new Set(entries.map(({ route }) => `${route.method} ${route.path}`));
  const own = [
    ...managementRoutes(surface),
    ...cacheRoutes(gateway.caches),
    ...(settings.health ? healthRoutes(surface) : []),
  ];
  for (const route of own) {
    // what a plugin serves itself is the plugin's
    if (!taken.has(`${route.method} ${route.path}`)) entries.push({ route, dialect: fallback });
  }
  surface.policy?.cover(
    entries.map(({ route }) => route),
    surface.dialectRoutes,
  );
  return Object.assign(surface, { table: new RouteTable(entries, fallback) });
}

function asksForPolicy(settings: Settings): boolean {
  return (
    settings.requireUser === true ||
    settings.refuseTags === true ||
    ACCESS_LISTS.some((name) => settings[name] !== undefined)
  );
}

/** OpenAI's form is what most clients understand. */
function defaultDialect(dialects: readonly Dialect[]): Dialect | undefined {
  return dialects.find(({ name }) => name.startsWith("openai")) ?? dialects[0];
}
