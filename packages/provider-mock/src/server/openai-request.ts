import type { ChatRequest, Message, Part, ResponseFormat, Tool, ToolChoice } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { defined, listOf } from "./wire.ts";

/** As much of a Chat Completions request as the mock looks at. @throws {TypeError} naming what is wrong */
export function openaiRequest(body: JsonObject): ChatRequest {
  if (typeof body.model !== "string") throw new TypeError("you must provide a model parameter");
  if (!Array.isArray(body.messages) || body.messages.length === 0) {
    throw new TypeError("'messages' must be a list with at least one message");
  }
  const limit = body.max_completion_tokens ?? body.max_tokens;
  return defined<ChatRequest>({
    model: body.model,
    messages: body.messages.map(message),
    stream: body.stream === true,
    tools: Array.isArray(body.tools) ? body.tools.map(tool) : undefined,
    toolChoice: toolChoice(body.tool_choice),
    parallelToolCalls: body.parallel_tool_calls === false ? false : undefined,
    maxOutputTokens: typeof limit === "number" ? limit : undefined,
    stop: stopSequences(body.stop),
    choiceCount: typeof body.n === "number" ? body.n : undefined,
    responseFormat: responseFormat(body.response_format),
  });
}

function message(value: unknown): Message {
  if (!isJsonObject(value) || typeof value.role !== "string") throw new TypeError("every message must have a role");
  const role = value.role as Message["role"];
  const content = parts(value.content);
  if (role === "tool") {
    return { role, content: [{ type: "toolResult", toolCallId: String(value.tool_call_id), content }] };
  }
  return { role, content: [...content, ...listOf(value.tool_calls).map(toolCall)] };
}

function parts(content: unknown): readonly Part[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return listOf(content).map((part): Part => {
    if (isJsonObject(part) && part.type === "text") return { type: "text", text: String(part.text) };
    if (isJsonObject(part) && part.type === "image_url") return { type: "image", source: { type: "url", url: "" } };
    return { type: "document", source: { type: "url", url: "" } };
  });
}

function toolCall(value: unknown): Part {
  const call = value as { id?: string; function?: { name?: string; arguments?: string } };
  return {
    type: "toolCall",
    id: String(call.id),
    name: String(call.function?.name),
    arguments: String(call.function?.arguments),
  };
}

function tool(value: unknown): Tool {
  const definition = isJsonObject(value) && isJsonObject(value.function) ? value.function : undefined;
  if (definition !== undefined) {
    return defined<Tool>({
      type: "function",
      name: String(definition.name),
      description: definition.description as string | undefined,
      parameters: isJsonObject(definition.parameters) ? definition.parameters : undefined,
    });
  }
  const custom = isJsonObject(value) && isJsonObject(value.custom) ? value.custom : undefined;
  if (custom !== undefined) return { type: "custom", name: String(custom.name) };
  throw new TypeError("every tool must be a function or a custom tool");
}

function toolChoice(value: unknown): ToolChoice | undefined {
  if (value === "auto" || value === "none" || value === "required") return { type: value };
  if (!isJsonObject(value)) return undefined;
  const named = value.function ?? value.custom;
  return isJsonObject(named) ? { type: "tool", name: String(named.name) } : undefined;
}

function stopSequences(value: unknown): readonly string[] | undefined {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.map(String) : undefined;
}

function responseFormat(value: unknown): ResponseFormat | undefined {
  if (!isJsonObject(value)) return undefined;
  if (value.type === "json_object") return { type: "json" };
  const format = value.json_schema;
  if (value.type !== "json_schema" || !isJsonObject(format) || !isJsonObject(format.schema)) return undefined;
  return { type: "jsonSchema", name: String(format.name), schema: format.schema };
}
