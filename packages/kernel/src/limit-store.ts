/** One limit that a call is counted against. */
export interface LimitTake {
  /** Names the counter: `key/k-1/requests`. The same key always has the same kind and period, and stands once in a take. */
  readonly key: string;
  /** `rate`: so many units per period, by GCRA. `parallel`: so many at the same time, held until released or expired. */
  readonly kind: "rate" | "parallel";
  /** Whole units: of a period, and at once. 0: nothing is let through. */
  readonly limit: number;
  /** Of a rate; 0 for parallel. */
  readonly periodMs: number;
  /** Whole units to take: 1 for a request or a place, an estimate for tokens. */
  readonly cost: number;
}

/** How much is left of one limit. */
export interface LimitState {
  /** Whole units, never below 0. */
  readonly remaining: number;
  /** Until all of it is there again; for places, until a lease ends. */
  readonly resetMs: number;
}

/**
 * Whether everything was taken, or which limit stood against it: one that no wait helps, else the rate with the longest
 * wait, else a place. `states` has what is left of each take, in their order; after a denial nothing has changed.
 */
export type LimitAnswer =
  | { readonly allowed: true; readonly states: readonly LimitState[] }
  | {
      readonly allowed: false;
      readonly take: LimitTake;
      readonly states: readonly LimitState[];
      /**
       * Whole milliseconds until the rates let it through, if nobody else comes; for places the time until a lease ends,
       * at most. Undefined when no wait helps: the call alone is larger than the limit.
       */
      readonly retryAfterMs?: number;
    };

/** What a call has really used of a rate, in place of what was taken for it. */
export interface LimitCorrection {
  readonly take: LimitTake;
  /** Added to what was taken; may be negative. Gives back no more than there is room for; may exceed the limit. */
  readonly difference: number;
}

/**
 * Counts requests, tokens and calls in flight; for one process, or for all that share a store. Every operation is atomic
 * and, by its id, idempotent.
 */
export interface LimitStore {
  /**
   * Takes all, or nothing. The id and its places are kept for `leaseMs`, or until released. An id that is kept is allowed
   * again and takes nothing more; a denied one may be tried again.
   */
  take(id: string, takes: readonly LimitTake[], leaseMs: number): LimitAnswer | Promise<LimitAnswer>;
  /** Gives parallel places back and corrects rates, at the end of a call. Changes nothing for an id that is not kept. */
  release(id: string, takes: readonly LimitTake[], corrections: readonly LimitCorrection[]): void | Promise<void>;
  /** A call goes on: it and its places are kept for `leaseMs` from now. What has run out does not come back. */
  renew(id: string, takes: readonly LimitTake[], leaseMs: number): void | Promise<void>;
  close?(): void | Promise<void>;
}
