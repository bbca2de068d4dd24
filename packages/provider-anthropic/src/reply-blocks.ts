import type { Part, ReasoningPart, ToolCallPart } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { encodeCitation } from "./citations.ts";
import { ANTHROPIC } from "./names.ts";
import { FREE_TEXT_PARAMETER } from "./reply-parts.ts";
import { sealReasoning } from "./sealed-reasoning.ts";

/** Says what of a reply an Anthropic client cannot be shown. */
export type Note = (text: string) => void;

/** The content block of a finished part. Undefined for parts that Anthropic's replies have no block for. */
export function encodeReplyPart(part: Part, note: Note): JsonObject | undefined {
  const own = part.extra?.[ANTHROPIC];
  switch (part.type) {
    case "text": {
      const citations = part.citations?.map(encodeCitation).filter((citation) => citation !== undefined);
      if (citations?.length !== part.citations?.length) note("citations without an address were left out");
      return {
        type: "text",
        text: part.text,
        ...(citations !== undefined && citations.length > 0 && { citations }),
        ...own,
      };
    }
    case "reasoning":
      return reasoningBlock(part);
    case "toolCall":
      return { type: "tool_use", id: part.id, name: part.name, input: toolInput(part), ...own };
    case "audio":
      if (part.transcript !== undefined) return { type: "text", text: part.transcript };
      note("a spoken answer without a transcript was left out");
      return undefined;
    case "refusal":
      // stands in stop_details
      return undefined;
    case "serverTool":
    case "opaque":
      if (part.origin === ANTHROPIC) return part.value;
      note(`a part that only ${part.origin} understands was left out`);
      return undefined;
    default:
      note(`a part of type ${part.type} was left out`);
      return undefined;
  }
}

function reasoningBlock(part: ReasoningPart): JsonObject {
  if (isOwn(part)) {
    if (part.encrypted !== undefined) return { type: "redacted_thinking", data: part.encrypted };
    return { type: "thinking", thinking: part.text, signature: part.signature ?? "" };
  }
  const sealed = sealReasoning(part);
  if (part.text === "" && part.encrypted !== undefined) return { type: "redacted_thinking", data: sealed };
  return { type: "thinking", thinking: part.text, signature: sealed };
}

/** Reasoning that Anthropic wrote and takes back. */
export function isOwn(part: ReasoningPart): boolean {
  return part.origin === ANTHROPIC;
}

/** `input` is an object; what a model wrote instead of one is kept as text. */
function toolInput(part: ToolCallPart): JsonObject {
  if (part.kind === "custom") return { [FREE_TEXT_PARAMETER]: part.arguments };
  if (part.arguments.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(part.arguments);
    if (isJsonObject(value)) return value;
  } catch {
    // a call that was cut by its token limit
  }
  return { [FREE_TEXT_PARAMETER]: part.arguments };
}
