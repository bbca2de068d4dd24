import type { Provider, Secret } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { WireProfile } from "@signalbox/provider-openai";
import { openaiWire } from "@signalbox/provider-openai";
import type { BaseUrlRule } from "./base-url.ts";
import { completeBaseUrl } from "./base-url.ts";
import { compatibleEndpoints } from "./endpoints.ts";
import type { Quirks } from "./host.ts";
import { checkOptions, compatibleSchema, secretOf } from "./schemas.ts";

/** Options of `openaiCompatible`: a server that speaks OpenAI's API. */
export interface OpenaiCompatibleOptions {
  /** The word before the slash in model strings, and `source` of errors. */
  readonly name: string;
  /**
   * With version prefix, as the server documents it: `http://localhost:8000/v1`. Without it every deployment must
   * have a base URL of its own.
   */
  readonly baseUrl?: string;
  readonly apiKey?: string | Secret;
  /** Report a deployment without API key at start. Default false. */
  readonly apiKeyRequired?: boolean;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Put after base URLs that have no path: `/v1`. Default: nothing. */
  readonly pathPrefix?: string;
  /** How the server differs from OpenAI. */
  readonly quirks?: Quirks;
}

/**
 * A provider for any server that speaks OpenAI's Chat Completions format. For the hosts of the table use
 * `hostProvider`, which knows their addresses and quirks.
 *
 * @throws {GatewayError} `option_invalid` naming the option
 */
export function openaiCompatible(options: OpenaiCompatibleOptions): Provider {
  checkOptions("openaiCompatible", compatibleSchema, options);
  const rule = { pathPrefix: options.pathPrefix ?? "" };
  const baseUrl =
    options.baseUrl === undefined
      ? undefined
      : completeBaseUrl(options.baseUrl, rule, "openaiCompatible(baseUrl)", "option_invalid");
  return compatibleProvider(options, baseUrl, rule, [], []);
}

/**
 * @param missing variables that would have given the base URL, for the message
 * @param variables those that would have given the API key
 */
export function compatibleProvider(
  options: Omit<OpenaiCompatibleOptions, "baseUrl" | "pathPrefix">,
  baseUrl: string | undefined,
  rule: BaseUrlRule,
  missing: readonly string[],
  variables: readonly string[],
): Provider {
  const { name, apiKeyRequired = false, headers, quirks } = options;
  const profile: WireProfile = { ...quirks, name, baseUrl: baseUrl ?? "", apiKeyRequired };
  const apiKey = secretOf(options.apiKey);
  const settings = { apiKey, baseUrl, headers };
  const absent = baseUrl === undefined ? (missing.length > 0 ? missing : ["the option baseUrl"]) : [];
  const endpoint = compatibleEndpoints(profile, settings, rule, absent);
  return {
    ...openaiWire(profile, { ...settings, endpoint }),
    validate(deployment) {
      endpoint({ deployment, upstreamModel: deployment.upstreamModel }, "models");
      if (!apiKeyRequired || apiKey !== undefined || deployment.apiKey !== undefined) return;
      const names = variables.length === 0 ? "" : `, or ${variables.join(" or ")} in the environment`;
      const message = `deployment ${JSON.stringify(deployment.id)} has no API key; set one on the deployment or on the provider ${JSON.stringify(name)}${names}`;
      throw new GatewayError("deployment_invalid", message, { source: name });
    },
  };
}
