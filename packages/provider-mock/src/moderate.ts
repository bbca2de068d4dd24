import type { ModerateRequest, ModerateResult } from "@signalbox/kernel";
import { textOf } from "@signalbox/kernel";
import { countTokens } from "./text.ts";

/** Flags every input that holds one of the words, whatever their case, as `violence`. */
export function moderate(
  request: ModerateRequest,
  id: string,
  model: string,
  flaggedWords: readonly string[],
): ModerateResult {
  const texts = request.inputs.map(textOf);
  return {
    id,
    model,
    results: texts.map((text) => {
      const lower = text.toLowerCase();
      const flagged = flaggedWords.some((word) => lower.includes(word.toLowerCase()));
      return { flagged, categories: { violence: flagged }, scores: { violence: flagged ? 1 : 0 } };
    }),
    usage: { inputTokens: texts.reduce((sum, text) => sum + countTokens(text), 0), outputTokens: 0 },
  };
}
