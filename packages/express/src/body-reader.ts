import type { IncomingMessage } from "node:http";
import { GatewayError } from "@signalbox/kernel";
import type { Settings } from "./handler-options.ts";

const READER: unique symbol = Symbol("signalbox.body");
const SMALLEST_BLOCK = 64 * 1024;

interface Carrier extends IncomingMessage {
  [READER]?: BodyReader;
}

/**
 * Reads a body once, into one Buffer. Pieces are gathered in a block that grows by doubling: a body that arrives in
 * millions of tiny chunks holds no more memory than any other. The time counts from the first piece; the wait for that
 * one is bounded by the server's own `requestTimeout`.
 *
 * @throws {GatewayError} `request_too_large`, `request_timeout`, `client_closed`
 */
export function readBody(request: IncomingMessage, maxBytes: number, { bodyTimeoutMs }: Settings): Promise<Buffer> {
  const length = request.headers["content-length"];
  const declared = length === undefined ? undefined : Number(length);
  return new Promise((resolve, reject) => {
    if (declared !== undefined && declared > maxBytes) reject(tooLarge(maxBytes));
    else if (request.destroyed) reject(clientClosed());
    else {
      (request as Carrier)[READER] = new BodyReader(request, maxBytes, declared, bodyTimeoutMs, resolve, reject);
    }
  });
}

class BodyReader {
  readonly #request: IncomingMessage;
  readonly #maxBytes: number;
  readonly #resolve: (body: Buffer) => void;
  readonly #reject: (error: GatewayError) => void;
  readonly #declared: number | undefined;
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;
  #first: Buffer | undefined;
  #block: Buffer | undefined;
  #size = 0;

  constructor(
    request: IncomingMessage,
    maxBytes: number,
    declared: number | undefined,
    timeoutMs: number,
    resolve: (body: Buffer) => void,
    reject: (error: GatewayError) => void,
  ) {
    this.#request = request;
    this.#maxBytes = maxBytes;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#declared = declared;
    this.#timeoutMs = timeoutMs;
    request.on("data", onData).on("end", onEnd).on("error", onError);
  }

  data(chunk: Buffer): void {
    const size = this.#size + chunk.length;
    if (size > this.#maxBytes) {
      this.fail(tooLarge(this.#maxBytes));
      return;
    }
    if (this.#size === 0) {
      this.#first = chunk;
      // most bodies arrive whole with their head and need no timer
      if (size !== this.#declared) this.#timer = setTimeout(onTimeout, this.#timeoutMs, this);
    } else {
      this.#block ??= this.#grown(size, this.#first ?? chunk);
      if (size > this.#block.length) this.#block = this.#grown(size, this.#block);
      chunk.copy(this.#block, this.#size);
    }
    this.#size = size;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#resolve(this.#block?.subarray(0, this.#size) ?? this.#first ?? Buffer.alloc(0));
  }

  fail(error: GatewayError): void {
    clearTimeout(this.#timer);
    this.#request.off("data", onData).off("end", onEnd);
    this.#first = undefined;
    this.#block = undefined;
    this.#reject(error);
  }

  #grown(size: number, from: Buffer): Buffer {
    const block = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(SMALLEST_BLOCK, size * 2)));
    from.copy(block, 0, 0, this.#size);
    return block;
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
  (this as Carrier)[READER]?.fail(clientClosed());
}

function onTimeout(reader: BodyReader): void {
  reader.fail(new GatewayError("request_timeout", "the request body did not arrive in time"));
}

function clientClosed(): GatewayError {
  return new GatewayError("client_closed", "the client left while it was sending its request");
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError("request_too_large", `the request body is larger than ${maxBytes} bytes`);
}
