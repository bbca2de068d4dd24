const BUCKETS = 12;
const BUCKET_MS = 5_000;

/** Counts what happened within the last minute, in steps of five seconds. Constant in time and size. */
export class MinuteWindow {
  readonly #kinds: number;
  /** Per bucket one count of each kind. */
  readonly #counts: Int32Array;
  readonly #totals: Int32Array;
  #bucket = 0;

  constructor(kinds: number) {
    this.#kinds = kinds;
    this.#counts = new Int32Array(BUCKETS * kinds);
    this.#totals = new Int32Array(kinds);
  }

  add(kind: number, now: number): void {
    this.#forget(now);
    const at = (this.#bucket % BUCKETS) * this.#kinds + kind;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#totals[kind] = (this.#totals[kind] as number) + 1;
  }

  count(kind: number, now: number): number {
    this.#forget(now);
    return this.#totals[kind] as number;
  }

  #forget(now: number): void {
    const bucket = Math.floor(now / BUCKET_MS);
    if (bucket <= this.#bucket) return;
    const passed = Math.min(bucket - this.#bucket, BUCKETS);
    for (let step = 0; step < passed; step++) {
      const from = ((bucket - step) % BUCKETS) * this.#kinds;
      for (let kind = 0; kind < this.#kinds; kind++) {
        this.#totals[kind] = (this.#totals[kind] as number) - (this.#counts[from + kind] as number);
        this.#counts[from + kind] = 0;
      }
    }
    this.#bucket = bucket;
  }
}
