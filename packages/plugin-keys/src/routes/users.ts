import { z } from "zod";
import type { Role, UserRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import {
  forbidden,
  isAdmin,
  isOrganizationAdmin,
  mayActFor,
  notFound,
  requireAdmin,
  requireViewer,
  seesAll,
} from "./actor.ts";
import { deleteKeysOf } from "./delete-keys.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { boundOrBudgetFields, id, ids, metadata, models, name, page, pageSize } from "./fields.ts";
import { checkBudget, createKey } from "./key-create.ts";
import { withDefaults } from "./key-policy.ts";
import { keyRow } from "./key-row.ts";
import type { Management } from "./management.ts";
import { existing, made, shown } from "./management.ts";
import type { Kind } from "./objects.ts";
import { all, change, checkThere, chosen, remove } from "./objects.ts";

const ROLES: Readonly<Record<Role, string>> = {
  proxy_admin: "may do everything",
  proxy_admin_viewer: "may see everything",
  internal_user: "may make and change keys of its own",
  internal_user_viewer: "may see keys of its own",
};
const role = z.enum(["proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer"]);

const fields = {
  user_email: z.email().max(256).nullable().exactOptional(),
  user_alias: name.nullable().exactOptional(),
  user_role: role.exactOptional(),
  sso_user_id: id.nullable().exactOptional(),
  models: models.nullable().exactOptional(),
  metadata: metadata.nullable().exactOptional(),
  blocked: z.boolean().exactOptional(),
  ...boundOrBudgetFields,
};

const kind = ({ collections }: Management): Kind<UserRecord> => ({
  collection: collections.users,
  table: "users",
  what: "user",
});

/** `/user/*` */
export const userRoutes: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/user/new",
    summary: "Make a user and, unless told not to, a key for it.",
    body: z.strictObject({
      user_id: id.exactOptional(),
      organizations: ids.exactOptional(),
      auto_create_key: z.boolean().default(true),
      ...fields,
    }),
    async run({ actor, body, management }) {
      const { user_id: wanted, auto_create_key: withKey, organizations = [], ...asked } = body;
      const given = withDefaults(asked, management.policy.defaultInternalUserParams);
      const record: UserRecord = {
        ...given,
        id: chosen(wanted, "user_", management),
        user_email: given.user_email ?? null,
        user_alias: given.user_alias ?? null,
        user_role: given.user_role ?? "internal_user",
        models: given.models ?? null,
        blocked: given.blocked ?? false,
        metadata: given.metadata ?? {},
        sso_user_id: given.sso_user_id ?? null,
        teams: [],
        organizations,
        ...made(actor),
      };
      await checkMaker(actor, { ...record, budget_id: asked.budget_id ?? null }, management);
      await checkThere(management.collections.organizations, organizations, "organization", "organizations");
      await checkBudget({ budget_id: record.budget_id ?? null }, management);
      await management.write(async () => {
        await management.collections.users.insert(record);
        for (const organization of organizations) await join(actor, record.id, organization, management);
        await management.log(actor, {
          action: "created",
          table: "users",
          id: record.id,
          before: undefined,
          after: record,
        });
      });
      if (!withKey) return { ...userRow(record), key: null };
      const { record: made_, key } = await createKey(actor, { models: ["all-team-models"] }, record.id, management);
      return { ...(await keyRow(made_, management)), ...userRow(record), key, token: made_.id, token_id: made_.id };
    },
  }),
  endpoint({
    method: "POST",
    path: "/user/update",
    summary: "Change a user: null clears a field, an absent one is left alone.",
    body: z.strictObject({ user_id: id, ...fields }),
    async run({ actor, body: { user_id, ...given }, management }) {
      const before = await visibleUser(actor, user_id, management);
      await checkChange(actor, before, Object.keys(given), management);
      await checkBudget({ budget_id: given.budget_id ?? null }, management);
      const cleared = given.metadata === null ? { metadata: {} } : {};
      const edit = (now: UserRecord): UserRecord => ({ ...now, ...given, ...cleared }) as UserRecord;
      return userRow(
        await management.write(() => change(kind(management), actor, user_id, "updated", edit, management)),
      );
    },
  }),
  endpoint({
    method: "GET",
    path: "/user/info",
    summary: "A user with its keys and teams; without `user_id`, the one that asks.",
    query: z.strictObject({ user_id: id.exactOptional() }),
    async run({ actor, query, management }) {
      const user = await visibleUser(actor, query.user_id ?? actor.userId ?? "", management);
      const { keys, teams } = management.collections;
      const rows = (await all(keys, { user_id: user.id })).map(async (key) => ({
        token: key.id,
        ...(await keyRow(key, management)),
      }));
      const joined: unknown[] = [];
      for (const team of user.teams) joined.push(await teams.get(team));
      const info = { ...userRow(user), spend: await management.spend({ kind: "user", id: user.id }) };
      return { user_id: user.id, user_info: info, keys: await Promise.all(rows), teams: joined };
    },
  }),
  endpoint({
    method: "GET",
    path: "/user/list",
    summary: "Users, page by page.",
    query: z.strictObject({ page, page_size: pageSize, role: role.exactOptional(), user_email: name.exactOptional() }),
    async run({ actor, query, management }) {
      requireViewer(actor);
      const { users, keys } = management.collections;
      const { items, total } = await users.list({
        where: { ...(query.role !== undefined && { user_role: query.role }) },
        ...(query.user_email !== undefined && { search: { user_email: query.user_email } }),
        sortBy: "created_at",
        descending: true,
        offset: (query.page - 1) * query.page_size,
        limit: query.page_size,
      });
      const rows = items.map(async (user) => ({
        ...userRow(user),
        key_count: (await keys.list({ where: { user_id: user.id }, limit: 1 })).total,
      }));
      const pages = Math.ceil(total / query.page_size);
      return {
        users: await Promise.all(rows),
        total,
        page: query.page,
        page_size: query.page_size,
        total_pages: pages,
      };
    },
  }),
  endpoint({
    method: "POST",
    path: "/user/delete",
    summary: "Delete users with their keys, all or none.",
    body: z.strictObject({ user_ids: ids.min(1) }),
    async run({ actor, body: { user_ids }, management }) {
      requireAdmin(actor);
      await management.write(async () => {
        for (const user of user_ids) await deleteUser(actor, user, management);
      });
      return { deleted_users: user_ids.length };
    },
  }),
  endpoint({
    method: "GET",
    path: "/user/available_roles",
    summary: "The roles that a user can have.",
    run: () => ROLES,
  }),
];

