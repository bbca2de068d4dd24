import assert from "node:assert/strict";
import type { CallOptions } from "../call.ts";
import type { ChatResult } from "../chat/result.ts";
import { resultEvents } from "../chat/unfold.ts";
import type { Dialect } from "../dialect.ts";
import type { ErrorCode } from "../errors.ts";
import { ERROR_RULES, GatewayError, isGatewayError } from "../errors.ts";
import { parseJsonBody } from "../http/json-body.ts";
import type { SseEvent } from "../http/sse-decode.ts";
import type { OperationName, ResultOf } from "../operation.ts";
import { assertIncludes, withoutUndefined } from "./compare.ts";
import type { DialectInput, FrameReader } from "./dialect-bench.ts";
import { checkWholeFrames, decode, opened, routeOf, slowEvents, sseFrames, streamPieces } from "./dialect-bench.ts";
import { checkWrongTypes } from "./dialect-fuzz.ts";
import type { Runner } from "./runner.ts";
import { Cases } from "./runner.ts";

/** A client's request and its meaning. */
export interface DecodeCase extends DialectInput {
  readonly name: string;
  /** The whole canonical request. */
  readonly expected: object;
  /** Members that the call's options must have. */
  readonly options?: CallOptions;
}

/** A client's request that is wrong. */
export interface InvalidCase extends DialectInput {
  readonly name: string;
  /** The field at fault, as the client wrote it. */
  readonly param: string;
  /** Default `invalid_request`. */
  readonly code?: ErrorCode;
}

/** A canonical result and what the client gets. */
export interface ReplyCase {
  readonly name: string;
  /** The request that is answered; its stream form, where it has one, is `streamed`. */
  readonly plain: DialectInput;
  readonly streamed?: DialectInput;
  readonly result: ResultOf<OperationName>;
  /** Members that the body of the plain reply must have. */
  readonly expected: object;
  /** What a client has understood when the stream is over; made by `read`. */
  readonly content?: unknown;
}

/** Everything is on unless declared `false`. */
export interface DialectCapabilities {
  /** Off: the dialect has no streams. */
  readonly streaming?: boolean;
  /** Off: requests leave the bytes of the client behind. */
  readonly native?: boolean;
}

/** What `testDialect` needs. */
export interface DialectKit {
  readonly runner: Runner;
  readonly dialect: () => Dialect;
  readonly requests: readonly DecodeCase[];
  readonly invalid: readonly InvalidCase[];
  readonly replies: readonly ReplyCase[];
  /** Reads a stream as the dialect's clients do, without looking at ids and times: text, tool calls, finish, usage. */
  readonly read?: (frames: readonly SseEvent[]) => unknown;
  /** Default: server-sent events. */
  readonly frames?: FrameReader;
  /** Data of a frame that is no JSON: `[DONE]`. */
  readonly terminator?: string;
  /** Members that the body of an error must have, by code. */
  readonly errors?: { readonly [Code in ErrorCode]?: object };
  readonly capabilities?: DialectCapabilities;
}

/** The conformance suite of dialects: requests in, replies, streams and errors out. */
export function testDialect(kit: DialectKit): void {
  const cases = new Cases(kit.runner, kit.capabilities);
  cases.group("dialect conformance", () => {
    cases.add("has requests, invalid requests, replies and errors to show", () => {
      for (const list of ["requests", "invalid", "replies"] as const) assert.ok(kit[list].length > 0, `give ${list}`);
      assert.ok(Object.keys(kit.errors ?? {}).length > 0, "give errors");
    });
    for (const one of kit.requests) requestCases(kit, cases, one);
    for (const one of kit.invalid) cases.add(`invalid: ${one.name}`, () => checkInvalid(kit, one));
    for (const one of kit.replies) replyCases(kit, cases, one);
    for (const code of Object.keys(ERROR_RULES) as ErrorCode[]) {
      if (ERROR_RULES[code].status > 0) cases.add(`errors: ${code}`, () => checkError(kit, code));
    }
  });
}

