import { z } from "zod";
import type { TeamRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { isAdmin, isOrganizationAdmin, isTeamAdmin, mayActFor, notFound, seesAll } from "./actor.ts";
import { Answer, partFields, partOf, rangeOf } from "./answer.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { id, name, page, pageSize } from "./fields.ts";
import { keyRows } from "./key-row.ts";
import type { Management } from "./management.ts";
import { all, OLDEST_FIRST } from "./objects.ts";
import { sees, teamRow, teamRows, visibleTeam } from "./team-kind.ts";

/** Keys that an answer about something else brings along. */
const MOST_KEYS = 1_000;
const SORTED = ["created_at", "team_alias", "team_id"] as const;

/** Routes that show teams. */
export const teamReads: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/team/info",
    summary: "A team with its members and its latest keys.",
    query: z.strictObject({ team_id: id }),
    async run({ actor, query: { team_id }, management }) {
      const team = await visibleTeam(actor, team_id, management);
      const whole = seesAll(actor) || (await isTeamAdmin(actor, team, management));
      const { items, total } = await management.collections.keys.list({
        where: { team_id, ...(!whole && { user_id: actor.userId ?? "" }) },
        sortBy: "created_at",
        descending: true,
        limit: MOST_KEYS,
      });
      const rows = await keyRows(items, management);
      const answer = {
        team_id,
        team_info: await teamRow(team, management),
        keys: rows.map((row, index) => ({ token: items[index]?.id, ...row })),
        team_memberships: team.members_with_roles,
      };
      return new Answer(answer, { "x-total-count": String(total) });
    },
  }),
  endpoint({
    method: "GET",
    path: "/team/list",
    summary: "The teams that one may see, in parts.",
    query: z.strictObject({ user_id: id.exactOptional(), organization_id: id.exactOptional(), ...partFields }),
    async run({ actor, query, management }) {
      const { items, total } = await visibleTeams(actor, query, { ...OLDEST_FIRST, ...rangeOf(query) }, management);
      const rows = await teamRows(items, management);
      const whole = rows.map((row, index) => ({
        ...row,
        team_memberships: items[index]?.members_with_roles,
        keys: [],
      }));
      return partOf(whole, total, query);
    },
  }),
  endpoint({
    method: "GET",
    path: "/v2/team/list",
    summary: "The teams that one may see, page by page.",
    query: z.strictObject({
      user_id: id.exactOptional(),
      organization_id: id.exactOptional(),
      team_id: id.exactOptional(),
      team_alias: name.exactOptional(),
      page,
      page_size: pageSize,
      sort_by: z.enum(SORTED).default("created_at"),
      sort_order: z.enum(["asc", "desc"]).default("asc"),
    }),
    async run({ actor, query, management }) {
      const { page: number, page_size: size, sort_by: sorted } = query;
      const order: Order = {
        sortBy: sorted === "team_id" ? "id" : sorted,
        descending: query.sort_order === "desc",
        offset: (number - 1) * size,
        limit: size,
      };
      const { items, total } = await visibleTeams(actor, query, order, management);
      const teams = await teamRows(items, management);
      return { teams, total, page: number, page_size: size, total_pages: Math.ceil(total / size) };
    },
  }),
  endpoint({
    method: "GET",
    path: "/team/available",
    summary: "Teams that one may join without being asked: none, membership is given by administrators.",
    run: () => [],
  }),
];

interface Wanted {
  readonly user_id?: string;
  readonly organization_id?: string;
  readonly team_id?: string;
  readonly team_alias?: string;
}

interface Order {
  readonly sortBy: "created_at" | "team_alias" | "id";
  readonly descending?: boolean;
  readonly offset: number;
  readonly limit: number;
}

/** Of the teams that somebody may see, those that are wanted. Only who sees all looks through all. */
async function visibleTeams(
  actor: Actor,
  wanted: Wanted,
  order: Order,
  management: Management,
): Promise<{ readonly items: readonly TeamRecord[]; readonly total: number }> {
  const { teams, users } = management.collections;
  const { user_id, organization_id, team_id, team_alias } = wanted;
  if (seesAll(actor) && user_id === undefined && team_id === undefined) {
    return await teams.list({
      where: { ...(organization_id !== undefined && { organization_id }) },
      ...(team_alias !== undefined && { search: { team_alias } }),
      ...order,
    });
  }
  const candidates = new Map<string, TeamRecord>();
  const add = (team: TeamRecord | undefined): void => {
    if (team !== undefined) candidates.set(team.id, team);
  };
  if (team_id !== undefined) add(await teams.get(team_id));
  else {
    const user = await users.get(user_id ?? actor.userId ?? "");
    const known = user !== undefined && (seesAll(actor) || (await mayActFor(actor, user, management)));
    const own = user !== undefined && user.id === actor.userId;
    if (user_id !== undefined && !known && !own) throw notFound("user");
    for (const each of user?.teams ?? []) add(await teams.get(each));
    if (user_id === undefined) for (const each of await ruledTeams(actor, management)) add(each);
  }
  const text = team_alias?.toLowerCase();
  const found: TeamRecord[] = [];
  for (const team of candidates.values()) {
    if (user_id !== undefined && !team.members_with_roles.some((one) => one.user_id === user_id)) continue;
    if (organization_id !== undefined && team.organization_id !== organization_id) continue;
    if (text !== undefined && team.team_alias?.toLowerCase().includes(text) !== true) continue;
    if (await sees(actor, team, management)) found.push(team);
  }
  const sign = order.descending === true ? -1 : 1;
  found.sort((one, other) => sign * compare(one[order.sortBy] ?? "", other[order.sortBy] ?? ""));
  return { items: found.slice(order.offset, order.offset + order.limit), total: found.length };
}

/** The teams of organizations that somebody administers. */
async function ruledTeams(actor: Actor, management: Management): Promise<readonly TeamRecord[]> {
  const { organizations, teams } = management.collections;
  const found: TeamRecord[] = [];
  for (const each of actor.identity?.user?.organizations ?? []) {
    if (isAdmin(actor) || isOrganizationAdmin(actor, await organizations.get(each))) {
      found.push(...(await all(teams, { organization_id: each })));
    }
  }
  return found;
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
