import type { Call, Deployment, ErrorCode } from "@signalbox/kernel";

/** A deployment that was left out, and why. */
export interface LeftOut {
  readonly deployment: string;
  readonly reason: string;
}

/** Candidates, taken apart. */
export interface Sieved {
  /** The candidates' own array when nothing was left out. */
  readonly kept: readonly Deployment[];
  readonly leftOut: readonly LeftOut[];
}

/** Keys come from clients where tags do: so many are kept for one list of candidates. */
const MOST_KEYS = 200;

/**
 * Remembers how a list of candidates was taken apart for a key: equal calls get the same array again, so that what
 * others keep under an array's identity holds. Forgotten with the list itself.
 */
export class Sieve<Key extends string | number> {
  readonly #known: WeakMap<readonly Deployment[], Map<Key, Sieved>> = new WeakMap();

  find(candidates: readonly Deployment[], key: Key): Sieved | undefined {
    return this.#known.get(candidates)?.get(key);
  }

  keep(candidates: readonly Deployment[], key: Key, sieved: Sieved): Sieved {
    const keys = this.#known.get(candidates) ?? new Map<Key, Sieved>();
    if (keys.size === 0) this.#known.set(candidates, keys);
    if (keys.size >= MOST_KEYS) keys.clear();
    keys.set(key, sieved);
    return sieved;
  }
}

/** @param reasonOf why a candidate is left out; undefined: it stays */
export function takeApart(
  candidates: readonly Deployment[],
  reasonOf: (candidate: Deployment) => string | undefined,
): Sieved {
  const kept: Deployment[] = [];
  const leftOut: LeftOut[] = [];
  for (const candidate of candidates) {
    const reason = reasonOf(candidate);
    if (reason === undefined) kept.push(candidate);
    else leftOut.push({ deployment: candidate.id, reason });
  }
  return { kept: leftOut.length === 0 ? candidates : kept, leftOut };
}

/** Says in the trace what was left out, and answers what was kept. */
export function noted(call: Call, { kept, leftOut }: Sieved, code: ErrorCode): readonly Deployment[] {
  for (const { deployment, reason } of leftOut) call.trace.skip(deployment, reason, { code });
  return kept;
}
