import type { Frame, WireDialect, WireError } from "./wire.ts";

/** How a reply ends: as it should, by a reset of the connection, or by silence. */
export type Ending = "end" | "reset" | "silence";

/** A response, ready to be written; the same object serves equal requests. */
export interface WireReply {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** One write each. */
  readonly frames: readonly Frame[];
  /** `content-length`; undefined: chunked. */
  readonly length: number | undefined;
  readonly ending: Ending;
  readonly slowMs: number;
  readonly lateMs: number;
  readonly gapMs: number;
}

export interface Timing {
  readonly slowMs?: number | undefined;
  readonly lateMs?: number | undefined;
  readonly gapMs?: number | undefined;
}

const JSON_TYPE = "application/json";
const HTML = Buffer.from("<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>\n");
const NOT_JSON = Buffer.from('data: {"id":"broken","choices":[{\n\n');

export function jsonReply(
  status: number,
  json: string,
  timing: Timing = {},
  headers: readonly string[] = [],
): WireReply {
  return whole(status, JSON_TYPE, Buffer.from(json), timing, headers);
}

export function errorReply(error: WireError, dialect: WireDialect, timing: Timing, retryAfterMs?: number): WireReply {
  const headers =
    retryAfterMs === undefined
      ? []
      : ["retry-after", String(Math.ceil(retryAfterMs / 1000)), "retry-after-ms", String(retryAfterMs)];
  return jsonReply(error.status, dialect.error(error), timing, headers);
}

export function streamReply(frames: readonly Frame[], contentType: string, timing: Timing): WireReply {
  return {
    status: 200,
    headers: ["content-type", contentType, "cache-control", "no-cache"],
    frames,
    length: undefined,
    ending: "end",
    ...times(timing),
  };
}

/** Never anything, not even a response head. */
export function silentReply(): WireReply {
  return { ...whole(200, JSON_TYPE, Buffer.alloc(0), { slowMs: Number.POSITIVE_INFINITY }), ending: "silence" };
}

/** A good reply with a fault of the body in it. Faults with an error status are no business of this function. */
export function breakReply(reply: WireReply, fault: string, dialect: WireDialect, error: WireError): WireReply {
  const streamed = reply.length === undefined;
  const half = firstHalf(reply.frames);
  switch (fault) {
    case "html":
      return { ...whole(502, "text/html; charset=utf-8", HTML, {}), ...times(reply) };
    case "empty":
      return { ...whole(200, reply.headers[1] ?? JSON_TYPE, Buffer.alloc(0), {}), ...times(reply) };
    case "content-type":
      return { ...reply, headers: ["content-type", "text/plain; charset=utf-8", ...reply.headers.slice(2)] };
    case "error-event":
      return streamed
        ? { ...reply, frames: [{ bytes: dialect.errorFrame(error), delta: false }] }
        : { ...jsonReply(200, dialect.error(error)), ...times(reply) };
    case "midstream":
      return streamed
        ? { ...reply, frames: [...half, { bytes: dialect.errorFrame(error), delta: false }] }
        : { ...jsonReply(error.status, dialect.error(error)), ...times(reply) };
    case "malformed":
      return {
        ...reply,
        frames: [...half, { bytes: NOT_JSON, delta: true }, ...reply.frames.slice(half.length)],
        length: undefined,
      };
    case "cut":
      return { ...reply, frames: half, length: undefined };
    case "half-json":
      return { ...reply, frames: streamed ? [...half.slice(0, -1), ...halves(half.at(-1))] : half, length: undefined };
    case "reset":
      return { ...reply, frames: half, ending: "reset" };
    case "stall":
      return { ...reply, frames: half, ending: "silence" };
    default:
      throw new RangeError(`the fault ${JSON.stringify(fault)} does not break a body`);
  }
}

/** The same bytes in writes of so many bytes. */
export function splitReply(reply: WireReply, bytes: number): WireReply {
  const all = Buffer.concat(reply.frames.map((frame) => frame.bytes));
  const count = Math.ceil(all.length / bytes);
  return {
    ...reply,
    frames: Array.from({ length: count }, (_, index) => ({
      bytes: all.subarray(index * bytes, (index + 1) * bytes),
      delta: false,
    })),
  };
}

function whole(
  status: number,
  contentType: string,
  bytes: Buffer,
  timing: Timing,
  headers: readonly string[] = [],
): WireReply {
  return {
    status,
    headers: ["content-type", contentType, ...headers],
    frames: bytes.length === 0 ? [] : [{ bytes, delta: false }],
    length: bytes.length,
    ending: "end",
    ...times(timing),
  };
}

function times({ slowMs = 0, lateMs = 0, gapMs = 0 }: Timing): Required<Record<keyof Timing, number>> {
  return { slowMs, lateMs, gapMs };
}

/** Frames up to the middle of the answer; the first half of a body that is one piece. */
function firstHalf(frames: readonly Frame[]): readonly Frame[] {
  if (frames.length === 1) return halves(frames[0]);
  const wanted = Math.ceil(frames.reduce((sum, frame) => (frame.delta ? sum + 1 : sum), 0) / 2);
  let seen = 0;
  const end = frames.findIndex((frame) => frame.delta && seen++ === wanted);
  return frames.slice(0, end < 0 ? Math.ceil(frames.length / 2) : end);
}

function halves(frame: Frame | undefined): readonly Frame[] {
  return frame === undefined ? [] : [{ ...frame, bytes: frame.bytes.subarray(0, Math.ceil(frame.bytes.length / 2)) }];
}
