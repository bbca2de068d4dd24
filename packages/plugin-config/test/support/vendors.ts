import type { Deployment, Provider } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { LoadConfigOptions, LoadedConfig, Problem, ProviderCatalog } from "@signalbox/plugin-config";
import { loadConfig, providerCatalog } from "@signalbox/plugin-config";
import { GUARDRAIL_SETTINGS } from "./guardrail-samples.ts";

const provider = (name: string, more: Partial<Provider> = {}): Provider => ({ name, operations: {}, ...more });

export const OPENAI: Provider = provider("openai", { modelPrefixes: ["gpt-", "chatgpt-"] });
export const ANTHROPIC: Provider = provider("anthropic", {
  modelPrefixes: ["claude-"],
  validate(deployment: Deployment) {
    if (deployment.apiKey === undefined) throw new GatewayError("deployment_invalid", "anthropic needs an api_key");
  },
});
export const OLLAMA: Provider = provider("ollama");

/** Three vendors, and a slug that stands for a provider of another name. */
export function vendors(): ProviderCatalog {
  const named = providerCatalog([OPENAI, ANTHROPIC, OLLAMA]);
  return {
    ...named,
    resolve: (slug) => named.resolve(slug === "ollama_chat" ? "ollama" : slug),
    keyVariables: (slug) =>
      slug === "openai" ? ["OPENAI_API_KEY"] : slug === "anthropic" ? ["ANTHROPIC_API_KEY"] : [],
  };
}

export const KEYS: Readonly<Record<string, string>> = {
  OPENAI_API_KEY: "sk-openai-from-env",
  ANTHROPIC_API_KEY: "sk-ant-from-env",
};

const GUARDRAILS = { everything: Object.keys(GUARDRAIL_SETTINGS), "hide-secrets": ["action"], schema: ["repair"] };

export function load(text: string, options: Partial<LoadConfigOptions> = {}): LoadedConfig {
  return loadConfig({ text, file: "config.yaml", env: KEYS, providers: vendors(), guardrails: GUARDRAILS, ...options });
}

/** The problems of a configuration; fails when there are none. */
export function problemsOf(run: () => unknown): readonly Problem[] {
  try {
    run();
  } catch (error) {
    if (error instanceof GatewayError && error.code === "option_invalid") {
      return (error.details as { problems: readonly Problem[] }).problems;
    }
    throw error;
  }
  throw new Error("the configuration was accepted");
}

/** `line:column key: message; hint`, or a hint that is a sentence after a full stop, as in the error's message but without the file. */
export function report(text: string, options: Partial<LoadConfigOptions> = {}): readonly string[] {
  return problemsOf(() => load(text, options)).map(
    ({ line, column, key, message, hint }) =>
      `${line}:${column} ${key}: ${message}${hint === undefined ? "" : `${hint.startsWith("Did") ? "." : ";"} ${hint}`}`,
  );
}

/** A file with one good model and whatever follows. */
export function withModel(rest: string): string {
  return `model_list:\n  - model_name: fast\n    litellm_params:\n      model: openai/gpt-5\n${rest}`;
}
