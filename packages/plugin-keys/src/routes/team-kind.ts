import type { TeamMember, TeamRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { forbidden, isAdmin, isMember, isOrganizationAdmin, isTeamAdmin, notFound, seesAll } from "./actor.ts";
import type { Management } from "./management.ts";
import { shown } from "./management.ts";
import type { Kind } from "./objects.ts";
import { change } from "./objects.ts";
import { NO_BOUNDS, spendingOf } from "./spending.ts";

export const kind = ({ collections }: Management): Kind<TeamRecord> => ({
  collection: collections.teams,
  table: "teams",
  what: "team",
});

export async function teamRow(team: TeamRecord, management: Management): Promise<Record<string, unknown>> {
  return (await teamRows([team], management))[0] as Record<string, unknown>;
}

/** Many teams at once. */
export async function teamRows(
  teams: readonly TeamRecord[],
  management: Management,
): Promise<readonly Record<string, unknown>[]> {
  const spending = await spendingOf(
    teams.map((team) => ({ scope: { kind: "team", id: team.id }, bounds: team })),
    management,
  );
  return teams.map((team, index) => {
    const { id: team_id, settings, ...rest } = shown(team) as unknown as TeamRecord;
    return { team_id, ...NO_BOUNDS, litellm_model_table: null, ...rest, ...settings, ...spending[index] };
  });
}

export async function edited(
  actor: Actor,
  team_id: string,
  action: string,
  edit: (now: TeamRecord) => TeamRecord,
  management: Management,
): Promise<TeamRecord> {
  return await management.write(() => change(kind(management), actor, team_id, action, edit, management));
}

export async function sees(actor: Actor, team: TeamRecord, management: Management): Promise<boolean> {
  return seesAll(actor) || isMember(actor, team) || (await isTeamAdmin(actor, team, management));
}

export async function visibleTeam(actor: Actor, team_id: string, management: Management): Promise<TeamRecord> {
  const team = await management.collections.teams.get(team_id);
  if (team === undefined || !(await sees(actor, team, management))) throw notFound("team");
  return team;
}

/** By an administrator of the team, or of what is above it. */
export async function administered(actor: Actor, team_id: string, management: Management): Promise<TeamRecord> {
  const team = await visibleTeam(actor, team_id, management);
  if (!(await isTeamAdmin(actor, team, management))) throw forbidden("you are not an administrator of this team");
  return team;
}

/** By an administrator of what is above the team. */
export async function ruled(actor: Actor, team_id: string, management: Management): Promise<TeamRecord> {
  const team = await visibleTeam(actor, team_id, management);
  if (!(await rules(actor, team, management))) throw forbidden("this is for administrators above the team");
  return team;
}

export async function rules(
  actor: Actor,
  { organization_id }: TeamRecord,
  { collections }: Management,
): Promise<boolean> {
  if (isAdmin(actor)) return true;
  return organization_id !== null && isOrganizationAdmin(actor, await collections.organizations.get(organization_id));
}

export function requireMember(team: TeamRecord, user_id: string): void {
  if (!team.members_with_roles.some((one) => one.user_id === user_id)) throw notFound("member");
}

/** Within `write`: takes users into a team, on both sides. */
export async function join(
  actor: Actor,
  team_id: string,
  members: readonly TeamMember[],
  management: Management,
): Promise<TeamRecord> {
  for (const { user_id } of members) await noteTeam(user_id, team_id, management);
  const edit = (now: TeamRecord): TeamRecord => {
    // decided here, where nobody else writes the team meanwhile
    const twice = members.find(({ user_id }) => now.members_with_roles.some((one) => one.user_id === user_id));
    if (twice !== undefined) throw forbidden("this user is in the team already", "member");
    return { ...now, members_with_roles: [...now.members_with_roles, ...members] };
  };
  return await change(kind(management), actor, team_id, "member_added", edit, management);
}

export async function noteTeam(
  user_id: string,
  team_id: string,
  { collections: { users } }: Management,
): Promise<void> {
  await users.update(user_id, (user) => ({ ...user, teams: [...new Set([...user.teams, team_id])] }));
}

export async function forgetTeam(
  user_id: string,
  team_id: string,
  { collections: { users } }: Management,
): Promise<void> {
  await users.update(user_id, (user) => ({ ...user, teams: user.teams.filter((one) => one !== team_id) }));
}
