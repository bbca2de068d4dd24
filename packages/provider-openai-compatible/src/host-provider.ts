import type { ListedModel, Provider, Secret } from "@signalbox/kernel";
import { isGatewayError } from "@signalbox/kernel";
import { completeBaseUrl, hostBaseUrl, ruleOf } from "./base-url.ts";
import type { Environment } from "./hosts.ts";
import { firstSet, hostNamed } from "./hosts.ts";
import { compatibleProvider } from "./openai-compatible.ts";
import { checkOptions, hostSchema } from "./schemas.ts";
import { listTags } from "./tags.ts";

/** What an operator may set for a host of the table. */
export interface HostOptions {
  /** The word before the slash in model strings. Default: the host's id. */
  readonly name?: string;
  /** In place of the host's address; without a path the host's own prefix is put after it. */
  readonly baseUrl?: string;
  /** In place of the host's variable in `env`. */
  readonly apiKey?: string | Secret;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where credentials and addresses are looked up: usually `process.env`, passed by the application. */
  readonly env?: Environment;
}

/**
 * A provider for a host of the table, by id or alias: `hostProvider("groq", { env: process.env })`.
 *
 * @throws {GatewayError} `option_invalid` for an unknown host (with the nearest names) or a wrong option
 */
export function hostProvider(slug: string, options: HostOptions = {}): Provider {
  checkOptions("hostProvider", hostSchema, options);
  const host = hostNamed(slug);
  const { env = {}, name = host.id, headers } = options;
  const rule = ruleOf(host);
  const own =
    options.baseUrl === undefined
      ? hostBaseUrl(host, env)
      : completeBaseUrl(options.baseUrl, rule, "hostProvider(baseUrl)", "option_invalid");
  const apiKey = options.apiKey ?? firstSet(host.env, env)?.trim();
  const provider = compatibleProvider(
    {
      name,
      quirks: host.quirks,
      apiKeyRequired: host.keyOptional !== true,
      ...(apiKey !== undefined && { apiKey }),
      ...(headers !== undefined && { headers }),
    },
    typeof own === "string" ? own : undefined,
    rule,
    typeof own === "string" ? [] : own.missing,
    host.env,
  );
  return host.id === "ollama"
    ? withTags(provider, typeof own === "string" ? own : host.baseUrl, rule.pathPrefix)
    : provider;
}

/** Old servers have no `GET /v1/models`: their own listing is asked then. */
function withTags(provider: Provider, baseUrl: string, pathPrefix: string): Provider {
  const { listModels } = provider;
  if (listModels === undefined) return provider;
  return {
    ...provider,
    async listModels(attempt): Promise<readonly ListedModel[]> {
      try {
        return await listModels(attempt);
      } catch (thrown) {
        if (!isGatewayError(thrown) || thrown.upstreamStatus !== 404) throw thrown;
        const given = attempt.deployment.baseUrl ?? baseUrl;
        return listTags(
          completeBaseUrl(given, { pathPrefix }, "base URL", "deployment_invalid"),
          attempt,
          provider.name,
        );
      }
    },
  };
}
