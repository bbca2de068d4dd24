import type { Attempt, Deployment, Provider, Reply } from "@signalbox/kernel";
import { completeThroughChat, GatewayError } from "@signalbox/kernel";
import { chat } from "./chat.ts";
import { countTokens } from "./count-tokens.ts";
import type { Endpoint } from "./endpoint.ts";
import { createEndpoint } from "./endpoint.ts";
import { modelFacts } from "./model-facts.ts";
import { listModels } from "./models.ts";
import { ANTHROPIC } from "./names.ts";
import type { AnthropicOptions } from "./options.ts";
import { anthropicSettings } from "./options.ts";

/**
 * Anthropic's Messages API as a provider. Reads no environment variable by itself.
 *
 * @throws {GatewayError} `option_invalid` naming the option
 */
export function anthropic(options: AnthropicOptions = {}): Provider {
  const settings = anthropicSettings(options);
  const endpoints = new WeakMap<Deployment, Endpoint>();

  function endpointOf(deployment: Deployment): Endpoint {
    let endpoint = endpoints.get(deployment);
    if (endpoint === undefined) {
      endpoint = createEndpoint(deployment, settings);
      endpoints.set(deployment, endpoint);
    }
    return endpoint;
  }

  const chatOperation = (attempt: Attempt<"chat">): Reply<"chat"> => chat(attempt, endpointOf(attempt.deployment));
  return {
    name: ANTHROPIC,
    modelPrefixes: ["claude-"],
    operations: {
      chat: chatOperation,
      complete: completeThroughChat(chatOperation),
      countTokens: (attempt) => countTokens(attempt, endpointOf(attempt.deployment)),
    },
    validate(deployment) {
      checkBaseUrl(deployment);
      const named = Object.keys({ ...settings.headers, ...deployment.headers }).map((name) => name.toLowerCase());
      const keyed = deployment.apiKey ?? settings.apiKey ?? settings.authToken;
      if (keyed !== undefined || named.includes("x-api-key") || named.includes("authorization")) return;
      throw invalid(
        deployment,
        "there is no API key; give anthropic() an apiKey or authToken, or the deployment an apiKey",
      );
    },
    facts: modelFacts,
    listModels: (attempt) => listModels(attempt, endpointOf(attempt.deployment)),
  };
}

function checkBaseUrl(deployment: Deployment): void {
  const { baseUrl } = deployment;
  if (baseUrl === undefined) return;
  const url = URL.parse(baseUrl);
  if (url !== null && (url.protocol === "https:" || url.protocol === "http:")) return;
  throw invalid(deployment, `baseUrl ${JSON.stringify(baseUrl)} is not an http or https URL`);
}

function invalid(deployment: Deployment, problem: string): GatewayError {
  return new GatewayError("deployment_invalid", `deployment ${JSON.stringify(deployment.id)}: ${problem}`, {
    source: ANTHROPIC,
  });
}
