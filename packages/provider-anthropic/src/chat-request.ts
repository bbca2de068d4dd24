import type { Attempt, ChatParameter, ChatRequest } from "@signalbox/kernel";
import { CHAT_PARAMETERS, parametersToDrop, withoutParameters } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import type { ModelCapabilities } from "./capabilities.ts";
import { stringOf } from "./json-object.ts";
import { ANTHROPIC, MESSAGES_DIALECT } from "./names.ts";
import { unthinkingTurn } from "./replayed-thinking.ts";
import type { StandInTools } from "./reply-parts.ts";
import { RequestContext } from "./request-context.ts";
import { encodeFormat } from "./request-format.ts";
import { encodeMessages } from "./request-messages.ts";
import { cacheControlBlock, shorthand } from "./request-parts.ts";
import { encodeThinking } from "./request-thinking.ts";
import { encodeTools } from "./request-tools.ts";
import { encodeServiceTier, unsupportedParameters } from "./unsupported-parameters.ts";

/** A Messages request, and what has to be known to read its reply. */
export interface EncodedRequest {
  readonly body: Record<string, unknown>;
  readonly standIns: StandInTools;
  /** Values for the `anthropic-beta` header that the caller asked for. */
  readonly betas: readonly string[];
}

type Body = Record<string, unknown>;

/**
 * Writes a canonical request as a Messages request for the model of an attempt.
 *
 * @throws {GatewayError} `unsupported_parameter`, and `invalid_request` for content that the model cannot take
 */
export function chatRequest(attempt: Attempt<"chat">, capabilities: ModelCapabilities): EncodedRequest {
  const unsupported = unsupportedParameters(attempt.request, capabilities);
  const dropped = parametersToDrop(attempt, unsupported);
  const request = withoutParameters(attempt.request, dropped);
  const context = new RequestContext(attempt, capabilities);
  const own = request.extra?.[ANTHROPIC] ?? {};
  noteForeignFields(request, context);

  const { tools, toolChoice, freeText } = encodeTools(request, context);
  const toolNames = new Set(tools.map((tool) => stringOf(tool.name) ?? ""));
  const fromOwnDialect = attempt.native?.dialect === MESSAGES_DIALECT;
  const format = encodeFormat(request.responseFormat, fromOwnDialect, toolNames, context);
  const choice = format.type === "tool" ? forcedAnswer(format.tool, tools, toolChoice) : toolChoice;

  const maxTokens = request.maxOutputTokens ?? capabilities.maxOutputTokens;
  const forced = choice?.type === "any" || choice?.type === "tool";
  const unthinking = unthinkingTurn(request.messages, attempt.upstreamModel);
  const conflict = unthinking !== undefined ? "unthinking turn" : forced ? "forced tool call" : undefined;
  const { thinking, effort, on } = encodeThinking(request.reasoning, maxTokens, conflict, context);
  // a turn that has to go on without thinking may hold none
  const withoutThinkingFrom = on || request.reasoning === undefined ? undefined : unthinking;
  const { system, messages } = encodeMessages(request.messages, context, withoutThinkingFrom);
  if (format.type === "instruction") system.push({ type: "text", text: format.text });
  const outputConfig = {
    ...(isJsonObject(own.output_config) ? own.output_config : undefined),
    ...(effort !== undefined && { effort }),
    ...(format.type === "native" && { format: format.format }),
  };

  const body: Body = { model: attempt.upstreamModel, max_tokens: maxTokens };
  if (request.stream === true) body.stream = true;
  if (system.length > 0) body.system = shorthand(system);
  body.messages = messages;
  if (tools.length > 0) body.tools = tools;
  if (choice !== undefined) body.tool_choice = choice;
  if (thinking !== undefined) body.thinking = thinking;
  addSampling(body, request, on, context);
  if (request.stop !== undefined && request.stop.length > 0) body.stop_sequences = request.stop;
  addMetadata(body, request, own, context);
  const serviceTier = encodeServiceTier(request.serviceTier);
  if (serviceTier !== undefined) body.service_tier = serviceTier;
  if (request.cacheControl !== undefined) body.cache_control = cacheControlBlock(request.cacheControl);
  addAllowed(body, request, unsupported);
  for (const name in own) if (!HANDLED.has(name)) body[name] = own[name];
  if (Object.keys(outputConfig).length > 0) body.output_config = outputConfig;

  return {
    body: Object.assign(body, attempt.deployment.extraBody),
    standIns: {
      ...(format.type === "tool" && { answer: stringOf(format.tool.name) ?? "" }),
      ...(freeText.size > 0 && { freeText }),
    },
    betas: Array.isArray(own.betas) ? own.betas.filter((beta) => typeof beta === "string") : [],
  };
}

