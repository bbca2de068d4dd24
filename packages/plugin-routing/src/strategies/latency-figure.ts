/** In this time answers lose all but a third of their weight. */
const MEMORY_MS = 3_000;
/** After this time without an answer a deployment may have become another: what is known of it is worth one answer. */
export const STALE_MS = 10_000;
/** Successes that have faded this far no longer say how fast a deployment is. */
const FADED = 1e-6;

/**
 * How fast a deployment has answered lately: sums that fade with time. An answer that fails must be had elsewhere, so a
 * share of failures makes a deployment as much slower as the third power of its successes' share.
 */
export class LatencyFigure {
  /** When the last answer came. */
  at: number = Number.NEGATIVE_INFINITY;
  /** When the last attempt began. */
  triedAt: number = Number.NEGATIVE_INFINITY;
  /** Milliseconds per reply, made longer by failures; infinite when it only failed. */
  cost: number = Number.POSITIVE_INFINITY;
  /** Milliseconds per token of output, likewise. */
  costPerToken: number = Number.POSITIVE_INFINITY;
  /** Attempts in flight when answers came. */
  usualInFlight = 0;
  #attempts = 0;
  #successes = 0;
  #milliseconds = 0;
  #tokens = 0;
  #inFlight = 0;

  /** Whether `costPerToken` can be compared. */
  get hasTokens(): boolean {
    return this.#tokens > 0 || this.#successes < FADED;
  }

  succeed(now: number, milliseconds: number, tokens: number, inFlight: number): void {
    this.#fade(now);
    this.#successes += 1;
    this.#milliseconds += milliseconds;
    this.#tokens += tokens;
    this.#inFlight += inFlight;
    this.#conclude();
  }

  fail(now: number): void {
    this.#fade(now);
    this.#conclude();
  }

  #fade(now: number): void {
    const age = now - this.at;
    const before = Math.max(1, this.#attempts);
    const faded = Math.exp(-age / MEMORY_MS);
    // where calls are rare, one answer weighs no more than all before it
    const kept = age > STALE_MS ? faded / before : Math.max(faded, 1 / before);
    this.at = now;
    this.#attempts = this.#attempts * kept + 1;
    this.#successes *= kept;
    this.#milliseconds *= kept;
    this.#tokens *= kept;
    this.#inFlight *= kept;
  }

  #conclude(): void {
    if (this.#successes < FADED) {
      this.cost = Number.POSITIVE_INFINITY;
      this.costPerToken = Number.POSITIVE_INFINITY;
      return;
    }
    const share = (this.#successes / this.#attempts) ** 3;
    this.cost = this.#milliseconds / this.#successes / share;
    this.costPerToken = this.#tokens > 0 ? this.#milliseconds / this.#tokens / share : Number.POSITIVE_INFINITY;
    this.usualInFlight = this.#inFlight / this.#successes;
  }
}
