/** When a service that fails is left alone. */
export interface BreakerOptions {
  /** Failures one after the other. Default 5. */
  readonly failures?: number;
  /** For so long nobody asks; then one question tries. Default 10,000. */
  readonly pauseMs?: number;
}

/** Keeps questions from a service that has failed again and again. */
export class Breaker {
  readonly #most: number;
  readonly #pauseMs: number;
  #failures = 0;
  #pausedUntil = 0;

  constructor({ failures = 5, pauseMs = 10_000 }: BreakerOptions) {
    this.#most = failures;
    this.#pauseMs = pauseMs;
  }

  /** Whether the service may be asked now. After a pause the first one who asks is let through, alone. */
  admits(now: number = performance.now()): boolean {
    if (this.#failures < this.#most) return true;
    if (now < this.#pausedUntil) return false;
    this.#pausedUntil = now + this.#pauseMs;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(now: number = performance.now()): void {
    this.#failures += 1;
    if (this.#failures >= this.#most) this.#pausedUntil = now + this.#pauseMs;
  }
}
