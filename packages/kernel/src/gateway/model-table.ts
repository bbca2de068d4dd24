import type { Deployment, ModelTable } from "../deployment.ts";
import { nearest } from "../nearest.ts";
import type { Principal } from "../principal.ts";
import { grants } from "../principal.ts";
import type { Provider } from "../provider.ts";

const NONE: readonly Deployment[] = [];

/** Every model of a provider under its own name: `openai/gpt-5`. */
export function implicitDeployment(provider: Provider): Deployment {
  return { id: `${provider.name}/*`, model: `${provider.name}/*`, provider: provider.name, upstreamModel: "*" };
}

/** A wildcard deployment made concrete for one model: `openai/*` asked for `openai/gpt-5` calls `gpt-5` upstream. */
function concrete(deployment: Deployment, model: string): Deployment {
  const pattern = deployment.model;
  const matched = grants(pattern, model) ? model.slice(pattern.length - 1) : model;
  return { ...deployment, model, upstreamModel: deployment.upstreamModel.replace("*", matched) };
}

/**
 * Known names most like a misspelt one, best first. A wildcard is compared by what stands before its star:
 * `opnai/gpt-5` looks like `openai/*`.
 */
export function nearestModels(model: string, names: readonly string[], count: number = 3): readonly string[] {
  const wildcards = names.filter((name) => name.endsWith("/*"));
  const slash = model.indexOf("/");
  const near = nearest(model, names, count);
  if (slash < 0) return near;
  const providers = nearest(`${model.slice(0, slash)}/*`, wildcards, count);
  return [...new Set([...near, ...providers])].slice(0, count);
}

/** Concrete deployments kept, so that providers can key what they prepare by the object. */
const CONCRETE_MODELS_KEPT = 1_000;

/**
 * Finds deployments by public name: exact names first, then the longest wildcard, then bare names of a vendor
 * (`claude-sonnet-4-6`) where all that vendor's models are served as `<provider>/*`.
 */
class DeploymentIndex {
  readonly #groups = new Map<string, Deployment[]>();
  readonly #concrete = new Map<string, readonly Deployment[]>();
  readonly #wildcards: readonly string[];
  readonly #prefixes: readonly { readonly prefix: string; readonly group: readonly Deployment[] }[];

  constructor(deployments: readonly Deployment[], providers: readonly Provider[]) {
    for (const deployment of deployments) {
      const group = this.#groups.get(deployment.model);
      if (group === undefined) this.#groups.set(deployment.model, [deployment]);
      else group.push(deployment);
    }
    this.#wildcards = [...this.#groups.keys()]
      .filter((name) => name.endsWith("*"))
      .sort((one, two) => two.length - one.length);
    this.#prefixes = providers
      .flatMap((provider) => {
        const group = this.#groups.get(`${provider.name}/*`);
        return group === undefined ? [] : (provider.modelPrefixes ?? []).map((prefix) => ({ prefix, group }));
      })
      .sort((one, two) => two.prefix.length - one.prefix.length);
  }

  find(model: string): readonly Deployment[] {
    if (model.endsWith("*")) return NONE;
    const known = this.#groups.get(model) ?? this.#concrete.get(model);
    if (known !== undefined) return known;
    const group = this.#wildcard(model).map((deployment) => concrete(deployment, model));
    if (group.length === 0) return NONE;
    if (this.#concrete.size >= CONCRETE_MODELS_KEPT) this.#concrete.clear();
    this.#concrete.set(model, group);
    return group;
  }

  names(): readonly string[] {
    return [...this.#groups.keys()];
  }

  #wildcard(model: string): readonly Deployment[] {
    for (const name of this.#wildcards) if (grants(name, model)) return this.#groups.get(name) ?? NONE;
    for (const { prefix, group } of this.#prefixes) if (model.startsWith(prefix)) return group;
    return NONE;
  }
}

/** What a team sees: the common deployments, but its own where it has some for a model. */
function seenBy(team: string, deployments: readonly Deployment[]): readonly Deployment[] {
  const own = new Set(deployments.filter(({ teamId }) => teamId === team).map(({ model }) => model));
  return deployments.filter(({ teamId, model }) => teamId === team || (teamId === undefined && !own.has(model)));
}

/** A table whose deployments can be changed. */
export interface ChangeableModelTable extends ModelTable {
  /** Serves these from now on. What was handed out stays as it is. */
  replace(deployments: readonly Deployment[]): void;
}

class Deployments implements ChangeableModelTable {
  version = 0;
  readonly #providers: readonly Provider[];
  #deployments: readonly Deployment[] = [];
  #all: DeploymentIndex;
  /** What everyone sees; the same as `#all` as long as no team owns a deployment. */
  #common: DeploymentIndex;
  #teams: Map<string, DeploymentIndex> | undefined;

  constructor(deployments: readonly Deployment[], providers: readonly Provider[]) {
    this.#providers = providers;
    this.#all = new DeploymentIndex([], []);
    this.#common = this.#all;
    this.replace(deployments);
    this.version = 0;
  }

  replace(deployments: readonly Deployment[]): void {
    const teams = new Set(deployments.flatMap(({ teamId }) => (teamId === undefined ? [] : [teamId])));
    const index = (visible: readonly Deployment[]): DeploymentIndex => new DeploymentIndex(visible, this.#providers);
    this.#deployments = deployments;
    this.#all = index(deployments);
    this.#common = teams.size === 0 ? this.#all : index(deployments.filter(({ teamId }) => teamId === undefined));
    this.#teams =
      teams.size === 0 ? undefined : new Map([...teams].map((team) => [team, index(seenBy(team, deployments))]));
    this.version += 1;
  }

  deployments(model: string, principal?: Principal): readonly Deployment[] {
    if (principal === undefined || this.#teams === undefined) return this.#all.find(model);
    const own = principal.teamId === undefined ? undefined : this.#teams.get(principal.teamId);
    return (own ?? this.#common).find(model);
  }

  names(): readonly string[] {
    return this.#all.names();
  }

  all(): readonly Deployment[] {
    return this.#deployments;
  }

  nearest(model: string, count?: number): readonly string[] {
    return nearestModels(model, this.names(), count);
  }
}

/** The models a gateway serves, as `ModelTable` describes. */
export function createModelTable(
  deployments: readonly Deployment[],
  providers: readonly Provider[],
): ChangeableModelTable {
  return new Deployments(deployments, providers);
}
