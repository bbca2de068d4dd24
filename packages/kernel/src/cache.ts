import type { Call } from "./call.ts";
import type { OperationName, ResultOf } from "./operation.ts";

/** A complete answer, kept for later callers. Streams are replayed from the result. */
export interface Recording<Name extends OperationName = OperationName> {
  readonly operation: Name;
  readonly result: ResultOf<Name>;
  /** Epoch milliseconds. */
  readonly storedAt: number;
  /** How alike the question was, 0 to 1, where a semantic cache found it. */
  readonly similarity?: number;
}

/**
 * Found by call, so that exact and semantic caches are one contract. The cache decides what makes two calls equal;
 * two callers of different tenants, or two requests that differ in any effective parameter, never share a recording.
 * A cache that is down answers `undefined`; it never fails a call.
 */
export interface Cache {
  find<Name extends OperationName>(call: Call<Name>): Promise<Recording<Name> | undefined>;
  keep<Name extends OperationName>(call: Call<Name>, recording: Recording<Name>): Promise<void>;
  /** Forgets what `find` would find for this call. */
  forget(call: Call): Promise<void>;
  close?(): Promise<void>;
}
