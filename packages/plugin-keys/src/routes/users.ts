import { z } from "zod";
import { GatewayError, toGatewayError } from "@signalbox/kernel";
import type { Role, TeamMember, TeamRecord, UserRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { requireAdmin, requireViewer } from "./actor.ts";
import { Answer } from "./answer.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { boundOrBudgetFields, id, ids, metadata, models, name, page, pageSize } from "./fields.ts";
import type { NewKey } from "./key-create.ts";
import { checkBudget, checkedKey, insertKey } from "./key-create.ts";
import { withDefaults } from "./key-policy.ts";
import { keyRow, keyRows } from "./key-row.ts";
import type { Management } from "./management.ts";
import { made } from "./management.ts";
import { all, change, checkThere, chosen } from "./objects.ts";
import { checkSettings, settingFields, splitSettings } from "./settings.ts";
import { administered, join as joinTeam, teamRows } from "./team-kind.ts";
import { checkChange, checkMaker, deleteUser, join, kind, userRow, userRows, visibleUser } from "./user-kind.ts";

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

const who = { user_id: id.exactOptional(), user_email: fields.user_email };
const changeObject = z.strictObject({ ...fields, ...who });
const teamPlace = z.strictObject({
  team_id: id,
  user_role: z.enum(["admin", "user"]).default("user"),
  max_budget_in_team: boundOrBudgetFields.max_budget,
});

const MOST_AT_ONCE = 500;
/** Keys that an answer about a user brings along. */
const MOST_KEYS = 1_000;

/** `/user/*` */
export const userRoutes: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/user/new",
    summary: "Make a user and, unless told not to, a key for it.",
    body: z.strictObject({
      user_id: id.exactOptional(),
      organizations: ids.exactOptional(),
      teams: z
        .array(z.union([id, teamPlace]))
        .max(100)
        .exactOptional(),
      auto_create_key: z.boolean().default(true),
      send_invite_email: settingFields.send_invite_email,
      ...fields,
    }),
    async run({ actor, body, management }) {
      const { user_id: wanted, auto_create_key: withKey, organizations = [], teams = [], ...whole } = body;
      const { settings, rest: asked } = splitSettings(whole);
      checkSettings(actor, undefined, settings, management.surroundings.settings);
      const places = teams.map(placeOf);
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
      for (const { team_id } of places) await administered(actor, team_id, management);
      const own: NewKey = { models: ["all-team-models"] };
      const made_ = withKey
        ? await checkedKey(actor, own, { user_id: record.id, made: record }, management)
        : undefined;
      const user = await management.write(async () => {
        await management.collections.users.insert(record);
        for (const organization of organizations) await join(actor, record.id, organization, management);
        for (const { team_id, ...place } of places) {
          await joinTeam(actor, team_id, [{ user_id: record.id, ...place }], management);
        }
        await management.log(actor, {
          action: "created",
          table: "users",
          id: record.id,
          before: undefined,
          after: record,
        });
        if (made_ !== undefined) await insertKey(actor, made_.record, management);
        return (await management.collections.users.get(record.id)) ?? record;
      });
      const row = await userRow(user, management);
      if (made_ === undefined) return { ...row, key: null };
      const { id: token } = made_.record;
      return { ...(await keyRow(made_.record, management)), ...row, key: made_.key, token, token_id: token };
    },
  }),
  endpoint({
    method: "POST",
    path: "/user/update",
    summary: "Change a user: null clears a field, an absent one is left alone.",
    body: z.strictObject({ ...who, ...fields }),
    run: async ({ actor, body, management }) => await userRow(await updateUser(actor, body, management), management),
  }),
  endpoint({
    method: "POST",
    path: "/user/bulk_update",
    summary: "Change many users, each by itself.",
    body: z.strictObject({
      users: z
        .array(z.strictObject({ ...who, ...fields }))
        .min(1)
        .max(MOST_AT_ONCE)
        .exactOptional(),
      all_users: z.boolean().exactOptional(),
      user_updates: z.strictObject(fields).exactOptional(),
    }),
    async run({ actor, body, management }) {
      const changes = body.users ?? (await changesOfAll(actor, body, management));
      const results: { readonly success: boolean }[] = [];
      for (const one of changes) {
        const person = { user_id: one.user_id ?? null, user_email: one.user_email ?? null };
        try {
          const user = await userRow(await updateUser(actor, one, management), management);
          results.push({ ...person, ...{ user_id: user["user_id"], success: true, error: null, updated_user: user } });
        } catch (thrown) {
          const { message } = toGatewayError(thrown, "keys");
          results.push({ ...person, ...{ success: false, error: message, updated_user: null } });
        }
      }
      const done = results.filter(({ success }) => success).length;
      return {
        results,
        total_requested: results.length,
        successful_updates: done,
        failed_updates: results.length - done,
      };
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
      const { items, total } = await keys.list({
        where: { user_id: user.id },
        sortBy: "created_at",
        descending: true,
        limit: MOST_KEYS,
      });
      const rows = await keyRows(items, management);
      const joined: TeamRecord[] = [];
      for (const each of user.teams) {
        const team = await teams.get(each);
        if (team !== undefined) joined.push(team);
      }
      const answer = {
        user_id: user.id,
        user_info: await userRow(user, management),
        keys: rows.map((row, index) => ({ token: items[index]?.id, ...row })),
        teams: await teamRows(joined, management),
      };
      return new Answer(answer, { "x-total-count": String(total) });
    },
  }),
  endpoint({
    method: "GET",
    path: "/user/list",
    summary: "Users, page by page.",
    query: z.strictObject({
      page,
      page_size: pageSize,
      role: role.exactOptional(),
      user_email: name.exactOptional(),
      user_ids: name.exactOptional(),
      sso_user_ids: name.exactOptional(),
      team: id.exactOptional(),
      sort_by: z.enum(["created_at", "user_email", "user_role", "user_id"]).default("created_at"),
      sort_order: z.enum(["asc", "desc"]).default("desc"),
    }),
    async run({ actor, query, management }) {
      requireViewer(actor);
      const { users } = management.collections;
      const { items, total } = await users.list({
        where: await whereOf(query, management),
        ...(query.user_email !== undefined && { search: { user_email: query.user_email } }),
        sortBy: query.sort_by === "user_id" ? "id" : query.sort_by,
        descending: query.sort_order === "desc",
        offset: (query.page - 1) * query.page_size,
        limit: query.page_size,
      });
      return {
        users: await userRows(items, management),
        total,
        page: query.page,
        page_size: query.page_size,
        total_pages: Math.ceil(total / query.page_size),
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

interface Changes extends z.infer<typeof changeObject> {}

/** By id, or by e-mail, which then is no change. @throws {GatewayError} `not_found`, `route_not_allowed` */
async function updateUser(actor: Actor, { user_id, ...given }: Changes, management: Management): Promise<UserRecord> {
  const byEmail = user_id === undefined && given.user_email != null;
  const found = byEmail ? await management.collections.users.find("user_email", given.user_email as string) : undefined;
  const before = await visibleUser(actor, user_id ?? found?.id ?? "", management);
  const { user_email: email, ...others } = given;
  const changes = byEmail || email === undefined ? others : { ...others, user_email: email };
  await checkChange(actor, before, Object.keys(changes), management);
  await checkBudget({ budget_id: changes.budget_id ?? null }, management);
  const cleared = changes.metadata === null ? { metadata: {} } : {};
  const edit = (now: UserRecord): UserRecord => ({ ...now, ...changes, ...cleared }) as UserRecord;
  return await management.write(() => change(kind(management), actor, before.id, "updated", edit, management));
}

async function changesOfAll(
  actor: Actor,
  { all_users: everybody, user_updates: changes }: { readonly all_users?: boolean; readonly user_updates?: Changes },
  management: Management,
): Promise<readonly Changes[]> {
  if (everybody !== true || changes === undefined) {
    const message = "give users, or all_users: true with user_updates";
    throw new GatewayError("invalid_request", message, { param: "users" });
  }
  requireAdmin(actor);
  const users = await all(management.collections.users, {});
  return users.map((user) => ({ ...changes, user_id: user.id }));
}

async function whereOf(
  query: {
    readonly role?: Role;
    readonly user_ids?: string;
    readonly sso_user_ids?: string;
    readonly team?: string;
  },
  { collections: { teams } }: Management,
): Promise<Readonly<Record<string, string | readonly string[]>>> {
  const listed = query.user_ids?.split(",").map((one) => one.trim());
  const members = query.team === undefined ? undefined : (await teams.get(query.team))?.members_with_roles;
  const ofTeam = query.team === undefined ? undefined : (members ?? []).map(({ user_id }) => user_id);
  const wanted = ofTeam === undefined ? listed : ofTeam.filter((one) => listed?.includes(one) ?? true);
  return {
    ...(query.role !== undefined && { user_role: query.role }),
    ...(query.sso_user_ids !== undefined && { sso_user_id: query.sso_user_ids.split(",").map((one) => one.trim()) }),
    ...(wanted !== undefined && { id: wanted.length === 0 ? [""] : wanted }),
  };
}

function placeOf(
  place: string | z.infer<typeof teamPlace>,
): { readonly team_id: string } & Omit<TeamMember, "user_id"> {
  if (typeof place === "string") return { team_id: place, role: "user" };
  const { team_id, user_role, max_budget_in_team: limit } = place;
  return { team_id, role: user_role, ...(limit !== undefined && { max_budget_in_team: limit }) };
}
