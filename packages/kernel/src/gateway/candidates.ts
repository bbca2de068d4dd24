import type { Deployment } from "../deployment.ts";
import type { GatewayError } from "../errors.ts";
import type { Candidates } from "../router.ts";

/** What a pull gives: a deployment, a wait for one, or the end. */
export type Found = Deployment | undefined | Promise<Deployment | undefined>;

/** What `Candidates` are pulled from. */
export interface CandidateIterator {
  next(
    failure: GatewayError | undefined,
  ): IteratorResult<Deployment | Promise<Deployment>> | Promise<IteratorResult<Deployment>>;
  return?(): IteratorResult<unknown> | Promise<IteratorResult<unknown>>;
}

/** Both kinds of candidates behind one face. */
export function iterate(candidates: Candidates): CandidateIterator {
  const iterator = Symbol.iterator in candidates ? candidates[Symbol.iterator]() : candidates[Symbol.asyncIterator]();
  return iterator as CandidateIterator;
}

/** The next deployment; at once where the router need not wait. */
export function pull(candidates: CandidateIterator, failure: GatewayError | undefined): Found {
  const step = candidates.next(failure);
  if ("then" in step) return step.then(({ done, value }) => (done === true ? undefined : value));
  return step.done === true ? undefined : step.value;
}

/** Lets a generator clean up. Not waited for while it still waits itself, for a deployment that nobody needs any more. */
export function close(candidates: CandidateIterator, unneeded: Found): Promise<unknown> | undefined {
  const closing = candidates.return?.();
  if (closing === undefined || !("then" in closing)) return undefined;
  if (unneeded === undefined) return closing;
  // Its waits end with the call, and with them its interest in how they do.
  closing.catch(() => undefined);
  return undefined;
}
