import { z } from "zod";
import { GatewayError, toGatewayError } from "@signalbox/kernel";
import { newKey, shownKey } from "../auth/key-hash.ts";
import type { KeyRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import { forbidden, isAdmin, keyAccess, notFound } from "./actor.ts";
import { after } from "./durations.ts";
import type { Endpoint } from "./endpoint.ts";
import { endpoint } from "./endpoint.ts";
import { boundOrBudgetFields, duration, id, ids, keyFields, tags } from "./fields.ts";
import { checkBudget, ownKey, routesOfType } from "./key-create.ts";
import type { MemberRoute } from "./key-grants.ts";
import { checkGrants, checkMemberRoute, checkNarrower, checkOwner } from "./key-grants.ts";
import { withinBounds } from "./key-policy.ts";
import { findKey, keyRow } from "./key-row.ts";
import { changesGuarantees, checkGuarantees, checkLimitTypes, limitTypeFields } from "./limit-types.ts";
import type { Management } from "./management.ts";
import { changed } from "./management.ts";
import { setSpend } from "./reset-spend.ts";
import { checkSettings, mergedSettings, settingFields, splitSettings } from "./settings.ts";

const MOST_AT_ONCE = 500;

const changes = {
  ...keyFields,
  ...settingFields,
  ...limitTypeFields,
  temp_budget_increase: z.number().min(0).max(1_000_000_000).nullable().exactOptional(),
  temp_budget_expiry: z.iso.datetime({ offset: true }).nullable().exactOptional(),
};
const changeObject = z.strictObject(changes);
type Changes = z.infer<typeof changeObject>;

const keyOnly = z.strictObject({ key: id });
const regeneration = { ...changes, new_key: ownKey.exactOptional(), grace_period: duration.exactOptional() };
const regenerationObject = z.strictObject(regeneration);
type Regeneration = z.infer<typeof regenerationObject>;

/** Routes that change keys. */
export const keyChanges: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/key/update",
    summary: "Change a key: null clears a field, an absent one is left alone.",
    body: z.strictObject({ key: id, spend: z.number().min(0).max(1_000_000_000).exactOptional(), ...changes }),
    async run({ actor, body: { key, spend, ...fields }, management }) {
      if (spend !== undefined && !isAdmin(actor)) throw forbidden("spend is set by administrators", "spend");
      const record = await updateKey(actor, key, fields, management);
      if (spend !== undefined) {
        await setSpend(actor, record, { amount: spend, reason: "set by an update", mayRise: true }, management);
      }
      return { key: record.id, ...(await keyRow(record, management)) };
    },
  }),
  endpoint({
    method: "POST",
    path: "/key/bulk_update",
    summary: "Change many keys, each by itself.",
    body: z.strictObject({
      keys: z
        .array(
          z.strictObject({
            key: id,
            budget_id: boundOrBudgetFields.budget_id,
            max_budget: boundOrBudgetFields.max_budget,
            team_id: id.nullable().exactOptional(),
            tags: tags.nullable().exactOptional(),
          }),
        )
        .min(1)
        .max(MOST_AT_ONCE),
    }),
    async run({ actor, body: { keys }, management }) {
      const done: unknown[] = [];
      const failed: unknown[] = [];
      for (const { key, ...fields } of keys) {
        try {
          const record = await updateKey(actor, key, fields, management);
          done.push({ key: record.id, key_info: await keyRow(record, management) });
        } catch (thrown) {
          failed.push({ key: shownName(key), failed_reason: toGatewayError(thrown, "keys").message });
        }
      }
      return { total_requested: keys.length, successful_updates: done, failed_updates: failed };
    },
  }),
  endpoint({
    method: "POST",
    path: "/key/delete",
    summary: "Delete keys, all or none.",
    body: z.union([z.strictObject({ keys: ids.min(1) }), z.strictObject({ key_aliases: ids.min(1) })]) as z.ZodType<{
      readonly keys?: readonly string[];
      readonly key_aliases?: readonly string[];
    }>,
    async run({ actor, body, management }) {
      const { keys } = management.collections;
      const found: KeyRecord[] = [];
      for (const key of body.keys ?? [])
        found.push(await changeable(actor, await findKey(key, management), "/key/delete", management));
      for (const alias of body.key_aliases ?? []) {
        found.push(await changeable(actor, await keys.find("key_alias", alias), "/key/delete", management));
      }
      await management.write(async () => {
        for (const { id } of found) {
          const before = await keys.delete(id);
          if (before === undefined) throw notFound("key");
          await dropRetired(id, management);
          await management.log(actor, { action: "deleted", table: "keys", id, before, after: undefined });
        }
      });
      return { deleted_keys: found.map(({ id }) => id) };
    },
  }),
  ...(["block", "unblock"] as const).map((verb) =>
    endpoint({
      method: "POST",
      path: `/key/${verb}`,
      summary: verb === "block" ? "Let a key do nothing until it is unblocked." : "Let a blocked key work again.",
      body: keyOnly,
      async run({ actor, body: { key }, management }) {
        return await keyRow(await updateKey(actor, key, { blocked: verb === "block" }, management), management);
      },
    }),
  ),
  endpoint({
    method: "POST",
    path: "/key/:key/regenerate",
    summary: "Give a key another secret. It is shown in this answer and never again.",
    body: regenerationObject,
    run: ({ actor, body, params, management }) => regenerate(actor, params.key ?? "", body, management),
  }),
  endpoint({
    method: "POST",
    path: "/key/regenerate",
    summary: "Give a key another secret. It is shown in this answer and never again.",
    body: z.strictObject({ key: id.exactOptional(), ...regeneration }),
    run: ({ actor, body: { key, ...fields }, management }) => regenerate(actor, key ?? actor.id, fields, management),
  }),
];

