import type { Citation, Extra, FinishReason, Part, ReasoningPart, ToolCallPart } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { listOf, numberIn, objectOf, otherMembers, textIn, WIRE } from "./json.ts";
import type { WireProfile } from "./profile.ts";

/** Readers for pieces of messages that whole replies, chunks and requests share. */

const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  length: "length",
  tool_calls: "toolCalls",
  function_call: "toolCalls",
  content_filter: "contentFilter",
  error: "error",
  eos: "stop",
  eos_token: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  completed: "stop",
  max_tokens: "length",
  model_length: "length",
  max_completion_tokens: "length",
  tool_use: "toolCalls",
  tool_call: "toolCalls",
  safety: "contentFilter",
  refusal: "contentFilter",
};

/** A host's finish word in the closed list. An unknown or empty word means that the reply came to its end. */
export function finishReasonOf(word: string, profile: WireProfile | undefined, toolCalls: boolean): FinishReason {
  return profile?.finishReasons?.[word] ?? FINISH_REASONS[word.toLowerCase()] ?? (toolCalls ? "toolCalls" : "stop");
}

const FINISH_WORDS: Readonly<Record<FinishReason, string>> = {
  stop: "stop",
  length: "length",
  toolCalls: "tool_calls",
  contentFilter: "content_filter",
  error: "stop",
};

/** OpenAI's word. It has none for `error`: the reply ends with `stop` and names the provider's own word beside it. */
export function finishWord(reason: FinishReason): string {
  return FINISH_WORDS[reason];
}

/** First the name that most hosts and clients know. */
const REASONING_MEMBERS = ["reasoning_content", "reasoning", "reasoning_text", "thinking"] as const;

/** The member of a message or delta that holds the text of its reasoning: hosts have several names for it. */
export function reasoningMember(message: JsonObject): string | undefined {
  return REASONING_MEMBERS.find((name) => textIn(message[name]) !== undefined);
}

/** Remembers a less usual name, so that a client of this dialect finds the text where its host puts it. */
export function memberExtra(member: string | undefined): { readonly extra?: Extra } {
  return member === undefined || member === REASONING_MEMBERS[0]
    ? {}
    : { extra: { [WIRE]: { reasoning_member: member } } };
}

/** The member under which a client of this dialect finds the text of reasoning. */
export function memberOf(part: ReasoningPart): string {
  const member = part.extra?.[WIRE]?.["reasoning_member"];
  return REASONING_MEMBERS.find((name) => name === member) ?? REASONING_MEMBERS[0];
}

const DETAIL_ORIGINS: Readonly<Record<string, string>> = {
  "anthropic-claude-v1": "anthropic",
  "openai-responses-v1": "openai",
  "google-gemini-v1": "google",
  "xai-responses-v1": "xai",
};

/** The vendor whose reasoning stands in `reasoning_details`; undefined when it is not told. */
function detailsOrigin(details: readonly unknown[]): string | undefined {
  for (const detail of details) {
    const format = objectOf(detail)?.["format"];
    if (typeof format === "string" && DETAIL_ORIGINS[format] !== undefined) return DETAIL_ORIGINS[format];
  }
  return undefined;
}

/** All text in `reasoning_details`, for hosts that send nothing beside them. */
export function detailsText(details: readonly unknown[]): string {
  let text = "";
  for (const detail of details) {
    const entry = objectOf(detail);
    text += textIn(entry?.["text"]) ?? textIn(entry?.["summary"]) ?? "";
  }
  return text;
}

const GROWING = ["text", "summary", "data", "signature"] as const;

/** Adds the details of one chunk to those before it: pieces with the same type and place are one detail. */
export function mergeDetails(into: Record<string, unknown>[], details: readonly unknown[]): void {
  for (const value of details) {
    const detail = objectOf(value);
    if (detail === undefined) continue;
    const last = into.at(-1);
    if (last === undefined || last["type"] !== detail["type"] || last["index"] !== detail["index"]) {
      into.push({ ...detail });
      continue;
    }
    for (const name in detail) {
      const member = detail[name];
      if (member === null || member === undefined) continue;
      const before = last[name];
      const grows = (GROWING as readonly string[]).includes(name) && typeof before === "string";
      last[name] = grows && typeof member === "string" ? before + member : member;
    }
  }
}

/** The reasoning of a message; undefined when it has none. */
export function reasoningPart(message: JsonObject, origin: string | undefined): ReasoningPart | undefined {
  const details = listOf(message["reasoning_details"]);
  const member = reasoningMember(message);
  if (member === undefined && details.length === 0) return undefined;
  const vendor = detailsOrigin(details) ?? origin;
  const named = memberExtra(member).extra?.[WIRE];
  return {
    type: "reasoning",
    text: member === undefined ? detailsText(details) : (message[member] as string),
    ...(vendor !== undefined && { origin: vendor }),
    ...((details.length > 0 || named !== undefined) && {
      extra: { [WIRE]: { ...named, ...(details.length > 0 && { reasoning_details: details }) } },
    }),
  };
}

const URL_CITATION: ReadonlySet<string> = new Set(["url", "title", "start_index", "end_index"]);

