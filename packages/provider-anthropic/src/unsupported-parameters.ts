import type { ChatParameter, ChatRequest } from "@signalbox/kernel";
import type { ModelCapabilities } from "./capabilities.ts";

/** Canonical words for Anthropic's service tiers, and Anthropic's own. */
const SERVICE_TIERS: Readonly<Record<string, string>> = {
  auto: "auto",
  default: "standard_only",
  standard_only: "standard_only",
};

export function encodeServiceTier(tier: string | undefined): string | undefined {
  return tier === undefined ? undefined : SERVICE_TIERS[tier];
}

/** The temperature that every model takes, because it is the default. */
const NEUTRAL_TEMPERATURE = 1;

/** Models that refuse `top_p` take values from here on. */
const NEUTRAL_TOP_P = 0.99;

/**
 * Fields of a request that the model does not take. Values that ask for what happens anyway (`n: 1`, a penalty of 0)
 * are none.
 */
export function unsupportedParameters(request: ChatRequest, capabilities: ModelCapabilities): readonly ChatParameter[] {
  const found: ChatParameter[] = [];
  const check = (field: ChatParameter, unsupported: boolean): void => {
    if (unsupported) found.push(field);
  };
  check("choiceCount", request.choiceCount !== undefined && request.choiceCount !== 1);
  check("logprobs", request.logprobs === true);
  check("topLogprobs", request.topLogprobs !== undefined && request.topLogprobs > 0);
  check("logitBias", request.logitBias !== undefined && Object.keys(request.logitBias).length > 0);
  check("frequencyPenalty", (request.frequencyPenalty ?? 0) !== 0);
  check("presencePenalty", (request.presencePenalty ?? 0) !== 0);
  check("seed", request.seed !== undefined);
  check("modalities", request.modalities?.some((modality) => modality !== "text") === true);
  check("audio", request.audio !== undefined);
  check("prediction", request.prediction !== undefined);
  check("verbosity", request.verbosity !== undefined);
  check("store", request.store === true);
  check("serviceTier", request.serviceTier !== undefined && encodeServiceTier(request.serviceTier) === undefined);
  found.push(...refusedSampling(request, capabilities));
  return found;
}

/** The sampling parameters among them. */
export function refusedSampling(request: ChatRequest, capabilities: ModelCapabilities): readonly ChatParameter[] {
  if (capabilities.sampling !== "refused") return NONE;
  const { temperature, topP, topK } = request;
  if (temperature === undefined && topP === undefined && topK === undefined) return NONE;
  const found: ChatParameter[] = [];
  if (temperature !== undefined && temperature !== NEUTRAL_TEMPERATURE) found.push("temperature");
  if (topP !== undefined && topP < NEUTRAL_TOP_P) found.push("topP");
  if (topK !== undefined) found.push("topK");
  return found;
}

const NONE: readonly ChatParameter[] = [];
