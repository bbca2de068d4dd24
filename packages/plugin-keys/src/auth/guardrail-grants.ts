import type { Principal } from "@signalbox/kernel";
import { grants } from "@signalbox/kernel";

type Settings = Readonly<Record<string, unknown>> | undefined;

/**
 * What a key and its team say of guardrails. Those that they name run for the calls, besides those that run for all calls;
 * one that is not there lets no call pass. What a key may turn off is no more than its team may, where the team says it.
 */
export function guardrailGrants(team: Settings, key: Settings): Principal["guardrails"] {
  const on = [...new Set([...namesOf(team), ...namesOf(key)])];
  const off = commonGrants(offOf(team), offOf(key));
  const globals = team?.["disable_global_guardrails"] !== true && key?.["disable_global_guardrails"] !== true;
  if (on.length === 0 && off.length === 0 && globals) return undefined;
  return {
    ...(on.length > 0 && { on }),
    ...(off.length > 0 && { off }),
    ...(!globals && { globals }),
  };
}

function namesOf(settings: Settings): readonly string[] {
  return (settings?.["guardrails"] ?? []) as readonly string[];
}

/** `permissions.modify_guardrails`: all, none, or those named. Undefined: it says nothing. */
function offOf(settings: Settings): readonly string[] | undefined {
  const permissions = settings?.["permissions"] as { readonly modify_guardrails?: unknown } | undefined;
  const given = permissions?.modify_guardrails;
  if (given === true) return ["*"];
  if (given === false) return [];
  return given as readonly string[] | undefined;
}

function commonGrants(team: readonly string[] | undefined, key: readonly string[] | undefined): readonly string[] {
  if (team === undefined || key === undefined) return key ?? team ?? [];
  const covered = (ones: readonly string[], others: readonly string[]): readonly string[] =>
    ones.filter((one) => others.some((other) => grants(other, one)));
  return [...new Set([...covered(key, team), ...covered(team, key)])];
}
