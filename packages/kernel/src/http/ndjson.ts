import { GatewayError } from "../errors.ts";
import type { TransportStream } from "../transport.ts";
import { decodedValues } from "./decoded-values.ts";

const LF = 0x0a;

/** Longest line in bytes. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** Values out of newline-delimited JSON that is cut anywhere. Throws `provider_error` for a line that is too long or not JSON. */
export class NdjsonDecoder {
  readonly #maxLineBytes: number;
  #pieces: Buffer[] = [];
  #length = 0;

  constructor(maxLineBytes: number = MAX_LINE_BYTES) {
    this.#maxLineBytes = maxLineBytes;
  }

  push(bytes: Buffer): unknown[] {
    const values: unknown[] = [];
    let from = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, from)) {
      this.#line(bytes.subarray(from, end), values);
      from = end + 1;
    }
    if (from < bytes.length) this.#keep(bytes.subarray(from));
    return values;
  }

  /** The stream is over: a last line may lack its line end. */
  end(): unknown[] {
    const values: unknown[] = [];
    this.#line(Buffer.alloc(0), values);
    return values;
  }

  #line(last: Buffer, values: unknown[]): void {
    this.#keep(last);
    const line = (this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces)).toString();
    this.#pieces = [];
    this.#length = 0;
    if (line.trim() === "") return;
    try {
      values.push(JSON.parse(line));
    } catch (cause) {
      throw new GatewayError("provider_error", "the upstream sent a line that is not JSON", { cause });
    }
  }

  #keep(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.#length > this.#maxLineBytes) {
      throw new GatewayError("provider_error", `the upstream sent a line of more than ${this.#maxLineBytes} bytes`);
    }
    this.#pieces.push(bytes);
  }
}

/** The values of a streamed response. The stream is closed when the reader stops, fails or reaches the end. */
export function ndjsonValues(stream: TransportStream): AsyncGenerator<unknown, void, void> {
  return decodedValues(stream, new NdjsonDecoder());
}
