import type { Call } from "../call.ts";
import type { Deployment, ModelTable } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import { mayUse } from "../principal.ts";
import type { Router } from "../router.ts";
import { nearestModels } from "./model-table.ts";

/** Options of `listedRouter`. */
export interface ListedRouterOptions {
  /** Public model name → public model names to try when all its deployments have failed. */
  readonly fallbacks?: Readonly<Record<string, readonly string[]>>;
}

/** `model_not_found`, with the nearest names this caller may use. */
export function modelNotFound(call: Call, models: ModelTable): GatewayError {
  const { model } = call.request;
  const usable = models.names().filter((name) => mayUse(call.principal, name));
  const names = nearestModels(model, usable).map((name) => JSON.stringify(name));
  const hint = names.length === 0 ? "" : `; the nearest names are ${names.join(", ")}`;
  return new GatewayError("model_not_found", `model ${JSON.stringify(model)} does not exist${hint}`, {
    param: "model",
  });
}

/**
 * The default router: the deployments of a model in listed order, then those of its fallbacks. The chain of the model
 * that was asked for applies, and no deployment is tried twice, so models may name each other.
 */
export function listedRouter(models: ModelTable, options: ListedRouterOptions = {}): Router {
  const fallbacks = new Map(Object.entries(options.fallbacks ?? {}));

  function* withFallbacks(call: Call, own: readonly Deployment[], chain: readonly string[]): Generator<Deployment> {
    // A wildcard deployment serves several models under one id.
    const key = (deployment: Deployment): string => `${deployment.id} ${deployment.upstreamModel}`;
    const tried = new Set<string>();
    for (const deployment of own) {
      tried.add(key(deployment));
      yield deployment;
    }
    for (const model of chain) {
      if (!mayUse(call.principal, model)) {
        call.trace.skip(model, "the caller may not use this model");
        continue;
      }
      const deployments = models.deployments(model);
      if (deployments.length === 0) call.trace.skip(model, "no model has this name");
      for (const deployment of deployments) {
        if (tried.has(key(deployment))) continue;
        tried.add(key(deployment));
        yield deployment;
      }
    }
  }

  return {
    route(call) {
      const { model } = call.request;
      const own = models.deployments(model);
      if (own.length === 0) throw modelNotFound(call, models);
      const chain = call.options.disableFallbacks ? undefined : (call.options.fallbacks ?? fallbacks.get(model));
      return chain === undefined || chain.length === 0 ? own : withFallbacks(call, own, chain);
    },
  };
}
