import type {
  Attempt,
  ChatRequest,
  CustomTool,
  FunctionTool,
  ResponseFormat,
  Tool,
  ToolChoice,
  Trace,
} from "@signalbox/kernel";
import { GatewayError, withoutParameters } from "@signalbox/kernel";
import { cacheControlWire, messagesWire } from "./chat-messages.ts";
import { WIRE } from "./json.ts";
import { droppedParameters, effortFor } from "./parameters.ts";
import type { ModelRules, WireProfile } from "./profile.ts";

type Body = Record<string, unknown>;

/** The body of a chat request for the wire. @throws {GatewayError} `unsupported_parameter` */
export function chatBody(attempt: Attempt<"chat">, profile: WireProfile, rules: ModelRules): Body {
  const request = withoutParameters(attempt.request, droppedParameters(attempt, rules));
  const body: Body = { model: attempt.upstreamModel, messages: messagesWire(request, profile, rules, attempt.trace) };
  if (request.stream === true) {
    body["stream"] = true;
    if (profile.streamOptions !== false) body["stream_options"] = { include_usage: true };
  }
  tools(attempt, request, profile, body);
  limits(request, rules, body);
  put(body, "response_format", responseFormat(request.responseFormat, attempt, profile));
  reasoning(request, profile, rules, body, attempt.trace);
  const { [WIRE]: others, ...foreign } = request.extra ?? {};
  for (const origin in foreign) {
    const names = Object.keys(foreign[origin] ?? {});
    for (const name of names) attempt.trace.drop(name);
    if (names.length > 0)
      attempt.trace.note("attempt", `fields that only ${origin} takes were left out: ${names.join(", ")}`);
  }
  for (const name in others) if (!(name in body)) body[name] = others[name];
  return finish(body, profile, attempt);
}

/** Renames and additions that hold for every body sent to a host. */
function finish(body: Body, profile: WireProfile, attempt: Attempt<"chat">): Body {
  const renamed = profile.rename === undefined ? body : rename(body, profile.rename);
  for (const name in profile.extraBody) if (!(name in renamed)) renamed[name] = profile.extraBody[name];
  return Object.assign(renamed, attempt.deployment.extraBody);
}

function rename(body: Body, names: Readonly<Record<string, string>>): Body {
  const renamed: Body = {};
  for (const name in body) renamed[names[name] ?? name] = body[name];
  return renamed;
}

function put(body: Body, name: string, value: unknown): void {
  if (value !== undefined) body[name] = value;
}

function limits(request: ChatRequest, rules: ModelRules, body: Body): void {
  put(body, rules.maxTokens ?? "max_tokens", request.maxOutputTokens);
  put(body, "temperature", request.temperature);
  put(body, "top_p", request.topP);
  put(body, "top_k", request.topK);
  put(body, "stop", request.stop);
  put(body, "seed", request.seed);
  put(body, "frequency_penalty", request.frequencyPenalty);
  put(body, "presence_penalty", request.presencePenalty);
  put(body, "logit_bias", request.logitBias);
  put(body, "logprobs", request.logprobs);
  put(body, "top_logprobs", request.topLogprobs);
  put(body, "n", request.choiceCount);
  put(body, "verbosity", request.verbosity);
  put(body, "modalities", request.modalities);
  put(body, "audio", request.audio);
  put(body, "prediction", request.prediction);
  put(body, "service_tier", request.serviceTier);
  put(body, "user", request.user);
  put(body, "metadata", request.metadata);
  put(body, "store", request.store);
}

function tools(attempt: Attempt<"chat">, request: ChatRequest, profile: WireProfile, body: Body): void {
  const wire: unknown[] = [];
  for (const tool of request.tools ?? []) {
    const value = toolWire(tool, profile);
    if (value === undefined) refuseTool(attempt, tool);
    else wire.push(value);
  }
  if (wire.length === 0) return;
  body["tools"] = wire;
  put(body, "tool_choice", toolChoiceWire(request.toolChoice, request.tools ?? []));
  put(body, "parallel_tool_calls", request.parallelToolCalls);
}

