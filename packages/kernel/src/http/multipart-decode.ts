import { GatewayError } from "../errors.ts";
import type { PartHeaders } from "./multipart-headers.ts";
import { formBoundary, partHeaders } from "./multipart-headers.ts";

/** What a form may hold; more is a `request_too_large`. */
export interface MultipartLimits {
  readonly parts: number;
  /** Headers of one part. */
  readonly headerBytes: number;
  /** The whole body. */
  readonly totalBytes: number;
}

const DEFAULT_MULTIPART_LIMITS: MultipartLimits = {
  parts: 1000,
  headerBytes: 8 * 1024,
  totalBytes: 200 * 1024 * 1024,
};

/** One field or file of a form, while it arrives. Its bytes can be read once, before the next part is asked for. */
export interface MultipartPart extends PartHeaders {
  readonly body: AsyncIterable<Buffer>;
  /** All bytes. Throws `request_too_large` beyond `maxBytes`, 1 MB by default. */
  bytes(maxBytes?: number): Promise<Buffer>;
}

const CRLF = Buffer.from("\r\n");
const END_OF_HEADERS = Buffer.from("\r\n\r\n");

/**
 * The parts of a `multipart/form-data` body, read as they arrive: asking for a piece pulls from the source, so a slow
 * target slows the client down, and no file is held as a whole. What is left unread of a part is skipped.
 *
 * Time is linear in the size of the body. It is stricter than the standard, because a form that two servers read
 * differently is a way around checks: no text before the first or after the last boundary, no part without a name, no
 * header twice.
 *
 * The source is closed when the reader stops or fails. For a request of `node:http` pass
 * `request.iterator({ destroyOnReturn: false })`, else a refusal destroys the connection before it can be answered.
 *
 * @throws {GatewayError} `invalid_request` for malformed forms, `request_too_large` over a limit
 */
export async function* multipartParts(
  source: AsyncIterable<Buffer>,
  contentType: string,
  limits: MultipartLimits = DEFAULT_MULTIPART_LIMITS,
): AsyncGenerator<MultipartPart, void, void> {
  const window = new Window(source[Symbol.asyncIterator](), formBoundary(contentType), limits);
  try {
    await window.open();
    for (let count = 1; await window.nextPart(); count++) {
      if (count > limits.parts)
        throw new GatewayError("request_too_large", `the form has more than ${limits.parts} parts`);
      const headers = partHeaders(await window.headers());
      const body = window.body();
      yield {
        ...headers,
        body,
        bytes: (maxBytes = 1024 * 1024) => collected(body, maxBytes, headers.name),
      };
      await window.skipBody();
    }
  } finally {
    await window.close();
  }
}

async function collected(body: AsyncIterable<Buffer>, maxBytes: number, name: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > maxBytes)
      throw new GatewayError("request_too_large", `a form field is larger than ${maxBytes} bytes`, { param: name });
    pieces.push(piece);
  }
  return Buffer.concat(pieces, size);
}

/** The part of the body that has arrived and has not been taken. */
class Window {
  readonly #source: AsyncIterator<Buffer>;
  /** CRLF, two dashes and the boundary. */
  readonly #delimiter: Buffer;
  readonly #limits: MultipartLimits;
  #bytes: Buffer = CRLF;
  #total = 0;
  #inBody = false;

  constructor(source: AsyncIterator<Buffer>, boundary: string, limits: MultipartLimits) {
    this.#source = source;
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
    this.#limits = limits;
  }

  /** The first boundary. The line end that a delimiter starts with is not sent there; the window begins with it. */
  async open(): Promise<void> {
    await this.#need(this.#delimiter.length);
    if (this.#bytes[2] === 0x0d && this.#bytes[3] === 0x0a) this.#skip(CRLF.length);
    await this.#need(this.#delimiter.length);
    if (!this.#bytes.subarray(0, this.#delimiter.length).equals(this.#delimiter))
      throw malformed("it does not start with its boundary");
    this.#skip(this.#delimiter.length);
  }

  /** After a boundary: true when a part follows, false at the end of the form. */
  async nextPart(): Promise<boolean> {
    await this.#need(2);
    if (this.#bytes[0] === 0x2d && this.#bytes[1] === 0x2d) {
      this.#skip(2);
      while (await this.#more()) this.#checkEnd();
      this.#checkEnd();
      return false;
    }
    if (this.#bytes[0] !== 0x0d || this.#bytes[1] !== 0x0a) throw malformed("a boundary is not alone on its line");
    return true;
  }

  /** The header lines of a part, without the empty line. */
  async headers(): Promise<string> {
    const limit = this.#limits.headerBytes;
    let from = 0;
    for (;;) {
      const end = this.#bytes.indexOf(END_OF_HEADERS, from);
      if (end >= 0 && end <= limit) {
        const text = this.#bytes.toString("utf8", CRLF.length, end);
        this.#inBody = true;
        this.#skip(end + END_OF_HEADERS.length);
        return text;
      }
      if (end > limit || this.#bytes.length > limit + END_OF_HEADERS.length) {
        throw new GatewayError("request_too_large", `the headers of a form field are larger than ${limit} bytes`);
      }
      from = Math.max(0, this.#bytes.length - END_OF_HEADERS.length + 1);
      if (!(await this.#more())) throw malformed("it ends too early");
    }
  }

  /** The bytes of a part, up to the next boundary. */
  async *body(): AsyncGenerator<Buffer, void, void> {
    while (this.#inBody) {
      const end = this.#bytes.indexOf(this.#delimiter);
      if (end >= 0) {
        this.#inBody = false;
        const last = this.#bytes.subarray(0, end);
        this.#skip(end + this.#delimiter.length);
        if (last.length > 0) yield last;
        continue;
      }
      // the last bytes may be the start of a boundary
      const safe = this.#bytes.length - this.#delimiter.length + 1;
      if (safe > 0) {
        const piece = this.#bytes.subarray(0, safe);
        this.#skip(safe);
        yield piece;
      }
      if (!(await this.#more())) throw malformed("it ends too early");
    }
  }

  async skipBody(): Promise<void> {
    for await (const _piece of this.body());
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }

  #checkEnd(): void {
    if (this.#bytes.length > 2 || CRLF.indexOf(this.#bytes) !== 0) throw malformed("text follows its last boundary");
  }

  async #need(count: number): Promise<void> {
    while (this.#bytes.length < count) {
      if (!(await this.#more())) throw malformed("it ends too early");
    }
  }

  async #more(): Promise<boolean> {
    const step = await this.#source.next();
    if (step.done === true) return false;
    this.#total += step.value.length;
    if (this.#total > this.#limits.totalBytes) {
      throw new GatewayError("request_too_large", `the form is larger than ${this.#limits.totalBytes} bytes`);
    }
    this.#bytes = this.#bytes.length === 0 ? step.value : Buffer.concat([this.#bytes, step.value]);
    return true;
  }

  #skip(count: number): void {
    this.#bytes = this.#bytes.subarray(count);
  }
}

function malformed(why: string): GatewayError {
  return new GatewayError("invalid_request", `the form is malformed: ${why}`);
}
