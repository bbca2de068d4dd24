import type { Part, ToolCallPart } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { citationsFrom } from "./citations.ts";
import { membersBesides, stringOf } from "./json-object.ts";
import { ANTHROPIC } from "./names.ts";

/** Tools that this package made up for a request, and whose calls are therefore something else in the reply. */
export interface StandInTools {
  /** The call's input is the answer itself: structured output on models without it. */
  readonly answer?: string;
  /** Tools with free text as input, sent as functions with one text parameter. */
  readonly freeText?: ReadonlySet<string>;
}

/** Name of the one parameter of a function that stands in for a free-text tool. */
export const FREE_TEXT_PARAMETER = "input";

export const NO_STAND_INS: StandInTools = {};

const TOOL_USE: ReadonlySet<string> = new Set(["type", "id", "name", "input"]);
const TEXT: ReadonlySet<string> = new Set(["type", "text", "citations"]);

/** One finished content block of a reply. Blocks that nobody knows are kept whole. */
export function partFrom(block: JsonObject, standIns: StandInTools): Part {
  const type = stringOf(block.type) ?? "";
  switch (type) {
    case "text": {
      const citations = citationsFrom(block.citations);
      const extra = membersBesides(block, TEXT);
      return {
        type: "text",
        text: stringOf(block.text) ?? "",
        ...(citations !== undefined && { citations }),
        ...(extra !== undefined && { extra: { [ANTHROPIC]: extra } }),
      };
    }
    case "thinking": {
      const signature = stringOf(block.signature);
      return {
        type: "reasoning",
        text: stringOf(block.thinking) ?? "",
        ...(signature !== undefined && signature !== "" && { signature }),
        origin: ANTHROPIC,
      };
    }
    case "redacted_thinking":
      return { type: "reasoning", text: "", encrypted: stringOf(block.data) ?? "", origin: ANTHROPIC };
    case "tool_use":
      return toolCallFrom(block, JSON.stringify(block.input ?? {}), standIns);
    default:
      return isServerTool(type) ? serverToolFrom(type, block) : { type: "opaque", origin: ANTHROPIC, value: block };
  }
}

/** The fixed fields of a tool call, with the arguments as the model wrote them. */
export function toolCallFrom(block: JsonObject, input: string, standIns: StandInTools): Part {
  const name = stringOf(block.name) ?? "";
  if (name === standIns.answer) return { type: "text", text: input };
  const extra = membersBesides(block, TOOL_USE);
  const freeText = standIns.freeText?.has(name) === true;
  const call: ToolCallPart = {
    type: "toolCall",
    id: stringOf(block.id) ?? "",
    name,
    arguments: freeText ? freeTextOf(input) : input,
    ...(freeText && { kind: "custom" as const }),
    ...(extra !== undefined && { extra: { [ANTHROPIC]: extra } }),
  };
  return call;
}

function freeTextOf(input: string): string {
  const value: unknown = JSON.parse(input);
  return (isJsonObject(value) ? stringOf(value[FREE_TEXT_PARAMETER]) : undefined) ?? input;
}

/** `server_tool_use`, `mcp_tool_use` and the results of both kinds. */
export function isServerTool(type: string): boolean {
  return (
    type === "server_tool_use" || type === "mcp_tool_use" || (type.endsWith("_tool_result") && type !== "tool_result")
  );
}

export function serverToolFrom(type: string, block: JsonObject): Part {
  const id = stringOf(block.id) ?? stringOf(block.tool_use_id);
  const name = stringOf(block.name);
  return {
    type: "serverTool",
    phase: type.endsWith("_tool_result") ? "result" : "call",
    ...(id !== undefined && { id }),
    ...(name !== undefined && { name }),
    origin: ANTHROPIC,
    value: block,
  };
}
