import type { LimitAnswer, LimitCorrection, LimitState, LimitStore, LimitTake } from "../limit-store.ts";

/** Options of `MemoryLimits`. */
export interface MemoryLimitsOptions {
  /** Milliseconds on a scale that never goes back. Default `performance.now`. */
  readonly now?: () => number;
}

/**
 * How much of a rate is in use, in units times milliseconds of the period: whole numbers, so that nothing is rounded. It
 * runs off at `limit` per millisecond, which makes it GCRA with a burst of the whole limit.
 */
interface Rate {
  level: number;
  at: number;
  limit: number;
}

/** Who holds the places of a key, and until when. */
interface Places {
  readonly leases: Map<string, number>;
  /** No lease ends before. */
  earliest: number;
}

/** Keys and calls looked at with every take, so that what is over makes room. */
const SWEPT_PER_TAKE = 2;
/** So few are not worth looking at. */
const FEW = 200;

/**
 * The limits of one process. Answers at once, costs the same for any number of keys, and forgets keys that are full
 * again: it holds what was used within the last period.
 */
export class MemoryLimits implements LimitStore {
  readonly #now: () => number;
  readonly #rates = new Map<string, Rate>();
  readonly #places = new Map<string, Places>();
  /** Calls in flight, and until when they are kept. */
  readonly #calls = new Map<string, number>();
  #rateHand: Iterator<[string, Rate]> = this.#rates.entries();
  #callHand: Iterator<[string, number]> = this.#calls.entries();
  #placesHand: Iterator<[string, Places]> = this.#places.entries();

  constructor(options: MemoryLimitsOptions = {}) {
    this.#now = options.now ?? (() => performance.now());
  }

  /** How many counters and calls are kept. */
  get size(): number {
    return this.#rates.size + this.#places.size + this.#calls.size;
  }

  take(id: string, takes: readonly LimitTake[], leaseMs: number): LimitAnswer {
    const now = Math.floor(this.#now());
    if (this.size > FEW) this.#sweep(now);
    const kept = this.#calls.get(id);
    if (kept !== undefined && kept > now) return { allowed: true, states: this.#states(takes, now) };
    let against: LimitTake | undefined;
    let longest = -1;
    for (const take of takes) {
      const wait = take.kind === "rate" ? this.#rateWait(take, now) : this.#placeWait(take, now);
      if (wait > longest) {
        longest = wait;
        if (wait >= 0) against = take;
      }
    }
    if (against !== undefined) return this.#denial(against, takes, now);
    for (const take of takes) {
      if (take.kind === "rate") this.#charge(take, take.cost, now);
      else this.#lease(take.key, id, now + leaseMs);
    }
    this.#calls.set(id, now + leaseMs);
    return { allowed: true, states: this.#states(takes, now) };
  }

  release(id: string, takes: readonly LimitTake[], corrections: readonly LimitCorrection[]): void {
    const now = Math.floor(this.#now());
    const kept = this.#calls.get(id);
    if (kept === undefined) return;
    this.#calls.delete(id);
    if (kept <= now) return;
    for (const take of takes) {
      if (take.kind !== "parallel") continue;
      const places = this.#places.get(take.key);
      places?.leases.delete(id);
      if (places?.leases.size === 0) this.#places.delete(take.key);
    }
    for (const { take, difference } of corrections) this.#charge(take, difference, now);
  }

  renew(id: string, takes: readonly LimitTake[], leaseMs: number): void {
    const now = Math.floor(this.#now());
    const kept = this.#calls.get(id);
    if (kept === undefined || kept <= now) return;
    this.#calls.set(id, now + leaseMs);
    for (const { kind, key } of takes) {
      if (kind === "parallel" && this.#places.get(key)?.leases.has(id) === true) this.#lease(key, id, now + leaseMs);
    }
  }

  /** What it can do without: -1. The wait of a denial: 0 of a place, more of a rate, Infinity where none helps. */
  #rateWait({ key, limit, periodMs, cost }: LimitTake, now: number): number {
    if (limit <= 0 || cost > limit) return Number.POSITIVE_INFINITY;
    const excess = this.#level(key, limit, now) + (cost - limit) * periodMs;
    return excess <= 0 ? -1 : Math.ceil(excess / limit);
  }

  #placeWait({ key, limit }: LimitTake, now: number): number {
    if (limit <= 0) return Number.POSITIVE_INFINITY;
    return this.#held(key, limit, now) < limit ? -1 : 0;
  }

  #denial(take: LimitTake, takes: readonly LimitTake[], now: number): LimitAnswer {
    const states = this.#states(takes, now);
    const wait = take.kind === "rate" ? this.#rateWait(take, now) : this.#leaseWait(take, now);
    if (wait === Number.POSITIVE_INFINITY) return { allowed: false, take, states };
    return { allowed: false, take, states, retryAfterMs: wait };
  }

  #leaseWait({ key, limit }: LimitTake, now: number): number {
    const places = this.#places.get(key);
    return limit <= 0 || places === undefined ? Number.POSITIVE_INFINITY : Math.max(1, places.earliest - now);
  }

  #level(key: string, limit: number, now: number): number {
    const rate = this.#rates.get(key);
    return rate === undefined ? 0 : Math.max(0, rate.level - (now - rate.at) * limit);
  }

  #charge({ key, limit, periodMs }: LimitTake, units: number, now: number): void {
    const rate = this.#rates.get(key);
    if (rate === undefined) {
      if (units > 0) this.#rates.set(key, { level: units * periodMs, at: now, limit });
      return;
    }
    rate.level = Math.max(0, Math.max(0, rate.level - (now - rate.at) * limit) + units * periodMs);
    rate.at = now;
    rate.limit = limit;
  }

