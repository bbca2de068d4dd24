import type { Part, ReasoningPart } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { listOf, numberIn, objectOf, textIn } from "./json.ts";

/**
 * The members by which content of other vendors survives a round trip through a client of this dialect:
 *
 * - `thinking_blocks`: Anthropic's thinking with its signature, as that vendor writes it.
 * - `provider_specific_fields.blocks`: `[{ index, part }]`, canonical parts that no member of the wire format can
 *   carry, with their place in the content; and the places of texts, which see `TextPlace`.
 */
export const THINKING_MEMBERS: readonly string[] = ["thinking_blocks"];

/** Reasoning whose proof a client must send back unchanged, in Anthropic's own form. */
export function thinkingBlock(part: ReasoningPart): JsonObject | undefined {
  if (part.origin !== "anthropic") return undefined;
  if (part.encrypted !== undefined) return { type: "redacted_thinking", data: part.encrypted };
  return part.signature === undefined
    ? undefined
    : { type: "thinking", thinking: part.text, signature: part.signature };
}

/** `thinking_blocks` of a message as reasoning of Anthropic's. */
export function readThinking(message: JsonObject): ReasoningPart[] {
  const parts: ReasoningPart[] = [];
  for (const value of listOf(message["thinking_blocks"])) {
    const block = objectOf(value);
    if (block?.["type"] === "redacted_thinking") {
      parts.push({ type: "reasoning", text: "", encrypted: textIn(block["data"]) ?? "", origin: "anthropic" });
    } else if (block?.["type"] === "thinking") {
      const signature = textIn(block["signature"]);
      parts.push({
        type: "reasoning",
        text: textIn(block["thinking"]) ?? "",
        ...(signature !== undefined && { signature }),
        origin: "anthropic",
      });
    }
  }
  return parts;
}

/** A part that only `provider_specific_fields.blocks` can carry. */
export function needsBlock(part: Part): boolean {
  switch (part.type) {
    case "serverTool":
    case "opaque":
    case "document":
      return true;
    case "reasoning":
      return (
        part.origin !== "anthropic" &&
        (part.signature !== undefined || part.encrypted !== undefined || part.id !== undefined)
      );
    default:
      return false;
  }
}

export interface Block {
  /** Place in the content. */
  readonly index: number;
  readonly part: Part;
}

const PART_TYPES: ReadonlySet<unknown> = new Set(["serverTool", "opaque", "document", "reasoning"]);

/** `provider_specific_fields.blocks` of a message. What is not of our making is left alone. */
export function readBlocks(message: JsonObject): Block[] {
  const blocks: Block[] = [];
  for (const value of listOf(objectOf(message["provider_specific_fields"])?.["blocks"])) {
    const entry = objectOf(value);
    const index = numberIn(entry?.["index"]);
    const part = objectOf(entry?.["part"]);
    if (index === undefined || index < 0 || part === undefined || !isPart(part)) continue;
    blocks.push({ index, part });
  }
  return blocks;
}

/** They come from a client: the members that our code relies on are checked. */
function isPart(part: JsonObject): part is JsonObject & Part {
  if (!PART_TYPES.has(part["type"])) return false;
  switch (part["type"]) {
    case "reasoning":
      return typeof part["text"] === "string";
    case "document":
      return objectOf(part["source"]) !== undefined;
    default:
      return typeof part["origin"] === "string" && objectOf(part["value"]) !== undefined;
  }
}
