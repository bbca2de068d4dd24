import { z } from "zod";
import type { TeamMember, TeamRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { forbidden, isAdmin, isMember, isOrganizationAdmin, isTeamAdmin, notFound, seesAll } from "./actor.ts";
import { deleteKeysOf } from "./delete-keys.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { aliases, boundOrBudgetFields, id, ids, metadata, models, name, routerSettingsField, tags } from "./fields.ts";
import { checkBudget } from "./key-create.ts";
import { MEMBER_ROUTES } from "./key-grants.ts";
import { withDefaults } from "./key-policy.ts";
import { keyRow } from "./key-row.ts";
import type { Management } from "./management.ts";
import { made, shown } from "./management.ts";
import type { Kind } from "./objects.ts";
import { all, change, checkThere, chosen, create, remove } from "./objects.ts";

const memberRole = z.enum(["admin", "user"]);
const member = z.strictObject({ user_id: id, role: memberRole });
const amount = boundOrBudgetFields.max_budget;
const rate = boundOrBudgetFields.rpm_limit;

const fields = {
  team_alias: name.nullable().exactOptional(),
  organization_id: id.nullable().exactOptional(),
  team_member_permissions: z.array(z.enum(MEMBER_ROUTES as [string, ...string[]])).exactOptional(),
  models: models.nullable().exactOptional(),
  model_aliases: aliases.nullable().exactOptional(),
  tags: tags.nullable().exactOptional(),
  blocked: z.boolean().exactOptional(),
  metadata: metadata.nullable().exactOptional(),
  router_settings: routerSettingsField,
  ...boundOrBudgetFields,
};

/** What an administrator of the team alone may change. */
const OF_THE_TEAM: ReadonlySet<string> = new Set([
  "team_alias",
  "team_member_permissions",
  "model_aliases",
  "metadata",
  "router_settings",
]);

const kind = ({ collections }: Management): Kind<TeamRecord> => ({
  collection: collections.teams,
  table: "teams",
  what: "team",
});

/** `/team/*` */
export const teamRoutes: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/team/new",
    summary: "Make a team.",
    body: z.strictObject({
      team_id: id.exactOptional(),
      members_with_roles: z.array(member).max(1_000).exactOptional(),
      ...fields,
    }),
    async run({ actor, body: { team_id, members_with_roles: members = [], ...asked }, management }) {
      const given = withDefaults(asked, management.policy.defaultTeamParams);
      const { organizations, users } = management.collections;
      const organizationId = given.organization_id ?? null;
      if (!isAdmin(actor)) {
        const organization = organizationId === null ? undefined : await organizations.get(organizationId);
        if (!isOrganizationAdmin(actor, organization)) throw forbidden("teams are made by administrators");
        if (asked.budget_id != null) throw forbidden("budgets are for proxy administrators", "budget_id");
      }
      if (organizationId !== null) await checkThere(organizations, [organizationId], "organization", "organization_id");
      await checkThere(
        users,
        members.map(({ user_id }) => user_id),
        "user",
        "members_with_roles",
      );
      await checkBudget({ budget_id: given.budget_id ?? null }, management);
      const record: TeamRecord = {
        ...given,
        id: chosen(team_id, "team_", management),
        team_alias: given.team_alias ?? null,
        organization_id: organizationId,
        members_with_roles: members,
        team_member_permissions: given.team_member_permissions ?? ["/key/info", "/key/list"],
        models: given.models ?? null,
        model_aliases: given.model_aliases ?? {},
        tags: given.tags ?? [],
        blocked: given.blocked ?? false,
        metadata: given.metadata ?? {},
        router_settings: given.router_settings ?? null,
        ...made(actor),
      };
      await create(kind(management), actor, record, management);
      await management.write(async () => {
        for (const { user_id } of members) await noteTeam(user_id, record.id, management);
      });
      return await teamRow(record, management);
    },
  }),
  endpoint({
    method: "POST",
    path: "/team/update",
    summary: "Change a team: null clears a field, an absent one is left alone.",
    body: z.strictObject({ team_id: id, ...fields }),
    async run({ actor, body: { team_id, ...given }, management }) {
      const before = await administered(actor, team_id, management);
      await checkChange(actor, before, given, management);
      await checkBudget({ budget_id: given.budget_id ?? null }, management);
      const cleared = {
        ...(given.metadata === null && { metadata: {} }),
        ...(given.model_aliases === null && { model_aliases: {} }),
        ...(given.tags === null && { tags: [] }),
      };
      const edit = (now: TeamRecord): TeamRecord => ({ ...now, ...given, ...cleared }) as TeamRecord;
      const record = await management.write(() =>
        change(kind(management), actor, team_id, "updated", edit, management),
      );
      return { team_id, data: await teamRow(record, management) };
    },
  }),
  endpoint({
    method: "GET",
    path: "/team/info",
    summary: "A team with its keys and members.",
    query: z.strictObject({ team_id: id }),
    async run({ actor, query: { team_id }, management }) {
      const team = await visibleTeam(actor, team_id, management);
      const whole = seesAll(actor) || (await isTeamAdmin(actor, team, management));
      const keys = (await all(management.collections.keys, { team_id })).filter(
        (key) => whole || key.user_id === actor.userId,
      );
      const rows = keys.map(async (key) => ({ token: key.id, ...(await keyRow(key, management)) }));
      const info = await teamRow(team, management);
      return { team_id, team_info: info, keys: await Promise.all(rows), team_memberships: team.members_with_roles };
    },
  }),
  endpoint({
    method: "GET",
    path: "/team/list",
    summary: "The teams that one may see.",
    query: z.strictObject({ user_id: id.exactOptional(), organization_id: id.exactOptional() }),
    async run({ actor, query: { user_id, organization_id }, management }) {
      const { teams } = management.collections;
      const found = await all(teams, { ...(organization_id !== undefined && { organization_id }) });
      const rows: unknown[] = [];
      for (const team of found) {
        if (user_id !== undefined && !team.members_with_roles.some((one) => one.user_id === user_id)) continue;
        if (await sees(actor, team, management)) rows.push(await teamRow(team, management));
      }
      return rows;
    },
  }),
  endpoint({
    method: "POST",
    path: "/team/delete",
    summary: "Delete teams with their keys, all or none.",
    body: z.strictObject({ team_ids: ids.min(1) }),
    async run({ actor, body: { team_ids }, management }) {
      for (const team_id of team_ids) await ruled(actor, team_id, management);
      const deleted = await management.write(async () => {
        const teams: TeamRecord[] = [];
        for (const team_id of team_ids) {
          await deleteKeysOf(actor, { team_id }, management);
          const team = await remove(kind(management), actor, team_id, management);
          for (const { user_id } of team.members_with_roles) await forgetTeam(user_id, team_id, management);
          teams.push(team);
        }
        return teams;
      });
      return { deleted_teams: deleted.map(({ id: team_id }) => team_id) };
    },
  }),
  ...(["block", "unblock"] as const).map((verb) =>
    endpoint({
      method: "POST",
      path: `/team/${verb}`,
      summary: verb === "block" ? "Let the keys of a team do nothing." : "Let the keys of a team work again.",
      body: z.strictObject({ team_id: id }),
      async run({ actor, body: { team_id }, management }) {
        await ruled(actor, team_id, management);
        const edit = (now: TeamRecord): TeamRecord => ({ ...now, blocked: verb === "block" });
        return await teamRow(
          await management.write(() => change(kind(management), actor, team_id, `${verb}ed`, edit, management)),
          management,
        );
      },
    }),
  ),
  endpoint({
    method: "POST",
    path: "/team/member_add",
    summary: "Take users into a team.",
    body: z.strictObject({
      team_id: id,
      member: z.union([member, z.array(member).min(1).max(1_000)]),
      max_budget_in_team: amount,
    }),
    async run({ actor, body: { team_id, member: added, max_budget_in_team: limit }, management }) {
      const team = await administered(actor, team_id, management);
      const members = (Array.isArray(added) ? added : [added]).map(
        (one): TeamMember => ({ ...one, ...(limit !== undefined && { max_budget_in_team: limit }) }),
      );
      await checkThere(
        management.collections.users,
        members.map(({ user_id }) => user_id),
        "user",
        "member",
      );
      const twice = members.find(({ user_id }) => team.members_with_roles.some((one) => one.user_id === user_id));
      if (twice !== undefined) throw forbidden("this user is in the team already", "member");
      const record = await management.write(async () => {
        const edit = (now: TeamRecord): TeamRecord => ({
          ...now,
          members_with_roles: [...now.members_with_roles, ...members],
        });
        for (const { user_id } of members) await noteTeam(user_id, team_id, management);
        return await change(kind(management), actor, team_id, "member_added", edit, management);
      });
      const ids_ = members.map(({ user_id }) => user_id);
      return { ...(await teamRow(record, management)), updated_users: ids_, updated_team_memberships: members };
    },
  }),
  endpoint({
    method: "POST",
    path: "/team/member_update",
    summary: "Change somebody's place in a team.",
    body: z.strictObject({
      team_id: id,
      user_id: id,
      role: memberRole.exactOptional(),
      max_budget_in_team: amount,
      tpm_limit: rate,
      rpm_limit: rate,
    }),
    async run({ actor, body: { team_id, user_id, ...given }, management }) {
      const team = await administered(actor, team_id, management);
      requireMember(team, user_id);
      if (user_id === actor.userId && !isAdmin(actor))
        throw forbidden("nobody changes the own place in a team", "user_id");
      const edit = (now: TeamRecord): TeamRecord => ({
        ...now,
        members_with_roles: now.members_with_roles.map((one) =>
          one.user_id === user_id ? ({ ...one, ...given } as TeamMember) : one,
        ),
      });
      await management.write(() => change(kind(management), actor, team_id, "member_updated", edit, management));
      return { team_id, user_id, ...given };
    },
  }),
  endpoint({
    method: "POST",
    path: "/team/member_delete",
    summary: "Put somebody out of a team, with the keys that this one has there.",
    body: z.strictObject({ team_id: id, user_id: id }),
    async run({ actor, body: { team_id, user_id }, management }) {
      requireMember(await administered(actor, team_id, management), user_id);
      const record = await management.write(async () => {
        await deleteKeysOf(actor, { team_id, user_id }, management);
        await forgetTeam(user_id, team_id, management);
        const edit = (now: TeamRecord): TeamRecord => ({
          ...now,
          members_with_roles: now.members_with_roles.filter((one) => one.user_id !== user_id),
        });
        return await change(kind(management), actor, team_id, "member_deleted", edit, management);
      });
      return await teamRow(record, management);
    },
  }),
];

