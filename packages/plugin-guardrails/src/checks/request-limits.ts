import type { Call, ChatRequest, Guardrail } from "@signalbox/kernel";
import { ALLOW, isCall, requestTexts } from "@signalbox/kernel";
import { languageOf } from "./language.ts";

/** Refuses requests that are longer than a bound. */
export function sizeGuardrail(
  common: Pick<Guardrail, "name" | "runs" | "dryRun" | "parallel">,
  { maxCharacters, maxMessages }: { readonly maxCharacters?: number; readonly maxMessages?: number },
): Guardrail {
  return {
    ...common,
    checkRequest(call) {
      if (maxMessages !== undefined && isCall(call as Call, "chat")) {
        const { length } = (call.request as ChatRequest).messages;
        if (length > maxMessages)
          return refused(`it has ${length} messages; at most ${maxMessages} are allowed`, "size");
      }
      if (maxCharacters === undefined) return ALLOW;
      let characters = 0;
      for (const text of requestTexts(call)) characters += text.length;
      if (characters <= maxCharacters) return ALLOW;
      return refused(`it has ${characters} characters; at most ${maxCharacters} are allowed`, "size");
    },
  };
}

/** Refuses requests in other languages, where it is sure of them. */
export function languageGuardrail(
  common: Pick<Guardrail, "name" | "runs" | "dryRun" | "parallel">,
  allow: readonly string[],
): Guardrail {
  return {
    ...common,
    checkRequest(call) {
      for (const text of requestTexts(call)) {
        const language = languageOf(text);
        if (language !== undefined && !allow.includes(language)) {
          return refused(`its language is ${language}; allowed are ${allow.join(", ")}`, "language");
        }
      }
      return ALLOW;
    },
  };
}

function refused(reason: string, category: string): { action: "block"; reason: string; category: string } {
  return { action: "block", reason, category };
}
