import type { Call } from "./call.ts";
import type { Part } from "./chat/part.ts";
import type { ChatRequest } from "./chat/request.ts";
import { isCall } from "./for-operation.ts";

/** A rule of thumb for English text and code. */
const CHARACTERS_PER_TOKEN = 4;
/** What vendors count for a picture of usual size. */
const TOKENS_PER_IMAGE = 800;
/** Base64 characters per token of a document or a sound: text within it is a small part of its bytes. */
const ENCODED_PER_TOKEN = 64;
/** What the frame of a message counts. */
const TOKENS_PER_MESSAGE = 4;
/** An answer of usual length, where the request sets no limit. */
const USUAL_OUTPUT_TOKENS = 500;
/** Values looked at within schemas of tools. A larger schema is counted too low. */
const MOST_VALUES = 2_000;

/** Tokens that a call will probably use. Rules of thumb by length: no tokenizer is asked. */
export interface EstimatedTokens {
  readonly input: number;
  readonly output: number;
}

/** Estimates what a call will use, without reading its text: it only adds up lengths. */
export function estimatedTokens(call: Call): EstimatedTokens {
  return { input: estimatedInput(call), output: estimatedOutput(call) };
}

function estimatedOutput(call: Call): number {
  if (isCall(call, "chat")) {
    const { maxOutputTokens = USUAL_OUTPUT_TOKENS, choiceCount = 1 } = call.request;
    return maxOutputTokens * choiceCount;
  }
  if (isCall(call, "complete")) {
    const { maxOutputTokens = USUAL_OUTPUT_TOKENS, choiceCount = 1, prompts } = call.request;
    return maxOutputTokens * choiceCount * prompts.length;
  }
  return 0;
}

function estimatedInput(call: Call): number {
  if (isCall(call, "chat")) return chatTokens(call.request);
  if (isCall(call, "countTokens")) return chatTokens(call.request.chat);
  if (isCall(call, "complete")) return sumOf(call.request.prompts, textOrTokens);
  if (isCall(call, "embed")) return sumOf(call.request.inputs, textOrTokens);
  if (isCall(call, "moderate")) return sumOf(call.request.inputs, partsTokens);
  if (isCall(call, "rerank")) {
    const { query, documents } = call.request;
    return sumOf(documents, valueTokens) + textTokens(query) * documents.length;
  }
  if (isCall(call, "speak")) return textTokens(call.request.text);
  if (isCall(call, "generateImage") || isCall(call, "editImage")) return textTokens(call.request.prompt);
  return 0;
}

/** The input of a chat request: messages, tools and the schema of the answer. */
function chatTokens(request: ChatRequest): number {
  const { messages, tools, responseFormat } = request;
  let tokens = messages.length * TOKENS_PER_MESSAGE;
  for (const message of messages) tokens += partsTokens(message.content);
  if (tools !== undefined) for (const tool of tools) tokens += valueTokens(tool);
  if (responseFormat?.type === "jsonSchema") tokens += valueTokens(responseFormat.schema);
  return tokens;
}

function partsTokens(parts: readonly Part[]): number {
  let tokens = 0;
  for (const part of parts) tokens += partTokens(part);
  return tokens;
}

function partTokens(part: Part): number {
  switch (part.type) {
    case "text":
    case "refusal":
      return textTokens(part.text);
    case "reasoning":
      return textTokens(part.text) + (part.encrypted?.length ?? 0) / ENCODED_PER_TOKEN;
    case "toolCall":
      return textTokens(part.name) + textTokens(part.arguments);
    case "toolResult":
      return partsTokens(part.content);
    case "image":
      return TOKENS_PER_IMAGE;
    case "audio":
      return part.source.type === "data" ? part.source.data.length / ENCODED_PER_TOKEN : 0;
    case "document":
      if (part.source.type === "text") return textTokens(part.source.text);
      return part.source.type === "data" ? part.source.data.length / ENCODED_PER_TOKEN : 0;
    case "serverTool":
    case "opaque":
      return valueTokens(part.value);
  }
}

function textOrTokens(input: string | readonly number[]): number {
  return typeof input === "string" ? textTokens(input) : input.length;
}

function textTokens(text: string): number {
  return text.length / CHARACTERS_PER_TOKEN;
}

function valueTokens(value: unknown): number {
  return new ValueLength().of(value) / CHARACTERS_PER_TOKEN;
}

function sumOf<Item>(items: readonly Item[], tokensOf: (item: Item) => number): number {
  let tokens = 0;
  for (const item of items) tokens += tokensOf(item);
  return tokens;
}

/** About as long as the value's JSON, without writing it. */
class ValueLength {
  #left = MOST_VALUES;

  of(value: unknown): number {
    this.#left -= 1;
    if (typeof value === "string") return value.length + 3;
    if (typeof value !== "object" || value === null) return 5;
    let length = 2;
    if (Array.isArray(value)) {
      for (let at = 0; at < value.length && this.#left > 0; at++) length += this.of(value[at]);
      return length;
    }
    for (const key in value) {
      if (this.#left <= 0) break;
      length += key.length + 4 + this.of((value as Readonly<Record<string, unknown>>)[key]);
    }
    return length;
  }
}
