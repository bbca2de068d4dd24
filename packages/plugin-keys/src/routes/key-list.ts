import { z } from "zod";
import type { RecordQuery } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { KeyRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import {
  forbidden,
  isOrganizationAdmin,
  isTeamAdmin,
  keyAccess,
  mayActFor,
  notFound,
  requireViewer,
  seesAll,
} from "./actor.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { flag, id, page, pageSize } from "./fields.ts";
import { findKey, keyRows } from "./key-row.ts";
import type { Management } from "./management.ts";
import { all } from "./objects.ts";

const SORTED = ["created_at", "updated_at", "expires", "key_alias"] as const;
/** Beyond it, a list has to be about less. */
const MOST_GATHERED = 10_000;

const query = z.strictObject({
  page,
  size: pageSize,
  user_id: id.exactOptional(),
  team_id: id.exactOptional(),
  organization_id: id.exactOptional(),
  key_hash: id.exactOptional(),
  key_alias: id.exactOptional(),
  return_full_object: flag.exactOptional(),
  include_team_keys: flag.exactOptional(),
  include_created_by_keys: flag.exactOptional(),
  expand: z.literal("user").exactOptional(),
  status: z.literal("deleted").exactOptional(),
  sort_by: z.enum(SORTED).default("created_at"),
  sort_order: z.enum(["asc", "desc"]).default("desc"),
});
type ListQuery = z.infer<typeof query>;

/** Routes that list keys. */
export const keyLists: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/key/list",
    summary: "Keys, page by page; `status=deleted`: those that are no more, as the log of changes has them.",
    query,
    async run({ actor, query: asked, management }) {
      if (asked.status === "deleted") return await deletedKeys(actor, asked, management);
      const { keys } = management.collections;
      if (asked.key_hash !== undefined) {
        return listOf(
          await shownKeys(actor, [await readable(actor, asked.key_hash, management)], asked, management),
          1,
          {
            page: 1,
            size: 1,
          },
        );
      }
      const where = await gathered(actor, await visible(actor, asked, management), asked, management);
      const found = await keys.list({
        where: { ...where, ...(asked.key_alias !== undefined && { key_alias: asked.key_alias }) },
        sortBy: asked.sort_by,
        descending: asked.sort_order === "desc",
        offset: (asked.page - 1) * asked.size,
        limit: asked.size,
      });
      return listOf(await shownKeys(actor, found.items, asked, management), found.total, asked);
    },
  }),
  endpoint({
    method: "GET",
    path: "/key/aliases",
    summary: "The aliases of the keys that one may see.",
    query: z.strictObject({ page, size: pageSize }),
    async run({ actor, query, management }) {
      const { items, total } = await management.collections.keys.list({
        where: await visible(actor, {}, management),
        sortBy: "key_alias",
        offset: (query.page - 1) * query.size,
        limit: query.size,
      });
      const aliases = items.flatMap(({ key_alias: alias }) => (alias === null ? [] : [alias]));
      return { aliases, current_page: query.page, total_pages: Math.ceil(total / query.size) };
    },
  }),
];

function listOf(
  keys: readonly unknown[],
  total: number,
  { page: number, size }: Pick<ListQuery, "page" | "size">,
): Record<string, unknown> {
  return { keys, total_count: total, current_page: number, total_pages: Math.ceil(total / size) };
}

/** Tokens, or whole rows. */
async function shownKeys(
  actor: Actor,
  keys: readonly KeyRecord[],
  { return_full_object: whole, expand }: ListQuery,
  management: Management,
): Promise<readonly unknown[]> {
  if (whole !== true && expand === undefined) return keys.map((key) => key.id);
  const rows = await keyRows(keys, management);
  const users = expand === "user" ? await usersOf(actor, keys, management) : undefined;
  return rows.map((row, index) => {
    const { id: token, user_id: owner } = keys[index] as KeyRecord;
    return { token, ...row, ...(users !== undefined && { user: users.get(owner ?? "") ?? null }) };
  });
}

/** Whose keys they are, as far as one may act for them. */
async function usersOf(
  actor: Actor,
  keys: readonly KeyRecord[],
  management: Management,
): Promise<ReadonlyMap<string, unknown>> {
  const owners = [...new Set(keys.flatMap(({ user_id: owner }) => (owner === null ? [] : [owner])))];
  const users = new Map<string, unknown>();
  if (owners.length === 0) return users;
  const { items } = await management.collections.users.list({ where: { id: owners }, limit: owners.length });
  for (const user of items) {
    if (!seesAll(actor) && user.id !== actor.userId && !(await mayActFor(actor, user, management))) continue;
    const { id: user_id, user_email, user_alias } = user;
    users.set(user_id, { user_id, user_email, user_alias });
  }
  return users;
}

