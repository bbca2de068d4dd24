import type { Attempt, ChatRequest, Part, Reply } from "@signalbox/kernel";
import { replyOf } from "@signalbox/kernel";

/** Rules of thumb: what English text and JSON take with OpenAI's tokenizers, rounded against the caller. */
const BYTES_PER_TOKEN = 4;
const TOKENS_PER_MESSAGE = 4;
/** One tile of an image in high detail and its base price. */
const TOKENS_PER_IMAGE = 765;
/** Base64 of a second of compressed speech, and what it counts. */
const BYTES_PER_AUDIO_TOKEN = 2_000;
const BYTES_PER_DOCUMENT_TOKEN = 24;

/** Counts input tokens by size, without asking anybody. */
export function countTokens(attempt: Attempt<"countTokens">): Reply<"countTokens"> {
  return replyOf(() => ({ inputTokens: estimateTokens(attempt.request.chat), estimated: true }));
}

/** A rule of thumb for the input tokens of a chat request; no tokenizer is asked. */
export function estimateTokens(request: ChatRequest): number {
  let tokens = 0;
  for (const message of request.messages) {
    tokens += TOKENS_PER_MESSAGE;
    for (const part of message.content) tokens += partTokens(part);
  }
  if (request.tools !== undefined) tokens += textTokens(JSON.stringify(request.tools));
  if (request.responseFormat?.type === "jsonSchema")
    tokens += textTokens(JSON.stringify(request.responseFormat.schema));
  return tokens;
}

function textTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
}

function partTokens(part: Part): number {
  switch (part.type) {
    case "text":
    case "refusal":
    case "reasoning":
      return textTokens(part.text);
    case "image":
      return TOKENS_PER_IMAGE;
    case "audio":
      return part.source.type === "data" ? Math.ceil(part.source.data.length / BYTES_PER_AUDIO_TOKEN) : 0;
    case "document":
      if (part.source.type === "text") return textTokens(part.source.text);
      return part.source.type === "data" ? Math.ceil(part.source.data.length / BYTES_PER_DOCUMENT_TOKEN) : 0;
    case "toolCall":
      return textTokens(part.name) + textTokens(part.arguments);
    case "toolResult":
      return part.content.reduce((sum, inner) => sum + partTokens(inner), 0);
    case "serverTool":
    case "opaque":
      return textTokens(JSON.stringify(part.value));
  }
}
