import type { Deployment } from "@signalbox/kernel";
import type { CandidateFilter } from "./candidate-filter.ts";
import type { Sieved } from "./sieve.ts";
import { noted, Sieve, takeApart } from "./sieve.ts";

/**
 * Keeps the calls of a caller within the regions that it is allowed (`Principal.allowedRegions`). A deployment that
 * does not say where it is, is in none of them. Nothing left: `no_matching_deployment`.
 */
export function regionFilter(): CandidateFilter {
  const sieve = new Sieve<string>();

  function sieved(candidates: readonly Deployment[], regions: readonly string[]): Sieved {
    const allowed = regions.length === 0 ? "no region" : `${regions.join(", ")} only`;
    return takeApart(candidates, ({ region }) => {
      if (region !== undefined && regions.includes(region)) return undefined;
      const place = region === undefined ? "its region is not known" : `it is in region ${JSON.stringify(region)}`;
      return `${place}, the caller is served from ${allowed}`;
    });
  }

  return {
    name: "region",
    filter(call, candidates) {
      const regions = call.principal.allowedRegions;
      if (regions === undefined) return candidates;
      const key = regions.join(",");
      const found = sieve.find(candidates, key) ?? sieve.keep(candidates, key, sieved(candidates, regions));
      return noted(call, found, "no_matching_deployment");
    },
  };
}
