import { GatewayError } from "../errors.ts";
import { GatheredBytes } from "./gathered-bytes.ts";
import { MAX_SSE_FRAME_BYTES, SseDecoder } from "./sse-decode.ts";

const LF = 0x0a;
const CR = 0x0d;
const LF_LF = Buffer.from("\n\n");

/**
 * Cuts a byte stream at frame boundaries without decoding it, so that frames can be forwarded as bytes.
 *
 * A frame ends with a blank line; line ends may be LF, CRLF or CR, mixed, and cut anywhere by the network. The usual
 * chunk (LF, ends with a frame) costs two byte comparisons and one native search, and is handed on without a copy.
 */
export class SseFrameSplitter {
  readonly #maxFrameBytes: number;
  readonly #kept: GatheredBytes = new GatheredBytes();
  /** The bytes so far end a line (or there are none): a line end that follows now is a blank line. */
  #atLineStart = true;
  /** The last byte was a CR: a LF that follows belongs to it. */
  #afterCr = false;
  /** Lines end in CRLF: a frame that ends with a CR waits for its LF. */
  #crlf = false;
  /** The held bytes are whole frames, short of the LF of the last CRLF. */
  #held = false;

  constructor(maxFrameBytes: number = MAX_SSE_FRAME_BYTES) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /**
   * Takes the next bytes; answers everything up to the last complete frame, or undefined when none is complete yet.
   * Throws `provider_error` when an unfinished frame exceeds the limit.
   */
  push(bytes: Buffer): Buffer | undefined {
    if (bytes.length === 0) return undefined;
    const boundary = this.#afterCr || bytes.includes(CR) ? this.#scan(bytes) : this.#scanLf(bytes);
    if (boundary < 0) {
      this.#keep(bytes);
      return undefined;
    }
    const frames = this.#take(boundary === bytes.length ? bytes : bytes.subarray(0, boundary));
    if (boundary < bytes.length) this.#keep(bytes.subarray(boundary));
    return frames;
  }

  /**
   * The stream is over: a last frame that lacks its blank line, with one, so that every reader sees it. Undefined when
   * nothing is left, or what is left was cut: its data is neither JSON nor `[DONE]`.
   */
  end(): Buffer | undefined {
    const left = this.rest();
    if (left === undefined) return undefined;
    const decoder = new SseDecoder();
    const data = [...decoder.push(left), ...decoder.end()].at(-1)?.data;
    return data === undefined || !isWhole(data) ? undefined : Buffer.concat([left, LF_LF]);
  }

  /** What is left when the stream ends: a frame without its blank line, or undefined. */
  rest(): Buffer | undefined {
    if (this.#kept.length === 0) return undefined;
    const left = this.#take(undefined);
    this.#atLineStart = true;
    this.#afterCr = false;
    this.#held = false;
    return left;
  }

  /** End of the last frame in bytes without any CR, or -1. */
  #scanLf(bytes: Buffer): number {
    const last = bytes.length - 1;
    const atLineStart = this.#atLineStart;
    this.#atLineStart = bytes[last] === LF;
    if (this.#atLineStart && (last === 0 ? atLineStart : bytes[last - 1] === LF)) return bytes.length;
    const blank = bytes.lastIndexOf(LF_LF);
    if (blank >= 0) return blank + 2;
    return atLineStart && bytes[0] === LF ? 1 : -1;
  }

  /** The same for any mix of line ends. Byte by byte: streams with CR are rare. */
  #scan(bytes: Buffer): number {
    let boundary = this.#held ? 0 : -1;
    let earlier = -1;
    let atLineStart = this.#atLineStart;
    let afterCr = this.#afterCr;
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index];
      if (byte === LF && afterCr) {
        afterCr = false;
        this.#crlf = true;
        if (boundary === index) boundary = index + 1;
        continue;
      }
      afterCr = byte === CR;
      if (byte !== LF && byte !== CR) {
        atLineStart = false;
        continue;
      }
      if (atLineStart) {
        earlier = boundary;
        boundary = index + 1;
      }
      atLineStart = true;
    }
    this.#atLineStart = atLineStart;
    this.#afterCr = afterCr;
    this.#held = afterCr && this.#crlf && boundary === bytes.length;
    return this.#held ? earlier : boundary;
  }

  #keep(bytes: Buffer): void {
    if (this.#kept.length + bytes.length > this.#maxFrameBytes) {
      throw new GatewayError("provider_error", `the upstream sent an event of more than ${this.#maxFrameBytes} bytes`);
    }
    this.#kept.add(bytes);
  }

  #take(end: Buffer | undefined): Buffer {
    if (this.#kept.length === 0 && end !== undefined) return end;
    if (end !== undefined && end.length > 0) this.#kept.add(end);
    return this.#kept.take();
  }
}

function isWhole(data: string): boolean {
  if (data.trim() === "[DONE]") return true;
  try {
    JSON.parse(data);
    return true;
  } catch {
    return false;
  }
}
