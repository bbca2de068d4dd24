import type { RoutingParts } from "@signalbox/kernel";
import type { Affinity } from "./affinity.ts";

/** Options of `sessionAffinity`. */
export interface SessionAffinityOptions {
  /** How long a session stays where it is after its last answer. Default 3,600,000 (an hour). */
  readonly ttlMs?: number;
}

export function sessionAffinity(_options: SessionAffinityOptions, _parts: RoutingParts): Affinity {
  return { name: "session", preferred: () => undefined };
}