function requestCases(kit: DialectKit, cases: Cases, one: DecodeCase): void {
  cases.add(`request: ${one.name}`, () => {
    const { request, options } = decode(kit.dialect(), one);
    assert.deepEqual(withoutUndefined(request), one.expected);
    if (one.options !== undefined) assertIncludes(options, one.options, "options");
  });
  cases.add(`request: ${one.name}, wrong types are the client's fault`, () => checkWrongTypes(kit.dialect(), one));
  cases.add(`request: ${one.name}, unknown fields survive in the native lane`, () => {
    // Written by hand: bytes that JSON.stringify would write otherwise.
    const unknown = '"x_kit_unknown": {"a" : [1.50, "\\u00e9", 12345678901234567890]}';
    const known = JSON.stringify(one.body).slice(1);
    const bytes = Buffer.from(`{ ${unknown}${known === "}" ? "" : ", "}${known}`);
    const { native, request } = decode(kit.dialect(), one, parseJsonBody(bytes));
    assert.ok(native !== undefined, "decode() hands over no native request");
    assert.notEqual(native.dialect, "", "native.dialect");
    const sent = native.body.edit(native.edits).toString();
    assert.ok(sent.includes(unknown), `the unknown field was changed: ${sent}`);
    assert.equal(typeof request, "object");
  }, ["native"]);
}

function checkInvalid(kit: DialectKit, one: InvalidCase): void {
  let thrown: unknown;
  try {
    decode(kit.dialect(), one);
  } catch (failure) {
    thrown = failure;
  }
  assert.ok(thrown !== undefined, "it was accepted");
  assert.ok(isGatewayError(thrown), `expected a GatewayError, got ${String(thrown)}`);
  assert.equal(thrown.code, one.code ?? "invalid_request");
  assert.equal(thrown.param, one.param, `param (message: ${thrown.message})`);
}

function replyCases(kit: DialectKit, cases: Cases, one: ReplyCase): void {
  cases.add(`reply: ${one.name}`, () => {
    const encoder = opened(kit.dialect(), one.plain);
    assert.equal(encoder.streaming, false, "the client asked for no stream");
    const { status, headers, body } = encoder.result(one.result as ChatResult);
    assert.equal(status, 200);
    checkJsonType(headers);
    assertIncludes(JSON.parse(body.toString()), one.expected, "body");
  });
  if (routeOf(kit.dialect(), one.plain.route).operation !== "chat") return;
  const stream = (name: string, check: (one: StreamCase, read: Reader) => void): void =>
    cases.add(`reply: ${one.name}, ${name}`, () => {
      assert.ok(one.streamed !== undefined, `give replies[].streamed, or declare capabilities.streaming: false`);
      assert.ok(kit.read !== undefined, "give read, or declare capabilities.streaming: false");
      check({ streamed: one.streamed, result: one.result as ChatResult, content: one.content }, reader(kit));
    }, ["streaming"]);
  stream("streamed", (asked, read) => {
    const encoder = opened(kit.dialect(), asked.streamed);
    assert.equal(encoder.streaming, true, "the client asked for a stream");
    const pieces = streamPieces(encoder, resultEvents(asked.result), asked.result);
    assert.ok(pieces.length > 1, "nothing was sent before the end");
    assert.deepEqual(read(pieces), asked.content);
  });
  stream("streamed character by character", (asked, read) => {
    const encoder = opened(kit.dialect(), asked.streamed);
    assert.deepEqual(read(streamPieces(encoder, slowEvents(asked.result), asked.result)), asked.content);
  });
  stream("streamed without events", (asked, read) => {
    const pieces = streamPieces(opened(kit.dialect(), asked.streamed), [], asked.result);
    assert.deepEqual(read(pieces), asked.content, "a reply without events says something else");
  });
  stream("with heartbeats in between", (asked, read) => {
    const encoder = opened(kit.dialect(), asked.streamed);
    const beat = Buffer.from(encoder.heartbeat);
    assert.ok(beat.length > 0, "the heartbeat is empty");
    const pieces = streamPieces(encoder, resultEvents(asked.result), asked.result);
    if (kit.frames === undefined) for (const piece of [beat, ...pieces]) checkWholeFrames(piece);
    assert.deepEqual(read([beat, ...pieces.flatMap((piece) => [piece, beat])]), asked.content);
  });
  stream("two at the same time", (asked, read) => checkTwo(kit, asked, read));
  stream("cut by an error", (asked) => checkCut(kit, asked));
}

