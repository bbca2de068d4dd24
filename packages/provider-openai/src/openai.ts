import type { Provider } from "@signalbox/kernel";
import { Secret } from "@signalbox/kernel";
import { OPENAI_MODELS, TEXT_COMPLETION_MODELS } from "./capabilities.ts";
import { modelFacts } from "./model-facts.ts";
import { openaiWire } from "./openai-wire.ts";
import type { WireProfile } from "./profile.ts";
import { checkOptions, OPTIONS_SCHEMA } from "./schemas.ts";

/** Options of `openai`. */
export interface OpenAIOptions {
  /** For deployments without a key of their own. Never read from the environment. */
  readonly apiKey?: string | Secret;
  /** Default `https://api.openai.com/v1`. */
  readonly baseUrl?: string;
  /** Sent as `OpenAI-Organization`. */
  readonly organization?: string;
  /** Sent as `OpenAI-Project`. */
  readonly project?: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** OpenAI itself. Other hosts of the wire format start from their own profile. */
export const OPENAI_PROFILE: WireProfile = {
  name: "openai",
  baseUrl: "https://api.openai.com/v1",
  apiKeyRequired: true,
  models: OPENAI_MODELS,
  textCompletionModels: TEXT_COMPLETION_MODELS,
  modelPrefixes: [
    "gpt-",
    "o1",
    "o3",
    "o4",
    "chatgpt-",
    "ft:gpt-",
    "text-embedding-",
    "davinci-",
    "babbage-",
    "codex-",
    "computer-use-",
  ],
};

/**
 * The OpenAI provider.
 *
 * ```ts
 * const gateway = await createGateway({ plugins: [{ name: "models", providers: [openai({ apiKey })] }] });
 * ```
 *
 * @throws {GatewayError} `option_invalid` naming the option
 */
export function openai(options: OpenAIOptions = {}): Provider {
  checkOptions(OPTIONS_SCHEMA, options, "openai");
  const { apiKey, baseUrl, organization, project, headers } = options;
  const provider = openaiWire(OPENAI_PROFILE, {
    ...(apiKey !== undefined && { apiKey: typeof apiKey === "string" ? new Secret(apiKey) : apiKey }),
    ...(baseUrl !== undefined && { baseUrl }),
    headers: {
      ...(organization !== undefined && { "openai-organization": organization }),
      ...(project !== undefined && { "openai-project": project }),
      ...headers,
    },
  });
  return { ...provider, facts: modelFacts };
}
