import { isKey } from "../auth/key-hash.ts";
import type { KeyRecord } from "../records/records.ts";
import type { Management } from "./management.ts";
import { shown } from "./management.ts";

/** A key as the API shows it; `token` and `key_name` say which one it is. */
export async function keyRow(key: KeyRecord, management: Management): Promise<Record<string, unknown>> {
  const { id: _, ancestor_ids: __, ...fields } = shown(key) as unknown as KeyRecord;
  const budget = key.budget_id == null ? undefined : await management.collections.budgets.get(key.budget_id);
  return {
    ...fields,
    spend: await management.spend({ kind: "key", id: key.id }),
    litellm_budget_table: budget === undefined ? null : shown(budget),
  };
}

/** A key by itself or by its token. */
export async function findKey(text: string, { collections, hasher }: Management): Promise<KeyRecord | undefined> {
  return isKey(text) ? await collections.keys.find("hash", hasher.hash(text)) : await collections.keys.get(text);
}
