import type { ModelFacts } from "@signalbox/kernel";
import { knownCapabilities } from "./capabilities.ts";

/**
 * What is known about a model, for routing. Structured output is never "no": models without it are asked in words.
 * Source: the model pages of https://platform.claude.com/docs.
 */
export function modelFacts(model: string): ModelFacts {
  const known = knownCapabilities(model);
  if (known === undefined) return {};
  const { contextWindow, maxOutputTokens, vision, thinking, structuredOutput, prefill } = known;
  return {
    ...(contextWindow !== undefined && { maxInputTokens: contextWindow }),
    maxOutputTokens,
    ...(vision !== undefined && { supportsVision: vision, supportsPdfInput: vision }),
    supportsAudioInput: false,
    // the generation before could neither see nor call
    ...(vision !== false && { supportsFunctionCalling: true, supportsPromptCaching: true }),
    ...(structuredOutput && { supportsResponseSchema: true }),
    supportsReasoning: thinking.length > 0,
    supportsAssistantPrefill: prefill,
  };
}
