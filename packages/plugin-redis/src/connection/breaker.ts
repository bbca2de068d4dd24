const FAILURES = 5;
const FIRST_OPEN_MS = 1_000;
const LONGEST_OPEN_MS = 8_000;

/**
 * Keeps calls from waiting for what does not answer: after five failures in a row it is open for a second, then lets one
 * call try; when that fails it is open for twice as long, up to eight seconds.
 */
export class Breaker {
  readonly #now: () => number;
  #failures = 0;
  #openMs = FIRST_OPEN_MS;
  /** 0: closed. */
  #openUntil = 0;
  #probing = false;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How long it stays open; 0 when calls may pass. */
  get waitMs(): number {
    if (this.#openUntil === 0) return 0;
    const left = this.#openUntil - this.#now();
    if (left > 0) return left;
    return this.#probing ? FIRST_OPEN_MS : 0;
  }

  /** Whether this call may pass; the one that may when it has been open long enough is the probe. */
  enter(): boolean {
    if (this.#openUntil === 0) return true;
    if (this.#probing || this.#now() < this.#openUntil) return false;
    this.#probing = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openMs = FIRST_OPEN_MS;
    this.#openUntil = 0;
    this.#probing = false;
  }

  failed(): void {
    this.#failures += 1;
    if (this.#openUntil !== 0) {
      // Those that were under way when it opened fail now; only the probe says something new.
      if (!this.#probing || this.#now() < this.#openUntil) return;
      this.#probing = false;
      this.#openMs = Math.min(this.#openMs * 2, LONGEST_OPEN_MS);
    } else if (this.#failures < FAILURES) return;
    this.#openUntil = this.#now() + this.#openMs;
  }
}
