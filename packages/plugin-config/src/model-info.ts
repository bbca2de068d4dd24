import type { Deployment, ModelFacts } from "@signalbox/kernel";
import { PRICE_FIELDS, SHAPED_PRICE_FIELDS } from "./catalogue/price-fields.ts";
import type { ModelInfo, ModelValues } from "./config-values.ts";
import { milliseconds } from "./timeouts.ts";

type FactKey = Exclude<
  keyof ModelInfo,
  "id" | "mode" | "base_model" | "access_groups" | `health_check_${string}` | `team_${string}`
>;

/** An entry as it was written, with its prices. */
type Prices = Readonly<Record<string, unknown>>;

/** Facts about the model, by their keys. */
const FACTS: Readonly<Record<FactKey, keyof ModelFacts>> = {
  max_input_tokens: "maxInputTokens",
  max_output_tokens: "maxOutputTokens",
  supports_vision: "supportsVision",
  supports_audio_input: "supportsAudioInput",
  supports_pdf_input: "supportsPdfInput",
  supports_function_calling: "supportsFunctionCalling",
  supports_response_schema: "supportsResponseSchema",
  supports_reasoning: "supportsReasoning",
  supports_prompt_caching: "supportsPromptCaching",
  supports_assistant_prefill: "supportsAssistantPrefill",
  input_cost_per_token: "inputCostPerToken",
  output_cost_per_token: "outputCostPerToken",
};

/** What the operator knows better than the provider's tables, and how the deployment's health is checked. */
export function modelInfo({ litellm_params: params, model_info: about = {} }: ModelValues): Deployment["info"] {
  const info: Record<string, unknown> = {};
  for (const [key, fact] of Object.entries(FACTS)) {
    const value = about[key as FactKey];
    if (value !== undefined) info[fact] = value;
  }
  // a price beside the model is the more common way to give one
  if (params?.input_cost_per_token !== undefined) info.inputCostPerToken = params.input_cost_per_token;
  if (params?.output_cost_per_token !== undefined) info.outputCostPerToken = params.output_cost_per_token;
  for (const field of [...PRICE_FIELDS, ...SHAPED_PRICE_FIELDS]) {
    const price = (params as Prices | undefined)?.[field] ?? (about as Prices)[field];
    if (price !== undefined) info[field] = price;
  }
  const points = params?.cache_control_injection_points;
  if (points !== undefined) info.cacheControlInjectionPoints = points;
  if (about.base_model !== undefined) info.baseModel = about.base_model;
  if (about.mode !== undefined) info.mode = about.mode;
  if (about.health_check_model !== undefined) info.healthCheckModel = about.health_check_model;
  if (about.health_check_timeout !== undefined) info.healthCheckTimeoutMs = milliseconds(about.health_check_timeout);
  return Object.keys(info).length === 0 ? undefined : info;
}
