import { channel } from "node:diagnostics_channel";
import type { Deployment, ModelTable } from "../deployment.ts";
import type { CatalogModel } from "../gateway.ts";
import type { Principal } from "../principal.ts";
import { mayUse } from "../principal.ts";
import type { ListedModel } from "../provider.ts";
import type { ModelNames } from "./model-names.ts";

const listingErrors = channel("signalbox:listing-error");

const KEPT_MS = 300_000;
/** A provider that did not answer is asked again soon, but not by every caller. */
const FAILURE_KEPT_MS = 30_000;
const PATIENCE_MS = 3_000;

interface Listing {
  readonly models: Promise<readonly ListedModel[]>;
  until: number;
}

type ListModels = (deployment: Deployment, signal: AbortSignal) => Promise<readonly ListedModel[]>;

/**
 * The models a caller may use, by name. A wildcard such as `ollama/*` stands for what its provider lists: asked once,
 * kept for five minutes. A provider that cannot be asked is left out, and reported on the diagnostics channel
 * `signalbox:listing-error`.
 */
export class ModelCatalog {
  readonly #models: ModelTable;
  readonly #names: Pick<ModelNames, "aliases" | "selectors">;
  readonly #listModels: ListModels;
  /** By deployment: what one with another key or address lists is asked anew, and what is gone is forgotten. */
  readonly #listings = new WeakMap<Deployment, Listing>();

  constructor(models: ModelTable, names: Pick<ModelNames, "aliases" | "selectors">, listModels: ListModels) {
    this.#models = models;
    this.#names = names;
    this.#listModels = listModels;
  }

  async list(principal: Principal): Promise<readonly CatalogModel[]> {
    const names = new Map<string, CatalogModel>();
    const wildcards: Deployment[] = [];
    for (const deployment of this.#models.all()) {
      if (deployment.teamId !== undefined && deployment.teamId !== principal.teamId) continue;
      if (deployment.model.endsWith("*")) wildcards.push(deployment);
      else if (!names.has(deployment.model) && mayUse(principal, deployment.model)) {
        names.set(deployment.model, { name: deployment.model, provider: deployment.provider });
      }
    }
    this.#addOtherNames(principal, names);
    const listings = await Promise.all(wildcards.map((deployment) => this.#listing(deployment)));
    for (const [at, listed] of listings.entries()) {
      const { model: pattern, provider } = wildcards[at] as Deployment;
      for (const { id, createdAt } of listed) {
        const name = pattern.slice(0, -1) + id;
        if (names.has(name) || !mayUse(principal, name)) continue;
        names.set(name, { name, provider, ...(createdAt !== undefined && { createdAt }) });
      }
    }
    return [...names.values()];
  }

  /** Aliases that are not hidden, and models that a selector stands behind. */
  #addOtherNames(principal: Principal, names: Map<string, CatalogModel>): void {
    const add = (name: string, target: string): void => {
      const [deployment] = this.#models.deployments(target, principal);
      if (deployment === undefined || names.has(name)) return;
      names.set(name, { name, provider: deployment.provider });
    };
    for (const [name, { targets }] of this.#names.selectors) {
      const [target] = targets;
      if (target !== undefined && mayUse(principal, name)) add(name, target);
    }
    for (const [name, { model, hidden }] of this.#names.aliases) {
      const target = this.#names.selectors.get(model)?.targets[0] ?? model;
      if (hidden !== true && (mayUse(principal, name) || mayUse(principal, model))) add(name, target);
    }
    for (const [name, model] of Object.entries(principal.aliases ?? {})) {
      if (mayUse(principal, model)) add(name, model);
    }
  }

  #listing(deployment: Deployment): Promise<readonly ListedModel[]> {
    const now = performance.now();
    const known = this.#listings.get(deployment);
    if (known !== undefined && known.until > now) return known.models;
    const listing: Listing = {
      until: now + KEPT_MS,
      models: this.#listModels(deployment, AbortSignal.timeout(PATIENCE_MS)).catch((error: unknown) => {
        listing.until = performance.now() + FAILURE_KEPT_MS;
        listingErrors.publish({ deployment: deployment.id, error });
        return [];
      }),
    };
    this.#listings.set(deployment, listing);
    return listing.models;
  }
}