interface StreamCase {
  readonly streamed: DialectInput;
  readonly result: ChatResult;
  readonly content: unknown;
}

type Reader = (pieces: readonly Buffer[]) => unknown;

function reader(kit: DialectKit): Reader {
  return (pieces) => {
    const frames = (kit.frames ?? sseFrames)(Buffer.concat(pieces));
    for (const { data } of frames) {
      if (data !== kit.terminator) assert.doesNotThrow(() => JSON.parse(data), `not JSON: ${data}`);
    }
    return kit.read?.(frames);
  };
}

/** Encoders keep their state to themselves. */
function checkTwo(kit: DialectKit, one: StreamCase, read: Reader): void {
  const dialect = kit.dialect();
  const [first, second] = [opened(dialect, one.streamed), opened(dialect, one.streamed)];
  const pieces: [Buffer[], Buffer[]] = [[], []];
  for (const event of resultEvents(one.result)) {
    for (const [index, encoder] of [first, second].entries()) {
      const piece = encoder.event(event);
      if (piece !== undefined) pieces[index]?.push(Buffer.from(piece as string));
    }
  }
  for (const [index, encoder] of [first, second].entries()) {
    pieces[index]?.push(Buffer.from(encoder.end(one.result, true) as string));
    assert.deepEqual(read(pieces[index] ?? []), one.content, "streams of parallel calls are mixed up");
  }
}

/** What had been sent stays valid, the reason is told, and nothing says that the answer is complete. */
function checkCut(kit: DialectKit, one: StreamCase): void {
  const encoder = opened(kit.dialect(), one.streamed);
  const [start, ...rest] = resultEvents(one.result);
  const pieces: Buffer[] = [];
  for (const event of [start, ...rest.slice(0, 2)]) {
    const piece = event === undefined ? undefined : encoder.event(event);
    if (piece !== undefined) pieces.push(Buffer.from(piece as string));
  }
  const error = new GatewayError("provider_error", "kit: the provider has gone", { source: "kit" });
  pieces.push(Buffer.from(encoder.error(error)));
  const frames = (kit.frames ?? sseFrames)(Buffer.concat(pieces));
  assert.ok(
    frames.some(({ data }) => data.includes(error.message)),
    "the client is not told what happened",
  );
  assert.ok(!frames.some(({ data }) => data === kit.terminator), "the stream ends as if it were complete");
}

function checkError(kit: DialectKit, code: ErrorCode): void {
  const error = new GatewayError(code, 'kit: say "why" – 世界', {
    param: "kit.param",
    source: "kit",
    retryAfterMs: 1_500,
  });
  const { status, headers, body } = kit.dialect().encodeError(error, "kit-call-id");
  assert.equal(status, ERROR_RULES[code].status, "status");
  checkJsonType(headers);
  const parsed: unknown = JSON.parse(body.toString());
  assert.ok(body.toString().includes("kit: say"), "the message is missing");
  assert.ok(!body.toString().includes(" at "), "the body shows a stack");
  const expected = kit.errors?.[code];
  if (expected !== undefined) assertIncludes(parsed, expected, "body");
}

function checkJsonType(headers: Readonly<Record<string, string>>): void {
  const [, type] = Object.entries(headers).find(([name]) => name.toLowerCase() === "content-type") ?? [];
  assert.match(type ?? "", /^application\/json\b/, "content-type");
}