/** A tool that another vendor runs itself: an error, or left out where the deployment drops what it cannot take. */
function refuseTool(attempt: Attempt<"chat">, tool: Tool): void {
  const { deployment, options, trace } = attempt;
  const name = tool.name ?? (tool.type === "server" ? String(tool.value["type"]) : tool.type);
  if (options.dropParams ?? deployment.dropParams ?? false) {
    trace.drop(`tools.${name}`);
    return;
  }
  throw new GatewayError(
    "unsupported_parameter",
    `tool ${JSON.stringify(name)} can only be run by another provider than ${JSON.stringify(deployment.provider)}; ` +
      `remove it, or set "drop_params": true to have it left out`,
    { param: "tools", source: deployment.provider },
  );
}

function toolWire(tool: Tool, profile: WireProfile): Body | undefined {
  switch (tool.type) {
    case "function":
      return functionWire(tool, profile);
    case "custom":
      return { type: "custom", custom: customWire(tool) };
    case "server":
      return tool.origin === WIRE ? { ...tool.value } : undefined;
  }
}

function functionWire(tool: FunctionTool, profile: WireProfile): Body {
  const target: Body = { name: tool.name };
  put(target, "description", tool.description);
  put(target, "parameters", tool.parameters);
  put(target, "strict", tool.strict);
  const wire: Body = { type: "function", function: target, ...tool.extra?.[WIRE] };
  if (profile.cacheControl === true) put(wire, "cache_control", cacheControlWire(tool.cacheControl));
  return wire;
}

function customWire(tool: CustomTool): Body {
  const target: Body = { name: tool.name };
  put(target, "description", tool.description);
  put(target, "format", tool.format);
  return target;
}

function toolChoiceWire(choice: ToolChoice | undefined, all: readonly Tool[]): unknown {
  if (choice === undefined) return undefined;
  switch (choice.type) {
    case "tool":
      return toolReference(choice.name, choice.kind ?? "function");
    case "allowed": {
      const kindOf = (name: string): "function" | "custom" =>
        all.some((tool) => tool.type === "custom" && tool.name === name) ? "custom" : "function";
      const tools = choice.names.map((name) => toolReference(name, kindOf(name)));
      return { type: "allowed_tools", allowed_tools: { mode: choice.mode, tools } };
    }
    default:
      return choice.type;
  }
}

function toolReference(name: string, kind: "function" | "custom"): Body {
  return { type: kind, [kind]: { name } };
}

function responseFormat(
  format: ResponseFormat | undefined,
  attempt: Attempt<"chat">,
  profile: WireProfile,
): Body | undefined {
  if (format === undefined) return undefined;
  if (format.type === "text") return { type: "text" };
  if (format.type === "json") return { type: "json_object" };
  if (profile.jsonSchema === false) {
    attempt.trace.note("attempt", "response_format json_schema sent as json_object");
    return { type: "json_object" };
  }
  const schema: Body = { name: format.name };
  put(schema, "description", format.description);
  schema["schema"] = format.schema;
  put(schema, "strict", format.strict);
  return { type: "json_schema", json_schema: schema };
}

function reasoning(request: ChatRequest, profile: WireProfile, rules: ModelRules, body: Body, trace: Trace): void {
  const wish = request.reasoning;
  if (wish === undefined) return;
  const raw = wish.extra?.[WIRE];
  const effort = effortFor(wish, rules);
  const off = wish.mode === "disabled" || wish.effort === "none";
  switch (profile.reasoning?.request ?? "effort") {
    case "openrouter": {
      const value: Body = { ...(raw?.["reasoning"] as Body | undefined) };
      if (off) value["enabled"] = false;
      else if (wish.budgetTokens !== undefined) value["max_tokens"] = wish.budgetTokens;
      else if (wish.effort !== undefined) value["effort"] = effort;
      else if (wish.mode !== undefined) value["enabled"] = true;
      body["reasoning"] = value;
      return;
    }
    case "thinking":
      if (wish.mode !== undefined || off) {
        body["thinking"] = { ...(raw?.["thinking"] as Body | undefined), type: off ? "disabled" : "enabled" };
      }
      if (wish.effort !== undefined && !off) body["reasoning_effort"] = effort;
      return;
    default:
      // A model that cannot reason needs no word to refrain from it.
      if (off && !(rules.efforts?.includes("none") ?? wish.effort === "none")) return;
      if (effort === undefined) trace.note("attempt", `reasoning mode ${wish.mode ?? "default"} was left out`);
      put(body, "reasoning_effort", effort);
  }
}
