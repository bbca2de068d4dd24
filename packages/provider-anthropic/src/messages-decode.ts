import type { CacheControl, ChatRequest, Extra, Message, Part, Reasoning, ResponseFormat } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { ContentReader, decodeCacheControl, invalid } from "./decode-content.ts";
import { decodeToolChoice, decodeTools } from "./decode-tools.ts";
import { membersBesides } from "./json-object.ts";
import { ANTHROPIC } from "./names.ts";

type Draft = { -readonly [Name in keyof ChatRequest]: ChatRequest[Name] };

const EFFORTS: ReadonlySet<unknown> = new Set(["low", "medium", "high", "xhigh", "max"]);

const THINKING: ReadonlySet<string> = new Set(["type", "budget_tokens", "display"]);

/**
 * The canonical form of a Messages request. What only Anthropic knows stands in `extra.anthropic`.
 *
 * @param counting a request to count tokens, which has no `max_tokens`
 * @throws {GatewayError} `invalid_request` naming the member
 */
export function decodeMessagesRequest(body: unknown, counting: boolean = false): ChatRequest {
  if (!isJsonObject(body)) throw invalid("body", "must be a JSON object");
  const request: Draft = { model: requiredModel(body.model), messages: [] };
  const extra: Record<string, unknown> = {};
  for (const name in body) {
    const value = body[name];
    if (value !== null && value !== undefined) decodeMember(name, value, request, extra);
  }
  request.messages = decodeMessages(body.system, body.messages);
  if (request.maxOutputTokens === undefined && !counting) throw invalid("max_tokens", "is required");
  const reasoning = decodeReasoning(body.thinking, body.output_config);
  if (reasoning !== undefined) request.reasoning = reasoning;
  if (!isEmpty(extra)) request.extra = { [ANTHROPIC]: extra } as Extra;
  return request;
}

function requiredModel(model: unknown): string {
  if (typeof model === "string" && model !== "") return model;
  throw invalid("model", model === undefined ? "is required" : "must be a string");
}

function decodeMember(name: string, value: unknown, request: Draft, extra: Record<string, unknown>): void {
  switch (name) {
    case "model":
    case "messages":
    case "system":
    case "thinking":
      return;
    case "max_tokens":
      if (!Number.isInteger(value) || (value as number) < 0) throw invalid(name, "must be a non-negative integer");
      request.maxOutputTokens = value as number;
      return;
    case "stream":
      if (typeof value !== "boolean") throw invalid(name, "must be a boolean");
      request.stream = value;
      return;
    case "temperature":
      request.temperature = number(value, name);
      return;
    case "top_p":
      request.topP = number(value, name);
      return;
    case "top_k":
      request.topK = number(value, name);
      return;
    case "stop_sequences":
      if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
        throw invalid(name, "must be a list of strings");
      }
      request.stop = value;
      return;
    case "tools":
      request.tools = decodeTools(value);
      return;
    case "tool_choice":
      Object.assign(request, decodeToolChoice(value));
      return;
    case "metadata":
      decodeMetadata(value, request, extra);
      return;
    case "service_tier":
      if (typeof value !== "string") throw invalid(name, "must be a string");
      request.serviceTier = value === "standard_only" ? "default" : value;
      return;
    case "cache_control":
      request.cacheControl = topCacheControl(value, extra);
      return;
    case "output_config":
      decodeOutputConfig(value, request, extra);
      return;
    case "output_format":
      // the name of output_config.format while it was a beta
      if (!setFormat(value, request)) extra[name] = value;
      return;
    default:
      extra[name] = value;
  }
}

function decodeMessages(system: unknown, messages: unknown): readonly Message[] {
  if (!Array.isArray(messages)) throw invalid("messages", messages === undefined ? "is required" : "must be a list");
  if (messages.length === 0) throw invalid("messages", "at least one message is required");
  const reader = new ContentReader();
  const decoded: Message[] = [];
  if (system !== undefined && system !== null && system !== "") {
    decoded.push({ role: "system", content: reader.parts(system) });
  }
  for (let index = 0; index < messages.length; index++) {
    reader.message = index;
    decodeMessage(messages[index], reader, decoded);
  }
  return decoded;
}

const MESSAGE: ReadonlySet<string> = new Set(["role", "content"]);

