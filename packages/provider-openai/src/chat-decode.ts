import type { ChatRequest, Extra, Reasoning, ResponseFormat, Tool, ToolChoice } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import {
  fieldError,
  isJsonObject,
  optionalCount,
  optionalFlag,
  optionalList,
  optionalNumber,
  optionalObject,
  optionalText,
  optionalTexts,
} from "@signalbox/kernel/http";
import { decodeCacheControl } from "./cache-control.ts";
import { decodeMessages } from "./chat-decode-messages.ts";
import { objectOf, otherMembers, WIRE } from "./json.ts";
import { optionalStops } from "./stops.ts";

type Draft = { -readonly [Key in keyof ChatRequest]: ChatRequest[Key] };

/**
 * A Chat Completions body in the canonical form: checked and mapped in one walk. Members that have no canonical field
 * are kept in `extra.openai`.
 *
 * @param model from the path, where the route has one
 * @throws {GatewayError} `invalid_request` naming the field as the client wrote it
 */
export function decodeChat(body: JsonObject, model?: string): ChatRequest {
  const request: Draft = { model: modelOf(body, model), messages: decodeMessages(body["messages"]) };
  let others: Record<string, unknown> | undefined;
  for (const name in body) {
    const value = body[name];
    if (value === null || value === undefined) continue;
    if (decodeMember(request, body, name)) continue;
    others ??= {};
    others[name] = value;
  }
  if (request.tools === undefined && body["functions"] != null) legacyTools(request, body);
  if (others !== undefined) request.extra = { [WIRE]: others };
  return request;
}

export function modelOf(body: JsonObject, model: string | undefined): string {
  const written = body["model"];
  if (typeof written === "string" && written !== "") return model ?? written;
  if (written !== undefined && written !== null) throw fieldError("model", "the name of a model");
  if (model === undefined) throw fieldError("model", "the name of a model");
  return model;
}

/** Takes one member; false when it has no canonical field. */
function decodeMember(request: Draft, body: JsonObject, name: string): boolean {
  switch (name) {
    case "model":
    case "messages":
    case "functions":
    case "function_call":
      return true;
    case "stream_options":
      optionalObject(body, name);
      return true;
    case "stream":
      set(request, "stream", optionalFlag(body, name));
      return true;
    case "tools":
      set(request, "tools", optionalList(body, name)?.map(decodeTool));
      return true;
    case "tool_choice":
      set(request, "toolChoice", decodeToolChoice(body[name]));
      return true;
    case "parallel_tool_calls":
      set(request, "parallelToolCalls", optionalFlag(body, name));
      return true;
    case "max_completion_tokens":
      set(request, "maxOutputTokens", optionalCount(body, name));
      return true;
    case "max_tokens":
      // The newer name wins, as it does at OpenAI.
      if (body["max_completion_tokens"] == null) set(request, "maxOutputTokens", optionalCount(body, name));
      return true;
    case "temperature":
      set(request, "temperature", optionalNumber(body, name));
      return true;
    case "top_p":
      set(request, "topP", optionalNumber(body, name));
      return true;
    case "top_k":
      set(request, "topK", optionalNumber(body, name));
      return true;
    case "stop":
      set(request, "stop", optionalStops(body, name));
      return true;
    case "seed":
      set(request, "seed", optionalNumber(body, name));
      return true;
    case "frequency_penalty":
      set(request, "frequencyPenalty", optionalNumber(body, name));
      return true;
    case "presence_penalty":
      set(request, "presencePenalty", optionalNumber(body, name));
      return true;
    case "logit_bias":
      set(request, "logitBias", decodeLogitBias(body));
      return true;
    case "logprobs":
      set(request, "logprobs", optionalFlag(body, name));
      return true;
    case "top_logprobs":
      set(request, "topLogprobs", optionalCount(body, name));
      return true;
    case "n":
      set(request, "choiceCount", optionalCount(body, name));
      return true;
    case "response_format":
      set(request, "responseFormat", decodeResponseFormat(optionalObject(body, name)));
      return true;
    case "reasoning_effort":
    case "reasoning":
    case "thinking":
      return decodeReasoning(request, body, name);
    case "verbosity":
      set(request, "verbosity", optionalText(body, name));
      return true;
    case "modalities":
      set(request, "modalities", optionalTexts(body, name));
      return true;
    case "audio":
      set(request, "audio", decodeAudio(optionalObject(body, name)));
      return true;
    case "prediction":
      set(request, "prediction", optionalObject(body, name));
      return true;
    case "service_tier":
      set(request, "serviceTier", optionalText(body, name));
      return true;
    case "user":
      set(request, "user", optionalText(body, name));
      return true;
    case "metadata":
      set(request, "metadata", optionalObject(body, name));
      return true;
    case "store":
      set(request, "store", optionalFlag(body, name));
      return true;
    case "cache_control":
      set(request, "cacheControl", decodeCacheControl(body[name], name));
      return true;
    default:
      return false;
  }
}