async function teamRow(team: TeamRecord, management: Management): Promise<Record<string, unknown>> {
  const { id: team_id, ...rest } = shown(team);
  return { team_id, ...rest, spend: await management.spend({ kind: "team", id: team.id }) };
}

async function sees(actor: Actor, team: TeamRecord, management: Management): Promise<boolean> {
  return seesAll(actor) || isMember(actor, team) || (await isTeamAdmin(actor, team, management));
}

async function visibleTeam(actor: Actor, team_id: string, management: Management): Promise<TeamRecord> {
  const team = await management.collections.teams.get(team_id);
  if (team === undefined || !(await sees(actor, team, management))) throw notFound("team");
  return team;
}

/** By an administrator of the team, or of what is above it. */
async function administered(actor: Actor, team_id: string, management: Management): Promise<TeamRecord> {
  const team = await visibleTeam(actor, team_id, management);
  if (!(await isTeamAdmin(actor, team, management))) throw forbidden("you are not an administrator of this team");
  return team;
}

/** By an administrator of what is above the team. */
async function ruled(actor: Actor, team_id: string, management: Management): Promise<TeamRecord> {
  const team = await visibleTeam(actor, team_id, management);
  if (!(await rules(actor, team, management))) throw forbidden("this is for administrators above the team");
  return team;
}

