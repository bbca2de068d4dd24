import type { AudioPart, ChatResult, Choice, Extra, Logprobs, Part, TextPart } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { readBlocks, readThinking, THINKING_MEMBERS } from "./chat-blocks.ts";
import {
  argumentsText,
  citationsOf,
  finishReasonOf,
  listedContent,
  reasoningPart,
  sourceOf,
  toolCallOf,
} from "./chat-parts.ts";
import { placedTexts } from "./chat-text-places.ts";
import { listOf, numberIn, objectOf, otherMembers, textIn, WIRE } from "./json.ts";
import type { WireProfile } from "./profile.ts";
import { otherUsage, readUsage } from "./usage.ts";

export const TOP_MEMBERS: ReadonlySet<string> = new Set([
  "id",
  "object",
  "created",
  "model",
  "choices",
  "usage",
  "service_tier",
  "obfuscation",
]);
export const CHOICE_MEMBERS: ReadonlySet<string> = new Set([
  "index",
  "message",
  "delta",
  "finish_reason",
  "logprobs",
  "text",
  "provider_specific_fields",
]);
export const MESSAGE_MEMBERS: ReadonlySet<string> = new Set([
  "role",
  "content",
  "refusal",
  "annotations",
  "audio",
  "images",
  "tool_calls",
  "function_call",
  "reasoning",
  "reasoning_content",
  "reasoning_text",
  "thinking",
  "reasoning_details",
  "provider_specific_fields",
  ...THINKING_MEMBERS,
]);

/** What the readers of replies need to know about the host and the request. */
export interface ReplyContext {
  readonly profile: WireProfile;
  /** Origin of the host's own reasoning; undefined when it is not known whose it is: in a client's request. */
  readonly origin: string | undefined;
  /** Format of sound that was asked for: replies do not repeat it. */
  readonly audioFormat: string | undefined;
}

/** A whole `chat.completion` in the canonical form. */
export function chatResult(wire: JsonObject, context: ReplyContext): ChatResult {
  const tier = textIn(wire["service_tier"]);
  const extra = topExtra(wire);
  return {
    id: textIn(wire["id"]) ?? "",
    model: textIn(wire["model"]) ?? "",
    createdAt: createdOf(wire["created"]),
    choices: choicesOf(wire, context),
    usage: usageOf(wire, context.profile),
    ...(tier !== undefined && { serviceTier: tier }),
    ...(extra !== undefined && { extra }),
  };
}

/** Epoch seconds; 0 when the host does not tell. */
export function createdOf(value: unknown): number {
  return Math.trunc(numberIn(value) ?? 0);
}

/** Usage of a reply or a chunk. Groq's streams have it under `x_groq`. */
export function usageOf(wire: JsonObject, profile: WireProfile): ReturnType<typeof readUsage> {
  return readUsage(wire["usage"] ?? objectOf(wire["x_groq"])?.["usage"], profile);
}

/** Members of the reply that have no canonical field. */
export function topExtra(wire: JsonObject): Extra | undefined {
  const others = otherMembers(wire, TOP_MEMBERS);
  const usage = otherUsage(wire["usage"]);
  if (others === undefined && usage === undefined) return undefined;
  return { [WIRE]: { ...others, ...(usage !== undefined && { usage }) } };
}

function choicesOf(wire: JsonObject, context: ReplyContext): readonly Choice[] {
  return listOf(wire["choices"]).map((value, at) => choiceOf(objectOf(value) ?? {}, at, context));
}

function choiceOf(wire: JsonObject, at: number, context: ReplyContext): Choice {
  const message = objectOf(wire["message"]) ?? objectOf(wire["delta"]) ?? {};
  const content = messageParts(message, context);
  const word = typeof wire["finish_reason"] === "string" ? wire["finish_reason"] : "";
  const calls = content.some((part) => part.type === "toolCall");
  const extra = choiceExtra(wire, message);
  return {
    index: numberIn(wire["index"]) ?? at,
    content,
    ...endOf(word, wire, context.profile, calls),
    ...(wire["logprobs"] !== undefined && { logprobs: wire["logprobs"] as Logprobs | null }),
    ...(extra !== undefined && { extra }),
  };
}

