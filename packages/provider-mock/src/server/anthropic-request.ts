import type { ChatRequest, Message, Part, Tool, ToolChoice } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { defined, listOf } from "./wire.ts";

/** As much of a Messages request as the mock looks at. @throws {TypeError} naming what is wrong */
export function anthropicRequest(body: JsonObject): ChatRequest {
  if (typeof body.model !== "string") throw new TypeError("model: Field required");
  if (!Array.isArray(body.messages) || body.messages.length === 0) {
    throw new TypeError("messages: at least one message is required");
  }
  const system = parts(body.system);
  const choice = body.tool_choice;
  return defined<ChatRequest>({
    model: body.model,
    messages: [
      ...(system.length > 0 ? [{ role: "system" as const, content: system }] : []),
      ...body.messages.flatMap(messages),
    ],
    stream: body.stream === true,
    tools: Array.isArray(body.tools) ? body.tools.map(tool) : undefined,
    toolChoice: toolChoice(choice),
    parallelToolCalls: isJsonObject(choice) && choice.disable_parallel_tool_use === true ? false : undefined,
    maxOutputTokens: typeof body.max_tokens === "number" ? body.max_tokens : undefined,
    stop: Array.isArray(body.stop_sequences) ? body.stop_sequences.map(String) : undefined,
    responseFormat: responseFormat(body.output_config),
  });
}

/** A user message with tool results is two messages in the canonical form. */
function messages(value: unknown): readonly Message[] {
  if (!isJsonObject(value) || typeof value.role !== "string") throw new TypeError("messages: Field required: role");
  const content = parts(value.content);
  const results = content.filter((part) => part.type === "toolResult");
  const rest = content.filter((part) => part.type !== "toolResult");
  const role = value.role as Message["role"];
  return [
    ...(results.length > 0 ? [{ role: "tool" as const, content: results }] : []),
    ...(rest.length > 0 || results.length === 0 ? [{ role, content: rest }] : []),
  ];
}

function parts(content: unknown): readonly Part[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return listOf(content).map((block): Part => {
    if (!isJsonObject(block)) throw new TypeError("content: every block must be an object");
    switch (block.type) {
      case "text":
        return { type: "text", text: String(block.text) };
      case "tool_use":
        return {
          type: "toolCall",
          id: String(block.id),
          name: String(block.name),
          arguments: JSON.stringify(block.input),
        };
      case "tool_result":
        return {
          type: "toolResult",
          toolCallId: String(block.tool_use_id),
          content: parts(block.content),
        };
      case "thinking":
        return { type: "reasoning", text: String(block.thinking) };
      case "image":
        return { type: "image", source: { type: "url", url: "" } };
      default:
        return { type: "document", source: { type: "url", url: "" } };
    }
  });
}

function tool(value: unknown): Tool {
  if (!isJsonObject(value)) throw new TypeError("tools: every tool must be an object");
  if (!isJsonObject(value.input_schema)) return { type: "server", origin: "anthropic", value };
  return defined<Tool>({
    type: "function",
    name: String(value.name),
    description: value.description as string | undefined,
    parameters: value.input_schema,
  });
}

function toolChoice(value: unknown): ToolChoice | undefined {
  if (!isJsonObject(value)) return undefined;
  if (value.type === "auto" || value.type === "none") return { type: value.type };
  if (value.type === "any") return { type: "required" };
  return value.type === "tool" ? { type: "tool", name: String(value.name) } : undefined;
}

function responseFormat(value: unknown): ChatRequest["responseFormat"] {
  const format = isJsonObject(value) ? value.format : undefined;
  if (!isJsonObject(format) || !isJsonObject(format.schema)) return undefined;
  return { type: "jsonSchema", name: "reply", schema: format.schema };
}
