import type { Deployment } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import { didYouMean } from "../nearest.ts";
import type { Provider } from "../provider.ts";
import { checkDeploymentValues } from "./check-deployment-values.ts";
import { checkDeploymentMembers } from "./check-members.ts";

/** @throws {GatewayError} `deployment_invalid`, `deployment_duplicate`, `provider_unknown` naming field and remedy */
export function checkDeployments(deployments: readonly Deployment[], providers: ReadonlyMap<string, Provider>): void {
  const ids = new Set<string>();
  for (const deployment of deployments) {
    checkDeploymentMembers(deployment);
    checkDeploymentValues(deployment);
    const named = `deployment ${JSON.stringify(deployment.id)}`;
    if (ids.has(deployment.id)) {
      throw new GatewayError("deployment_duplicate", `${named} is there twice; give each deployment its own id`, {
        param: "deployments",
      });
    }
    ids.add(deployment.id);
    const provider = providers.get(deployment.provider);
    if (provider === undefined) {
      throw new GatewayError(
        "provider_unknown",
        `${named} names the provider ${JSON.stringify(deployment.provider)}, which is not there; ` +
          `add its package to "plugins".${didYouMean(deployment.provider, providers.keys())}`,
        { param: "deployments" },
      );
    }
    const star = deployment.model.indexOf("*");
    if (star >= 0 && star !== deployment.model.length - 1) {
      throw new GatewayError(
        "deployment_invalid",
        `${named} serves ${JSON.stringify(deployment.model)}; a wildcard stands at the end only, as in "openai/*"`,
        { param: "deployments" },
      );
    }
    if (star < 0 && deployment.upstreamModel.includes("*")) {
      throw new GatewayError(
        "deployment_invalid",
        `${named} serves one model but has the wildcard upstream model ${JSON.stringify(deployment.upstreamModel)}; name it`,
        { param: "deployments" },
      );
    }
    provider.validate?.(deployment);
  }
}
