import type { IncomingMessage } from "node:http";
import { GatewayError } from "@signalbox/kernel";

const READER: unique symbol = Symbol("signalbox.body");
const SMALLEST_BLOCK = 64 * 1024;

interface Carrier extends IncomingMessage {
  [READER]?: BodyReader;
}

/**
 * Reads a body once, into one Buffer. Pieces are gathered in a block that grows by doubling: a body that arrives in
 * millions of tiny chunks holds no more memory than any other.
 *
 * @throws {GatewayError} `request_too_large`, `request_timeout`, `client_closed`
 */
export function readBody(request: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<Buffer> {
  const declared = request.headers["content-length"];
  if (declared !== undefined && Number(declared) > maxBytes) return Promise.reject(tooLarge(maxBytes));
  return new Promise((resolve, reject) => {
    (request as Carrier)[READER] = new BodyReader(request, maxBytes, timeoutMs, resolve, reject);
  });
}

class BodyReader {
  readonly #request: IncomingMessage;
  readonly #maxBytes: number;
  readonly #resolve: (body: Buffer) => void;
  readonly #reject: (error: GatewayError) => void;
  readonly #timer: NodeJS.Timeout;
  #first: Buffer | undefined;
  #block: Buffer | undefined;
  #size = 0;

  constructor(
    request: IncomingMessage,
    maxBytes: number,
    timeoutMs: number,
    resolve: (body: Buffer) => void,
    reject: (error: GatewayError) => void,
  ) {
    this.#request = request;
    this.#maxBytes = maxBytes;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(onTimeout, timeoutMs, this);
    request.on("data", onData).on("end", onEnd).on("error", onError);
  }

  data(chunk: Buffer): void {
    const size = this.#size + chunk.length;
    if (size > this.#maxBytes) {
      this.fail(tooLarge(this.#maxBytes));
      return;
    }
    if (this.#size === 0) this.#first = chunk;
    else {
      this.#block ??= this.#grown(size, this.#first ?? chunk);
      if (size > this.#block.length) this.#block = this.#grown(size, this.#block);
      chunk.copy(this.#block, this.#size);
    }
    this.#size = size;
  }

  end(): void {
    this.#stop();
    this.#resolve(this.#block?.subarray(0, this.#size) ?? this.#first ?? Buffer.alloc(0));
  }

  fail(error: GatewayError): void {
    this.#stop();
    this.#first = undefined;
    this.#block = undefined;
    this.#reject(error);
  }

  #grown(size: number, from: Buffer): Buffer {
    const block = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(SMALLEST_BLOCK, size * 2)));
    from.copy(block, 0, 0, this.#size);
    return block;
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#request.off("data", onData).off("end", onEnd);
  }
}

function onData(this: IncomingMessage, chunk: Buffer): void {
  (this as Carrier)[READER]?.data(chunk);
}

function onEnd(this: IncomingMessage): void {
  (this as Carrier)[READER]?.end();
}

/** Stays for the life of the request: a connection that is reset later must not become an uncaught error. */
function onError(this: IncomingMessage): void {
  (this as Carrier)[READER]?.fail(
    new GatewayError("client_closed", "the client left while it was sending its request"),
  );
}

function onTimeout(reader: BodyReader): void {
  reader.fail(new GatewayError("request_timeout", "the request body did not arrive in time"));
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError("request_too_large", `the request body is larger than ${maxBytes} bytes`);
}
