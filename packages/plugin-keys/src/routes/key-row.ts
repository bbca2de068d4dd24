import { isKey } from "../auth/key-hash.ts";
import type { KeyRecord } from "../records/records.ts";
import type { Management } from "./management.ts";
import { shown } from "./management.ts";
import { NO_BOUNDS, spendingOf } from "./spending.ts";

type Row = Record<string, unknown>;

/** A key as the API shows it; `token` and `key_name` say which one it is. */
export async function keyRow(key: KeyRecord, management: Management): Promise<Row> {
  return (await keyRows([key], management))[0] as Row;
}

/** Many keys at once. */
export async function keyRows(keys: readonly KeyRecord[], management: Management): Promise<readonly Row[]> {
  const spending = await spendingOf(
    keys.map((key) => ({ scope: { kind: "key", id: key.id }, bounds: key })),
    management,
  );
  return keys.map((key, index) => {
    const { id: _, ancestor_ids: __, settings, ...fields } = shown(key) as unknown as KeyRecord;
    return { ...NO_BOUNDS, ...fields, ...settings, ...spending[index] };
  });
}

/** A key by itself or by its token. */
export async function findKey(text: string, { collections, hasher }: Management): Promise<KeyRecord | undefined> {
  return isKey(text) ? await collections.keys.find("hash", hasher.hash(text)) : await collections.keys.get(text);
}
