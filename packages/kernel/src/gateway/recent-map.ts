/**
 * A map that keeps what was written lately: at least half of `most` keys, never more than `most`. In two halves, of which
 * the older one goes as a whole: to take the first key out of a large `Map` again and again costs a walk over all those
 * that were taken out before.
 */
export class RecentMap<Value> {
  readonly #half: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  constructor(most: number) {
    this.#half = Math.ceil(most / 2);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: string, value: Value): void {
    this.#old.delete(key);
    this.#young.set(key, value);
    if (this.#young.size < this.#half) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  *entries(): Generator<[string, Value]> {
    yield* this.#old;
    yield* this.#young;
  }
}
