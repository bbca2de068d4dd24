/** Neighbouring buckets differ by this factor: a quantile is too high by at most 8 %. */
const RATIO = 1.08;
const LOG_RATIO = Math.log(RATIO);
/** Up to about an hour; what takes longer counts as that. */
const BUCKETS = 197;
/** After this time a figure counts half. */
const HALF_LIFE_MS = 600_000;
/** Weights grow with time instead of all figures shrinking; from time to time they are scaled down. */
const LARGEST_WEIGHT = 2 ** 30;

/**
 * How long something takes lately: a histogram on a logarithmic scale in which old figures fade. Adding costs the same
 * however much was added, and the memory does not grow.
 */
export class LatencySketch {
  readonly #buckets: Float64Array = new Float64Array(BUCKETS);
  #total = 0;
  /** When a figure has the weight 1. */
  #origin: number;

  /** @param now in milliseconds, as everywhere here */
  constructor(now: number) {
    this.#origin = now;
  }

  add(durationMs: number, now: number): void {
    let weight = 2 ** ((now - this.#origin) / HALF_LIFE_MS);
    if (weight > LARGEST_WEIGHT) {
      for (let at = 0; at < BUCKETS; at++) this.#buckets[at] = (this.#buckets[at] as number) / weight;
      this.#total /= weight;
      this.#origin = now;
      weight = 1;
    }
    const bucket = durationMs <= 1 ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(durationMs) / LOG_RATIO));
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + weight;
    this.#total += weight;
  }

  /** How many figures there are, each counted by what is left of it. */
  count(now: number): number {
    return this.#total / 2 ** ((now - this.#origin) / HALF_LIFE_MS);
  }

  /** The duration that this share of the figures does not exceed; 0 when there are none. */
  quantile(share: number): number {
    // from above: what is asked for lies near there
    let above = this.#total * (1 - share);
    for (let at = BUCKETS - 1; at >= 0; at--) {
      above -= this.#buckets[at] as number;
      if (above < 0) return RATIO ** at;
    }
    return 0;
  }
}
