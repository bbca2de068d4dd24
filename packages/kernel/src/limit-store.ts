/** One limit that a call is counted against. */
export interface LimitTake {
  /** Names the counter: `key/k-1/requests`. The same key always has the same kind. */
  readonly key: string;
  /** `rate`: so many units per period, by GCRA. `parallel`: so many at the same time, held until released or expired. */
  readonly kind: "rate" | "parallel";
  readonly limit: number;
  /** Of a rate. */
  readonly periodMs: number;
  /** Units to take: 1 for a request, an estimate for tokens. */
  readonly cost: number;
}

/** How much is left of one limit. */
export interface LimitState {
  readonly remaining: number;
  /** Until all of it is there again. */
  readonly resetMs: number;
}

/** Whether everything was taken, or which limit stood against it. */
export type LimitAnswer =
  | { readonly allowed: true; readonly states: readonly LimitState[] }
  | {
      readonly allowed: false;
      readonly take: LimitTake;
      readonly states: readonly LimitState[];
      /** The real wait; undefined when no wait helps: the call alone is larger than the limit. */
      readonly retryAfterMs?: number;
    };

/** What a call has really used of a rate, in place of what was taken for it. */
export interface LimitCorrection {
  readonly take: LimitTake;
  /** Added to what was taken; may be negative. */
  readonly difference: number;
}

/**
 * Counts requests, tokens and calls in flight; for one process, or for all that share a store. Every operation is atomic
 * and, by its id, idempotent.
 */
export interface LimitStore {
  /** Takes all, or nothing. Parallel places are leased for `leaseMs`. */
  take(id: string, takes: readonly LimitTake[], leaseMs: number): LimitAnswer | Promise<LimitAnswer>;
  /** Gives parallel places back and corrects rates, at the end of a call. */
  release(id: string, takes: readonly LimitTake[], corrections: readonly LimitCorrection[]): void | Promise<void>;
  /** A call goes on: its places are leased for another `leaseMs`. */
  renew(id: string, takes: readonly LimitTake[], leaseMs: number): void | Promise<void>;
  close?(): void | Promise<void>;
}