/** A key may have been given whole; an answer never shows one. */
function shownName(key: string): string {
  return key.startsWith("sk-") ? shownKey(key) : key;
}

/** @throws {GatewayError} `not_found` for others' keys and for none, `route_not_allowed` */
async function changeable(
  actor: Actor,
  key: KeyRecord | undefined,
  route: MemberRoute,
  management: Management,
): Promise<KeyRecord> {
  const access = key === undefined ? "none" : await keyAccess(actor, key, management);
  if (key === undefined || access === "none") throw notFound("key");
  if (access === "read") throw forbidden("you may look at this key, but not change it");
  if (access === "narrow" && key.team_id !== null) {
    checkMemberRoute(actor, await management.collections.teams.get(key.team_id), route);
  }
  return key;
}

async function updateKey(actor: Actor, name: string, fields: Changes, management: Management): Promise<KeyRecord> {
  const before = await changeable(actor, await findKey(name, management), "/key/update", management);
  const record = await changedKey(actor, before, fields, management);
  await management.write(() => keep(actor, before, record, "updated", management));
  return record;
}

/** A key after changes that were checked. */
async function changedKey(
  actor: Actor,
  before: KeyRecord,
  fields: Changes,
  management: Management,
): Promise<KeyRecord> {
  const { settings, rest: whole } = splitSettings(fields);
  checkSettings(actor, before.settings, settings, management.surroundings.settings);
  const { duration: lasts, key_type: type, ...rest } = whole;
  if ((rest.temp_budget_increase === undefined) !== (rest.temp_budget_expiry === undefined)) {
    throw new GatewayError("invalid_request", "an increase of the budget needs both its amount and its end", {
      param: "temp_budget_increase",
    });
  }
  const cleared = {
    ...(rest.metadata === null && { metadata: {} }),
    ...(rest.aliases === null && { aliases: {} }),
    ...(rest.tags === null && { tags: [] }),
  };
  const changedFields = {
    ...before,
    ...rest,
    ...cleared,
    ...(lasts !== undefined && { expires: lasts === null ? null : after(lasts) }),
    ...(settings !== undefined && { settings: mergedSettings(before.settings, settings) }),
    ...(type !== undefined && rest.allowed_routes === undefined && { allowed_routes: routesOfType(type) }),
    ...changed(actor),
  } as KeyRecord;
  const given = new Set(Object.keys(fields));
  const record = withinBounds(changedFields, management.policy.upperboundKeyGenerateParams, (name) => given.has(name));
  if ((await keyAccess(actor, before, management)) !== "write") checkNarrower(before, record, given);
  const moved = (["user_id", "team_id", "organization_id"] as const).some((field) => before[field] !== record[field]);
  if (moved) await checkOwner(actor, record, management);
  await checkBudget(record, management);
  checkLimitTypes(actor, before, record);
  await checkChanged(actor, before, record, given, management);
  return record;
}

/** What is not touched need not be the actor's to grant. */
async function checkChanged(
  actor: Actor,
  before: KeyRecord,
  record: KeyRecord,
  given: ReadonlySet<string>,
  management: Management,
): Promise<void> {
  const widening = [
    "models",
    "access_group_ids",
    "team_id",
    "user_id",
    "organization_id",
    "allowed_routes",
    "key_type",
    "duration",
  ];
  const touched = [...given].some((field) => widening.includes(field));
  const models = (key: KeyRecord): string => JSON.stringify([key.models, key.access_group_ids ?? []]);
  const same = models(before) === models(record) && before.team_id === record.team_id;
  if (touched || given.size > 0) {
    await checkGrants(actor, same ? { ...record, models: [], access_group_ids: [] } : record, given, management);
  }
}

/** Within `write`. */
async function keep(
  actor: Actor,
  before: KeyRecord,
  record: KeyRecord,
  action: string,
  management: Management,
): Promise<void> {
  if (changesGuarantees(before, record)) await checkGuarantees(record, management);
  // decided on what was read: a change by somebody else in between is not overwritten
  let outdated = false;
  const kept = await management.collections.keys.update(before.id, (now) => {
    outdated = JSON.stringify(now) !== JSON.stringify(before);
    return outdated ? undefined : record;
  });
  if (kept === undefined) throw notFound("key");
  if (outdated) throw new GatewayError("conflict", "somebody else has changed this key at the same time; try again");
  await management.log(actor, { action, table: "keys", id: record.id, before, after: record });
}

async function regenerate(
  actor: Actor,
  name: string,
  { new_key: brought, grace_period: grace, ...fields }: Regeneration,
  management: Management,
): Promise<Record<string, unknown>> {
  const before = await changeable(actor, await findKey(name, management), "/key/regenerate", management);
  if (brought !== undefined && actor.role !== "proxy_admin")
    throw forbidden("keys are chosen by administrators", "new_key");
  const key = brought ?? newKey();
  const record = await changedKey(actor, before, fields, management);
  const renewed: KeyRecord = { ...record, hash: management.hasher.hash(key), key_name: shownKey(key) };
  await management.write(async () => {
    // a secret that was leaked before may not live on beside the one that replaces it now
    if (grace === undefined) await dropRetired(before.id, management);
    await keep(actor, before, renewed, "regenerated", management);
    if (grace !== undefined) {
      await management.collections.retiredHashes.insert({ id: before.hash, key_id: before.id, until: after(grace) });
    }
  });
  return { ...(await keyRow(renewed, management)), key, token: renewed.id, token_id: renewed.id };
}

async function dropRetired(keyId: string, { collections: { retiredHashes } }: Management): Promise<void> {
  for (const { id } of (await retiredHashes.list({ where: { key_id: keyId } })).items) await retiredHashes.delete(id);
}
