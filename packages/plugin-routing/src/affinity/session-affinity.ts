import { hash } from "node:crypto";
import type { Call, RoutingParts } from "@signalbox/kernel";
import type { Affinity } from "./affinity.ts";
import { modelKey } from "./model-key.ts";
import { RememberedDeployments } from "./remembered-deployments.ts";

/** Options of `sessionAffinity`. */
export interface SessionAffinityOptions {
  /** How long a session stays where it is after its last answer. Default 3,600,000 (an hour). */
  readonly ttlMs?: number;
}

const DEFAULT_TTL_MS = 3_600_000;

/**
 * Keeps the calls of a session (`x-signalbox-session-id`, `litellm_session_id`) at the deployment that answered last,
 * for each model. Equal names of different callers are different sessions.
 */
export function sessionAffinity(options: SessionAffinityOptions, { state }: RoutingParts): Affinity {
  const remembered = new RememberedDeployments(state, "affinity/session", options.ttlMs ?? DEFAULT_TTL_MS);
  const session = Symbol("session");

  return {
    name: "session",
    preferred(call, candidates) {
      const [first] = candidates;
      if (call.options.sessionId === undefined || first === undefined || candidates.length < 2) return undefined;
      const name = sessionName(call, call.options.sessionId);
      call.state.set(session, name);
      const id = remembered.find(`${name}/${modelKey(first.model)}`);
      if (id === undefined) return undefined;
      const found = candidates.find((candidate) => candidate.id === id);
      const outcome = found === undefined ? "cannot serve it now" : "has served it before";
      call.trace.note("route", `session affinity: ${JSON.stringify(id)} ${outcome}`);
      return found;
    },
    report(deployment, { ok }, call) {
      if (!ok) return;
      const name = call.state.get(session) as string | undefined;
      if (name !== undefined) remembered.remember(`${name}/${modelKey(deployment.model)}`, deployment.id);
    },
  };
}

/** Short and always of the same length, whatever a client sends. */
function sessionName({ principal }: Call, sessionId: string): string {
  return hash("sha256", JSON.stringify([principal.teamId ?? "", principal.id, sessionId]), "base64url");
}
