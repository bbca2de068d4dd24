import { z } from "zod";
import type { RecordQuery } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { KeyRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { forbidden, isOrganizationAdmin, isTeamAdmin, keyAccess, notFound, seesAll } from "./actor.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { flag, id, ids, page, pageSize } from "./fields.ts";
import { findKey, keyRow, keyRows } from "./key-row.ts";
import type { Management } from "./management.ts";

const SORTED = ["created_at", "updated_at", "expires", "key_alias"] as const;

/** Routes that show keys. */
export const keyReads: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/key/info",
    summary: "A key; without `key`, the one that asks.",
    query: z.strictObject({ key: id.exactOptional() }),
    async run({ actor, query, management }) {
      const key = await readable(actor, query.key ?? actor.id, management);
      return { key: key.id, info: await keyRow(key, management) };
    },
  }),
  endpoint({
    method: "POST",
    path: "/v2/key/info",
    summary: "Many keys at once.",
    body: z.strictObject({ keys: ids.min(1).max(100) }),
    async run({ actor, body, management }) {
      const found: KeyRecord[] = [];
      for (const key of body.keys) found.push(await readable(actor, key, management));
      const rows = await keyRows(found, management);
      return { key: found.map((key) => key.id), info: rows.map((row, index) => ({ key: found[index]?.id, ...row })) };
    },
  }),
  endpoint({
    method: "GET",
    path: "/key/list",
    summary: "Keys, page by page.",
    query: z.strictObject({
      page,
      size: pageSize,
      user_id: id.exactOptional(),
      team_id: id.exactOptional(),
      organization_id: id.exactOptional(),
      key_hash: id.exactOptional(),
      key_alias: id.exactOptional(),
      return_full_object: flag.exactOptional(),
      sort_by: z.enum(SORTED).default("created_at"),
      sort_order: z.enum(["asc", "desc"]).default("desc"),
    }),
    async run({ actor, query, management }) {
      const { keys } = management.collections;
      if (query.key_hash !== undefined) {
        const key = await readable(actor, query.key_hash, management);
        const shown =
          query.return_full_object === true ? { token: key.id, ...(await keyRow(key, management)) } : key.id;
        return { keys: [shown], total_count: 1, current_page: 1, total_pages: 1 };
      }
      const where = await visible(actor, query, management);
      const found = await keys.list({
        where: { ...where, ...(query.key_alias !== undefined && { key_alias: query.key_alias }) },
        sortBy: query.sort_by,
        descending: query.sort_order === "desc",
        offset: (query.page - 1) * query.size,
        limit: query.size,
      });
      return {
        keys:
          query.return_full_object === true
            ? (await keyRows(found.items, management)).map((row, index) => ({ token: found.items[index]?.id, ...row }))
            : found.items.map((key) => key.id),
        total_count: found.total,
        current_page: query.page,
        total_pages: Math.ceil(found.total / query.size),
      };
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
  endpoint({
    method: "POST",
    path: "/key/health",
    summary: "Whether the key that asks works.",
    run: () => ({ key: "healthy", logging_callbacks: { callbacks: [], status: "healthy", details: "none set" } }),
  }),
];

/** @throws {GatewayError} `not_found` for others' keys and for none */
async function readable(actor: Actor, name: string, management: Management): Promise<KeyRecord> {
  const key = await findKey(name, management);
  if (key === undefined || (await keyAccess(actor, key, management)) === "none") throw notFound("key");
  return key;
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
