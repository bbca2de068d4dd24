import type { StateListener } from "@signalbox/kernel";

/** One value, or one process's part of a sum, as this process knows it. */
export interface Copied {
  /** Undefined: it was deleted, which is remembered for a while. */
  readonly value: unknown;
  /** On the scale of `performance.now()`. */
  readonly until: number;
  /** Of Redis's clock; Infinity while this process's own write is not yet known to be in Redis. */
  stamp: number;
  /** Of this process's writes; 0: another process has written it. */
  readonly version: number;
}

const VALUE = "v";
const PART = "p";

/** How many writes must pass at least until what is over is thrown out. */
const SWEEP_EVERY = 1_000;

/** The field of a value. */
export function valueField(key: string): string {
  return VALUE + key;
}

/** The field of a process's part of a sum. */
export function partField(process: string, key: string): string {
  return `${PART}${process} ${key}`;
}

/** What one process knows of the state: bounded, by leaving out what was written longest ago. */
export class LocalCopy {
  readonly #most: number;
  /** In the order of their last writes. */
  readonly #entries = new Map<string, Copied>();
  /** Key of a sum → its parts' fields. */
  readonly #parts = new Map<string, Set<string>>();
  readonly #watchers = new Set<{ readonly prefix: string; readonly listener: StateListener }>();
  #writes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get(field: string): Copied | undefined {
    return this.#entries.get(field);
  }

  living(field: string): Copied | undefined {
    const entry = this.#entries.get(field);
    return entry !== undefined && entry.value !== undefined && entry.until > performance.now() ? entry : undefined;
  }

  sum(key: string): number {
    let sum = 0;
    for (const field of this.#parts.get(key) ?? []) sum += (this.living(field)?.value as number | undefined) ?? 0;
    return sum;
  }

  fields(): IterableIterator<[string, Copied]> {
    return this.#entries.entries();
  }

  put(field: string, entry: Copied): void {
    this.#entries.delete(field);
    this.#entries.set(field, entry);
    if (field.startsWith(PART)) {
      const key = keyOf(field);
      const parts = this.#parts.get(key);
      if (parts === undefined) this.#parts.set(key, new Set([field]));
      else parts.add(field);
    }
    this.#sweep();
  }

  drop(field: string): void {
    this.#entries.delete(field);
    if (!field.startsWith(PART)) return;
    const key = keyOf(field);
    const parts = this.#parts.get(key);
    parts?.delete(field);
    if (parts?.size === 0) this.#parts.delete(key);
  }

  watch(prefix: string, listener: StateListener): () => void {
    const watcher = { prefix, listener };
    this.#watchers.add(watcher);
    for (const field of [...this.#entries.keys()]) {
      const entry = field.startsWith(VALUE + prefix) ? this.living(field) : undefined;
      if (entry !== undefined) listener(keyOf(field), entry.value);
    }
    return () => void this.#watchers.delete(watcher);
  }

  /** Tells watchers what another process has done. */
  tell(field: string, value: unknown): void {
    if (!field.startsWith(VALUE)) return;
    const key = keyOf(field);
    for (const { prefix, listener } of this.#watchers) {
      if (!key.startsWith(prefix)) continue;
      try {
        listener(key, value);
      } catch (error) {
        // One watcher's bug must not keep the others, and this copy, from the news.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }

  #sweep(): void {
    this.#writes += 1;
    const over = this.#entries.size > this.#most;
    if (!over && this.#writes < Math.max(SWEEP_EVERY, this.#entries.size)) return;
    this.#writes = 0;
    const now = performance.now();
    // A tenth more than needed: else every write would walk over those that were taken out before.
    let excess = over ? this.#entries.size - Math.floor(this.#most * 0.9) : 0;
    for (const [field, { until }] of this.#entries) {
      if (until > now && excess <= 0) continue;
      this.drop(field);
      excess -= 1;
    }
  }
}

function keyOf(field: string): string {
  return field.startsWith(VALUE) ? field.slice(1) : field.slice(field.indexOf(" ") + 1);
}