function set<Name extends keyof Draft>(request: Draft, name: Name, value: Draft[Name] | undefined): void {
  if (value !== undefined) request[name] = value;
}

function decodeLogitBias(body: JsonObject): Readonly<Record<string, number>> | undefined {
  const bias = optionalObject(body, "logit_bias");
  for (const token in bias) if (typeof bias[token] !== "number") throw fieldError(`logit_bias.${token}`, "a number");
  return bias as Readonly<Record<string, number>> | undefined;
}

function decodeAudio(audio: JsonObject | undefined): ChatRequest["audio"] {
  if (audio === undefined) return undefined;
  const format = optionalText(audio, "format", "audio.format");
  if (format === undefined) throw fieldError("audio.format", "a string");
  return { ...audio, voice: audio["voice"], format };
}

/** The words of all vendors. */
const EFFORTS: ReadonlySet<unknown> = new Set(["none", "minimal", "low", "medium", "high", "xhigh", "max"]);

function effortOf(value: unknown, path: string): Reasoning["effort"] {
  if (value === undefined || value === null) return undefined;
  if (!EFFORTS.has(value)) throw fieldError(path, `one of ${[...EFFORTS].join(", ")}`);
  return value as NonNullable<Reasoning["effort"]>;
}

/**
 * OpenAI's `reasoning_effort`, OpenRouter's `reasoning: { effort, max_tokens, enabled }` and the `thinking: { type,
 * budget_tokens }` of Anthropic, DeepSeek and Z.ai. The last two are kept as written beside what is understood of them.
 */
function decodeReasoning(
  request: Draft,
  body: JsonObject,
  name: "reasoning_effort" | "reasoning" | "thinking",
): boolean {
  const before = request.reasoning;
  if (name === "reasoning_effort") {
    const effort = effortOf(body[name], name);
    if (effort !== undefined) request.reasoning = { ...before, effort };
    return true;
  }
  const value = objectOf(body[name]);
  // A host of its own may give these names another meaning: then they are just passed on.
  if (value === undefined) return false;
  const extra: Extra = { [WIRE]: { ...before?.extra?.[WIRE], [name]: value } };
  const mode = name === "reasoning" ? enabledMode(value["enabled"]) : optionalText(value, "type", "thinking.type");
  const limit = name === "reasoning" ? "max_tokens" : "budget_tokens";
  const budget = optionalCount(value, limit, `${name}.${limit}`);
  const effort = name === "reasoning" ? effortOf(value["effort"], "reasoning.effort") : undefined;
  request.reasoning = {
    ...before,
    ...(effort !== undefined && { effort }),
    ...(mode !== undefined && { mode }),
    ...(budget !== undefined && { budgetTokens: budget }),
    extra,
  };
  return true;
}

function enabledMode(enabled: unknown): string | undefined {
  if (enabled === true) return "enabled";
  return enabled === false ? "disabled" : undefined;
}

function decodeResponseFormat(format: JsonObject | undefined): ResponseFormat | undefined {
  if (format === undefined) return undefined;
  switch (format["type"]) {
    case "text":
      return { type: "text" };
    case "json_object":
      return { type: "json" };
    case "json_schema": {
      const path = "response_format.json_schema";
      const schema = optionalObject(format, "json_schema", path);
      if (schema === undefined) throw fieldError(path, "an object");
      const name = optionalText(schema, "name", `${path}.name`);
      const description = optionalText(schema, "description", `${path}.description`);
      const strict = optionalFlag(schema, "strict", `${path}.strict`);
      return {
        type: "jsonSchema",
        // OpenAI demands a name; hosts that do not are used without one.
        name: name ?? "response",
        ...(description !== undefined && { description }),
        schema: optionalObject(schema, "schema", `${path}.schema`) ?? {},
        ...(strict !== undefined && { strict }),
      };
    }
    default:
      throw fieldError("response_format.type", "one of text, json_object, json_schema");
  }
}

const FUNCTION_TOOL: ReadonlySet<string> = new Set(["type", "function", "cache_control"]);

