import { z } from "zod";
import { GatewayError } from "@signalbox/kernel";
import { isKey, newKey, shownKey } from "../auth/key-hash.ts";
import { KEY_TYPES } from "../auth/route-grants.ts";
import type { KeyRecord, UserRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { forbidden, isAdmin } from "./actor.ts";
import { after } from "./durations.ts";
import type { Endpoint, EndpointInput } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import type { KeyFields, Optional } from "./fields.ts";
import { keyFields } from "./fields.ts";
import { checkGrants, checkOwner } from "./key-grants.ts";
import { checkGeneration, withDefaults, withinBounds } from "./key-policy.ts";
import { keyRow } from "./key-row.ts";
import type { LimitTypeFields } from "./limit-types.ts";
import { checkGuarantees, checkLimitTypes, limitTypeFields } from "./limit-types.ts";
import type { Management } from "./management.ts";
import { made } from "./management.ts";
import { setSpend } from "./reset-spend.ts";
import type { SettingFields } from "./settings.ts";
import { checkSettings, mergedSettings, settingFields, splitSettings } from "./settings.ts";

const SHORTEST_KEY = 20;
const DEEPEST = 8;

/** A key that the caller brings along. */
export const ownKey: z.ZodString = z
  .string()
  .min(SHORTEST_KEY)
  .refine(isKey, "must begin with sk- and hold letters, digits and ._~- only") as z.ZodString;

type BodyShape = KeyFields & { readonly spend: Optional<number> } & SettingFields &
  LimitTypeFields & { readonly key: Optional<string> };
const body: z.ZodObject<BodyShape, z.core.$strict> = z.strictObject({
  key: ownKey.exactOptional(),
  spend: z.number().min(0).max(1_000_000_000).exactOptional(),
  ...keyFields,
  ...settingFields,
  ...limitTypeFields,
});

/** What a new key is made from. */
export type NewKey = z.infer<typeof body>;

/** `POST /key/generate` and its kin. */
export const keyCreation: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/key/generate",
    summary: "Make a key. It is shown in this answer and never again.",
    body,
    run: (input) => generate(input, isAdmin(input.actor) ? null : (input.actor.userId ?? null)),
  }),
  endpoint({
    method: "POST",
    path: "/key/service-account/generate",
    summary: "Make a key that is a team's and nobody's own.",
    body,
    run(input) {
      if (input.body.team_id == null) {
        throw new GatewayError("invalid_request", "a service account needs a team", { param: "team_id" });
      }
      if (input.body.user_id != null) {
        throw new GatewayError("invalid_request", "a service account has no user", { param: "user_id" });
      }
      return generate(input, null);
    },
  }),
];

async function generate(
  { actor, body: fields, management }: EndpointInput<NewKey, unknown>,
  defaultUser: string | null,
): Promise<Record<string, unknown>> {
  const { record, key } = await createKey(actor, fields, defaultUser, management);
  return { ...(await keyRow(record, management)), key, token: record.id, token_id: record.id };
}

/** A key that may be kept. */
interface CheckedKey {
  readonly record: KeyRecord;
  /** The secret itself. */
  readonly key: string;
}

/**
 * Checks and keeps a new key.
 *
 * @throws {GatewayError} `route_not_allowed`, `not_found`, `conflict`, `invalid_request`, `unsupported_parameter`
 */
async function createKey(
  actor: Actor,
  asked: NewKey,
  defaultUser: string | null,
  management: Management,
): Promise<CheckedKey> {
  const { spend, ...fields } = asked;
  if (spend !== undefined && spend > 0 && !isAdmin(actor)) throw forbidden("spend is set by administrators", "spend");
  const checked = await checkedKey(actor, fields, { user_id: defaultUser }, management);
  await management.write(() => insertKey(actor, checked.record, management));
  if (spend !== undefined && spend > 0) {
    await setSpend(
      actor,
      checked.record,
      { amount: spend, reason: "set when the key was made", mayRise: true },
      management,
    );
  }
  return checked;
}

/**
 * Makes a key that is not kept yet.
 *
 * @param owner whose key it is unless it says so itself; `made`: a user who is not kept yet either
 * @throws {GatewayError} `route_not_allowed`, `not_found`, `invalid_request`, `unsupported_parameter`
 */
