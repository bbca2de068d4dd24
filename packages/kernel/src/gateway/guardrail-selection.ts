import type { Call } from "../call.ts";
import { GatewayError } from "../errors.ts";
import type { Guardrail, GuardrailRuns } from "../guardrail.ts";
import type { Layer, LayerPlacement } from "../layer.ts";
import { didYouMean } from "../nearest.ts";
import type { OperationName, Reply } from "../operation.ts";
import type { Plugin } from "../plugin.ts";
import type { Principal } from "../principal.ts";
import { grants } from "../principal.ts";

/** The member of a body by which a caller chooses guardrails: `["pii", "-injection"]`. */
const WISHES = "guardrails";
/** Turns off all; for those who may turn off all. */
const ALL_OFF = "-*";

/** What the kernel itself reads of requests, once there is a guardrail. */
export function guardrailWishes(plugin: Plugin): readonly string[] {
  return (plugin.guardrails ?? []).length > 0 ? [WISHES] : [];
}

/**
 * Refuses what a caller may not wish for: a guardrail that does not exist, which would leave it unprotected without its
 * knowledge, and turning one off without a grant.
 */
export function wishesLayer(plugins: readonly Plugin[]): LayerPlacement<Layer> {
  const names: ReadonlyMap<string, Guardrail> = new Map(
    plugins.flatMap(({ guardrails = [] }) => guardrails.map((each) => [each.name, each])),
  );

  function checkWishes<Name extends OperationName>(
    call: Call<Name>,
    next: (call: Call<Name>) => Reply<Name>,
  ): Reply<Name> {
    for (const name of call.principal.guardrails?.on ?? []) {
      if (names.has(name)) continue;
      const message = `the guardrail ${JSON.stringify(name)}, which calls of this key need, is not available`;
      throw new GatewayError("guardrail_unavailable", message, { source: name, retryAfterMs: 1_000 });
    }
    for (const wish of wishesOf(call)) {
      const off = wish.startsWith("-");
      const name = off ? wish.slice(1) : wish;
      if (!names.has(name) && wish !== ALL_OFF) {
        const known = [...names.keys()];
        const hint = didYouMean(name, known);
        throw refused(
          `there is no guardrail ${JSON.stringify(name)}; this gateway has ${known.join(", ")}${hint === "" ? "" : `.${hint}`}`,
        );
      }
      if (off && !mayTurnOff(call.principal, name) && !isOffAlready(call.principal, names.get(name))) {
        throw refused(`this key may not turn off the guardrail ${JSON.stringify(name)}`);
      }
    }
    return next(call);
  }

  return { layer: checkWishes, order: "first", events: "pass" };
}

/** Whether a guardrail runs for a call; undefined where it always does. */
export function guardrailRuns(guardrail: Guardrail): (call: Call) => boolean {
  const { name, runs = {} } = guardrail;
  const off = `-${name}`;
  return (call) => {
    const { extensions } = call.options;
    if (extensions?.[WISHES] !== undefined) {
      const wishes = wishesOf(call);
      const isOff = wishes.includes(off) || wishes.includes(ALL_OFF);
      if (isOff && mayTurnOff(call.principal, name)) return false;
      if (wishes.includes(name)) return true;
    }
    if (call.principal.guardrails?.on?.includes(name) === true) return true;
    return isOn(runs, call);
  };
}

function isOn(runs: GuardrailRuns, { model, principal }: Call): boolean {
  if (runs.models !== undefined && !runs.models.some((pattern) => grants(pattern, model))) return false;
  if (isGlobal(runs)) return runs.defaultOn !== false && principal.guardrails?.globals !== false;
  const { keys, users, teams, organizations } = runs;
  const { id, userId, teamId, organizationId } = principal;
  return has(keys, id) || has(users, userId) || has(teams, teamId) || has(organizations, organizationId);
}

/** It names no callers. */
function isGlobal({ keys, users, teams, organizations }: GuardrailRuns): boolean {
  return keys === undefined && users === undefined && teams === undefined && organizations === undefined;
}

/** To turn off what is off for the caller anyway takes no grant. */
function isOffAlready({ guardrails }: Principal, guardrail: Guardrail | undefined): boolean {
  if (guardrails?.globals !== false || guardrail === undefined) return false;
  return isGlobal(guardrail.runs ?? {}) && guardrails.on?.includes(guardrail.name) !== true;
}

function has(list: readonly string[] | undefined, id: string | undefined): boolean {
  return id !== undefined && (list ?? []).includes(id);
}

function mayTurnOff(principal: Principal, name: string): boolean {
  return principal.admin || (principal.guardrails?.off ?? []).some((pattern) => grants(pattern, name));
}

function wishesOf(call: Call): readonly string[] {
  const wishes = call.options.extensions?.[WISHES];
  if (wishes === undefined || wishes === null) return [];
  if (!Array.isArray(wishes) || !wishes.every((wish) => typeof wish === "string")) {
    throw refused("guardrails must be a list of names");
  }
  return wishes;
}

function refused(message: string): GatewayError {
  return new GatewayError("invalid_request", message, { param: WISHES });
}