function decodeTool(value: unknown, at: number): Tool {
  const path = `tools[${at}]`;
  if (!isJsonObject(value)) throw fieldError(path, "an object");
  if (value["type"] === "custom") return customTool(value, path);
  if (value["type"] !== "function") {
    if (typeof value["type"] !== "string") throw fieldError(`${path}.type`, "a string");
    const name = typeof value["name"] === "string" ? value["name"] : undefined;
    return { type: "server", origin: WIRE, ...(name !== undefined && { name }), value };
  }
  const target = optionalObject(value, "function", `${path}.function`);
  if (target === undefined) throw fieldError(`${path}.function`, "an object");
  const cacheControl = decodeCacheControl(value["cache_control"] ?? target["cache_control"], `${path}.cache_control`);
  const others = otherMembers(value, FUNCTION_TOOL);
  return {
    ...functionTool(target, `${path}.function`),
    ...(cacheControl !== undefined && { cacheControl }),
    ...(others !== undefined && { extra: { [WIRE]: others } }),
  };
}

function functionTool(target: JsonObject, path: string): Tool & { type: "function" } {
  const name = optionalText(target, "name", `${path}.name`);
  if (name === undefined || name === "") throw fieldError(`${path}.name`, "a string");
  const description = optionalText(target, "description", `${path}.description`);
  const parameters = optionalObject(target, "parameters", `${path}.parameters`);
  const strict = optionalFlag(target, "strict", `${path}.strict`);
  return {
    type: "function",
    name,
    ...(description !== undefined && { description }),
    ...(parameters !== undefined && { parameters }),
    ...(strict !== undefined && { strict }),
  };
}

function customTool(value: JsonObject, path: string): Tool {
  const target = optionalObject(value, "custom", `${path}.custom`) ?? {};
  const name = optionalText(target, "name", `${path}.custom.name`);
  if (name === undefined) throw fieldError(`${path}.custom.name`, "a string");
  const description = optionalText(target, "description", `${path}.custom.description`);
  const format = optionalObject(target, "format", `${path}.custom.format`);
  return {
    type: "custom",
    name,
    ...(description !== undefined && { description }),
    ...(format !== undefined && { format }),
  };
}

function decodeToolChoice(value: unknown): ToolChoice | undefined {
  if (value === undefined || value === null) return undefined;
  if (value === "auto" || value === "none" || value === "required") return { type: value };
  // Some clients and hosts say "any" for it.
  if (value === "any") return { type: "required" };
  if (!isJsonObject(value)) throw fieldError("tool_choice", 'one of "auto", "none", "required", or an object');
  if (value["type"] === "allowed_tools") return allowedTools(objectOf(value["allowed_tools"]) ?? {});
  if (value["type"] === "function" || value["type"] === "custom") {
    const kind = value["type"];
    const name = objectOf(value[kind])?.["name"];
    if (typeof name !== "string") throw fieldError(`tool_choice.${kind}.name`, "a string");
    return kind === "custom" ? { type: "tool", name, kind } : { type: "tool", name };
  }
  throw fieldError("tool_choice.type", "one of function, custom, allowed_tools");
}

function allowedTools(allowed: JsonObject): ToolChoice {
  const path = "tool_choice.allowed_tools";
  const mode = allowed["mode"];
  if (mode !== "auto" && mode !== "required") throw fieldError(`${path}.mode`, "one of auto, required");
  const names = (optionalList(allowed, "tools", `${path}.tools`) ?? []).map((tool, at) => {
    const entry = objectOf(tool);
    const name = objectOf(entry?.["function"])?.["name"] ?? objectOf(entry?.["custom"])?.["name"] ?? entry?.["name"];
    if (typeof name !== "string") throw fieldError(`${path}.tools[${at}]`, "a reference to a tool");
    return name;
  });
  return { type: "allowed", mode, names };
}

/** The form before tools: `functions` and `function_call`. */
function legacyTools(request: Draft, body: JsonObject): void {
  request.tools = (optionalList(body, "functions") ?? []).map((value, at) => {
    const path = `functions[${at}]`;
    if (!isJsonObject(value)) throw fieldError(path, "an object");
    return functionTool(value, path);
  });
  const choice = body["function_call"];
  if (choice === undefined || choice === null) return;
  if (choice === "auto" || choice === "none") {
    request.toolChoice = { type: choice };
    return;
  }
  const name = objectOf(choice)?.["name"];
  if (typeof name !== "string") throw fieldError("function_call", '"auto", "none" or an object with a name');
  request.toolChoice = { type: "tool", name };
}
