import type { Deployment, Provider } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { chatOperation } from "./chat.ts";
import { completeOperation } from "./complete.ts";
import { countTokens } from "./count-tokens.ts";
import { embedOperation } from "./embed.ts";
import { resourcePath } from "./endpoints.ts";
import { listModelsOperation } from "./models.ts";
import type { WireProfile } from "./profile.ts";
import type { WireOptions } from "./wire.ts";
import { wireConfig } from "./wire.ts";

/**
 * A provider for any host that speaks OpenAI's wire format, from a profile. Credentials and addresses of a deployment
 * win over `options`.
 */
export function openaiWire(profile: WireProfile, options: WireOptions = {}): Provider {
  const config = wireConfig(profile, options);
  const chat = chatOperation(config);
  return {
    name: profile.name,
    operations: {
      chat,
      complete: completeOperation(config, chat),
      countTokens,
      ...(resourcePath(profile, "embed") !== null && { embed: embedOperation(config) }),
    },
    ...(profile.modelPrefixes !== undefined && { modelPrefixes: profile.modelPrefixes }),
    validate: (deployment) => validate(deployment, profile, options),
    ...(resourcePath(profile, "models") !== null && { listModels: listModelsOperation(config) }),
  };
}

/** @throws {GatewayError} `deployment_invalid` */
function validate(deployment: Deployment, profile: WireProfile, options: WireOptions): void {
  const invalid = (what: string): GatewayError =>
    new GatewayError("deployment_invalid", `deployment ${JSON.stringify(deployment.id)}: ${what}`, {
      source: profile.name,
    });
  const { baseUrl } = deployment;
  if (baseUrl !== undefined && !/^https?:\/\//i.test(baseUrl)) {
    throw invalid(`baseUrl ${JSON.stringify(baseUrl)} must start with http:// or https://`);
  }
  if (baseUrl !== undefined && !URL.canParse(baseUrl)) throw invalid(`baseUrl ${JSON.stringify(baseUrl)} is not a URL`);
  if (profile.apiKeyRequired !== true || options.endpoint !== undefined) return;
  if (deployment.apiKey === undefined && options.apiKey === undefined) {
    throw invalid(`it has no API key; set apiKey on the deployment or on ${profile.name}()`);
  }
}
