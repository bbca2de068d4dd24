import type { SharedState } from "@signalbox/kernel";

/** How old the other processes' part may be. They hear of each other no faster. */
const READ_EVERY_MS = 100;

/**
 * A number that all processes of a gateway add to. This process's part is exact and at hand; the others' part is read
 * now and then, because a strategy looks at a hundred of these for every call.
 */
export class SharedCount {
  readonly #state: SharedState;
  readonly #ttlMs: number;
  #key: string;
  #own = 0;
  #others = 0;
  #readAt = Number.NEGATIVE_INFINITY;
  /** Until when the shared state knows this process's part. */
  #publishedUntil = Number.NEGATIVE_INFINITY;

  constructor(state: SharedState, key: string, ttlMs: number) {
    this.#state = state;
    this.#key = key;
    this.#ttlMs = ttlMs;
  }

  /** Begins a new number at zero under another key; the old one is left to expire. */
  restart(key: string): void {
    this.#key = key;
    this.#own = 0;
    this.#others = 0;
    this.#readAt = Number.NEGATIVE_INFINITY;
    this.#publishedUntil = Number.NEGATIVE_INFINITY;
  }

  add(amount: number, now: number): void {
    this.#own += amount;
    // a part that has been forgotten is told as a whole
    this.#state.add(this.#key, now < this.#publishedUntil ? amount : this.#own, this.#ttlMs);
    this.#publishedUntil = now + this.#ttlMs;
  }

  total(now: number): number {
    if (now - this.#readAt >= READ_EVERY_MS) {
      this.#readAt = now;
      const published = now < this.#publishedUntil ? this.#own : 0;
      this.#others = Math.max(0, this.#state.sum(this.#key) - published);
    }
    return this.#own + this.#others;
  }
}
