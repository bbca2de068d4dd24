import type { UserRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { forbidden, isAdmin, isOrganizationAdmin, mayActFor, notFound, seesAll } from "./actor.ts";
import { deleteKeysOf } from "./delete-keys.ts";
import type { Management } from "./management.ts";
import { existing, shown } from "./management.ts";
import type { Kind } from "./objects.ts";
import { change, remove } from "./objects.ts";
import { NO_BOUNDS, spendingOf } from "./spending.ts";

export const kind = ({ collections }: Management): Kind<UserRecord> => ({
  collection: collections.users,
  table: "users",
  what: "user",
});

/** A user as the API shows it. */
export async function userRow(user: UserRecord, management: Management): Promise<Record<string, unknown>> {
  const { key_count: _, ...row } = (await userRows([user], management))[0] as Record<string, unknown>;
  return row;
}

/** Many users at once. */
export async function userRows(
  users: readonly UserRecord[],
  management: Management,
): Promise<readonly Record<string, unknown>[]> {
  const spending = await spendingOf(
    users.map((user) => ({ scope: { kind: "user", id: user.id }, bounds: user })),
    management,
  );
  const rows: Record<string, unknown>[] = [];
  for (const [index, user] of users.entries()) {
    const { total } = await management.collections.keys.list({ where: { user_id: user.id }, limit: 1 });
    const { id: user_id, ...rest } = shown(user);
    rows.push({ user_id, ...NO_BOUNDS, ...rest, ...spending[index], key_count: total });
  }
  return rows;
}

/** @throws {GatewayError} `not_found` for those one may not see */
export async function visibleUser(actor: Actor, user_id: string, management: Management): Promise<UserRecord> {
  const user = await management.collections.users.get(user_id);
  if (user === undefined) throw notFound("user");
  if (seesAll(actor) || user.id === actor.userId || (await mayActFor(actor, user, management))) return user;
  throw notFound("user");
}

export async function checkMaker(actor: Actor, record: UserRecord, { collections }: Management): Promise<void> {
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

export async function checkChange(
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

export async function join(actor: Actor, user_id: string, organization: string, management: Management): Promise<void> {
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

export async function deleteUser(actor: Actor, user_id: string, management: Management): Promise<void> {
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
