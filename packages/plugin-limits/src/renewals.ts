import type { Taken } from "./guarded-store.ts";

/** A call in flight, with what it holds. */
export interface Held {
  readonly id: string;
  readonly taken: Taken;
  readonly signal: AbortSignal;
  /** On the scale of `performance.now()`. */
  renewedAt: number;
}

/** A lease is renewed this often, so that two of the tries may fail. */
const RENEWALS_PER_LEASE = 4;

/** Keeps the places of long calls: one timer for all of them, and only while there are calls. */
export class Renewals {
  readonly #everyMs: number;
  readonly #renew: (held: Held) => void;
  readonly #held = new Set<Held>();
  #timer: NodeJS.Timeout | undefined;

  constructor(leaseMs: number, renew: (held: Held) => void) {
    this.#everyMs = leaseMs / RENEWALS_PER_LEASE;
    this.#renew = renew;
  }

  /** Calls in flight. */
  get size(): number {
    return this.#held.size;
  }

  add(held: Held): void {
    this.#held.add(held);
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#tick(), this.#everyMs);
    this.#timer.unref();
  }

  delete(held: Held): void {
    this.#held.delete(held);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    if (this.#held.size === 0) {
      this.close();
      return;
    }
    const now = performance.now();
    for (const held of this.#held) {
      // in the order of their beginnings, but for those that were renewed: a young call has had no tick yet
      if (now - held.renewedAt < this.#everyMs) continue;
      // nobody waits for it any more: a provider that does not end must not hold its place for ever
      if (held.signal.aborted) continue;
      held.renewedAt = now;
      this.#renew(held);
    }
  }
}