function decodeMessage(message: unknown, reader: ContentReader, decoded: Message[]): void {
  if (!isJsonObject(message)) throw invalid(reader.place(), "must be an object");
  const { role } = message;
  if (role !== "user" && role !== "assistant" && role !== "system") {
    throw invalid(reader.place("role"), `must be one of "user", "assistant", "system", not ${JSON.stringify(role)}`);
  }
  const content = reader.parts(message.content);
  const members = membersBesides(message, MESSAGE);
  const extra = members === undefined ? undefined : { extra: { [ANTHROPIC]: members } };
  if (role === "user") splitToolResults(content, extra, decoded);
  else decoded.push({ role, content, ...extra });
}

/** Tool results stand in messages of their own; the order stays. */
function splitToolResults(content: readonly Part[], extra: { extra: Extra } | undefined, decoded: Message[]): void {
  if (!content.some((part) => part.type === "toolResult")) {
    decoded.push({ role: "user", content, ...extra });
    return;
  }
  let start = 0;
  for (let index = 1; index <= content.length; index++) {
    const isResult = content[start]?.type === "toolResult";
    if (index < content.length && (content[index]?.type === "toolResult") === isResult) continue;
    decoded.push({ role: isResult ? "tool" : "user", content: content.slice(start, index), ...extra });
    start = index;
  }
}

function decodeMetadata(value: unknown, request: Draft, extra: Record<string, unknown>): void {
  if (!isJsonObject(value)) throw invalid("metadata", "must be an object");
  const { user_id: userId, ...others } = value;
  if (typeof userId === "string") request.user = userId;
  else if (userId !== undefined && userId !== null) throw invalid("metadata.user_id", "must be a string");
  if (!isEmpty(others)) extra.metadata = others;
}

function topCacheControl(value: unknown, extra: Record<string, unknown>): CacheControl {
  const { cacheControl, rest } = decodeCacheControl(value, () => "cache_control");
  Object.assign(extra, rest);
  return cacheControl ?? {};
}

/** Effort and format have canonical words; the rest (`task_budget`, …) has not. */
function decodeOutputConfig(value: unknown, request: Draft, extra: Record<string, unknown>): void {
  if (!isJsonObject(value)) throw invalid("output_config", "must be an object");
  const { effort, format, ...others } = value;
  const rest: Record<string, unknown> = others;
  if (effort !== undefined && effort !== null && !EFFORTS.has(effort)) rest.effort = effort;
  if (format !== undefined && format !== null && !setFormat(format, request)) rest.format = format;
  if (!isEmpty(rest)) extra.output_config = rest;
}

function setFormat(format: unknown, request: Draft): boolean {
  if (!isJsonObject(format) || format.type !== "json_schema" || !isJsonObject(format.schema)) return false;
  const decoded: ResponseFormat = { type: "jsonSchema", name: "response", schema: format.schema, strict: true };
  request.responseFormat = decoded;
  return true;
}

function decodeReasoning(thinking: unknown, outputConfig: unknown): Reasoning | undefined {
  const effort = isJsonObject(outputConfig) ? outputConfig.effort : undefined;
  const known = EFFORTS.has(effort) ? { effort: effort as NonNullable<Reasoning["effort"]> } : undefined;
  if (thinking === undefined || thinking === null) {
    // says to the encoder that thinking itself stays as the model has it
    return known === undefined ? undefined : { ...known, extra: { [ANTHROPIC]: { thinking: "default" } } };
  }
  if (!isJsonObject(thinking)) throw invalid("thinking", "must be an object");
  const { type, budget_tokens: budgetTokens, display } = thinking;
  if (typeof type !== "string") throw invalid("thinking.type", "must be a string");
  if (budgetTokens === undefined || budgetTokens === null) {
    if (type === "enabled") throw invalid("thinking.budget_tokens", 'is required for type "enabled"');
  } else if (!Number.isInteger(budgetTokens)) throw invalid("thinking.budget_tokens", "must be an integer");
  const members = membersBesides(thinking, THINKING);
  return {
    ...known,
    mode: type,
    ...(typeof budgetTokens === "number" && { budgetTokens }),
    ...(typeof display === "string" && { display }),
    ...(members !== undefined && { extra: { [ANTHROPIC]: members } }),
  };
}

function number(value: unknown, name: string): number {
  if (typeof value === "number") return value;
  throw invalid(name, "must be a number");
}

function isEmpty(object: JsonObject): boolean {
  for (const _name in object) return false;
  return true;
}
