import type { ChatRequest, Part } from "@signalbox/kernel";
import { countTokens } from "./text.ts";

/** What an image, a sound or a file counts for, whatever its size. */
const MEDIA_TOKENS = 64;

/** Input of a request: the texts of all messages and the definitions of tools; media count 64 tokens each. */
export function inputTokens(request: ChatRequest): number {
  let tokens = 0;
  for (const message of request.messages) for (const part of message.content) tokens += partTokens(part);
  if (request.tools !== undefined && request.tools.length > 0) tokens += countTokens(JSON.stringify(request.tools));
  return tokens;
}

export function outputTokens(content: readonly Part[]): number {
  return content.reduce((sum, part) => sum + partTokens(part), 0);
}

function partTokens(part: Part): number {
  switch (part.type) {
    case "text":
    case "refusal":
    case "reasoning":
      return countTokens(part.text);
    case "toolCall":
      return countTokens(part.name) + countTokens(part.arguments);
    case "toolResult":
      return outputTokens(part.content);
    case "document":
      return part.source.type === "text" ? countTokens(part.source.text) : MEDIA_TOKENS;
    case "image":
    case "audio":
      return MEDIA_TOKENS;
    default:
      return countTokens(JSON.stringify(part.value));
  }
}
