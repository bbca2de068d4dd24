import type { Deployment, ModelTable } from "../deployment.ts";
import { nearest } from "../nearest.ts";
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
 * The models a gateway serves: exact names first, then the longest wildcard, then bare names of a vendor
 * (`claude-sonnet-4-6`) where all that vendor's models are served as `<provider>/*`.
 */
export function createModelTable(deployments: readonly Deployment[], providers: readonly Provider[]): ModelTable {
  const groups = new Map<string, Deployment[]>();
  for (const deployment of deployments) {
    const group = groups.get(deployment.model);
    if (group === undefined) groups.set(deployment.model, [deployment]);
    else group.push(deployment);
  }
  const wildcards = [...groups.keys()].filter((name) => name.endsWith("*")).sort((one, two) => two.length - one.length);
  const prefixes = providers
    .flatMap((provider) =>
      (provider.modelPrefixes ?? []).map((prefix) => ({ prefix, group: groups.get(`${provider.name}/*`) })),
    )
    .filter((row) => row.group !== undefined)
    .sort((one, two) => two.prefix.length - one.prefix.length);

  const concreteGroups = new Map<string, readonly Deployment[]>();

  function wildcardGroup(model: string): readonly Deployment[] {
    for (const name of wildcards) if (grants(name, model)) return groups.get(name) ?? NONE;
    for (const { prefix, group } of prefixes) if (model.startsWith(prefix)) return group ?? NONE;
    return NONE;
  }

  return {
    deployments(model) {
      if (model.endsWith("*")) return NONE;
      const known = groups.get(model) ?? concreteGroups.get(model);
      if (known !== undefined) return known;
      const group = wildcardGroup(model).map((deployment) => concrete(deployment, model));
      if (group.length === 0) return NONE;
      if (concreteGroups.size >= CONCRETE_MODELS_KEPT) concreteGroups.clear();
      concreteGroups.set(model, group);
      return group;
    },
    names: () => [...groups.keys()],
    all: () => deployments,
    nearest: (model, count) => nearestModels(model, [...groups.keys()], count),
  };
}
