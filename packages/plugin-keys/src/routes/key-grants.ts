import type { Identity } from "../auth/identity.ts";
import { ALL_TEAM_MODELS, beyond, plainModels } from "../auth/model-grants.ts";
import { modelsOf } from "../auth/principal-of.ts";
import { coversRoutes } from "../auth/route-grants.ts";
import type { Bounds, KeyRecord, TeamRecord, UserRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { forbidden, isAdmin, isMember, isOrganizationAdmin, isTeamAdmin, mayActFor } from "./actor.ts";
import type { Management } from "./management.ts";
import { existing } from "./management.ts";

/** Bounds where more is more. */
const NUMBERS = ["max_budget", "max_parallel_requests", "tpm_limit", "rpm_limit"] as const;
const MAPS = ["model_rpm_limit", "model_tpm_limit"] as const;

/** What routes a key must have a permission for in teams where its holder is a plain member. */
export type MemberRoute = "/key/generate" | "/key/update" | "/key/delete" | "/key/regenerate";

/** Key routes that a team may open to its members. */
export const MEMBER_ROUTES: readonly string[] = [
  "/key/info",
  "/key/list",
  "/key/generate",
  "/key/update",
  "/key/delete",
  "/key/regenerate",
];

/**
 * Whether somebody may give a key to this user, this team and this organisation.
 *
 * @param made a user who is not kept yet
 * @throws {GatewayError} `route_not_allowed`, `not_found`
 */
export async function checkOwner(
  actor: Actor,
  { user_id, team_id, organization_id }: Pick<KeyRecord, "user_id" | "team_id" | "organization_id">,
  management: Management,
  made?: UserRecord,
): Promise<void> {
  const { users, teams, organizations } = management.collections;
  const user = user_id === null ? undefined : (made ?? (await users.get(user_id)));
  const team = team_id === null ? undefined : await teams.get(team_id);
  const organization = organization_id === null ? undefined : await organizations.get(organization_id);
  if (isAdmin(actor)) {
    if (user_id !== null) existing(user, "user");
    if (team_id !== null) existing(team, "team");
    if (organization_id !== null) existing(organization, "organization");
    checkTogether(team, organization_id);
    return;
  }
  // to everybody else, what is another's looks the same as what is not there
  const overTeam = team !== undefined && (await isTeamAdmin(actor, team, management));
  if (team_id !== null && !overTeam) {
    if (team === undefined || !isMember(actor, team)) throw forbidden("you are not a member of this team", "team_id");
    if (!team.team_member_permissions.includes("/key/generate")) {
      throw forbidden("members of this team may not make keys for it", "team_id");
    }
  }
  if (organization_id !== null && team_id === null && !isOrganizationAdmin(actor, organization)) {
    throw forbidden("you are not an administrator of this organization", "organization_id");
  }
  checkTogether(team, organization_id);
  if (user_id === null) {
    if (!overTeam && !(organization !== undefined && isOrganizationAdmin(actor, organization))) {
      throw forbidden("a key without a user is for administrators to make", "user_id");
    }
    return;
  }
  if (user === undefined) throw forbidden("you may not act for this user", "user_id");
  if (user.id === actor.userId) return;
  const ofTeam = team?.members_with_roles.some((member) => member.user_id === user.id) === true;
  const low = user.user_role === "internal_user" || user.user_role === "internal_user_viewer";
  if (overTeam && ofTeam && low) return;
  if (!(await mayActFor(actor, user, management))) throw forbidden("you may not act for this user", "user_id");
}

function checkTogether(team: TeamRecord | undefined, organization_id: string | null): void {
  if (team !== undefined && organization_id !== null && team.organization_id !== organization_id) {
    throw forbidden("the team is not in this organization", "organization_id");
  }
}

/** @throws {GatewayError} `route_not_allowed` for a plain member of the key's team without the permission */
export function checkMemberRoute(actor: Actor, team: TeamRecord | undefined, route: MemberRoute): void {
  if (team !== undefined && !team.team_member_permissions.includes(route)) {
    throw forbidden(`members of this team may not use ${route} for its keys`);
  }
  void actor;
}

/**
 * Nobody grants more than they hold: models, routes, time, budgets, limits.
 *
 * @throws {GatewayError} `route_not_allowed` naming the field
 */
export async function checkGrants(
  actor: Actor,
  wanted: KeyRecord,
  given: ReadonlySet<string>,
  management: Management,
  { isNew = false, user: made }: { readonly isNew?: boolean; readonly user?: UserRecord | undefined } = {},
): Promise<void> {
  const { identity } = actor;
  if (identity === undefined) return;
  const { key, ancestors, user } = identity;
  // even an administrator's key that was bound to some routes makes none for others
  const opensRoutes = isNew || given.has("allowed_routes") || given.has("key_type");
  if (opensRoutes && !coversRoutes(key.allowed_routes, wanted.allowed_routes)) {
    throw forbidden("you do not have these routes to grant", "allowed_routes");
  }
  if (isAdmin(actor)) return;
  const complete =
    made === undefined ? await management.identities.complete(wanted) : await withUser(wanted, made, management);
  const models = modelsOf(complete);
  // what is bounded today by a level above could be wider tomorrow
  const named = plainModels(
    [...wanted.models, ...(wanted.access_group_ids ?? [])].filter(
      (model) => model !== ALL_TEAM_MODELS && !(complete.groups.has(model) && holds(identity, model)),
    ),
  );
  const extra = beyond([...models, ...named], actor.principal.models);
  if (extra !== undefined) throw forbidden(`you do not have model ${JSON.stringify(extra)} to grant`, "models");
  if (key.expires !== null && (wanted.expires === null || Date.parse(wanted.expires) > Date.parse(key.expires))) {
    throw forbidden("a key cannot outlive the one it is made with", "duration");
  }
  if (given.has("budget_id") && wanted.budget_id !== null)
    throw forbidden("budgets are for administrators", "budget_id");
  if (given.has("temp_budget_increase") && wanted.temp_budget_increase != null) {
    throw forbidden("budgets are increased by administrators", "temp_budget_increase");
  }
  for (const held of [key, ...ancestors, user, complete.team]) {
    const budget = await management.identities.budget(held?.budget_id);
    for (const bounds of [held, budget]) {
      const field = bounds === undefined ? undefined : widerField(wanted, bounds, given, true);
      if (field !== undefined) throw forbidden(`you do not have so much of ${field} to grant`, field);
    }
  }
}

/** Whether a group of models is somebody's own: what it comes to mean, it means for both. */
function holds(identity: Identity, group: string): boolean {
  const { key, user, team } = identity;
  const lists = [key.models, key.access_group_ids, user?.models, team?.models, team?.access_group_ids];
  return lists.some((list) => list?.includes(group) === true);
}

/** The place of a key whose user is not kept yet. */
async function withUser(key: KeyRecord, user: UserRecord, { identities }: Management): Promise<Identity> {
  const organization_id = key.organization_id ?? user.organizations[0] ?? null;
  return { ...(await identities.complete({ ...key, user_id: null, organization_id })), key, user };
}

/** What the holder of a key may not do to it: make it wider than others have made it. */
export function checkNarrower(before: KeyRecord, after: KeyRecord, given: ReadonlySet<string>): void {
  const groups = (key: KeyRecord): readonly string[] => [...key.models, ...(key.access_group_ids ?? [])];
  const extra = beyond(groups(after), groups(before));
  if (extra !== undefined) throw forbidden(`this key does not have model ${JSON.stringify(extra)}`, "models");
  const field =
    widerField(after, before, given, false) ??
    (coversRoutes(before.allowed_routes, after.allowed_routes) ? undefined : "allowed_routes") ??
    (isLater(after.expires, before.expires) ? "duration" : undefined) ??
    (before.blocked && !after.blocked ? "blocked" : undefined) ??
    OTHER_RIGHTS.find((name) => given.has(name) && !same(before[name], after[name])) ??
    (before.tags.every((tag) => after.tags.includes(tag)) ? undefined : "tags");
  if (field !== undefined) throw forbidden(`${field} of this key can be widened by an administrator only`, field);
}

/** Cannot be told narrower from wider; to change them is for administrators. */
const OTHER_RIGHTS = [
  "user_id",
  "team_id",
  "organization_id",
  "budget_id",
  "budget_duration",
  "soft_budget",
  "model_max_budget",
  "budget_limits",
  "temp_budget_increase",
  "temp_budget_expiry",
] as const;

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}

function isLater(one: string | null, other: string | null): boolean {
  if (other === null) return false;
  return one === null || Date.parse(one) > Date.parse(other);
}

/** @param absentHolds what is not asked for is bounded by what is held, at every call */
function widerField(
  wanted: Bounds,
  held: Bounds,
  given: ReadonlySet<string>,
  absentHolds: boolean,
): string | undefined {
  for (const name of NUMBERS) {
    const most = held[name];
    if (most === undefined || most === null || !given.has(name)) continue;
    const asked = wanted[name];
    if (asked === undefined || asked === null ? !absentHolds : asked > most) return name;
  }
  for (const name of MAPS) {
    if (!given.has(name)) continue;
    for (const [model, most] of Object.entries(held[name] ?? {})) {
      const asked = wanted[name]?.[model];
      if (asked === undefined ? !absentHolds : asked > most) return name;
    }
  }
  return undefined;
}
