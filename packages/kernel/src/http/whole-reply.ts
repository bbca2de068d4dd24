import type { Dispatcher } from "undici";
import type { GatewayError } from "../errors.ts";
import type { ResponseHeaders, TransportRequest, TransportResponse } from "../transport.ts";
import type { ContentCoding } from "./content-decoding.ts";
import { contentCoding, decodedResponse } from "./content-decoding.ts";
import type { Limited } from "./exchange-limits.ts";
import { ExchangeLimits } from "./exchange-limits.ts";
import { GatheredBytes } from "./gathered-bytes.ts";
import { replyTooLarge, transportFailure } from "./transport-failure.ts";

/** Settings of a transport that every exchange needs. */
export interface ExchangeDefaults {
  readonly headersTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxBytes: number;
  readonly bufferBytes: number;
}

const EMPTY = Buffer.alloc(0);

/** Collects a whole response into one Buffer and resolves one promise: the handler behind `send`. */
export class WholeReply implements Dispatcher.DispatchHandler, Limited {
  readonly limits: ExchangeLimits;
  readonly paused = false;
  readonly #host: string;
  readonly #maxBytes: number;
  readonly #resolve: (response: TransportResponse | Promise<TransportResponse>) => void;
  readonly #reject: (error: GatewayError) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #failure: GatewayError | undefined;
  #settled = false;
  #status = 0;
  #headers: ResponseHeaders = {};
  #coding: ContentCoding | undefined;
  #first: Buffer | undefined;
  #pieces: GatheredBytes | undefined;
  #size = 0;

  constructor(
    host: string,
    request: TransportRequest,
    defaults: ExchangeDefaults,
    resolve: (response: TransportResponse | Promise<TransportResponse>) => void,
    reject: (error: GatewayError) => void,
  ) {
    this.#host = host;
    this.#maxBytes = request.maxBytes ?? defaults.maxBytes;
    this.#resolve = resolve;
    this.#reject = reject;
    this.limits = new ExchangeLimits(this, host, request, defaults.headersTimeoutMs, defaults.idleTimeoutMs);
  }

  fail(error: GatewayError): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#failure = error;
    this.limits.end();
    this.#reject(error);
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
    this.#coding = contentCoding(this.#headers);
    this.limits.responseStarted();
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.#size += piece.length;
    if (this.#size > this.#maxBytes) {
      this.fail(replyTooLarge(this.#host, this.#maxBytes));
      return;
    }
    this.limits.progress();
    if (this.#first === undefined) {
      this.#first = piece;
      return;
    }
    if (this.#pieces === undefined) {
      this.#pieces = new GatheredBytes();
      this.#pieces.add(this.#first);
    }
    this.#pieces.add(piece);
  }

  onResponseEnd(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.limits.end();
    const body = this.#pieces?.take() ?? this.#first ?? EMPTY;
    const response = { status: this.#status, headers: this.#headers, body };
    this.#resolve(this.#coding === undefined ? response : decodedResponse(response, this.#coding, this.#maxBytes));
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.fail(transportFailure(error, this.#host, this.#status === 0 ? "request" : "response"));
  }
}
