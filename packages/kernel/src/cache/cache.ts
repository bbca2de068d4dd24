import type { Call } from "../call.ts";
import type { OperationName, ResultOf } from "../operation.ts";
import type { Health } from "../plugin.ts";
import type { ServedBy } from "../trace.ts";

/** A complete answer, kept for later callers. Streams are replayed from the result. */
export interface Recording<Name extends OperationName = OperationName> {
  readonly operation: Name;
  readonly result: ResultOf<Name>;
  /** Epoch milliseconds. */
  readonly storedAt: number;
  /** Epoch milliseconds from which it is stale: served once more, while it is asked for anew. Default: never. */
  readonly staleAt?: number;
  /** Epoch milliseconds from which it is never found. Default: the cache's own time of life. */
  readonly expiresAt?: number;
  /** Who has given the answer. */
  readonly servedBy?: ServedBy;
  /** What it can be cleared by. */
  readonly namespace?: string;
  readonly tags?: readonly string[];
  /** How alike the question was, 0 to 1, where a semantic cache found it. */
  readonly similarity?: number;
}

/** Which recordings to clear; an empty selection is all of them. */
export interface CacheSelection {
  /** As `cacheKey` and the header `x-signalbox-cache-key` tell them. */
  readonly keys?: readonly string[];
  readonly namespace?: string;
  readonly tag?: string;
}

/** What a cache holds, and how it has done since it was made. */
export interface CacheStats {
  readonly hits: number;
  readonly misses: number;
  /** Answers that were kept. */
  readonly kept: number;
  /** Answers that were too large, or could not be written. */
  readonly refused: number;
  /** Undefined where counting would be too much. */
  readonly entries?: number;
  readonly bytes?: number;
}

/**
 * Who asks upstream, of several processes that miss the same answer at the same time: this one, or another one that
 * is waited for until it has kept its answer or has given up.
 */
export type CacheClaim =
  | { readonly mine: true; release(): Promise<void> }
  | { readonly mine: false; settled(signal: AbortSignal): Promise<void> };

/**
 * Found by call, so that exact and semantic caches are one contract. The cache decides what makes two calls equal
 * (`cacheKey` does, for exact ones); two callers of different tenants, or two requests that differ in any effective
 * parameter, never share a recording. A cache that is down answers `undefined`; it never fails a call.
 */
export interface Cache {
  find<Name extends OperationName>(call: Call<Name>): Promise<Recording<Name> | undefined>;
  keep<Name extends OperationName>(call: Call<Name>, recording: Recording<Name>): Promise<void>;
  /** Forgets what `find` would find for this call. */
  forget(call: Call): Promise<void>;
  /** For caches that several processes share. Held for `forMs` at most. Undefined: nobody can tell. */
  claim?(call: Call, forMs: number): Promise<CacheClaim | undefined>;
  /** Tells how many recordings are gone; undefined when the cache does not count them. */
  clear?(selection: CacheSelection): Promise<number | undefined>;
  stats?(): CacheStats | Promise<CacheStats>;
  /** Whether its store answers, asked now. */
  ping?(): Health | Promise<Health>;
  close?(): Promise<void>;
}
