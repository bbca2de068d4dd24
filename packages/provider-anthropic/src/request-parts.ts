import type { CacheControl, DocumentPart, MediaSource, Part, ToolCallPart, ToolResultPart } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { encodeCitation } from "./citations.ts";
import { ANTHROPIC } from "./names.ts";
import { FREE_TEXT_PARAMETER } from "./reply-parts.ts";
import type { RequestContext } from "./request-context.ts";

/** A breakpoint as Anthropic writes it; it knows five minutes and one hour. */
export function cacheControlBlock(control: CacheControl): JsonObject {
  const ttl = control.ttl === "30m" || control.ttl === "12h" ? "1h" : control.ttl;
  return { type: "ephemeral", ...(ttl !== undefined && { ttl }) };
}

/** The members that every block may have: the cache breakpoint, and what came from Anthropic's own dialect. */
function common(part: Part): JsonObject {
  const own = part.extra?.[ANTHROPIC];
  if (own === undefined && part.cacheControl === undefined) return NOTHING;
  return { ...(part.cacheControl !== undefined && { cache_control: cacheControlBlock(part.cacheControl) }), ...own };
}

const NOTHING: JsonObject = {};

/** The content blocks of one message. `at` is the message's place, for errors. */
export function encodeParts(parts: readonly Part[], at: string, context: RequestContext): JsonObject[] {
  const blocks: JsonObject[] = [];
  for (const [index, part] of parts.entries()) {
    const block = encodePart(part, `${at}.content[${index}]`, context);
    if (block !== undefined) blocks.push(block);
  }
  return blocks;
}

/** Undefined for a part that is left out; the trace says why, except for empty texts, which say nothing. */
function encodePart(part: Part, at: string, context: RequestContext): JsonObject | undefined {
  switch (part.type) {
    case "text": {
      if (part.text === "") return undefined;
      const citations = part.citations?.map(encodeReplayedCitation).filter((citation) => citation !== undefined);
      if (citations?.length !== part.citations?.length) {
        context.note("citations of another vendor in an earlier answer were left out");
      }
      return {
        type: "text",
        text: part.text,
        ...(citations !== undefined && citations.length > 0 && { citations }),
        ...common(part),
      };
    }
    case "image":
      return { type: "image", source: encodeSource(part.source), ...common(part) };
    case "document":
      return encodeDocument(part);
    case "toolCall":
      return encodeToolCall(part, context);
    case "toolResult":
      return encodeToolResult(part, at, context);
    case "reasoning":
      if (part.origin !== ANTHROPIC) {
        context.note("reasoning of another vendor in an earlier answer was left out");
        return undefined;
      }
      if (part.encrypted !== undefined) return { type: "redacted_thinking", data: part.encrypted };
      if (part.signature !== undefined) return { type: "thinking", thinking: part.text, signature: part.signature };
      context.note("reasoning without a signature in an earlier answer was left out");
      return undefined;
    case "refusal":
      return part.text === "" ? undefined : { type: "text", text: part.text, ...common(part) };
    case "audio":
      if (part.transcript !== undefined) {
        context.note("a spoken answer was sent as its transcript");
        return { type: "text", text: part.transcript };
      }
      throw context.refuseContent("audio", at);
    case "serverTool":
    case "opaque":
      if (part.origin === ANTHROPIC) return part.value;
      context.note(`a part that only ${part.origin} understands was left out`);
      return undefined;
  }
}

/** Anthropic takes back only the citations that it wrote itself. */
function encodeReplayedCitation(citation: Parameters<typeof encodeCitation>[0]): JsonObject | undefined {
  return citation.extra?.[ANTHROPIC] === undefined ? undefined : encodeCitation(citation);
}

function encodeSource(source: MediaSource): JsonObject {
  switch (source.type) {
    case "url":
      return { type: "url", url: source.url };
    case "data":
      return { type: "base64", media_type: source.mediaType, data: source.data };
    case "file":
      return { type: "file", file_id: source.fileId };
  }
}

function encodeDocument(part: DocumentPart): JsonObject {
  return {
    type: "document",
    source: encodeDocumentSource(part.source),
    ...(part.title !== undefined && { title: part.title }),
    ...(part.context !== undefined && { context: part.context }),
    ...(part.citations !== undefined && { citations: { enabled: part.citations } }),
    ...common(part),
  };
}

function encodeDocumentSource(source: DocumentPart["source"]): JsonObject {
  if (source.type === "text") return { type: "text", media_type: "text/plain", data: source.text };
  // texts travel as text; base64 is for PDF alone
  if (source.type === "data" && source.mediaType.startsWith("text/")) {
    return { type: "text", media_type: "text/plain", data: Buffer.from(source.data, "base64").toString() };
  }
  return encodeSource(source);
}

function encodeToolCall(part: ToolCallPart, context: RequestContext): JsonObject {
  return {
    type: "tool_use",
    id: toolId(part.id),
    name: part.name,
    input: part.kind === "custom" ? { [FREE_TEXT_PARAMETER]: part.arguments } : inputObject(part, context),
    ...common(part),
  };
}

/** `input` has to be an object; a model may have written something else. */
function inputObject(part: ToolCallPart, context: RequestContext): JsonObject {
  if (part.arguments.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(part.arguments);
    if (isJsonObject(value)) return value;
  } catch {
    // told below
  }
  context.note(`the arguments of an earlier call of ${JSON.stringify(part.name)} are no JSON object; sent as text`);
  return { arguments: part.arguments };
}

function encodeToolResult(part: ToolResultPart, at: string, context: RequestContext): JsonObject {
  const blocks = encodeParts(part.content, at, context);
  return {
    type: "tool_result",
    tool_use_id: toolId(part.toolCallId),
    ...(blocks.length > 0 && { content: shorthand(blocks) }),
    ...(part.isError !== undefined && { is_error: part.isError }),
    ...common(part),
  };
}

/** A single plain text block as a string. */
export function shorthand(blocks: readonly JsonObject[]): string | readonly JsonObject[] {
  const [first] = blocks;
  if (blocks.length !== 1 || first === undefined || first.type !== "text") return blocks;
  return Object.keys(first).length === 2 ? (first.text as string) : blocks;
}

/** The API takes only these characters in ids; other vendors' ids have dots, colons and bars. */
function toolId(id: string): string {
  return /^[\w-]+$/.test(id) ? id : id.replaceAll(/[^\w-]/g, "_");
}
