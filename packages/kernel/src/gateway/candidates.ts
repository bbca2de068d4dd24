import type { Deployment } from "../deployment.ts";
import type { GatewayError } from "../errors.ts";
import type { Candidates } from "../router.ts";

/** What `Candidates` are pulled from. */
export type CandidateIterator = Pick<
  Iterator<Deployment | Promise<Deployment>, unknown, GatewayError | undefined>,
  "return"
> & {
  next(
    failure: GatewayError | undefined,
  ): IteratorResult<Deployment | Promise<Deployment>> | Promise<IteratorResult<Deployment>>;
};

/** Both kinds of candidates behind one face. */
export function iterate(candidates: Candidates): CandidateIterator {
  const iterator = Symbol.iterator in candidates ? candidates[Symbol.iterator]() : candidates[Symbol.asyncIterator]();
  return iterator as CandidateIterator;
}

/** The next deployment; at once where the router need not wait. */
export function pull(
  candidates: CandidateIterator,
  failure: GatewayError | undefined,
): Deployment | undefined | Promise<Deployment | undefined> {
  const step = candidates.next(failure);
  if ("then" in step) return step.then(({ done, value }) => (done === true ? undefined : value));
  return step.done === true ? undefined : step.value;
}