/** A user as the API shows it. */
function userRow(user: UserRecord): Record<string, unknown> {
  const { id: user_id, ...rest } = shown(user);
  return { user_id, ...rest };
}

/** @throws {GatewayError} `not_found` for those one may not see */
async function visibleUser(actor: Actor, user_id: string, management: Management): Promise<UserRecord> {
  const user = await management.collections.users.get(user_id);
  if (user === undefined) throw notFound("user");
  if (seesAll(actor) || user.id === actor.userId || (await mayActFor(actor, user, management))) return user;
  throw notFound("user");
}

async function checkMaker(actor: Actor, record: UserRecord, { collections }: Management): Promise<void> {
  if (isAdmin(actor)) return;
  if (record.user_role !== "internal_user" && record.user_role !== "internal_user_viewer") {
    throw forbidden("this role is given by proxy administrators", "user_role");
  }
  if (record.organizations.length === 0) throw forbidden("users are made by administrators");
  if (record.budget_id != null) throw forbidden("budgets are for proxy administrators", "budget_id");
  if (record.sso_user_id !== null) throw forbidden("this is for proxy administrators", "sso_user_id");
  for (const organization of record.organizations) {
    if (isOrganizationAdmin(actor, await collections.organizations.get(organization))) continue;
    throw forbidden("you are not an administrator of this organization", "organizations");
  }
}

/** What is one's own to change, and what an administrator of an organisation may change. */
const OWN: ReadonlySet<string> = new Set(["user_alias"]);
const OF_ADMINISTRATORS: ReadonlySet<string> = new Set(["user_role", "sso_user_id", "user_email", "budget_id"]);

async function checkChange(
  actor: Actor,
  user: UserRecord,
  given: readonly string[],
  management: Management,
): Promise<void> {
  const own = user.id === actor.userId;
  if (own && given.includes("user_role")) throw forbidden("nobody changes the own role", "user_role");
  if (isAdmin(actor)) return;
  if (actor.role !== "internal_user") throw forbidden("your role may not change users");
  const wrong = own ? given.find((field) => !OWN.has(field)) : given.find((field) => OF_ADMINISTRATORS.has(field));
  if (wrong !== undefined) throw forbidden(`${wrong} is for administrators to change`, wrong);
  if (!own && !(await mayActFor(actor, user, management))) throw forbidden("you may not change this user");
}

async function join(actor: Actor, user_id: string, organization: string, management: Management): Promise<void> {
  const { organizations } = management.collections;
  await change(
    { collection: organizations, table: "organizations", what: "organization" },
    actor,
    organization,
    "member_added",
    (now) => ({ ...now, members: [...now.members, { user_id, role: "internal_user" as const }] }),
    management,
  );
}

async function deleteUser(actor: Actor, user_id: string, management: Management): Promise<void> {
  const { teams, organizations, users } = management.collections;
  const user = existing(await users.get(user_id), "user");
  await deleteKeysOf(actor, { user_id }, management);
  for (const team of user.teams) {
    await teams.update(team, (now) => ({
      ...now,
      members_with_roles: now.members_with_roles.filter((member) => member.user_id !== user_id),
    }));
  }
  for (const organization of user.organizations) {
    await organizations.update(organization, (now) => ({
      ...now,
      members: now.members.filter((member) => member.user_id !== user_id),
    }));
  }
  await remove(kind(management), actor, user_id, management);
}
