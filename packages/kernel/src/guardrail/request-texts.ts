import type { Call } from "../call.ts";
import { mapRequestText } from "./map-request-text.ts";

/** All texts of a call's request: messages with tool calls and results, descriptions of tools, prompts, inputs, documents. */
export function requestTexts(call: Call): readonly string[] {
  const texts: string[] = [];
  mapRequestText(call.operation, call.request, (text) => {
    texts.push(text);
    return text;
  });
  return texts;
}
