import { StringDecoder } from "node:string_decoder";
import type { EventSourceParser } from "eventsource-parser";
import { createParser } from "eventsource-parser";
import { GatewayError } from "../errors.ts";
import type { TransportStream } from "../transport.ts";
import { decodedValues } from "./decoded-values.ts";

/** Largest SSE frame in bytes: an upstream that never ends a frame must not fill the memory. */
export const MAX_SSE_FRAME_BYTES: number = 4 * 1024 * 1024;

/** One server-sent event. */
export interface SseEvent {
  /** Value of the `event:` field; undefined when there was none. */
  readonly event?: string | undefined;
  /** All `data:` lines, joined with line feeds. */
  readonly data: string;
  readonly id?: string | undefined;
}

const NO_EVENTS: readonly SseEvent[] = [];

/**
 * Server-sent events out of bytes that are cut anywhere, inside a UTF-8 sequence too.
 * Comments, unknown fields and a byte order mark are skipped. Throws `provider_error` when one event exceeds the limit.
 */
export class SseDecoder {
  readonly #parser: EventSourceParser;
  readonly #text: StringDecoder = new StringDecoder("utf8");
  /** The decoder may hold the start of a character. */
  #partial = false;
  #events: SseEvent[] = [];
  #tooLarge = false;

  constructor(maxEventLength: number = MAX_SSE_FRAME_BYTES) {
    this.#parser = createParser({
      maxBufferSize: maxEventLength,
      onEvent: (event) => void this.#events.push(event),
      onError: (error) => {
        if (error.type === "max-buffer-size-exceeded") this.#tooLarge = true;
      },
    });
  }

  /** Takes bytes in any cut; answers the events that they complete. */
  push(bytes: Uint8Array): readonly SseEvent[] {
    const last = bytes[bytes.length - 1];
    if (last === undefined) return NO_EVENTS;
    if (this.#partial || last >= 0x80) {
      this.#partial = last >= 0x80;
      return this.#feed(this.#text.write(bytes as Buffer));
    }
    return this.#feed(Buffer.isBuffer(bytes) ? bytes.toString() : Buffer.from(bytes).toString());
  }

  /** The stream is over: answers a last event whose blank line or line end is missing. */
  end(): readonly SseEvent[] {
    this.#partial = false;
    return this.#feed(`${this.#text.end()}\n\n`);
  }

  #feed(text: string): readonly SseEvent[] {
    if (!this.#tooLarge) this.#parser.feed(text);
    if (this.#tooLarge) throw new GatewayError("provider_error", "the upstream sent an event that is too large");
    if (this.#events.length === 0) return NO_EVENTS;
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

/** The events of a streamed response. The stream is closed when the reader stops, fails or reaches the end. */
export function sseEvents(stream: TransportStream): AsyncGenerator<SseEvent, void, void> {
  return decodedValues(stream, new SseDecoder());
}