export async function checkedKey(
  actor: Actor,
  asked: NewKey,
  owner: { readonly user_id: string | null; readonly made?: UserRecord },
  management: Management,
): Promise<CheckedKey> {
  if (actor.role !== "proxy_admin" && actor.role !== "internal_user") throw forbidden("your role may not make keys");
  const { policy, collections } = management;
  const { settings: said, rest } = splitSettings(asked);
  checkSettings(actor, undefined, said, management.surroundings.settings);
  const fields = withDefaults(rest, policy.defaultKeyGenerateParams);
  const { key: brought, duration, key_type: type, ...given } = fields;
  if (brought !== undefined && !isAdmin(actor)) throw forbidden("keys are chosen by administrators", "key");
  const key = brought ?? newKey();
  const teamId = given.team_id ?? null;
  const team = teamId === null ? undefined : await collections.teams.get(teamId);
  const userId = given.user_id === undefined ? owner.user_id : given.user_id;
  const lasts = duration ?? (userId === null ? undefined : team?.team_member_key_duration);
  const wanted = {
    ...given,
    id: management.nextId("tok_"),
    hash: management.hasher.hash(key),
    key_name: shownKey(key),
    key_alias: given.key_alias ?? null,
    // nothing is granted by saying nothing, but a key of a team is the team's
    models: given.models ?? (teamId === null ? [] : ["all-team-models"]),
    user_id: userId,
    team_id: teamId,
    organization_id: given.organization_id ?? null,
    expires: lasts == null ? null : after(lasts),
    blocked: given.blocked ?? false,
    aliases: given.aliases ?? {},
    metadata: given.metadata ?? {},
    // what a key's spend is told apart by, and bounded by, stays with what is made with it
    tags: [...new Set([...(isAdmin(actor) ? [] : (actor.identity?.key.tags ?? [])), ...(given.tags ?? [])])],
    allowed_routes: given.allowed_routes ?? routesOfType(type),
    router_settings: given.router_settings ?? null,
    // what plugins hold a key to, they hold to what is made with it
    settings: isAdmin(actor) ? mergedSettings(undefined, said) : (actor.identity?.key.settings ?? {}),
    ancestor_ids: ancestorsFor(actor),
    ...made(actor),
  } as KeyRecord;
  const record = withinBounds(wanted, policy.upperboundKeyGenerateParams);
  await checkOwner(actor, record, management, owner.made);
  checkGeneration(actor, team, asked, policy.keyGenerationSettings);
  await checkBudget(record, management);
  checkLimitTypes(actor, undefined, record);
  await checkGrants(actor, record, new Set(Object.keys(asked)), management, { isNew: true, user: owner.made });
  return { record, key };
}

/** Within `write`. @throws {GatewayError} `conflict`, `invalid_request` */
export async function insertKey(actor: Actor, record: KeyRecord, management: Management): Promise<void> {
  const same = await management.collections.retiredHashes.get(record.hash);
  if (same !== undefined) throw new GatewayError("conflict", "there is such a key already", { param: "key" });
  await checkGuarantees(record, management);
  await management.collections.keys.insert(record);
  await management.log(actor, { action: "created", table: "keys", id: record.id, before: undefined, after: record });
}

/** What a kind of key may reach; null: no bound of its own. */
export function routesOfType(type: NewKey["key_type"]): readonly string[] | null {
  return type === undefined ? null : KEY_TYPES[type];
}

/** @throws {GatewayError} `not_found` */
export async function checkBudget(
  { budget_id: id }: Pick<KeyRecord, "budget_id">,
  management: Management,
): Promise<void> {
  if (id == null || (await management.collections.budgets.get(id)) !== undefined) return;
  throw new GatewayError("not_found", "there is no such budget", { param: "budget_id" });
}

/** Keys with bounds bound what is made with them: their budgets are shared, not multiplied. */
function ancestorsFor(actor: Actor): readonly string[] {
  const own = actor.identity?.key;
  if (own === undefined || isAdmin(actor)) return [];
  const bounded =
    [own.max_budget, own.tpm_limit, own.rpm_limit, own.max_parallel_requests, own.budget_id].some(
      (value) => value != null,
    ) ||
    Object.keys({ ...own.model_max_budget, ...own.model_rpm_limit, ...own.model_tpm_limit }).length > 0 ||
    (own.budget_limits ?? []).length > 0;
  const all = bounded ? [...own.ancestor_ids, own.id] : own.ancestor_ids;
  if (all.length > DEEPEST) throw forbidden(`keys may be made with keys ${DEEPEST} times over`);
  return all;
}
