import type { RecordStore, Secret } from "@signalbox/kernel";
import { GatewayError, IdSource } from "@signalbox/kernel";
import { checkPepper } from "./auth/check-pepper.ts";
import { KeyHasher } from "./auth/key-hash.ts";
import { ALL_PROXY_MODELS, ALL_TEAM_MODELS } from "./auth/model-grants.ts";
import { openCollections } from "./records/collections.ts";
import type { KeyRecord } from "./records/records.ts";

/** A key of another gateway, of which the plain SHA-256 is known. */
export interface ImportedKey {
  /** SHA-256 of the key, in hex. */
  readonly token: string;
  /** `sk-...abcd` */
  readonly key_name?: string;
  readonly key_alias?: string | null;
  /** Empty: all models, as it meant there. */
  readonly models?: readonly string[];
  readonly user_id?: string | null;
  readonly team_id?: string | null;
  /** RFC 3339. */
  readonly expires?: string | null;
  readonly blocked?: boolean | null;
  readonly max_budget?: number | null;
  readonly budget_duration?: string | null;
  readonly tpm_limit?: number | null;
  readonly rpm_limit?: number | null;
  readonly max_parallel_requests?: number | null;
  readonly aliases?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Where to import to. */
export interface ImportOptions {
  readonly store: RecordStore;
  /** That of `keys`. */
  readonly pepper: Secret;
}

const SHA256 = /^[0-9a-f]{64}$/;

/**
 * Takes keys over from another gateway's table, all or none, without knowing them: whoever has one goes on using it.
 * Their users and teams must be there.
 *
 * @returns how many were taken over
 * @throws {GatewayError} `invalid_request` for a token that is no SHA-256, `not_found`, `conflict`,
 *   `option_invalid` when the store's keys were made with another pepper
 */
export async function importHashes(
  rows: readonly ImportedKey[],
  { store, pepper }: ImportOptions,
): Promise<{ readonly imported: number }> {
  const hasher = new KeyHasher(pepper);
  await checkPepper(store, hasher);
  const collections = await openCollections(store);
  const ids = new IdSource();
  const now = new Date().toISOString();
  const by = { created_at: now, created_by: "import", updated_at: now, updated_by: "import" };
  await collections.store.transaction(async () => {
    for (const [index, { token, models = [], expires, blocked, ...row }] of rows.entries()) {
      if (!SHA256.test(token)) {
        throw new GatewayError("invalid_request", "the token must be a SHA-256 in hex", { param: `[${index}].token` });
      }
      const team_id = row.team_id ?? null;
      const user_id = row.user_id ?? null;
      const everything = team_id === null ? ALL_PROXY_MODELS : ALL_TEAM_MODELS;
      for (const [id, collection, field] of [
        [team_id, collections.teams, "team_id"],
        [user_id, collections.users, "user_id"],
      ] as const) {
        if (id === null || (await collection.get(id)) !== undefined) continue;
        throw new GatewayError("not_found", `there is no such ${field}`, { param: `[${index}].${field}` });
      }
      const record: KeyRecord = {
        ...row,
        id: `tok_${ids.next()}`,
        hash: hasher.hashImported(token),
        key_name: row.key_name ?? "sk-...",
        key_alias: row.key_alias ?? null,
        models: models.length === 0 ? [everything] : models,
        user_id,
        team_id,
        organization_id: null,
        expires: expires ?? null,
        blocked: blocked ?? false,
        aliases: row.aliases ?? {},
        metadata: row.metadata ?? {},
        tags: [],
        allowed_routes: null,
        router_settings: null,
        ancestor_ids: [],
        ...by,
      };
      await collections.keys.insert(record);
    }
  });
  return { imported: rows.length };
}