async function rules(actor: Actor, { organization_id }: TeamRecord, { collections }: Management): Promise<boolean> {
  if (isAdmin(actor)) return true;
  return organization_id !== null && isOrganizationAdmin(actor, await collections.organizations.get(organization_id));
}

async function checkChange(
  actor: Actor,
  team: TeamRecord,
  given: { readonly organization_id?: string | null; readonly budget_id?: string | null },
  management: Management,
): Promise<void> {
  const { organizations } = management.collections;
  if (given.organization_id != null) {
    await checkThere(organizations, [given.organization_id], "organization", "organization_id");
  }
  if (isAdmin(actor)) return;
  if (given.organization_id !== undefined)
    throw forbidden("teams are moved by proxy administrators", "organization_id");
  if (given.budget_id != null) throw forbidden("budgets are for proxy administrators", "budget_id");
  if (await rules(actor, team, management)) return;
  const wrong = Object.keys(given).find((field) => !OF_THE_TEAM.has(field));
  if (wrong !== undefined) throw forbidden(`${wrong} is for administrators above the team`, wrong);
}

function requireMember(team: TeamRecord, user_id: string): void {
  if (!team.members_with_roles.some((one) => one.user_id === user_id)) throw notFound("member");
}

async function noteTeam(user_id: string, team_id: string, { collections: { users } }: Management): Promise<void> {
  await users.update(user_id, (user) => ({ ...user, teams: [...new Set([...user.teams, team_id])] }));
}

async function forgetTeam(user_id: string, team_id: string, { collections: { users } }: Management): Promise<void> {
  await users.update(user_id, (user) => ({ ...user, teams: user.teams.filter((one) => one !== team_id) }));
}
