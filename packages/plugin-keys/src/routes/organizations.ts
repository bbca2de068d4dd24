import { z } from "zod";
import type { KeyRecord, OrganizationMember, OrganizationRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { forbidden, isAdmin, isOrganizationAdmin, notFound, requireAdmin, seesAll } from "./actor.ts";
import { partFields, partOf, rangeOf } from "./answer.ts";
import { deleteKeysOf } from "./delete-keys.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { boundOrBudgetFields, id, ids, metadata, models, name } from "./fields.ts";
import { checkBudget } from "./key-create.ts";
import type { Management } from "./management.ts";
import { existing, made, shown } from "./management.ts";
import type { Kind } from "./objects.ts";
import { all, change, checkThere, chosen, create, OLDEST_FIRST, remove } from "./objects.ts";
import { requireUnset, settingFields } from "./settings.ts";
import { NO_BOUNDS, spendingOf } from "./spending.ts";

const memberRole = z.enum(["org_admin", "internal_user", "internal_user_viewer"]);

const fields = {
  models: models.nullable().exactOptional(),
  metadata: metadata.nullable().exactOptional(),
  blocked: z.boolean().exactOptional(),
  object_permission: settingFields.object_permission,
  ...boundOrBudgetFields,
};

const kind = ({ collections }: Management): Kind<OrganizationRecord> => ({
  collection: collections.organizations,
  table: "organizations",
  what: "organization",
});

/** `/organization/*` */
export const organizationRoutes: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/organization/new",
    summary: "Make an organization.",
    body: z.strictObject({ organization_id: id.exactOptional(), organization_alias: name, ...fields }),
    async run({ actor, body: { organization_id, object_permission: permission, ...given }, management }) {
      requireAdmin(actor);
      requireUnset("object_permission", permission);
      await checkBudget({ budget_id: given.budget_id ?? null }, management);
      const record: OrganizationRecord = {
        ...given,
        id: chosen(organization_id, "org_", management),
        members: [],
        models: given.models ?? null,
        blocked: given.blocked ?? false,
        metadata: given.metadata ?? {},
        ...made(actor),
      };
      return await organizationRow(await create(kind(management), actor, record, management), management);
    },
  }),
  endpoint({
    method: "PATCH",
    path: "/organization/update",
    summary: "Change an organization: null clears a field, an absent one is left alone.",
    body: z.strictObject({ organization_id: id, organization_alias: name.exactOptional(), ...fields }),
    async run({ actor, body: { organization_id, object_permission: permission, ...given }, management }) {
      await administered(actor, organization_id, management);
      requireUnset("object_permission", permission);
      const wrong = Object.keys(given).find((field) => field !== "organization_alias" && field !== "metadata");
      if (!isAdmin(actor) && wrong !== undefined) throw forbidden(`${wrong} is for proxy administrators`, wrong);
      await checkBudget({ budget_id: given.budget_id ?? null }, management);
      const cleared = given.metadata === null ? { metadata: {} } : {};
      const edit = (now: OrganizationRecord): OrganizationRecord =>
        ({ ...now, ...given, ...cleared }) as OrganizationRecord;
      return await edited(actor, organization_id, "updated", edit, management);
    },
  }),
  endpoint({
    method: "GET",
    path: "/organization/info",
    summary: "An organization with its members and teams.",
    query: z.strictObject({ organization_id: id }),
    async run({ actor, query: { organization_id }, management }) {
      return await organizationRow(await visible(actor, organization_id, management), management);
    },
  }),
  endpoint({
    method: "GET",
    path: "/organization/list",
    summary: "The organizations that one may see, in parts.",
    query: z.strictObject(partFields),
    async run({ actor, query, management }) {
      const { organizations } = management.collections;
      if (seesAll(actor)) {
        const { items, total } = await organizations.list({ ...OLDEST_FIRST, ...rangeOf(query) });
        return partOf(await organizationRows(items, management), total, query);
      }
      const own = actor.identity?.user?.organizations ?? [];
      const found: OrganizationRecord[] = [];
      for (const each of own) {
        const organization = await organizations.get(each);
        if (organization !== undefined && sees(actor, organization)) found.push(organization);
      }
      const { offset, limit } = rangeOf(query);
      return partOf(await organizationRows(found.slice(offset, offset + limit), management), found.length, query);
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/organization/delete",
    summary: "Delete organizations with their teams and keys, all or none.",
    body: z.strictObject({ organization_ids: ids.min(1) }),
    async run({ actor, body: { organization_ids }, management }) {
      requireAdmin(actor);
      return await management.write(async () => {
        const rows: unknown[] = [];
        for (const each of organization_ids) rows.push(await deleteOrganization(actor, each, management));
        return rows;
      });
    },
  }),
  endpoint({
    method: "POST",
    path: "/organization/member_add",
    summary: "Take a user into an organization.",
    body: z.strictObject({ organization_id: id, member: z.strictObject({ user_id: id, role: memberRole }) }),
    async run({ actor, body: { organization_id, member }, management }) {
      const organization = await administered(actor, organization_id, management);
      // who is in an organization is bounded and managed by it: nobody is taken in from outside but by those above
      requireAdmin(actor);
      await checkThere(management.collections.users, [member.user_id], "user", "member");
      if (organization.members.some(({ user_id }) => user_id === member.user_id)) {
        throw forbidden("this user is in the organization already", "member");
      }
      await management.collections.users.update(member.user_id, (user) => ({
        ...user,
        organizations: [...new Set([...user.organizations, organization_id])],
      }));
      const edit = (now: OrganizationRecord): OrganizationRecord => ({ ...now, members: [...now.members, member] });
      return await edited(actor, organization_id, "member_added", edit, management);
    },
  }),
  endpoint({
    method: "PATCH",
    path: "/organization/member_update",
    summary: "Change somebody's role in an organization.",
    body: z.strictObject({ organization_id: id, user_id: id, role: memberRole }),
    async run({ actor, body: { organization_id, user_id, role }, management }) {
      requireMember(await administered(actor, organization_id, management), user_id);
      if (user_id === actor.userId) throw forbidden("nobody changes the own role", "user_id");
      const edit = (now: OrganizationRecord): OrganizationRecord => ({
        ...now,
        members: now.members.map((one): OrganizationMember => (one.user_id === user_id ? { ...one, role } : one)),
      });
      return await edited(actor, organization_id, "member_updated", edit, management);
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/organization/member_delete",
    summary: "Put somebody out of an organization, with the keys that this one has there.",
    body: z.strictObject({ organization_id: id, user_id: id }),
    async run({ actor, body: { organization_id, user_id }, management }) {
      // outside, nothing of the organization would bound this user any longer
      requireAdmin(actor);
      requireMember(await administered(actor, organization_id, management), user_id);
      return await management.write(async () => {
        await deleteKeysOf(actor, { user_id }, management, boundBy(organization_id));
        await leave(user_id, organization_id, management);
        const edit = (now: OrganizationRecord): OrganizationRecord => ({
          ...now,
          members: now.members.filter((one) => one.user_id !== user_id),
        });
        const record = await change(kind(management), actor, organization_id, "member_deleted", edit, management);
        return await organizationRow(record, management);
      });
    },
  }),
];

async function edited(
  actor: Actor,
  organizationId: string,
  action: string,
  edit: (now: OrganizationRecord) => OrganizationRecord,
  management: Management,
): Promise<Record<string, unknown>> {
  const record = await management.write(() =>
    change(kind(management), actor, organizationId, action, edit, management),
  );
  return await organizationRow(record, management);
}

function sees(actor: Actor, organization: OrganizationRecord): boolean {
  return seesAll(actor) || organization.members.some(({ user_id }) => user_id === actor.userId);
}

async function visible(actor: Actor, organizationId: string, management: Management): Promise<OrganizationRecord> {
  const organization = await management.collections.organizations.get(organizationId);
  if (organization === undefined || !sees(actor, organization)) throw notFound("organization");
  return organization;
}

async function administered(actor: Actor, organizationId: string, management: Management): Promise<OrganizationRecord> {
  const organization = await visible(actor, organizationId, management);
  if (!isOrganizationAdmin(actor, organization)) throw forbidden("you are not an administrator of this organization");
  return organization;
}

/** Keys that name the organization, and those that are under it because their user is. */
function boundBy(organizationId: string): (key: KeyRecord) => boolean {
  return ({ organization_id, team_id }) =>
    organization_id === organizationId || (organization_id === null && team_id === null);
}

function requireMember(organization: OrganizationRecord, userId: string): void {
  if (!organization.members.some(({ user_id }) => user_id === userId)) throw notFound("member");
}

async function leave(userId: string, organizationId: string, { collections: { users } }: Management): Promise<void> {
  await users.update(userId, (user) => ({
    ...user,
    organizations: user.organizations.filter((one) => one !== organizationId),
  }));
}

async function deleteOrganization(
  actor: Actor,
  organization_id: string,
  management: Management,
): Promise<Record<string, unknown>> {
  const { organizations, teams, users } = management.collections;
  const organization = existing(await organizations.get(organization_id), "organization");
  for (const team of await all(teams, { organization_id })) {
    await deleteKeysOf(actor, { team_id: team.id }, management);
    for (const { user_id } of team.members_with_roles) {
      await users.update(user_id, (user) => ({ ...user, teams: user.teams.filter((one) => one !== team.id) }));
    }
    await remove({ collection: teams, table: "teams", what: "team" }, actor, team.id, management);
  }
  await deleteKeysOf(actor, { organization_id }, management);
  // keys of members that do not name it were bounded by it alone
  for (const { user_id } of organization.members) {
    await deleteKeysOf(actor, { user_id }, management, boundBy(organization_id));
    await leave(user_id, organization_id, management);
  }
  await remove(kind(management), actor, organization_id, management);
  return { organization_id, organization_alias: organization.organization_alias };
}

async function organizationRow(
  organization: OrganizationRecord,
  management: Management,
): Promise<Record<string, unknown>> {
  return (await organizationRows([organization], management))[0] as Record<string, unknown>;
}

async function organizationRows(
  organizations: readonly OrganizationRecord[],
  management: Management,
): Promise<readonly Record<string, unknown>[]> {
  const spending = await spendingOf(
    organizations.map((each) => ({ scope: { kind: "organization", id: each.id }, bounds: each })),
    management,
  );
  const ids_ = organizations.map((each) => each.id);
  const teams = ids_.length === 0 ? [] : await all(management.collections.teams, { organization_id: ids_ });
  return organizations.map((organization, index) => {
    const { id: organization_id, ...rest } = shown(organization);
    return {
      organization_id,
      ...NO_BOUNDS,
      ...rest,
      teams: teams.filter((team) => team.organization_id === organization.id).map((team) => team.id),
      ...spending[index],
    };
  });
}
