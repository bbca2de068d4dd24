import type { RoutingParts } from "@signalbox/kernel";
import type { Affinity } from "./affinity.ts";

/** Options of `promptCacheAffinity`. */
export interface PromptCacheAffinityOptions {
  /** How long a prefix stays where it is after it was last used. Default 300,000 (five minutes). */
  readonly ttlMs?: number;
  /** Shorter prefixes are kept by no provider. Default 1,024. */
  readonly minTokens?: number;
}

export function promptCacheAffinity(_options: PromptCacheAffinityOptions, _parts: RoutingParts): Affinity {
  return { name: "prompt-cache", preferred: () => undefined };
}
