import type {
  Attempt,
  CanonicalChatEvent,
  ChatEvent,
  ChatResult,
  Reply,
  TransportRequest,
  TransportStream,
} from "@signalbox/kernel";
import { ChatFold, nativeChatResult } from "@signalbox/kernel";
import { SseFrameSplitter, sseEvents } from "@signalbox/kernel/http";
import { AnthropicChatEvents } from "./chat-events.ts";
import { chatRequest } from "./chat-request.ts";
import { chatResult } from "./chat-result.ts";
import type { Endpoint } from "./endpoint.ts";
import { requestHeaders } from "./endpoint.ts";
import { apiError, parseReply } from "./errors.ts";
import { MESSAGES_DIALECT } from "./names.ts";
import { NativeFrames } from "./native-frames.ts";
import { nativeBody } from "./native-request.ts";
import type { StandInTools } from "./reply-parts.ts";

/** `POST /v1/messages`: in the client's own bytes where it speaks this dialect, else translated. */
export async function* chat(attempt: Attempt<"chat">, endpoint: Endpoint): Reply<"chat"> {
  const native = nativeBody(attempt, endpoint.capabilities);
  const clientHeaders = attempt.native?.dialect === MESSAGES_DIALECT ? attempt.native : undefined;
  if (native !== undefined) {
    const request = messagesRequest(endpoint, requestHeaders(endpoint, clientHeaders), native);
    return attempt.request.stream === true ? yield* forwardStream(attempt, request) : await forward(attempt, request);
  }
  const { body, standIns, betas } = chatRequest(attempt, endpoint.capabilities);
  const headers = requestHeaders(endpoint, clientHeaders, betas);
  const request = messagesRequest(endpoint, headers, JSON.stringify(body));
  return attempt.request.stream === true
    ? yield* translateStream(attempt, request, standIns)
    : await translate(attempt, request, standIns);
}

function messagesRequest(endpoint: Endpoint, headers: readonly string[], body: Buffer | string): TransportRequest {
  return { method: "POST", origin: endpoint.origin, path: `${endpoint.basePath}/v1/messages`, headers, body };
}

async function forward(attempt: Attempt, request: TransportRequest): Promise<ChatResult> {
  const response = await attempt.transport.send(request);
  if (response.status >= 300) throw apiError(response.status, response.headers, response.body);
  return nativeResult(response.body);
}

/** @throws {GatewayError} `provider_error` when the body is no message */
function nativeResult(body: Buffer): ChatResult {
  return nativeChatResult(chatResult(parseReply(body), nowSeconds()), { dialect: MESSAGES_DIALECT, body });
}

async function translate(attempt: Attempt, request: TransportRequest, standIns: StandInTools): Promise<ChatResult> {
  const response = await attempt.transport.send(request);
  if (response.status >= 300) throw apiError(response.status, response.headers, response.body);
  return chatResult(parseReply(response.body), nowSeconds(), standIns);
}

async function* forwardStream(
  attempt: Attempt,
  request: TransportRequest,
): AsyncGenerator<ChatEvent, ChatResult, void> {
  const stream = await attempt.transport.open(request);
  try {
    const whole = await wholeReply(stream);
    if (whole !== undefined) return nativeResult(whole);
    const splitter = new SseFrameSplitter();
    const frames = new NativeFrames(nowSeconds());
    for (;;) {
      const bytes = await stream.read();
      const complete = bytes === undefined ? splitter.end() : splitter.push(bytes);
      if (complete !== undefined) {
        const { frame, error } = frames.push(complete);
        if (frame !== undefined) yield frame;
        if (error !== undefined) throw error;
      }
      if (bytes === undefined) return frames.result();
    }
  } finally {
    stream.close();
  }
}

async function* translateStream(
  attempt: Attempt,
  request: TransportRequest,
  standIns: StandInTools,
): AsyncGenerator<CanonicalChatEvent, ChatResult, void> {
  const stream = await attempt.transport.open(request);
  try {
    const whole = await wholeReply(stream);
    if (whole !== undefined) return chatResult(parseReply(whole), nowSeconds(), standIns);
    const events = new AnthropicChatEvents(nowSeconds(), standIns);
    const fold = new ChatFold();
    for await (const frame of sseEvents(stream)) {
      for (const event of events.push(frame)) {
        fold.push(event);
        yield event;
      }
    }
    events.end();
    return fold.result();
  } finally {
    stream.close();
  }
}

/** The body of an upstream that answers a request for a stream without one. @throws {GatewayError} for an error status */
async function wholeReply(stream: TransportStream): Promise<Buffer | undefined> {
  if (stream.status >= 300) throw apiError(stream.status, stream.headers, await stream.readAll());
  const type = stream.headers["content-type"];
  return typeof type === "string" && type.startsWith("application/json") ? await stream.readAll() : undefined;
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
