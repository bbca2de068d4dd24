import type {
  Call,
  CanonicalChatEvent,
  ChatEvent,
  ChatResult,
  Decoded,
  Dialect,
  DialectRequest,
  GatewayError,
  HttpReply,
  ReplyEncoder,
} from "@signalbox/kernel";
import { GatewayError as Failure, isFrame, textOf } from "@signalbox/kernel";
import { SSE_DONE, SSE_HEARTBEAT, sseData, sseEvent } from "@signalbox/kernel/http";

interface Body {
  readonly model: string;
  readonly text: string;
  readonly stream?: boolean;
  readonly drop_params?: boolean;
}

/** Just enough of two dialects to tell them apart: the request is `{ model, text, stream }`, the text comes back. */
export const openaiLike: Dialect = {
  name: "openai-chat",
  routes: [
    { kind: "call", method: "POST", path: "/v1/chat/completions", operation: "chat", decode: decodeOpenai },
    { kind: "call", method: "POST", path: "/engines/:model/chat/completions", operation: "chat", decode: decodeOpenai },
    {
      kind: "resource",
      method: "GET",
      path: "/v1/models",
      access: "caller",
      handle: async (_request, { models }) => json(200, { data: (await models()).map(({ name }) => name) }),
    },
    {
      kind: "resource",
      method: "GET",
      path: "/v1/models/:model+",
      access: "caller",
      handle: ({ params }) => json(200, { id: params.model }),
    },
    {
      kind: "resource",
      method: "POST",
      path: "/v1/audio",
      access: "caller",
      handle: ({ form, body }) => json(200, { bytes: form?.length ?? null, json: body?.value ?? null }),
    },
  ],
  encodeError: ({ status, message, type, code }) => json(status, { error: { message, type, param: null, code } }),
};

export const anthropicLike: Dialect = {
  name: "anthropic-messages",
  routes: [
    { kind: "call", method: "POST", path: "/v1/messages", operation: "chat", decode: decodeAnthropic },
    {
      kind: "resource",
      method: "GET",
      path: "/v1/models",
      access: "caller",
      when: (headers) => headers["anthropic-version"] !== undefined,
      handle: () => json(200, { data: [], has_more: false }),
    },
  ],
  encodeError: ({ status, message, code }, requestId) =>
    json(status, { type: "error", error: { type: `anthropic_${code}`, message }, request_id: requestId }),
};

export const geminiLike: Dialect = {
  name: "gemini",
  routes: [
    { kind: "call", method: "POST", path: "/v1beta/models/:model:generate", operation: "chat", decode: decodeOpenai },
    { kind: "call", method: "POST", path: "/v1beta/models/:model:stream", operation: "chat", decode: decodeStream },
  ],
  encodeError: ({ status, message }) => ({
    ...json(status, { error: { code: status, message, status: "GEMINI" } }),
    headers: { "content-type": "application/json", "x-signalbox-error-contract": "1", "retry-after": "7" },
  }),
};

function decodeStream(request: DialectRequest): Decoded<"chat"> {
  return decode(request, openaiEncoder, true);
}

function decodeOpenai(request: DialectRequest): Decoded<"chat"> {
  return decode(request, openaiEncoder);
}

function decodeAnthropic(request: DialectRequest): Decoded<"chat"> {
  return decode(request, anthropicEncoder);
}

function decode(
  { body, params }: DialectRequest,
  encoder: (call: Call<"chat">) => ReplyEncoder<"chat">,
  stream?: boolean,
): Decoded<"chat"> {
  if (body === undefined) throw new Failure("invalid_request", "the request body is missing");
  const { text, ...sent } = body.value as Body;
  const model = params.model ?? sent.model;
  if (typeof model !== "string") throw new Failure("invalid_request", "model must be a string", { param: "model" });
  const streaming = stream ?? sent.stream ?? false;
  return {
    request: { model, messages: [{ role: "user", content: [{ type: "text", text }] }], stream: streaming },
    options: { ...(sent.drop_params !== undefined && { dropParams: sent.drop_params }) },
    native: { dialect: "openai-chat", body, edits: {}, headers: [] },
    encoder,
  };
}

function openaiEncoder(call: Call<"chat">): ReplyEncoder<"chat"> {
  return {
    streaming: call.request.stream === true,
    headers: { "x-test-encoder": "openai" },
    heartbeat: SSE_HEARTBEAT,
    result: (result) => json(200, { object: "chat.completion", text: textOfResult(result) }),
    event(event: ChatEvent) {
      if (isFrame(event)) return event.bytes;
      const text = deltaOf(event);
      return text === undefined ? undefined : sseData(JSON.stringify({ text }));
    },
    end: (result, eventsSeen) =>
      eventsSeen ? SSE_DONE : sseData(JSON.stringify({ text: textOfResult(result) })) + SSE_DONE,
    error: ({ message, code }: GatewayError) => sseData(JSON.stringify({ error: { message, code } })),
  };
}

function anthropicEncoder(call: Call<"chat">): ReplyEncoder<"chat"> {
  return {
    streaming: call.request.stream === true,
    heartbeat: sseEvent("ping", "{}"),
    result: (result) => json(200, { type: "message", text: textOfResult(result) }),
    event(event: ChatEvent) {
      const text = isFrame(event) ? undefined : deltaOf(event);
      return text === undefined ? undefined : sseEvent("delta", JSON.stringify({ text }));
    },
    end: () => sseEvent("stop", "{}"),
    error: ({ message }: GatewayError) => sseEvent("error", JSON.stringify({ message })),
  };
}

function deltaOf(event: CanonicalChatEvent): string | undefined {
  return event.type === "partDelta" && event.delta.type === "text" ? event.delta.text : undefined;
}

function textOfResult({ choices }: ChatResult): string {
  return textOf(choices[0]?.content ?? []);
}

function json(status: number, value: unknown): HttpReply {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
