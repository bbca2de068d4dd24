import type { DependencyContainer } from "tsyringe";
import { ROUTER, resolveOptional, STRATEGY } from "../container.ts";
import type { ModelTable } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import type { Plugin } from "../plugin.ts";
import type { Router, RouterParts } from "../router.ts";
import type { Strategy } from "../strategy.ts";
import type { NamedWatcher } from "./attempt-watchers.ts";
import { checkRouter, checkStrategy } from "./check-routing.ts";
import { listedRouter, listedStrategy } from "./listed-router.ts";

/** What decides where a call is tried. */
export interface Routing {
  readonly strategy: Strategy;
  readonly router: Router;
  /** Both, under the names of their owners. */
  readonly watchers: readonly NamedWatcher[];
}

const CONTAINER = "the application's container";
const DEFAULT = "kernel";

/**
 * The application's strategy and router, else a plugin's, else the listed ones.
 *
 * @throws {GatewayError} `option_invalid` when the router cannot be told of a strategy or of fallbacks that are there
 */
export function resolveRouting(
  container: DependencyContainer,
  plugins: readonly Plugin[],
  models: ModelTable,
  parts: Omit<RouterParts, "strategy">,
): Routing {
  const strategyPlugin = plugins.find((plugin) => plugin.strategy !== undefined);
  const routerPlugin = plugins.find((plugin) => plugin.router !== undefined);
  const ownStrategy = strategyPlugin?.strategy;
  const ownRouter = routerPlugin?.router;

  const givenStrategy = resolveOptional(container, STRATEGY);
  const strategy =
    givenStrategy ??
    (typeof ownStrategy === "function" ? ownStrategy(models, parts) : (ownStrategy ?? listedStrategy()));
  const strategyOwner = givenStrategy === undefined ? (strategyPlugin?.name ?? DEFAULT) : CONTAINER;
  checkStrategy(strategy, strategyOwner);
  strategy.validate?.(models);

  const givenRouter = resolveOptional(container, ROUTER);
  const finished = givenRouter ?? (typeof ownRouter === "function" ? undefined : ownRouter);
  const routerOwner = givenRouter === undefined ? (routerPlugin?.name ?? DEFAULT) : CONTAINER;
  if (finished !== undefined) {
    const unused = Object.keys(parts.fallbacks).length > 0 ? '"fallbacks"' : undefined;
    refuseUnused(unused ?? (strategyOwner === DEFAULT ? undefined : `the strategy of ${strategyOwner}`), routerOwner);
  }
  const router =
    finished ?? (typeof ownRouter === "function" ? ownRouter : listedRouter)(models, { ...parts, strategy });
  checkRouter(router, routerOwner);

  if (givenStrategy === undefined) container.register(STRATEGY, { useValue: strategy });
  if (givenRouter === undefined) container.register(ROUTER, { useValue: router });
  const watchers = [
    { name: routerOwner, watcher: router },
    { name: strategyOwner, watcher: strategy },
  ];
  return { strategy, router, watchers };
}

/** A router that was made before the gateway has not been given these. */
function refuseUnused(what: string | undefined, owner: string): void {
  if (what === undefined) return;
  throw new GatewayError(
    "option_invalid",
    `${what} would have no effect: the router of ${owner} is an object and is not told; ` +
      "make it a function `(models, parts) => Router`, or leave one of the two out",
    { source: owner },
  );
}
