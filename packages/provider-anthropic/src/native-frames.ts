import type { CanonicalChatEvent, ChatResult, FrameDecoder, NativeFrame } from "@signalbox/kernel";
import { ChatFold, forwardedChatResult, GatewayError } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject, SseDecoder } from "@signalbox/kernel/http";
import { AnthropicChatEvents } from "./chat-events.ts";
import { streamError } from "./errors.ts";
import { stringOf } from "./json-object.ts";
import { ANTHROPIC, MESSAGES_DIALECT } from "./names.ts";
import { mergeUsage, serviceTierFrom, usageFrom, usageOfEvent } from "./usage.ts";

const LF = 0x0a;
const CR = 0x0d;
const USAGE = Buffer.from('"usage"');
const ERROR = Buffer.from('"error"');
const STOP = Buffer.from('"message_stop"');
const DATA = Buffer.from("data:");
const EVENT_NAME = Buffer.from("event:");

/** Reads frames that a layer wants to look into. */
class MessagesFrameDecoder implements FrameDecoder<CanonicalChatEvent, ChatResult> {
  readonly #sse = new SseDecoder();
  readonly #fold = new ChatFold();
  readonly #events: AnthropicChatEvents;

  constructor(createdAt: number) {
    this.#events = new AnthropicChatEvents(createdAt);
  }

  push(bytes: Buffer): readonly CanonicalChatEvent[] {
    const events: CanonicalChatEvent[] = [];
    for (const frame of this.#sse.push(bytes)) events.push(...this.#events.push(frame));
    for (const event of events) this.#fold.push(event);
    return events;
  }

  end(): ChatResult {
    this.#events.end();
    return this.#fold.result();
  }
}

/**
 * Passes the frames of a stream on as bytes. Of their content it looks only at what a gateway has to know: the usage,
 * errors, and whether the message came to its end. These are found by searching bytes; within JSON strings quotes and
 * line ends are escaped, so that nothing a model writes looks like them.
 */
export class NativeFrames {
  readonly #createdAt: number;
  readonly #decoder: MessagesFrameDecoder;
  #message: JsonObject | undefined;
  #usage: JsonObject = {};
  #begun = false;
  #complete = false;

  constructor(createdAt: number) {
    this.#createdAt = createdAt;
    this.#decoder = new MessagesFrameDecoder(createdAt);
  }

  /**
   * Whole frames → the event that forwards them. An error within them is thrown if it is the reply's first news; else
   * what stands before it is forwarded, and `error` holds it.
   */
  push(bytes: Buffer): { readonly frame: NativeFrame<CanonicalChatEvent> | undefined; readonly error?: GatewayError } {
    // comments before the first event are no news
    if (!this.#begun && !bytes.includes(DATA)) return { frame: undefined };
    const first = !this.#begun;
    this.#begun = true;
    if (bytes.includes(USAGE)) this.#readUsage(bytes);
    const failure = bytes.includes(ERROR) ? findError(bytes) : undefined;
    if (failure === undefined) {
      // what follows the end, such as comments, does not undo it
      this.#complete ||= bytes.includes(STOP) && lines(bytes, STOP).some(({ data }) => data?.type === "message_stop");
      return { frame: this.#frame(bytes) };
    }
    if (first || failure.start === 0) return { frame: undefined, error: failure.error };
    return { frame: this.#frame(bytes.subarray(0, failure.start)), error: failure.error };
  }

  /** @throws {GatewayError} `provider_error` when the message's end has not come */
  result(): ChatResult {
    if (!this.#complete) {
      throw new GatewayError("provider_error", "the upstream's stream ended before its end", { source: ANTHROPIC });
    }
    const serviceTier = serviceTierFrom(this.#usage);
    const known = {
      id: stringOf(this.#message?.id) ?? "",
      model: stringOf(this.#message?.model) ?? "",
      createdAt: this.#createdAt,
      usage: usageFrom(this.#usage),
      ...(serviceTier !== undefined && { serviceTier }),
    };
    return forwardedChatResult(known, MESSAGES_DIALECT);
  }

  #frame(bytes: Buffer): NativeFrame<CanonicalChatEvent> {
    return { type: "frame", dialect: MESSAGES_DIALECT, bytes, decoder: this.#decoder };
  }

  #readUsage(bytes: Buffer): void {
    for (const { data } of lines(bytes, USAGE)) {
      if (data === undefined) continue;
      if (isJsonObject(data.message)) this.#message = data.message;
      const usage = usageOfEvent(data);
      if (usage !== undefined) this.#usage = mergeUsage(this.#usage, usage);
    }
  }
}

interface DataLine {
  /** Where the line begins. */
  readonly start: number;
  readonly data: JsonObject | undefined;
}

/** The `data:` lines that hold some bytes, parsed. */
function lines(bytes: Buffer, containing: Buffer): readonly DataLine[] {
  const found: DataLine[] = [];
  let start = 0;
  while (start < bytes.length) {
    const end = lineEnd(bytes, start);
    const line = bytes.subarray(start, end);
    if (line.subarray(0, 5).toString("latin1") === "data:" && line.includes(containing)) {
      found.push({ start, data: parseLine(line) });
    }
    start = end + 1;
  }
  return found;
}

function lineEnd(bytes: Buffer, start: number): number {
  const feed = bytes.indexOf(LF, start);
  const end = feed < 0 ? bytes.length : feed;
  // within the line alone: a search to the end of the buffer, for each line, would cost the square of its size
  const back = bytes.subarray(start, end).indexOf(CR);
  return back < 0 ? end : start + back;
}

function parseLine(line: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line.toString("utf8", 5));
    return isJsonObject(value) ? value : undefined;
  } catch (cause) {
    throw new GatewayError("provider_error", "the upstream sent an event that is not JSON", {
      source: ANTHROPIC,
      cause,
    });
  }
}

/** The first error event, and where its frame begins. */
function findError(bytes: Buffer): { readonly start: number; readonly error: GatewayError } | undefined {
  for (const { start, data } of lines(bytes, ERROR)) {
    if (data?.type !== "error") continue;
    const name = bytes.lastIndexOf(EVENT_NAME, start);
    const nameIsItsOwn = name >= 0 && lineEnd(bytes, name) >= start - 2;
    return { start: nameIsItsOwn ? name : start, error: streamError(data) };
  }
  return undefined;
}
