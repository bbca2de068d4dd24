import type { Dispatcher } from "undici";
import { GatewayError } from "../errors.ts";
import type { ResponseHeaders, TransportRequest, TransportStream } from "../transport.ts";
import { contentCoding, decodedStream } from "./content-decoding.ts";
import type { Limited } from "./exchange-limits.ts";
import { ExchangeLimits } from "./exchange-limits.ts";
import { GatheredBytes } from "./gathered-bytes.ts";
import { replyTooLarge, transportFailure } from "./transport-failure.ts";
import type { ExchangeDefaults } from "./whole-reply.ts";

interface Waiting {
  resolve(bytes: Buffer | undefined): void;
  reject(error: GatewayError): void;
}

/**
 * A response whose body is read while it arrives: the handler behind `open`, and the stream that it answers.
 * It holds at most a fixed number of bytes; beyond that the connection is paused until they have been read.
 */
export class ArrivingReply implements Dispatcher.DispatchHandler, Limited, TransportStream {
  readonly limits: ExchangeLimits;
  readonly #host: string;
  readonly #maxBytes: number;
  readonly #bufferBytes: number;
  readonly #resolve: (stream: TransportStream) => void;
  readonly #reject: (error: GatewayError) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: ResponseHeaders = {};
  readonly #held: GatheredBytes = new GatheredBytes();
  #size = 0;
  #waiting: Waiting | undefined;
  #failure: GatewayError | undefined;
  #ended = false;

  constructor(
    host: string,
    request: TransportRequest,
    defaults: ExchangeDefaults,
    resolve: (stream: TransportStream) => void,
    reject: (error: GatewayError) => void,
  ) {
    this.#host = host;
    this.#maxBytes = request.maxBytes ?? defaults.maxBytes;
    this.#bufferBytes = defaults.bufferBytes;
    this.#resolve = resolve;
    this.#reject = reject;
    this.limits = new ExchangeLimits(this, host, request, defaults.headersTimeoutMs, defaults.idleTimeoutMs);
  }

  get status(): number {
    return this.#status;
  }

  get headers(): ResponseHeaders {
    return this.#headers;
  }

  get paused(): boolean {
    return this.#controller?.paused ?? false;
  }

  read(): Promise<Buffer | undefined> {
    if (this.#held.length > 0) return Promise.resolve(this.#take());
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(undefined);
    if (this.#waiting !== undefined)
      return Promise.reject(new GatewayError("internal_error", "a stream was read twice at the same time"));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  async readAll(): Promise<Buffer> {
    const pieces = new GatheredBytes();
    for (let piece = await this.read(); piece !== undefined; piece = await this.read()) pieces.add(piece);
    return pieces.take();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, void> {
    try {
      for (let piece = await this.read(); piece !== undefined; piece = await this.read()) yield piece;
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#held.clear();
    if (!this.#ended) this.fail(new GatewayError("client_closed", "the stream was closed"));
  }

  /** Ends the exchange at once; what has arrived and was not read is dropped. */
  fail(error: GatewayError): void {
    if (this.#ended) return;
    this.#held.clear();
    this.#end(error);
    this.#controller?.abort(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // thrown before anything is written, this takes the request out of the queue and keeps the connection
    if (this.#failure !== undefined) throw this.#failure;
    this.#controller = controller;
    this.limits.requestStarted();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: object): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers as ResponseHeaders;
    const coding = contentCoding(this.#headers);
    this.limits.responseStarted();
    this.#resolve(coding === undefined ? this : decodedStream(this, coding, this.#maxBytes));
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.#size += piece.length;
    if (this.#size > this.#maxBytes) {
      this.fail(replyTooLarge(this.#host, this.#maxBytes));
      return;
    }
    this.limits.progress();
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      waiting.resolve(piece);
      return;
    }
    this.#held.add(piece);
    if (this.#held.length >= this.#bufferBytes) controller.pause();
  }

  onResponseEnd(): void {
    this.#end(undefined);
  }

  onResponseError(_controller: unknown, error: Error): void {
    // what arrived before the connection broke is still read first
    this.#end(transportFailure(error, this.#host, this.#status === 0 ? "request" : "response"));
  }

  #end(failure: GatewayError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.limits.end();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (failure === undefined) {
      waiting?.resolve(undefined);
      return;
    }
    waiting?.reject(failure);
    this.#reject(failure);
  }

  #take(): Buffer {
    const bytes = this.#held.take();
    if (!this.#ended && this.paused) {
      this.limits.progress();
      this.#controller?.resume();
    }
    return bytes;
  }
}
