import assert from "node:assert/strict";
import type { Call } from "../call.ts";
import type { CanonicalChatEvent } from "../chat/event.ts";
import type { ChatResult } from "../chat/result.ts";
import { resultEvents } from "../chat/unfold.ts";
import type { CallRoute, Decoded, Dialect, DialectRequest, ReplyEncoder } from "../dialect.ts";
import { JsonBody } from "../http/json-body.ts";
import type { SseEvent } from "../http/sse-decode.ts";
import { SseDecoder } from "../http/sse-decode.ts";
import { SseFrameSplitter } from "../http/sse-frames.ts";
import type { OperationName } from "../operation.ts";
import { testCall } from "./test-context.ts";

/** What a client sends. */
export interface DialectInput {
  /** As the dialect declares it: `/v1/chat/completions`, `/engines/:model/chat/completions`. */
  readonly route: string;
  /** Values of `:name` in the route. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body: unknown;
}

/** Splits a stream into what a client's parser sees, frame by frame. */
export type FrameReader = (stream: Buffer) => readonly SseEvent[];

export function routeOf(dialect: Dialect, path: string): CallRoute {
  const route = dialect.routes.find((one) => one.kind === "call" && one.path === path);
  const paths = dialect.routes.map((one) => one.path).join(", ");
  assert.ok(route?.kind === "call", `the dialect has no call route ${path}; it has ${paths}`);
  return route as CallRoute;
}

/** What the surface would hand to the dialect. */
function dialectRequest(input: DialectInput, body?: JsonBody): DialectRequest {
  const { route, params = {}, query = {}, headers = {} } = input;
  return {
    method: "POST",
    path: route.replace(/:([a-zA-Z]+)/g, (whole, name: string) => params[name] ?? whole),
    query: new URLSearchParams(query),
    params,
    headers: { "content-type": "application/json", ...headers },
    body: body ?? JsonBody.of(input.body),
  };
}

export function decode(dialect: Dialect, input: DialectInput, body?: JsonBody): Decoded<OperationName> {
  return routeOf(dialect, input.route).decode(dialectRequest(input, body)) as Decoded<OperationName>;
}

/** The call that the surface would make of it, and its encoder. */
export function opened(dialect: Dialect, input: DialectInput): ReplyEncoder<"chat"> {
  const { operation } = routeOf(dialect, input.route);
  const decoded = decode(dialect, input);
  const call = testCall({ operation, request: decoded.request as never, options: decoded.options ?? {} });
  return decoded.encoder(call as unknown as Call) as unknown as ReplyEncoder<"chat">;
}

/** The events of a result, its texts cut into single characters: what a slow model sends. */
export function* slowEvents(result: ChatResult): Generator<CanonicalChatEvent> {
  for (const event of resultEvents(result)) {
    if (event.type !== "partDelta" || !("text" in event.delta)) yield event;
    else for (const text of event.delta.text) yield { ...event, delta: { ...event.delta, text } };
  }
}

/** The pieces of a stream, as a surface would write them. */
export function streamPieces(
  encoder: ReplyEncoder<"chat">,
  events: Iterable<CanonicalChatEvent>,
  result: ChatResult,
): readonly Buffer[] {
  const pieces: Buffer[] = [];
  let seen = false;
  for (const event of events) {
    seen = true;
    const piece = encoder.event(event);
    if (piece !== undefined) pieces.push(Buffer.from(piece as string));
  }
  pieces.push(Buffer.from(encoder.end(result, seen) as string));
  return pieces.filter(({ length }) => length > 0);
}

/** The frames of a stream of server-sent events; the same whole and byte by byte. */
export function sseFrames(stream: Buffer): readonly SseEvent[] {
  const decoder = new SseDecoder();
  const whole = [...decoder.push(stream)];
  const slow = new SseDecoder();
  const bytewise = Array.from(stream, (byte) => slow.push(Buffer.of(byte))).flat();
  assert.deepEqual(bytewise, whole, "byte by byte, a parser sees other frames");
  assert.deepEqual(decoder.end(), [], "the stream ends inside a frame");
  return whole;
}

/** Between any two pieces a heartbeat may stand: each is a row of whole frames. */
export function checkWholeFrames(piece: Buffer): void {
  const frames = new SseFrameSplitter().push(piece);
  assert.ok(frames?.length === piece.length, `not a row of whole frames: ${JSON.stringify(piece.toString())}`);
}
