import type { SharedState, StateListener } from "../shared-state.ts";

interface Kept {
  readonly value: unknown;
  /** On the scale of `performance.now()`. */
  readonly until: number;
}

interface Part {
  amount: number;
  until: number;
}

/** How many writes may pass until what has expired is thrown out. */
const SWEEP_EVERY = 1_000;

/** The state of one process. Another process's is another object. */
export class MemoryState implements SharedState {
  readonly #values = new Map<string, Kept>();
  readonly #sums = new Map<string, Part>();
  #writes = 0;

  get(key: string): unknown {
    const kept = this.#values.get(key);
    if (kept === undefined) return undefined;
    if (kept.until > performance.now()) return kept.value;
    this.#values.delete(key);
    return undefined;
  }

  set(key: string, value: unknown, ttlMs: number): void {
    this.#values.set(key, { value, until: performance.now() + ttlMs });
    this.#sweep();
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  add(key: string, amount: number, ttlMs: number): void {
    const now = performance.now();
    const part = this.#sums.get(key);
    if (part === undefined || part.until <= now) this.#sums.set(key, { amount, until: now + ttlMs });
    else {
      part.amount += amount;
      part.until = now + ttlMs;
    }
    this.#sweep();
  }

  sum(key: string): number {
    const part = this.#sums.get(key);
    return part === undefined || part.until <= performance.now() ? 0 : part.amount;
  }

  watch(prefix: string, listener: StateListener): () => void {
    const now = performance.now();
    for (const [key, { value, until }] of this.#values) {
      if (until > now && key.startsWith(prefix)) listener(key, value);
    }
    // nobody else writes to the memory of one process
    return () => undefined;
  }

  #sweep(): void {
    this.#writes += 1;
    if (this.#writes < SWEEP_EVERY) return;
    this.#writes = 0;
    const now = performance.now();
    for (const [key, { until }] of this.#values) if (until <= now) this.#values.delete(key);
    for (const [key, { until }] of this.#sums) if (until <= now) this.#sums.delete(key);
  }
}
