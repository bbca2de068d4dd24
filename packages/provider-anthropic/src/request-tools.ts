import type { ChatRequest, FunctionTool, Tool } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { ANTHROPIC } from "./names.ts";
import { FREE_TEXT_PARAMETER } from "./reply-parts.ts";
import type { RequestContext } from "./request-context.ts";
import { cacheControlBlock } from "./request-parts.ts";

export interface EncodedTools {
  readonly tools: JsonObject[];
  readonly toolChoice: Record<string, unknown> | undefined;
  /** Names of tools with free text as input. */
  readonly freeText: ReadonlySet<string>;
}

/** Tools and the choice among them. */
export function encodeTools(request: ChatRequest, context: RequestContext): EncodedTools {
  const choice = request.toolChoice;
  const offered =
    choice?.type === "allowed"
      ? request.tools?.filter((tool) => tool.name === undefined || choice.names.includes(tool.name))
      : request.tools;
  if (offered?.length !== request.tools?.length) context.note("only the allowed tools were sent");
  const tools: JsonObject[] = [];
  const freeText = new Set<string>();
  for (const tool of offered ?? []) {
    const encoded = encodeTool(tool, context);
    if (encoded === undefined) continue;
    tools.push(encoded);
    if (tool.type === "custom") freeText.add(tool.name);
  }
  return { tools, toolChoice: tools.length === 0 ? undefined : encodeToolChoice(request, context), freeText };
}

function encodeTool(tool: Tool, context: RequestContext): JsonObject | undefined {
  switch (tool.type) {
    case "function":
      return encodeFunction(tool, context);
    case "custom":
      context.note(`the free-text tool ${JSON.stringify(tool.name)} was sent as a function with one text parameter`);
      return {
        name: tool.name,
        ...(tool.description !== undefined && { description: tool.description }),
        input_schema: {
          type: "object",
          properties: { [FREE_TEXT_PARAMETER]: { type: "string", ...formatHint(tool.format) } },
          required: [FREE_TEXT_PARAMETER],
          additionalProperties: false,
        },
      };
    case "server":
      if (tool.origin === ANTHROPIC) return tool.value;
      context.refuseOrDrop("tools", `the tool ${JSON.stringify(tool.name ?? tool.value.type)} of ${tool.origin}`);
      return undefined;
  }
}

function formatHint(format: JsonObject | undefined): JsonObject {
  return format === undefined ? {} : { description: `The text follows this format: ${JSON.stringify(format)}` };
}

function encodeFunction(tool: FunctionTool, context: RequestContext): JsonObject {
  if (tool.strict === true && !context.capabilities.structuredOutput) {
    context.note("strict was left out of tools: this model does not know it");
  }
  const strict = context.capabilities.structuredOutput || tool.strict === false ? tool.strict : undefined;
  return {
    name: tool.name,
    ...(tool.description !== undefined && { description: tool.description }),
    input_schema: inputSchema(tool.parameters),
    ...(strict !== undefined && { strict }),
    ...(tool.cacheControl !== undefined && { cache_control: cacheControlBlock(tool.cacheControl) }),
    ...tool.extra?.[ANTHROPIC],
  };
}

/** The API wants an object schema, also where a tool has no parameters. */
function inputSchema(parameters: JsonObject | undefined): JsonObject {
  if (parameters === undefined) return { type: "object", properties: {} };
  return parameters.type === undefined ? { ...parameters, type: "object" } : parameters;
}

function encodeToolChoice(request: ChatRequest, context: RequestContext): Record<string, unknown> | undefined {
  const serial =
    request.parallelToolCalls === undefined ? {} : { disable_parallel_tool_use: !request.parallelToolCalls };
  const choice = request.toolChoice;
  if (choice === undefined) return request.parallelToolCalls === false ? { type: "auto", ...serial } : undefined;
  if (choice.type === "none") return { type: "none" };
  const mode = choice.type === "allowed" ? choice.mode : choice.type;
  if (mode === "auto") return { type: "auto", ...serial };
  if (!context.capabilities.forcedToolChoice) {
    context.drop(
      "tool_choice",
      `model ${JSON.stringify(context.model)} does not let a request force a tool; it was sent as auto`,
    );
    return { type: "auto", ...serial };
  }
  return choice.type === "tool" ? { type: "tool", name: choice.name, ...serial } : { type: "any", ...serial };
}
