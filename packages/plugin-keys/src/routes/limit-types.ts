import { z } from "zod";
import { GatewayError } from "@signalbox/kernel";
import { withBudget } from "../auth/bounds.ts";
import type { Bounds, KeyRecord, LimitType } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { forbidden, isAdmin } from "./actor.ts";
import type { Optional } from "./fields.ts";
import type { Management } from "./management.ts";

const MOST_PRIORITY = 100;
const PAGE = 100;

const type: Optional<LimitType | null> = z
  .enum(["best_effort_throughput", "guaranteed_throughput", "dynamic"])
  .nullable()
  .exactOptional();

/** How a key's limits go with those above it. */
export type LimitTypeFields = {
  readonly tpm_limit_type: Optional<LimitType | null>;
  readonly rpm_limit_type: Optional<LimitType | null>;
  /** Its weight where limits are shared out. */
  readonly priority: Optional<number | null>;
};

/** Shapes of `LimitTypeFields`. */
export const limitTypeFields: LimitTypeFields = {
  tpm_limit_type: type,
  rpm_limit_type: type,
  priority: z.int().min(1).max(MOST_PRIORITY).nullable().exactOptional(),
};

const UNITS = [
  ["rpm_limit", "rpm_limit_type"],
  ["tpm_limit", "tpm_limit_type"],
] as const;

/** @throws {GatewayError} `route_not_allowed`: what others are left with is for administrators to say */
export function checkLimitTypes(actor: Actor, before: KeyRecord | undefined, record: KeyRecord): void {
  if (isAdmin(actor)) return;
  for (const field of ["rpm_limit_type", "tpm_limit_type", "priority"] as const) {
    const wanted = record[field] ?? null;
    if (wanted === null || wanted === "best_effort_throughput" || wanted === (before?.[field] ?? null)) continue;
    throw forbidden(`${field} is for proxy administrators`, field);
  }
}

const OF_GUARANTEES = [
  "rpm_limit",
  "tpm_limit",
  "rpm_limit_type",
  "tpm_limit_type",
  "budget_id",
  "team_id",
  "organization_id",
] as const;

/** Whether a change has to do with what is guaranteed: a key can be blocked whatever its team may do by now. */
export function changesGuarantees(before: KeyRecord, after: KeyRecord): boolean {
  return OF_GUARANTEES.some((field) => (before[field] ?? null) !== (after[field] ?? null));
}

/**
 * Within `write`: what is guaranteed to keys is never more than their team, or their organisation, may do; and only what
 * those may do can be shared out.
 *
 * @throws {GatewayError} `invalid_request` naming the field
 */
export async function checkGuarantees(record: KeyRecord, management: Management): Promise<void> {
  for (const [limit, type] of UNITS) {
    const kind = record[type] ?? "best_effort_throughput";
    if (kind === "best_effort_throughput") continue;
    const parents = await parentsOf(record, management);
    if (kind === "dynamic") {
      if (parents.some(({ bounds }) => bounds[limit] != null)) continue;
      throw invalid(type, `there is no ${limit} of a team or an organisation to be shared out`);
    }
    const asked = (await bounded(record, management))[limit];
    if (asked == null) throw invalid(limit, `a guarantee needs ${limit}`);
    for (const parent of parents) {
      const most = parent.bounds[limit];
      if (most == null) continue;
      // nobody else gives guarantees of the same meanwhile
      await parent.lock();
      let given = 0;
      for await (const key of parent.keys()) {
        if (key.id === record.id || key[type] !== "guaranteed_throughput") continue;
        given += (await bounded(key, management))[limit] ?? 0;
      }
      if (given + asked <= most) continue;
      const left = Math.max(0, most - given);
      throw invalid(limit, `${asked} cannot be guaranteed: of the ${most} of its ${parent.what} ${left} are left`);
    }
  }
}

interface Parent {
  readonly what: "team" | "organisation";
  readonly bounds: Bounds;
  lock(): Promise<unknown>;
  /** All that are below it. */
  keys(): AsyncIterable<KeyRecord>;
}

async function parentsOf(record: KeyRecord, management: Management): Promise<readonly Parent[]> {
  const { teams, organizations } = management.collections;
  const team = record.team_id === null ? undefined : await teams.get(record.team_id);
  const organizationId = team?.organization_id ?? record.organization_id;
  const organization = organizationId === null ? undefined : await organizations.get(organizationId);
  const parents: Parent[] = [];
  if (team !== undefined) {
    parents.push({
      what: "team",
      bounds: await bounded(team, management),
      lock: () => teams.update(team.id, () => undefined),
      keys: () => keysWhere({ team_id: team.id }, management),
    });
  }
  if (organization !== undefined) {
    parents.push({
      what: "organisation",
      bounds: await bounded(organization, management),
      lock: () => organizations.update(organization.id, () => undefined),
      keys: () => keysBelow(organization.id, management),
    });
  }
  return parents;
}

async function* keysBelow(organization_id: string, management: Management): AsyncIterable<KeyRecord> {
  const { teams } = management.collections;
  for await (const key of keysWhere({ organization_id }, management)) if (key.team_id === null) yield key;
  for (let offset = 0; ; offset += PAGE) {
    const { items } = await teams.list({ where: { organization_id }, sortBy: "created_at", offset, limit: PAGE });
    for (const { id } of items) yield* keysWhere({ team_id: id }, management);
    if (items.length < PAGE) return;
  }
}

async function* keysWhere(where: Record<string, string>, { collections }: Management): AsyncIterable<KeyRecord> {
  for (let offset = 0; ; offset += PAGE) {
    const { items } = await collections.keys.list({ where, sortBy: "created_at", offset, limit: PAGE });
    yield* items;
    if (items.length < PAGE) return;
  }
}

async function bounded(record: Bounds, { collections }: Management): Promise<Bounds> {
  const { budget_id: id } = record;
  return withBudget(record, id == null ? undefined : await collections.budgets.get(id));
}

function invalid(param: string, message: string): GatewayError {
  return new GatewayError("invalid_request", message, { param });
}
