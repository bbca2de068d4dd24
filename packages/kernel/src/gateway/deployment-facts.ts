import type { Deployment } from "../deployment.ts";
import type { ModelFacts } from "../model-facts.ts";
import type { Pricing } from "../pricing.ts";
import type { Provider } from "../provider.ts";

/** What is known about deployments' models, with their prices where these are known; each is asked for once. */
export function deploymentFacts(
  providers: ReadonlyMap<string, Provider>,
  pricing?: Pricing,
): (deployment: Deployment) => ModelFacts {
  const known = new WeakMap<Deployment, ModelFacts>();
  return (deployment) => {
    const before = known.get(deployment);
    if (before !== undefined) return before;
    const table = providers.get(deployment.provider)?.facts?.(deployment.upstreamModel);
    const perToken = pricing?.perToken(deployment);
    const prices =
      perToken === undefined ? undefined : { inputCostPerToken: perToken.input, outputCostPerToken: perToken.output };
    const facts: ModelFacts = { ...table, ...prices, ...deployment.info };
    known.set(deployment, facts);
    return facts;
  };
}
