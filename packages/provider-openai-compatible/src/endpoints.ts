import type { Deployment } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { EndpointSettings, EndpointSource, WireProfile } from "@signalbox/provider-openai";
import { wireEndpoints } from "@signalbox/provider-openai";
import type { BaseUrlRule } from "./base-url.ts";
import { completeBaseUrl } from "./base-url.ts";

/**
 * Endpoints with base URLs as users write them. `missing` are the variables that the host's own address is made of and
 * that nobody gave: then every deployment must have a base URL.
 *
 * The source throws `deployment_invalid` for a deployment whose address is missing or is none.
 */
export function compatibleEndpoints(
  profile: WireProfile,
  settings: EndpointSettings,
  rule: BaseUrlRule,
  missing: readonly string[],
): EndpointSource {
  const inner = wireEndpoints(profile, settings);
  const completed = new WeakMap<Deployment, Deployment>();

  function complete(deployment: Deployment): Deployment {
    const { baseUrl } = deployment;
    const where = `deployment ${JSON.stringify(deployment.id)}`;
    if (baseUrl !== undefined) {
      return { ...deployment, baseUrl: completeBaseUrl(baseUrl, rule, `${where}, base URL`, "deployment_invalid") };
    }
    if (missing.length === 0) return deployment;
    const message = `${where}: provider ${JSON.stringify(profile.name)} has no address; give the deployment a base URL or set ${missing.join(" and ")}`;
    throw new GatewayError("deployment_invalid", message, { source: profile.name });
  }

  return function endpointOf(target, resource) {
    let deployment = completed.get(target.deployment);
    if (deployment === undefined) {
      deployment = complete(target.deployment);
      completed.set(target.deployment, deployment);
    }
    return inner({ deployment, upstreamModel: target.upstreamModel }, resource);
  };
}
