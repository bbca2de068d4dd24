import type { ChatRequest, Tool } from "@signalbox/kernel";
import { isJsonObject } from "@signalbox/kernel/http";
import { decodeCacheControl, invalid } from "./decode-content.ts";
import { membersBesides, stringOf } from "./json-object.ts";
import { ANTHROPIC } from "./names.ts";

const FUNCTION: ReadonlySet<string> = new Set([
  "type",
  "name",
  "description",
  "input_schema",
  "strict",
  "cache_control",
]);

export function decodeTools(value: unknown): readonly Tool[] {
  if (!Array.isArray(value)) throw invalid("tools", "must be a list");
  return value.map(decodeTool);
}

function decodeTool(tool: unknown, index: number): Tool {
  if (!isJsonObject(tool)) throw invalid(`tools[${index}]`, "must be an object");
  const { type, name, description, input_schema: schema, strict } = tool;
  if (type !== undefined && type !== null && typeof type !== "string") {
    throw invalid(`tools[${index}].type`, "must be a string");
  }
  if (typeof type === "string" && type !== "custom") {
    return { type: "server", origin: ANTHROPIC, ...(typeof name === "string" && { name }), value: tool };
  }
  if (typeof name !== "string" || name === "") throw invalid(`tools[${index}].name`, "must be a string with a name");
  if (!isJsonObject(schema)) throw invalid(`tools[${index}].input_schema`, "must be a JSON Schema object");
  const { cacheControl, rest } = decodeCacheControl(tool.cache_control, () => `tools[${index}].cache_control`);
  const members = membersBesides(tool, FUNCTION);
  const text = stringOf(description);
  return {
    type: "function",
    name,
    ...(text !== undefined && { description: text }),
    parameters: schema,
    ...(typeof strict === "boolean" && { strict }),
    ...(cacheControl !== undefined && { cacheControl }),
    ...((members !== undefined || rest !== undefined) && { extra: { [ANTHROPIC]: { ...members, ...rest } } }),
  };
}

export function decodeToolChoice(value: unknown): Pick<ChatRequest, "toolChoice" | "parallelToolCalls"> {
  if (!isJsonObject(value)) throw invalid("tool_choice", "must be an object");
  const { type, name, disable_parallel_tool_use: serial } = value;
  if (serial !== undefined && serial !== null && typeof serial !== "boolean") {
    throw invalid("tool_choice.disable_parallel_tool_use", "must be a boolean");
  }
  const parallel = typeof serial === "boolean" ? { parallelToolCalls: !serial } : {};
  switch (type) {
    case "auto":
    case "none":
      return { toolChoice: { type }, ...parallel };
    case "any":
      return { toolChoice: { type: "required" }, ...parallel };
    case "tool":
      if (typeof name !== "string") throw invalid("tool_choice.name", "must be a string");
      return { toolChoice: { type: "tool", name }, ...parallel };
    default:
      throw invalid("tool_choice.type", `must be one of "auto", "any", "tool", "none", not ${JSON.stringify(type)}`);
  }
}
