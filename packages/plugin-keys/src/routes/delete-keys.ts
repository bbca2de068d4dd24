import type { KeyRecord } from "../records/records.ts";
import type { Actor } from "./actor.ts";
import type { Management } from "./management.ts";
import { all, remove } from "./objects.ts";

/** Deletes the keys of a user, a team or an organisation; within `write`. */
export async function deleteKeysOf(
  actor: Actor,
  where: Readonly<Record<string, string>>,
  management: Management,
  which: (key: KeyRecord) => boolean = () => true,
): Promise<void> {
  const { keys, retiredHashes } = management.collections;
  for (const key of await all(keys, where)) {
    if (!which(key)) continue;
    await remove({ collection: keys, table: "keys", what: "key" }, actor, key.id, management);
    for (const retired of await all(retiredHashes, { key_id: key.id })) await retiredHashes.delete(retired.id);
  }
}