/** Members of `extra.anthropic` that are not simply added to the body. */
const HANDLED: ReadonlySet<string> = new Set(["output_config", "metadata", "betas"]);

/** Adds the tool whose input is the answer, and makes the model call it, or one of the caller's own tools. */
function forcedAnswer(tool: JsonObject, tools: JsonObject[], choice: JsonObject | undefined): JsonObject {
  const others = tools.length > 0 && choice?.type !== "none";
  tools.push(tool);
  return { type: others ? "any" : "tool", ...(!others && { name: tool.name }), disable_parallel_tool_use: true };
}

function addSampling(body: Body, request: ChatRequest, thinking: boolean, context: RequestContext): void {
  const { sampling } = context.capabilities;
  const { temperature, topP, topK } = request;
  // neutral values on models that refuse all others
  const neutral = sampling === "refused" ? { temperature: 1, topP: 0.99 } : undefined;
  const reason = "it cannot be combined with thinking";
  if (temperature !== undefined && temperature !== neutral?.temperature) {
    if (thinking && temperature !== 1) context.drop("temperature", reason);
    else body.temperature = clampTemperature(temperature, context);
  }
  if (topP !== undefined && !(neutral !== undefined && topP >= neutral.topP)) {
    if (thinking && topP < 0.95) context.drop("top_p", reason);
    else if (sampling === "exclusive" && body.temperature !== undefined) {
      context.drop("top_p", "this model takes temperature or top_p, not both");
    } else body.top_p = topP;
  }
  if (topK !== undefined) {
    if (thinking) context.drop("top_k", reason);
    else body.top_k = topK;
  }
}

function clampTemperature(temperature: number, context: RequestContext): number {
  if (temperature <= 1) return temperature;
  context.note(`temperature ${temperature} was sent as 1, the highest that Anthropic takes`);
  return 1;
}

/** Anthropic's metadata is the end user's id alone. */
function addMetadata(body: Body, request: ChatRequest, own: JsonObject, context: RequestContext): void {
  const ownMetadata = isJsonObject(own.metadata) ? own.metadata : undefined;
  const userId = request.user ?? stringOf(request.metadata?.user_id);
  if (userId !== undefined || ownMetadata !== undefined) {
    body.metadata = { ...ownMetadata, ...(userId !== undefined && { user_id: userId }) };
  }
  const others = Object.keys(request.metadata ?? {}).filter((name) => name !== "user_id");
  if (others.length > 0) context.drop("metadata", "Anthropic takes the end user's id alone");
}

/** Parameters that the table refuses and an operator or client allows on purpose: sent under the name clients know. */
function addAllowed(body: Body, request: ChatRequest, unsupported: readonly ChatParameter[]): void {
  for (const field of unsupported) {
    const name = CHAT_PARAMETERS[field];
    if (request[field] !== undefined && body[name] === undefined) body[name] = request[field];
  }
}

/** Fields that another dialect kept for its own vendor. */
function noteForeignFields(request: ChatRequest, context: RequestContext): void {
  for (const origin in request.extra) {
    if (origin === ANTHROPIC) continue;
    const names = Object.keys(request.extra[origin] ?? {});
    for (const name of names) context.report(name);
    if (names.length > 0) context.note(`fields that only ${origin} takes were left out: ${names.join(", ")}`);
  }
}
