import { GatewayError } from "@signalbox/kernel";
import type { KeyBounds, KeyGenerationSettings } from "../key-policy.ts";
import type { KeyRecord, TeamRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { forbidden, isAdmin } from "./actor.ts";
import { after } from "./durations.ts";

/** A request with what it leaves out, or leaves empty, filled in. */
export function withDefaults<Given extends object>(given: Given, defaults: object | undefined): Given {
  if (defaults === undefined) return given;
  const filled = { ...given } as Record<string, unknown>;
  for (const [name, value] of Object.entries(defaults)) if (filled[name] === undefined) filled[name] = value;
  return filled as Given;
}

type Bounded = Pick<
  KeyRecord,
  "expires" | "max_budget" | "max_parallel_requests" | "tpm_limit" | "rpm_limit" | "budget_duration"
>;

const NUMBERS = ["max_budget", "max_parallel_requests", "tpm_limit", "rpm_limit"] as const;
/** A request takes time: what was asked for is not later than what is allowed because of it. */
const TOLERANCE_MS = 5_000;

/**
 * A key within the bounds of all keys: what says nothing gets as much as there is.
 *
 * @param touched which fields a change is about: what it leaves alone is left alone
 * @throws {GatewayError} `invalid_request` naming the field that goes beyond
 */
export function withinBounds<Key extends Bounded>(
  key: Key,
  bounds: KeyBounds | undefined,
  touched: (field: string) => boolean = () => true,
): Key {
  if (bounds === undefined) return key;
  const bounded: { -readonly [Name in keyof Bounded]?: Bounded[Name] | undefined } = {};
  for (const name of NUMBERS) {
    const most = bounds[name];
    if (most === undefined || !touched(name)) continue;
    const asked = key[name];
    if (asked === undefined || asked === null) bounded[name] = most;
    else if (asked > most) throw beyond(name, most);
  }
  if (bounds.budget_duration !== undefined && touched("budget_duration")) {
    const asked = key.budget_duration;
    if (asked === undefined || asked === null) bounded.budget_duration = bounds.budget_duration;
    else if (isLonger(asked, bounds.budget_duration)) throw beyond("budget_duration", bounds.budget_duration);
  }
  if (bounds.duration !== undefined && touched("duration")) {
    const latest = after(bounds.duration);
    if (key.expires === null) bounded.expires = latest;
    else if (Date.parse(key.expires) > Date.parse(latest) + TOLERANCE_MS) throw beyond("duration", bounds.duration);
  }
  return { ...key, ...bounded };
}

function isLonger(one: string, other: string): boolean {
  const now = new Date();
  return Date.parse(after(one, now)) > Date.parse(after(other, now));
}

function beyond(field: string, most: number | string): GatewayError {
  return new GatewayError("invalid_request", `${field} of a key can be ${most} at most`, { param: field });
}

/**
 * Whether somebody may make keys of this kind, and has said what must be said.
 *
 * @throws {GatewayError} `route_not_allowed`, `invalid_request`
 */
export function checkGeneration(
  actor: Actor,
  team: TeamRecord | undefined,
  given: Readonly<Record<string, unknown>>,
  settings: KeyGenerationSettings | undefined,
): void {
  if (settings === undefined || isAdmin(actor)) return;
  if (team !== undefined) {
    const { allowed_team_member_roles: roles, required_params: required } = settings.team_key_generation ?? {};
    const member = team.members_with_roles.find(({ user_id }) => user_id === actor.userId);
    if (roles !== undefined && (member === undefined || !roles.includes(member.role))) {
      throw forbidden("keys of teams are made by members of other roles", "team_id");
    }
    requireFields(given, required);
    return;
  }
  const { allowed_user_roles: roles, required_params: required } = settings.personal_key_generation ?? {};
  if (roles !== undefined && (actor.role === "none" || !roles.includes(actor.role))) {
    throw forbidden("your role may make keys for teams only");
  }
  requireFields(given, required);
}

function requireFields(given: Readonly<Record<string, unknown>>, required: readonly string[] | undefined): void {
  const missing = required?.find((name) => given[name] === undefined || given[name] === null);
  if (missing === undefined) return;
  throw new GatewayError("invalid_request", `${missing} is required for a key`, { param: missing });
}
