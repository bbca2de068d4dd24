import type { Call } from "../call.ts";
import type { Deployment, ModelTable } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import { mayUse } from "../principal.ts";
import type { Router, RoutingParts } from "../router.ts";
import type { Strategy } from "../strategy.ts";
import { nearestModels } from "./model-table.ts";

/** Options of `listedRouter`. */
export interface ListedRouterOptions {
  /** Public model name → public model names to try when all its deployments have failed. */
  readonly fallbacks?: Readonly<Record<string, readonly string[]>>;
  /** Orders the deployments of each model. Default: as listed. */
  readonly strategy?: Strategy;
  /** What aliases in chains stand for. Default: nothing but themselves. */
  readonly modelFor?: RoutingParts["modelFor"];
}

/** `model_not_found`, with the nearest names this caller may use. */
export function modelNotFound(call: Call, models: ModelTable): GatewayError {
  const { model } = call;
  const usable = models.names().filter((name) => mayUse(call.principal, name) && isVisible(name, call, models));
  const names = nearestModels(model, usable).map((name) => JSON.stringify(name));
  const hint = names.length === 0 ? "" : `; the nearest names are ${names.join(", ")}`;
  return new GatewayError("model_not_found", `model ${JSON.stringify(model)} does not exist${hint}`, {
    param: "model",
  });
}

/** A wildcard finds no deployment under its own name. */
function isVisible(name: string, { principal }: Call, models: ModelTable): boolean {
  return name.endsWith("*")
    ? models.all().some(({ model, teamId }) => model === name && (teamId === undefined || teamId === principal.teamId))
    : models.deployments(name, principal).length > 0;
}

/** Lower `order` first; within one, as listed. The same array when there is nothing to sort. */
function byOrder(deployments: readonly Deployment[]): readonly Deployment[] {
  const first = deployments[0]?.order ?? 0;
  for (const { order = 0 } of deployments) {
    if (order !== first) return [...deployments].sort((one, other) => (one.order ?? 0) - (other.order ?? 0));
  }
  return deployments;
}

/** Tries the deployments of a model by `order`, then as listed. What a gateway does without any other strategy. */
export function listedStrategy(): Strategy {
  return { name: "listed", order: (_call, candidates) => byOrder(candidates) };
}

/** The default router, whose candidates a router around it can pass on. */
export interface ListedRouter extends Router {
  route(call: Call): Iterable<Deployment | Promise<Deployment>>;
}

/**
 * The default router: the deployments of a model as the strategy orders them, then those of its fallbacks. The chain of
 * the model that was asked for applies, and no deployment is tried twice, so models may name each other.
 */
export function listedRouter(models: ModelTable, options: ListedRouterOptions = {}): ListedRouter {
  const fallbacks = new Map(Object.entries(options.fallbacks ?? {}));
  const strategy = options.strategy ?? listedStrategy();

  function* withFallbacks(
    call: Call,
    own: readonly Deployment[],
    chain: readonly string[],
  ): Generator<Deployment | Promise<Deployment>> {
    // A wildcard deployment serves several models under one id.
    const key = (deployment: Deployment): string => `${deployment.id} ${deployment.upstreamModel}`;
    const tried = new Set<string>(own.map(key));
    yield* strategy.order(call, own);
    for (const name of chain) {
      const model = options.modelFor?.(name, call.principal) ?? name;
      if (!mayUse(call.principal, model)) {
        call.trace.skip(model, "the caller may not use this model");
        continue;
      }
      const deployments = models.deployments(model, call.principal);
      if (deployments.length === 0) call.trace.skip(model, "no model has this name");
      const fresh = deployments.filter((deployment) => !tried.has(key(deployment)));
      for (const deployment of fresh) tried.add(key(deployment));
      if (fresh.length > 0) yield* strategy.order(call, fresh.length === deployments.length ? deployments : fresh);
    }
  }

  return {
    route(call) {
      const { model } = call;
      const own = models.deployments(model, call.principal);
      if (own.length === 0) throw modelNotFound(call, models);
      const chain = call.options.disableFallbacks
        ? undefined
        : (call.options.fallbacks ?? fallbacks.get(call.request.model) ?? fallbacks.get(model));
      return chain === undefined || chain.length === 0 ? strategy.order(call, own) : withFallbacks(call, own, chain);
    },
  };
}
