import type { Deployment } from "../deployment.ts";
import type { ModelFacts } from "../model-facts.ts";
import type { Provider } from "../provider.ts";

/** What is known about deployments' models; each is asked for once. */
export function deploymentFacts(providers: ReadonlyMap<string, Provider>): (deployment: Deployment) => ModelFacts {
  const known = new WeakMap<Deployment, ModelFacts>();
  return (deployment) => {
    const before = known.get(deployment);
    if (before !== undefined) return before;
    const table = providers.get(deployment.provider)?.facts?.(deployment.upstreamModel);
    const facts: ModelFacts = { ...table, ...deployment.info };
    known.set(deployment, facts);
    return facts;
  };
}