  #lease(key: string, id: string, until: number): void {
    const places = this.#places.get(key);
    if (places === undefined) {
      this.#places.set(key, { leases: new Map([[id, until]]), earliest: until });
      return;
    }
    places.leases.set(id, until);
    if (until < places.earliest) places.earliest = until;
  }

  /** How many places are held. Looks for leases that are over only where it matters, and when there can be one. */
  #held(key: string, limit: number, now: number): number {
    const places = this.#places.get(key);
    if (places === undefined) return 0;
    if (places.leases.size >= limit && places.earliest <= now) expire(places, now);
    return places.leases.size;
  }

  #states(takes: readonly LimitTake[], now: number): readonly LimitState[] {
    return takes.map((take) => this.#state(take, now));
  }

  #state({ kind, key, limit, periodMs }: LimitTake, now: number): LimitState {
    if (kind === "parallel") {
      const places = this.#places.get(key);
      if (places === undefined) return { remaining: Math.max(0, limit), resetMs: 0 };
      if (places.earliest <= now) expire(places, now);
      return { remaining: Math.max(0, limit - places.leases.size), resetMs: Math.max(0, places.earliest - now) };
    }
    if (limit <= 0) return { remaining: 0, resetMs: 0 };
    const level = this.#level(key, limit, now);
    return {
      remaining: Math.max(0, Math.floor((limit * periodMs - level) / periodMs)),
      resetMs: Math.ceil(level / limit),
    };
  }

  /** Looks at a few of each, round and round. */
  #sweep(now: number): void {
    for (let count = 0; count < SWEPT_PER_TAKE; count++) {
      const rate = this.#rateHand.next();
      if (rate.done === true) this.#rateHand = this.#rates.entries();
      else if (rate.value[1].level <= (now - rate.value[1].at) * rate.value[1].limit) this.#rates.delete(rate.value[0]);
      const call = this.#callHand.next();
      if (call.done === true) this.#callHand = this.#calls.entries();
      else if (call.value[1] <= now) this.#calls.delete(call.value[0]);
      const places = this.#placesHand.next();
      if (places.done === true) this.#placesHand = this.#places.entries();
      else if (places.value[1].earliest <= now) {
        expire(places.value[1], now);
        if (places.value[1].leases.size === 0) this.#places.delete(places.value[0]);
      }
    }
  }
}

function expire(places: Places, now: number): void {
  let earliest = Number.POSITIVE_INFINITY;
  for (const [id, until] of places.leases) {
    if (until <= now) places.leases.delete(id);
    else if (until < earliest) earliest = until;
  }
  places.earliest = earliest;
}