/** Finish reason, native word and stop sequence of a choice, whole or in its last chunk. */
export function endOf(
  word: string,
  choice: JsonObject,
  profile: WireProfile | undefined,
  toolCalls: boolean,
): Pick<Choice, "finishReason" | "nativeFinishReason" | "stopSequence"> {
  const finishReason = finishReasonOf(word, profile, toolCalls);
  const specific = objectOf(choice["provider_specific_fields"]);
  const told = textIn(choice["native_finish_reason"]) ?? textIn(specific?.["native_finish_reason"]);
  const own = told ?? (OPENAI_WORDS.has(word) ? undefined : textIn(word));
  const stopSequence = textIn(specific?.["stop_sequence"]) ?? textIn(choice["stop_reason"]);
  return {
    finishReason,
    ...(own !== undefined && { nativeFinishReason: own }),
    ...(stopSequence !== undefined && { stopSequence }),
  };
}

const OPENAI_WORDS: ReadonlySet<string> = new Set(["stop", "length", "tool_calls", "content_filter", "function_call"]);

function choiceExtra(wire: JsonObject, message: JsonObject): Extra | undefined {
  const others = otherMembers(wire, CHOICE_MEMBERS);
  const inMessage = otherMembers(message, MESSAGE_MEMBERS);
  if (others === undefined && inMessage === undefined) return undefined;
  return { [WIRE]: { ...others, ...(inMessage !== undefined && { message: inMessage }) } };
}

/** The parts of an assistant message, of a reply or in a request: reasoning, text, refusal, sound, images, calls. */
export function messageParts(message: JsonObject, context: ReplyContext): Part[] {
  const parts: Part[] = [];
  const texts = placedTexts(message);
  const blocks = [...readBlocks(message), ...(texts ?? [])].sort((one, other) => one.index - other.index);
  const thinking = readThinking(message);
  if (thinking.length > 0) parts.push(...thinking);
  else if (!blocks.some(({ part }) => part.type === "reasoning")) {
    const reasoning = reasoningPart(message, context.origin);
    if (reasoning !== undefined) parts.push(reasoning);
  }
  const { content } = message;
  const citations = citationsOf(message["annotations"]);
  const text = textIn(content);
  if (texts === undefined && (text !== undefined || citations.length > 0)) {
    const part: TextPart = { type: "text", text: text ?? "" };
    parts.push(citations.length > 0 ? { ...part, citations } : part);
  }
  if (Array.isArray(content)) parts.push(...listedContent(content, context.origin));
  const refusal = textIn(message["refusal"]);
  if (refusal !== undefined) parts.push({ type: "refusal", text: refusal });
  const audio = audioPart(message["audio"], context.audioFormat);
  if (audio !== undefined) parts.push(audio);
  for (const image of listOf(message["images"])) {
    const url = textIn(objectOf(objectOf(image)?.["image_url"])?.["url"]);
    if (url !== undefined) parts.push({ type: "image", source: sourceOf(url) });
  }
  for (const call of listOf(message["tool_calls"])) {
    const part = toolCallOf(call);
    if (part !== undefined) parts.push(part);
  }
  const legacy = objectOf(message["function_call"]);
  const name = textIn(legacy?.["name"]);
  if (name !== undefined) {
    parts.push({
      type: "toolCall",
      id: "",
      name,
      arguments: argumentsText(legacy?.["arguments"]),
      extra: { [WIRE]: { function_call: true } },
    });
  }
  for (const { index, part } of blocks) parts.splice(Math.min(index, parts.length), 0, part);
  return parts;
}

function audioPart(value: unknown, format: string | undefined): AudioPart | undefined {
  const audio = objectOf(value);
  const data = textIn(audio?.["data"]);
  const id = textIn(audio?.["id"]);
  const transcript = textIn(audio?.["transcript"]);
  const expiresAt = numberIn(audio?.["expires_at"]);
  if (data === undefined && id === undefined && transcript === undefined) return undefined;
  return {
    type: "audio",
    source: { type: "data", mediaType: audioType(format), data: data ?? "" },
    ...(format !== undefined && { format }),
    ...(id !== undefined && { id }),
    ...(transcript !== undefined && { transcript }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

/** Media type for OpenAI's word for a format. */
export function audioType(format: string | undefined): string {
  if (format === undefined) return "application/octet-stream";
  return format === "mp3" ? "audio/mpeg" : `audio/${format}`;
}
