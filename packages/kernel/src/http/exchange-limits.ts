import type { GatewayError } from "../errors.ts";
import type { TransportRequest } from "../transport.ts";
import { abortFailure, firstByteTimeout, headersTimeout, idleTimeout, totalTimeout } from "./transport-failure.ts";

/** What the limits watch over. */
export interface Limited {
  /** Not reading right now, because its reader is slow: silence is not the upstream's. */
  readonly paused: boolean;
  /** Ends the exchange and frees the socket. */
  fail(error: GatewayError): void;
}

/**
 * undici counts time in steps of half a second: its limits strike up to one step early or two late.
 * Limits up to this many milliseconds get a timer of their own; longer ones are left to undici, which is cheaper.
 */
const OWN_TIMER_MS = 2000;

/** Longer timers fire at once; 25 days are no limit anyway. */
const MAX_TIMER_MS = 0x7fff_ffff;

/** The signal and the time limits of one exchange. Every timer and listener is gone when the exchange has ended. */
export class ExchangeLimits {
  /** What is left for undici: 0 where this object keeps the time. */
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly #owner: Limited;
  readonly #host: string;
  readonly #signal: AbortSignal | undefined;
  readonly #totalMs: number | undefined;
  readonly #headersMs: number;
  readonly #idleMs: number;
  readonly #firstByteMs: number | undefined;
  readonly #startedAt: number;
  /**
   * A function, not this object with a `handleEvent`: Node wraps an object in a function that it allocates among the
   * long-lived objects, and the exchange would stay there with it.
   */
  readonly #onAbort = (): void => this.aborted();
  #total: NodeJS.Timeout | undefined;
  #step: NodeJS.Timeout | undefined;
  #firstByte: NodeJS.Timeout | undefined;

  constructor(owner: Limited, host: string, request: TransportRequest, headersMs: number, idleMs: number) {
    this.#owner = owner;
    this.#host = host;
    this.#signal = request.signal;
    this.#totalMs = request.timeoutMs;
    this.#headersMs = finite(request.headersTimeoutMs ?? headersMs);
    this.#idleMs = finite(request.idleTimeoutMs ?? idleMs);
    const firstByteMs = request.firstByteTimeoutMs;
    this.#firstByteMs = firstByteMs !== undefined && firstByteMs <= MAX_TIMER_MS ? firstByteMs : undefined;
    this.#startedAt = this.#firstByteMs === undefined ? 0 : performance.now();
    this.headersTimeout = this.#headersMs <= OWN_TIMER_MS ? 0 : this.#headersMs;
    this.bodyTimeout = this.#idleMs <= OWN_TIMER_MS ? 0 : this.#idleMs;
  }

  /** False when the signal has fired already; the owner has failed then. */
  begin(): boolean {
    const signal = this.#signal;
    if (signal !== undefined) {
      if (signal.aborted) {
        this.#owner.fail(abortFailure(signal));
        return false;
      }
      signal.addEventListener("abort", this.#onAbort);
    }
    if (this.#totalMs !== undefined && this.#totalMs <= MAX_TIMER_MS)
      this.#total = setTimeout(onTotal, Math.max(0, this.#totalMs), this);
    return true;
  }

  /** The request is being written. */
  requestStarted(): void {
    if (this.headersTimeout === 0 && this.#headersMs > 0) this.#step = setTimeout(onHeaders, this.#headersMs, this);
  }

  /** The response head is there. */
  responseStarted(): void {
    if (this.#step !== undefined) clearTimeout(this.#step);
    this.#step = this.bodyTimeout === 0 && this.#idleMs > 0 ? setTimeout(onIdle, this.#idleMs, this) : undefined;
    if (this.#firstByteMs === undefined) return;
    const leftMs = Math.max(0, this.#startedAt + this.#firstByteMs - performance.now());
    this.#firstByte = setTimeout(onFirstByte, leftMs, this);
  }

  /** A piece of the body has arrived, or reading goes on after a pause. */
  progress(): void {
    this.#step?.refresh();
    if (this.#firstByte === undefined) return;
    clearTimeout(this.#firstByte);
    this.#firstByte = undefined;
  }

  end(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    if (this.#total !== undefined) clearTimeout(this.#total);
    if (this.#step !== undefined) clearTimeout(this.#step);
    if (this.#firstByte !== undefined) clearTimeout(this.#firstByte);
  }

  /** The signal has fired. */
  aborted(): void {
    this.#owner.fail(abortFailure(this.#signal as AbortSignal));
  }

  totalPassed(): void {
    this.#owner.fail(totalTimeout(this.#host, this.#totalMs as number));
  }

  headersPassed(): void {
    this.#owner.fail(headersTimeout(this.#host));
  }

  firstBytePassed(): void {
    this.#owner.fail(firstByteTimeout(this.#host));
  }

  idlePassed(): void {
    if (!this.#owner.paused) this.#owner.fail(idleTimeout(this.#host));
  }
}

/** 0 stands for no limit, here and in undici. */
function finite(limitMs: number): number {
  return limitMs <= MAX_TIMER_MS ? limitMs : 0;
}

function onTotal(limits: ExchangeLimits): void {
  limits.totalPassed();
}

function onHeaders(limits: ExchangeLimits): void {
  limits.headersPassed();
}

function onFirstByte(limits: ExchangeLimits): void {
  limits.firstBytePassed();
}

function onIdle(limits: ExchangeLimits): void {
  limits.idlePassed();
}
