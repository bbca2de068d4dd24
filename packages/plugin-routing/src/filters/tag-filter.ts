import type { Call, Deployment } from "@signalbox/kernel";
import type { CandidateFilter } from "./candidate-filter.ts";
import type { Sieved } from "./sieve.ts";
import { noted, Sieve, takeApart } from "./sieve.ts";

/** Options of `tagFilter`. */
export interface TagFilterOptions {
  /** Default false: tags have no say in routing. */
  readonly enabled?: boolean;
  /** Default true: one tag in common is enough. False: a deployment must have all of the call's tags. */
  readonly matchAny?: boolean;
}

/** The tag of the deployments for calls that no other deployment is meant for. */
const DEFAULT_TAG = "default";
/** How many of a call's tags a reason names. */
const SHOWN_TAGS = 5;
/** Stands between tags in keys; no header and no JSON text of a sane client holds it. */
const BETWEEN = "\u0000";

const NO_TAGS: readonly string[] = [];

/**
 * Routes by tags: those of the call and of its caller together. A call with tags goes to the deployments that match,
 * else to those tagged `default`, else nowhere (`no_matching_deployment`). A call without tags goes to those tagged
 * `default`, or to all where there are none. A deployment without tags matches no tag.
 */
export function tagFilter(options: TagFilterOptions): CandidateFilter {
  const { enabled = false, matchAny = true } = options;
  const sieve = new Sieve<string>();

  function matches(candidate: Deployment, wanted: readonly string[]): boolean {
    const { tags = NO_TAGS } = candidate;
    return matchAny ? wanted.some((tag) => tags.includes(tag)) : wanted.every((tag) => tags.includes(tag));
  }

  function sieved(candidates: readonly Deployment[], wanted: readonly string[]): Sieved {
    const share = matchAny ? "none" : "not all";
    const strange = `it has ${share} of the call's tags: ${shown(wanted)}`;
    if (wanted.length > 0 && candidates.some((candidate) => matches(candidate, wanted))) {
      return takeApart(candidates, (candidate) => (matches(candidate, wanted) ? undefined : strange));
    }
    if (candidates.some(isDefault)) {
      const reason = wanted.length === 0 ? `it is not tagged "${DEFAULT_TAG}", and the call has no tags` : strange;
      return takeApart(candidates, (candidate) => (isDefault(candidate) ? undefined : reason));
    }
    return takeApart(candidates, () => (wanted.length === 0 ? undefined : strange));
  }

  return {
    name: "tags",
    filter(call, candidates) {
      if (!enabled) return candidates;
      const wanted = tagsOf(call);
      const key = wanted.join(BETWEEN);
      const found = sieve.find(candidates, key) ?? sieve.keep(candidates, key, sieved(candidates, wanted));
      return noted(call, found, "no_matching_deployment");
    },
  };
}

function isDefault({ tags }: Deployment): boolean {
  return tags?.includes(DEFAULT_TAG) ?? false;
}

function tagsOf({ options, principal }: Call): readonly string[] {
  const own = options.tags ?? NO_TAGS;
  const callers = principal.tags ?? NO_TAGS;
  if (callers.length === 0) return own;
  return own.length === 0 ? callers : [...own, ...callers];
}

function shown(tags: readonly string[]): string {
  const more = tags.length - SHOWN_TAGS;
  const names = tags.slice(0, SHOWN_TAGS).map((tag) => JSON.stringify(tag));
  return names.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
