import type { ModelFacts } from "@signalbox/kernel";
import { knownCapabilities, modelFamily } from "./capabilities.ts";

/** https://platform.claude.com/docs/en/build-with-claude/prompt-caching */
const MOST_BREAKPOINTS = 4;

/**
 * What is known about a model, for routing. Structured output is never "no": models without it are asked in words.
 * Source: the model pages of https://platform.claude.com/docs.
 */
export function modelFacts(model: string): ModelFacts {
  const known = knownCapabilities(model);
  // models newer than the table take them all the same
  if (known === undefined) return modelFamily(model) === undefined ? {} : { promptCacheBreakpoints: MOST_BREAKPOINTS };
  const { contextWindow, maxOutputTokens, vision, thinking, structuredOutput, prefill, cacheMinTokens } = known;
  return {
    ...(contextWindow !== undefined && { maxInputTokens: contextWindow }),
    maxOutputTokens,
    ...(vision !== undefined && { supportsVision: vision, supportsPdfInput: vision }),
    supportsAudioInput: false,
    // the generation before could neither see nor call
    ...(vision !== false && { supportsFunctionCalling: true }),
    ...(cacheMinTokens > 0 && {
      supportsPromptCaching: true,
      promptCacheBreakpoints: MOST_BREAKPOINTS,
      promptCacheMinTokens: cacheMinTokens,
    }),
    ...(structuredOutput && { supportsResponseSchema: true }),
    supportsReasoning: thinking.length > 0,
    supportsAssistantPrefill: prefill,
  };
}
