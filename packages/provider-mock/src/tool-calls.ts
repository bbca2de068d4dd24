import type { ChatRequest, Tool, ToolCallPart } from "@signalbox/kernel";
import { schemaInstance } from "./schema-instance.ts";

type ClientTool = Exclude<Tool, { readonly type: "server" }>;

const LINE = /^\s*call\s+([\w.-]{1,128})(?:\s+(\S.*))?$/;

/**
 * The tool calls a user asks for in words: every line `call <tool> <arguments>` that names a tool of the request.
 * The arguments are taken as they are written; without any, `{}`.
 */
export function writtenToolCalls(request: ChatRequest, text: string): readonly ToolCallPart[] {
  const tools = clientTools(request);
  if (tools.length === 0 || request.toolChoice?.type === "none") return [];
  const calls: ToolCallPart[] = [];
  for (const line of text.split("\n")) {
    const match = LINE.exec(line);
    const tool = match === null ? undefined : tools.find(({ name }) => name === match[1]);
    if (tool !== undefined) calls.push(toolCall(tool, match?.[2]?.trimEnd(), calls.length));
  }
  return request.parallelToolCalls === false ? calls.slice(0, 1) : calls;
}

/** The call that a `tool_choice` demands: of the tool it names or of the first one, with the smallest valid arguments. */
export function forcedToolCall(request: ChatRequest): ToolCallPart | undefined {
  const choice = request.toolChoice;
  if (choice === undefined || choice.type === "auto" || choice.type === "none") return undefined;
  if (choice.type === "allowed" && choice.mode === "auto") return undefined;
  const wanted = choice.type === "tool" ? [choice.name] : choice.type === "allowed" ? choice.names : undefined;
  const tool = clientTools(request).find(({ name }) => wanted === undefined || wanted.includes(name));
  return tool === undefined ? undefined : toolCall(tool, undefined, 0);
}

function clientTools(request: ChatRequest): readonly ClientTool[] {
  return (request.tools ?? []).filter((tool): tool is ClientTool => tool.type !== "server");
}

function toolCall(tool: ClientTool, written: string | undefined, index: number): ToolCallPart {
  const id = `call_mock_${index + 1}`;
  if (tool.type === "custom") {
    return { type: "toolCall", id, name: tool.name, arguments: written ?? "", kind: "custom" };
  }
  const smallest = tool.parameters === undefined ? {} : (schemaInstance(tool.parameters) ?? {});
  return { type: "toolCall", id, name: tool.name, arguments: written ?? JSON.stringify(smallest) };
}
