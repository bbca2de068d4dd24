import { createHash } from "node:crypto";
import type { Call, Deployment, RoutingParts } from "@signalbox/kernel";
import { isCall } from "@signalbox/kernel";
import type { Affinity } from "./affinity.ts";
import { modelKey } from "./model-key.ts";
import { promptCuts } from "./prompt-cuts.ts";
import { RememberedDeployments } from "./remembered-deployments.ts";

/** Options of `promptCacheAffinity`. */
export interface PromptCacheAffinityOptions {
  /** How long a prefix stays where it is after it was last used. Default 300,000 (five minutes). */
  readonly ttlMs?: number;
  /** Shorter prefixes are kept by no provider. Default 1,024. */
  readonly minTokens?: number;
}

const DEFAULT_TTL_MS = 300_000;
const DEFAULT_MIN_TOKENS = 1_024;
/** A rule of thumb for English text and code. */
const UNITS_PER_TOKEN = 4;

/** Names of a call's beginnings. */
interface Beginnings {
  /** The longest first. */
  readonly all: readonly string[];
  readonly keep: readonly string[];
}

const NONE: Beginnings = { all: [], keep: [] };

/**
 * Sends calls that begin alike to the deployment that has answered such a beginning before: its provider may have kept
 * it, and then reads it faster and for less. Of a conversation the longest known beginning decides. Callers share
 * nothing but with their own team.
 */
export function promptCacheAffinity(options: PromptCacheAffinityOptions, { state, facts }: RoutingParts): Affinity {
  const { ttlMs = DEFAULT_TTL_MS, minTokens = DEFAULT_MIN_TOKENS } = options;
  const leastUnits = minTokens * UNITS_PER_TOKEN;
  const remembered = new RememberedDeployments(state, "affinity/prompt", ttlMs);
  const beginnings = Symbol("beginnings");
  const keeping = new WeakMap<readonly Deployment[], boolean>();

  /** Unless all of them are known to keep nothing. */
  function mayKeep(candidates: readonly Deployment[]): boolean {
    let any = keeping.get(candidates);
    if (any === undefined) {
      any = candidates.some((candidate) => facts(candidate).supportsPromptCaching !== false);
      keeping.set(candidates, any);
    }
    return any;
  }

  function beginningsOf(call: Call): Beginnings {
    const known = call.state.get(beginnings) as Beginnings | undefined;
    if (known !== undefined) return known;
    const found = isCall(call, "chat") ? beginningsOfChat(call, leastUnits) : NONE;
    call.state.set(beginnings, found);
    return found;
  }

  return {
    name: "prompt-cache",
    preferred(call, candidates) {
      const [first] = candidates;
      if (first === undefined || candidates.length < 2 || !mayKeep(candidates)) return undefined;
      let missing: string | undefined;
      for (const name of beginningsOf(call).all) {
        const id = remembered.find(`${name}/${modelKey(first.model)}`);
        if (id === undefined || id === missing) continue;
        const found = candidates.find((candidate) => candidate.id === id);
        const outcome = found === undefined ? "cannot serve it now" : "has served this beginning before";
        call.trace.note("route", `prompt-cache affinity: ${JSON.stringify(id)} ${outcome}`);
        if (found !== undefined) return found;
        missing = id;
      }
      return undefined;
    },
    report(deployment, { ok }, call) {
      if (!ok) return;
      const found = call.state.get(beginnings) as Beginnings | undefined;
      if (found === undefined) return;
      for (const name of found.keep) remembered.remember(`${name}/${modelKey(deployment.model)}`, deployment.id);
    },
  };
}

function beginningsOfChat({ request, principal }: Call<"chat">, leastUnits: number): Beginnings {
  const cuts = promptCuts(request);
  if ((cuts.at(-1)?.units ?? 0) < leastUnits) return NONE;
  const digest = createHash("sha256").update(
    JSON.stringify([principal.teamId ?? "", principal.teamId ?? principal.id]),
  );
  const all: string[] = [];
  const keep: string[] = [];
  for (const cut of cuts) {
    digest.update(cut.text);
    if (cut.units < leastUnits) continue;
    const name = digest.copy().digest("base64url");
    if (all[0] !== name) all.unshift(name);
    if (cut.keep && !keep.includes(name)) keep.push(name);
  }
  return { all, keep };
}
