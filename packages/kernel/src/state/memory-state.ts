import { RecentMap } from "../gateway/recent-map.ts";
import type { SharedState, StateListener } from "./shared-state.ts";

/** A value, or this process's part of a sum. */
interface Kept<Value> {
  readonly value: Value;
  /** On the scale of `performance.now()`. */
  readonly until: number;
}

/** How many writes must pass at least until what has expired is thrown out. */
const SWEEP_EVERY = 1_000;
/** Clients invent names of sessions: what was written longest ago makes room, values and sums apart. */
const MOST_KEYS = 100_000;

/** The state of one process. Another process's is another object. */
export class MemoryState implements SharedState {
  readonly #values = new RecentMap<Kept<unknown>>(MOST_KEYS);
  readonly #sums = new RecentMap<Kept<number>>(MOST_KEYS);
  #writes = 0;

  get(key: string): unknown {
    return living(this.#values.get(key))?.value;
  }

  set(key: string, value: unknown, ttlMs: number): void {
    this.#values.set(key, { value, until: performance.now() + ttlMs });
    this.#sweep();
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  add(key: string, amount: number, ttlMs: number): void {
    this.#sums.set(key, { value: this.sum(key) + amount, until: performance.now() + ttlMs });
    this.#sweep();
  }

  sum(key: string): number {
    return living(this.#sums.get(key))?.value ?? 0;
  }

  watch(prefix: string, listener: StateListener): () => void {
    for (const [key, kept] of this.#values.entries()) {
      if (key.startsWith(prefix) && living(kept) !== undefined) listener(key, kept.value);
    }
    // nobody else writes to the memory of one process
    return () => undefined;
  }

  #sweep(): void {
    this.#writes += 1;
    // After as many writes as there are keys: that costs each write the same, however many there are.
    if (this.#writes < Math.max(SWEEP_EVERY, this.#values.size + this.#sums.size)) return;
    this.#writes = 0;
    for (const kept of [this.#values, this.#sums]) {
      for (const [key, entry] of kept.entries()) if (living(entry) === undefined) kept.delete(key);
    }
  }
}

function living<Value>(kept: Kept<Value> | undefined): Kept<Value> | undefined {
  return kept !== undefined && kept.until > performance.now() ? kept : undefined;
}
