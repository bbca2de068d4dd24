import type { IncomingHttpHeaders } from "node:http";
import type { Principal } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Identity } from "../auth/identity.ts";
import type { KeyRecord, OrganizationRecord, Role, TeamRecord, UserRecord } from "../records/records.ts";
import type { Management } from "./management.ts";

/** Who asks for a change. */
export interface Actor {
  readonly id: string;
  /** `none`: a key that is nobody's may look at itself. */
  readonly role: Role | "none";
  readonly userId: string | undefined;
  readonly principal: Principal;
  readonly identity: Identity | undefined;
  /** Whom it says it does this for; told in the audit log, and worth nothing else. */
  readonly changedFor: string | null;
}

const LONGEST_NOTE = 256;

/** Who is behind a principal: administrators, or what the records of its key say. */
export function actorOf(principal: Principal, headers: IncomingHttpHeaders, management: Management): Actor {
  const identity = management.identityOf(principal);
  const role = principal.admin ? "proxy_admin" : (identity?.user?.user_role ?? "none");
  const note = headers["x-signalbox-changed-by"] ?? headers["litellm-changed-by"];
  return {
    id: principal.id,
    role,
    userId: identity?.user?.id,
    principal,
    identity,
    changedFor: typeof note === "string" ? note.slice(0, LONGEST_NOTE) : null,
  };
}

export function isAdmin({ role }: Actor): boolean {
  return role === "proxy_admin";
}

/** Sees everything. */
export function seesAll({ role }: Actor): boolean {
  return role === "proxy_admin" || role === "proxy_admin_viewer";
}

/** May change what is its own. */
function writes({ role }: Actor): boolean {
  return role === "proxy_admin" || role === "internal_user";
}

/** @throws {GatewayError} `route_not_allowed` */
export function requireAdmin(actor: Actor): void {
  if (!isAdmin(actor)) throw forbidden("this route is for proxy administrators");
}

/** @throws {GatewayError} `route_not_allowed` */
export function requireViewer(actor: Actor): void {
  if (!seesAll(actor)) throw forbidden("this route is for proxy administrators and viewers");
}

export function forbidden(message: string, param?: string): GatewayError {
  return new GatewayError("route_not_allowed", message, { ...(param !== undefined && { param }) });
}

/** Another's object looks the same as none. */
export function notFound(what: string): GatewayError {
  return new GatewayError("not_found", `there is no such ${what}`);
}

export function isOrganizationAdmin(actor: Actor, organization: OrganizationRecord | undefined): boolean {
  if (isAdmin(actor)) return true;
  return (
    organization !== undefined &&
    writes(actor) &&
    organization.members.some(({ user_id, role }) => user_id === actor.userId && role === "org_admin")
  );
}

/** May change a team and its keys: an administrator of it, of its organisation, or of all. */
export async function isTeamAdmin(actor: Actor, team: TeamRecord, { collections }: Management): Promise<boolean> {
  if (isAdmin(actor)) return true;
  if (!writes(actor)) return false;
  if (team.members_with_roles.some(({ user_id, role }) => user_id === actor.userId && role === "admin")) return true;
  if (team.organization_id === null) return false;
  return isOrganizationAdmin(actor, await collections.organizations.get(team.organization_id));
}

export function isMember(actor: Actor, team: TeamRecord): boolean {
  return actor.userId !== undefined && team.members_with_roles.some(({ user_id }) => user_id === actor.userId);
}

/** May act for a user: never for somebody with a higher role. */
export async function mayActFor(actor: Actor, user: UserRecord, management: Management): Promise<boolean> {
  if (isAdmin(actor)) return true;
  if (!writes(actor)) return false;
  if (user.id === actor.userId) return true;
  if (user.user_role === "proxy_admin" || user.user_role === "proxy_admin_viewer") return false;
  if (user.organizations.length === 0) return false;
  for (const id of user.organizations) {
    const organization = await management.collections.organizations.get(id);
    if (!isOrganizationAdmin(actor, organization)) return false;
    // an administrator of one organisation stands beside this one, not above
    if (organization?.members.some((member) => member.user_id === user.id && member.role === "org_admin")) return false;
  }
  return true;
}

/** `write` by somebody who may set bounds, `narrow` by its holder, `read`, or nothing. */
export type KeyAccess = "write" | "narrow" | "read" | "none";

/** What somebody may do with a key. */
export async function keyAccess(actor: Actor, key: KeyRecord, management: Management): Promise<KeyAccess> {
  if (isAdmin(actor)) return "write";
  const { collections } = management;
  if (writes(actor) && key.user_id !== actor.userId) {
    const user = key.user_id === null ? undefined : await collections.users.get(key.user_id);
    const aboveActor = user?.user_role === "proxy_admin" || user?.user_role === "proxy_admin_viewer";
    const team = key.team_id === null ? undefined : await collections.teams.get(key.team_id);
    if (team !== undefined && !aboveActor && (await isTeamAdmin(actor, team, management))) return "write";
    const organizationId = key.organization_id ?? null;
    if (organizationId !== null && team === undefined && !aboveActor) {
      if (isOrganizationAdmin(actor, await collections.organizations.get(organizationId))) return "write";
    }
  }
  if (writes(actor) && key.user_id !== null && key.user_id === actor.userId) return "narrow";
  if (key.id === actor.id || seesAll(actor)) return "read";
  return actor.userId !== undefined && key.user_id === actor.userId ? "read" : "none";
}