/** An annotation as a citation. What has no place in the common form stays in `extra.openai`. */
function citationOf(annotation: unknown): Citation | undefined {
  const value = objectOf(annotation);
  if (value === undefined) return undefined;
  const inner = objectOf(value["url_citation"]);
  if (value["type"] !== "url_citation" || inner === undefined) {
    const type = typeof value["type"] === "string" && value["type"].includes("file") ? "document" : "other";
    return { type, extra: { [WIRE]: value } };
  }
  const others = otherMembers(inner, URL_CITATION);
  const url = textIn(inner["url"]);
  const title = textIn(inner["title"]);
  const start = numberIn(inner["start_index"]);
  const end = numberIn(inner["end_index"]);
  return {
    type: "url",
    ...(url !== undefined && { url }),
    ...(title !== undefined && { title }),
    ...(start !== undefined && { startIndex: start }),
    ...(end !== undefined && { endIndex: end }),
    ...(others !== undefined && { extra: { [WIRE]: others } }),
  };
}

/** The annotation for a citation of any vendor. */
export function annotationOf(citation: Citation): JsonObject {
  const own = citation.extra?.[WIRE];
  if (citation.type !== "url" && own !== undefined) return own;
  return {
    type: "url_citation",
    url_citation: {
      start_index: citation.startIndex ?? 0,
      end_index: citation.endIndex ?? 0,
      title: citation.title ?? "",
      url: citation.url ?? "",
      ...(citation.citedText !== undefined && { content: citation.citedText }),
      ...own,
    },
  };
}

export function citationsOf(annotations: unknown): readonly Citation[] {
  return listOf(annotations)
    .map(citationOf)
    .filter((citation) => citation !== undefined);
}

const TOOL_CALL: ReadonlySet<string> = new Set(["id", "type", "index", "function", "custom", "extra_content"]);

/**
 * Vendor fields of a tool call. `extra_content` is itself namespaced by vendor (`{ google: { thought_signature } }`),
 * so its members become namespaces of `extra`.
 */
export function toolCallExtra(call: JsonObject): Extra | undefined {
  const others = otherMembers(call, TOOL_CALL);
  const content = objectOf(call["extra_content"]);
  if (others === undefined && content === undefined) return undefined;
  const extra: Record<string, JsonObject> = {};
  for (const name in content) if (isJsonObject(content[name])) extra[name] = content[name];
  if (others !== undefined) extra[WIRE] = others;
  return extra;
}

/** A whole tool call of a message. */
export function toolCallOf(value: unknown): ToolCallPart | undefined {
  const call = objectOf(value);
  if (call === undefined) return undefined;
  const extra = toolCallExtra(call);
  const id = textIn(call["id"]) ?? "";
  const custom = objectOf(call["custom"]);
  if (call["type"] === "custom" && custom !== undefined) {
    const part = { type: "toolCall", id, name: textIn(custom["name"]) ?? "", kind: "custom" } as const;
    return { ...part, arguments: textIn(custom["input"]) ?? "", ...(extra !== undefined && { extra }) };
  }
  const target = objectOf(call["function"]);
  if (target === undefined) return undefined;
  return {
    type: "toolCall",
    id,
    name: textIn(target["name"]) ?? "",
    arguments: argumentsText(target["arguments"]),
    ...(extra !== undefined && { extra }),
  };
}

/** Arguments are JSON text; some hosts send the object itself. */
export function argumentsText(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}

/** The wire form of a tool call. */
export function toolCallWire(part: ToolCallPart): Record<string, unknown> {
  const { [WIRE]: fields, ...vendors } = part.extra ?? {};
  const { function_call: _, ...own } = fields ?? {};
  const content = Object.keys(vendors).length === 0 ? undefined : { extra_content: vendors };
  return part.kind === "custom"
    ? { id: part.id, type: "custom", custom: { name: part.name, input: part.arguments }, ...own, ...content }
    : { id: part.id, type: "function", function: { name: part.name, arguments: part.arguments }, ...own, ...content };
}

const DATA_URI = /^data:([^;,]*)((?:;[^;,]*)*);base64,/i;

/** A `data:` URI with base64 as a source with its bytes; any other URL as it is. */
export function sourceOf(
  url: string,
): { type: "url"; url: string } | { type: "data"; mediaType: string; data: string } {
  if (!url.startsWith("data:")) return { type: "url", url };
  const match = DATA_URI.exec(url.slice(0, LONGEST_HEAD));
  if (match === null) return { type: "url", url };
  return { type: "data", mediaType: match[1] as string, data: url.slice(match[0].length) };
}

const LONGEST_HEAD = 256;

/** Content given as a list of parts, as Mistral sends it: text and thinking. */
export function listedContent(content: readonly unknown[], origin: string | undefined): Part[] {
  const parts: Part[] = [];
  for (const value of content) {
    const entry = objectOf(value);
    if (entry === undefined) continue;
    if (entry["type"] === "text") parts.push({ type: "text", text: textIn(entry["text"]) ?? "" });
    else if (entry["type"] === "thinking") parts.push(thinkingPart(entry, origin));
    else parts.push({ type: "opaque", origin: origin ?? WIRE, value: entry });
  }
  return parts;
}

function thinkingPart(entry: JsonObject, origin: string | undefined): ReasoningPart {
  const { thinking } = entry;
  const text = typeof thinking === "string" ? thinking : detailsText(listOf(thinking));
  return { type: "reasoning", text, ...(origin !== undefined && { origin }) };
}