/** Deleted keys, the latest first. Their spend is what it was. */
async function deletedKeys(actor: Actor, asked: ListQuery, management: Management): Promise<Record<string, unknown>> {
  requireViewer(actor);
  const other = (["user_id", "team_id", "organization_id", "key_alias"] as const).find(
    (name) => asked[name] !== undefined,
  );
  if (other !== undefined) {
    throw new GatewayError("invalid_request", `deleted keys are listed by key_hash or all, not by ${other}`, {
      param: other,
    });
  }
  const { items, total } = await management.collections.audit.list({
    where: {
      table_name: "keys",
      action: "deleted",
      ...(asked.key_hash !== undefined && { object_id: asked.key_hash }),
    },
    sortBy: "updated_at",
    descending: asked.sort_order === "desc",
    offset: (asked.page - 1) * asked.size,
    limit: asked.size,
  });
  const keys = items.map(({ before_value: before }) => before as KeyRecord);
  const rows = await shownKeys(actor, keys, asked, management);
  const shown = rows.map((row, index) => {
    if (typeof row === "string") return row;
    const { updated_at: deleted_at, changed_by: deleted_by } = items[index] ?? {};
    return { ...(row as object), status: "deleted", deleted_at, deleted_by };
  });
  return listOf(shown, total, asked);
}

/** @throws {GatewayError} `not_found` for others' keys and for none */
export async function readable(actor: Actor, name: string, management: Management): Promise<KeyRecord> {
  const key = await findKey(name, management);
  if (key === undefined || (await keyAccess(actor, key, management)) === "none") throw notFound("key");
  return key;
}

/** A user's keys, and if asked for those that he made and those of teams that he administers; as far as one may see them. */
async function gathered(actor: Actor, where: Where, asked: ListQuery, management: Management): Promise<Where> {
  const { include_team_keys: ofTeams = false, include_created_by_keys: ofMaker = false } = asked;
  const { user_id: user, ...rest } = where;
  if (typeof user !== "string" || (!ofTeams && !ofMaker)) return where;
  const { keys, users, teams } = management.collections;
  const bounds = rest as Readonly<Record<string, string>>;
  const found = new Map((await all(keys, { ...bounds, user_id: user })).map((key) => [key.id, key]));
  const add = async (more: Readonly<Record<string, string>>): Promise<void> => {
    for (const key of await all(keys, { ...bounds, ...more })) {
      if (found.has(key.id)) continue;
      if (seesAll(actor) || (await keyAccess(actor, key, management)) !== "none") found.set(key.id, key);
    }
    if (found.size <= MOST_GATHERED) return;
    throw new GatewayError("invalid_request", `these are more than ${MOST_GATHERED} keys: name a team`, {
      param: "team_id",
    });
  };
  if (ofMaker) await add({ created_by: user });
  if (ofTeams) {
    for (const team of (await users.get(user))?.teams ?? []) {
      if (bounds["team_id"] !== undefined && bounds["team_id"] !== team) continue;
      const members = (await teams.get(team))?.members_with_roles ?? [];
      if (members.some((one) => one.user_id === user && one.role === "admin")) await add({ team_id: team });
    }
  }
  return { id: [...found.keys()] };
}

type Where = NonNullable<RecordQuery["where"]>;

/** The conditions under which somebody may see what a query asks for. */
async function visible(
  actor: Actor,
  query: {
    readonly user_id?: string | undefined;
    readonly team_id?: string | undefined;
    readonly organization_id?: string | undefined;
  },
  management: Management,
): Promise<Where> {
  const { user_id, team_id, organization_id } = query;
  const asked: Where = {
    ...(user_id !== undefined && { user_id }),
    ...(team_id !== undefined && { team_id }),
    ...(organization_id !== undefined && { organization_id }),
  };
  if (seesAll(actor)) return asked;
  const { teams, organizations } = management.collections;
  if (team_id !== undefined) {
    const team = await teams.get(team_id);
    if (team !== undefined && (await isTeamAdmin(actor, team, management))) return asked;
  }
  if (organization_id !== undefined && isOrganizationAdmin(actor, await organizations.get(organization_id)))
    return asked;
  if (actor.userId === undefined) {
    if (actor.identity === undefined) throw forbidden("there are no keys that you may list");
    throw forbidden("a key without a user may look at itself only: GET /key/info");
  }
  if (user_id !== undefined && user_id !== actor.userId) {
    throw new GatewayError("route_not_allowed", "you may list your own keys only", { param: "user_id" });
  }
  return { ...asked, user_id: actor.userId };
}
