import { GatewayError, isGatewayError } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { answerChat } from "../answer.ts";
import type { Behaviour } from "../behaviour.ts";
import { looksLikeBehaviour, parseBehaviour } from "../behaviour.ts";
import { chatEvents, chatResult } from "../chat.ts";
import { FAULTS } from "../faults.ts";
import type { MockSettings } from "../options.ts";
import type { Plans } from "../plan.ts";
import { inputTokens } from "../usage.ts";
import { ANTHROPIC_MESSAGES } from "./anthropic-reply.ts";
import { embeddingsJson } from "./embeddings.ts";
import { faultWireError, wireError } from "./errors.ts";
import { OPENAI_CHAT } from "./openai-reply.ts";
import type { WireDialect } from "./wire.ts";
import type { WireReply } from "./wire-reply.ts";
import { breakReply, errorReply, jsonReply, silentReply, splitReply, streamReply } from "./wire-reply.ts";

/** What a path serves. */
export type Endpoint = "chat" | "messages" | "countTokens" | "embeddings";

export interface Prepared {
  readonly reply: WireReply;
  /** An equal request gets an equal reply: the bytes may be used again. */
  readonly reusable: boolean;
}

/** The reply to a request, as bytes. */
export function prepareReply(
  endpoint: Endpoint,
  bytes: Buffer,
  modelHeader: string | undefined,
  settings: MockSettings,
  plans: Plans,
  defaultReply: string,
): Prepared {
  const dialect = endpoint === "messages" || endpoint === "countTokens" ? ANTHROPIC_MESSAGES : OPENAI_CHAT;
  try {
    const body = readBody(bytes);
    const asked = typeof body.model === "string" ? body.model : "";
    const model = modelHeader ?? playedModel(asked, settings.scriptNames) ?? defaultReply;
    const behaviour = plans.behaviour(model);
    const fault = plans.fault(model, behaviour)?.name;
    const script = behaviour.reply === undefined ? undefined : settings.scripts[behaviour.reply];
    const counts = behaviour.fault?.first !== undefined || behaviour.fault?.each !== undefined;
    return {
      reply: withFault(endpoint, body, behaviour, fault, dialect, settings),
      reusable: !counts && typeof script !== "function",
    };
  } catch (thrown) {
    return { reply: refusal(thrown, dialect), reusable: false };
  }
}

/**
 * The part of a model name that a mock understands: `echo`, also after a slash (`mock/echo`). Undefined for the names
 * of real models, which get the default reply; a misspelt mock model is an error, not a default.
 */
function playedModel(asked: string, scripts: readonly string[]): string | undefined {
  const name = asked.slice(asked.lastIndexOf("/") + 1);
  return !("problem" in parseBehaviour(name, scripts)) || looksLikeBehaviour(name) ? name : undefined;
}

function withFault(
  endpoint: Endpoint,
  body: JsonObject,
  behaviour: Behaviour,
  name: string | undefined,
  dialect: WireDialect,
  settings: MockSettings,
): WireReply {
  const fault = name === undefined ? undefined : FAULTS[name];
  if (fault?.when === "never") return silentReply();
  const timing = { slowMs: behaviour.slowMs ?? settings.latencyMs, lateMs: behaviour.lateMs };
  if (fault !== undefined && fault.status >= 400 && name !== "html") {
    return errorReply(faultWireError(name ?? ""), dialect, timing, behaviour.retryAfterMs);
  }
  const good = goodReply(endpoint, body, behaviour, dialect, settings);
  const reply = name === undefined ? good : breakReply(good, name, dialect, faultWireError(name));
  return behaviour.splitBytes === undefined ? reply : splitReply(reply, behaviour.splitBytes);
}

function goodReply(
  endpoint: Endpoint,
  body: JsonObject,
  behaviour: Behaviour,
  dialect: WireDialect,
  settings: MockSettings,
): WireReply {
  const timing = { slowMs: behaviour.slowMs ?? settings.latencyMs, lateMs: behaviour.lateMs };
  if (endpoint === "embeddings") return jsonReply(200, embeddingsJson(body, settings.dimensions), timing);
  const request = dialect.request(body);
  if (endpoint === "countTokens") return jsonReply(200, JSON.stringify({ input_tokens: inputTokens(request) }), timing);
  const answer = answerChat(request, behaviour, settings);
  const times = { ...timing, slowMs: answer.latencyMs, gapMs: answer.gapMs };
  const id = endpoint === "messages" ? "msg_mock" : "chatcmpl-mock";
  const result = chatResult(answer, id, request.model, request.choiceCount ?? 1, settings.createdAt);
  if (request.stream !== true) return jsonReply(200, dialect.result(result), times);
  return streamReply(dialect.frames(chatEvents(result, answer.cut), body), dialect.contentType, times);
}

function readBody(bytes: Buffer): JsonObject {
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString());
  } catch (cause) {
    throw new GatewayError("invalid_request", "the body is not JSON", { cause });
  }
  if (!isJsonObject(body)) throw new GatewayError("invalid_request", "the body must be an object");
  return body;
}

/** What is wrong with the request, or what a script threw. */
function refusal(thrown: unknown, dialect: WireDialect): WireReply {
  if (isGatewayError(thrown)) {
    const { status, message, param, type, code, retryAfterMs } = thrown;
    const error = { ...wireError(status || 500, message, param ?? null), ...(status === 429 && { type }) };
    return errorReply(code === "context_length_exceeded" ? { ...error, code } : error, dialect, {}, retryAfterMs);
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return errorReply(wireError(thrown instanceof TypeError ? 400 : 500, message), dialect, {});
}
