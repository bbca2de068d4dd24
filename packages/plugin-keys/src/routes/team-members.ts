import { z } from "zod";
import { GatewayError, toGatewayError } from "@signalbox/kernel";
import type { TeamMember, TeamRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { forbidden, isAdmin, requireAdmin } from "./actor.ts";
import { deleteKeysOf } from "./delete-keys.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { boundOrBudgetFields, id } from "./fields.ts";
import type { Management } from "./management.ts";
import { all, change } from "./objects.ts";
import { administered, edited, forgetTeam, join, kind, requireMember, teamRow } from "./team-kind.ts";

const memberRole = z.enum(["admin", "user"]);
/** Somebody by id or by e-mail. */
const who = { user_id: id.exactOptional(), user_email: id.exactOptional() };
/** A user and what this one may do in a team. */
export const member = z.strictObject({ ...who, role: memberRole }) as z.ZodType<Member>;
const amount = boundOrBudgetFields.max_budget;
const rate = boundOrBudgetFields.rpm_limit;

interface Person {
  readonly user_id?: string;
  readonly user_email?: string;
}

interface Member extends Person {
  readonly role: "admin" | "user";
}

/** Routes that change who is in a team. */
export const teamMemberRoutes: readonly Endpoint[] = [
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
      await administered(actor, team_id, management);
      const members = await membersOf(Array.isArray(added) ? added : [added], "member", management);
      const bounded = members.map((one) => ({ ...one, ...(limit !== undefined && { max_budget_in_team: limit }) }));
      const record = await management.write(() => join(actor, team_id, bounded, management));
      return {
        ...(await teamRow(record, management)),
        updated_users: bounded.map(({ user_id }) => user_id),
        updated_team_memberships: bounded,
      };
    },
  }),
  endpoint({
    method: "POST",
    path: "/team/bulk_member_add",
    summary: "Take many users into a team, each by itself.",
    body: z.strictObject({
      team_id: id,
      members: z.array(member).min(1).max(500).exactOptional(),
      all_users: z.boolean().exactOptional(),
      max_budget_in_team: amount,
    }),
    async run({ actor, body: { team_id, members, all_users: everybody, max_budget_in_team: limit }, management }) {
      await administered(actor, team_id, management);
      const wanted = members ?? (everybody === true ? await allUsers(actor, management) : undefined);
      if (wanted === undefined) {
        throw new GatewayError("invalid_request", "give members, or all_users: true", { param: "members" });
      }
      const results: { readonly success: boolean }[] = [];
      for (const one of wanted) {
        const person = { user_id: one.user_id ?? null, user_email: one.user_email ?? null };
        try {
          const [found] = await membersOf([one], "members", management);
          const bounded = { ...(found as TeamMember), ...(limit !== undefined && { max_budget_in_team: limit }) };
          await management.write(() => join(actor, team_id, [bounded], management));
          results.push({ ...person, ...{ user_id: bounded.user_id, success: true, error: null } });
        } catch (thrown) {
          results.push({ ...person, ...{ success: false, error: toGatewayError(thrown, "keys").message } });
        }
      }
      const added = results.filter(({ success }) => success).length;
      return {
        team_id,
        results,
        total_requested: results.length,
        successful_additions: added,
        failed_additions: results.length - added,
        updated_team: await teamRow(await administered(actor, team_id, management), management),
      };
    },
  }),
  endpoint({
    method: "POST",
    path: "/team/member_update",
    summary: "Change somebody's place in a team.",
    body: z.strictObject({
      team_id: id,
      ...who,
      role: memberRole.exactOptional(),
      max_budget_in_team: amount,
      tpm_limit: rate,
      rpm_limit: rate,
    }),
    async run({ actor, body: { team_id, user_id: asked, user_email, ...given }, management }) {
      const team = await administered(actor, team_id, management);
      const user_id = await idOf({ ...(asked !== undefined && { user_id: asked }), user_email }, management);
      requireMember(team, user_id);
      if (user_id === actor.userId && !isAdmin(actor))
        throw forbidden("nobody changes the own place in a team", "user_id");
      const edit = (now: TeamRecord): TeamRecord => ({
        ...now,
        members_with_roles: now.members_with_roles.map((one) =>
          one.user_id === user_id ? ({ ...one, ...given } as TeamMember) : one,
        ),
      });
      await edited(actor, team_id, "member_updated", edit, management);
      return { team_id, user_id, ...given };
    },
  }),
  endpoint({
    method: "POST",
    path: "/team/member_delete",
    summary: "Put somebody out of a team, with the keys that this one has there.",
    body: z.strictObject({ team_id: id, ...who }),
    async run({ actor, body: { team_id, ...person }, management }) {
      const team = await administered(actor, team_id, management);
      const user_id = await idOf(person, management);
      requireMember(team, user_id);
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

/** @throws {GatewayError} `not_found` naming the field, `invalid_request` for somebody named twice */
export async function membersOf(
  given: readonly Member[],
  param: string,
  management: Management,
): Promise<readonly TeamMember[]> {
  const members = new Map<string, TeamMember>();
  for (const { role, ...person } of given) {
    const user_id = await idOf(person, management, param);
    if (members.has(user_id)) throw new GatewayError("invalid_request", "a user may be named once", { param });
    members.set(user_id, { user_id, role });
  }
  return [...members.values()];
}

async function idOf(
  { user_id, user_email }: { readonly user_id?: string; readonly user_email?: string | undefined },
  { collections: { users } }: Management,
  param: string = "user_id",
): Promise<string> {
  const user =
    user_id !== undefined
      ? await users.get(user_id)
      : user_email === undefined
        ? undefined
        : await users.find("user_email", user_email);
  if (user !== undefined) return user.id;
  if (user_id === undefined && user_email === undefined) {
    throw new GatewayError("invalid_request", "a member has a user_id or a user_email", { param });
  }
  throw new GatewayError("not_found", "there is no such user", { param });
}

async function allUsers(actor: Actor, management: Management): Promise<readonly Member[]> {
  requireAdmin(actor);
  return (await all(management.collections.users, {})).map((user) => ({ user_id: user.id, role: "user" as const }));
}
