import type { RecordStore, StoredRecord } from "@signalbox/kernel";
import { GatewayError, isGatewayError } from "@signalbox/kernel";
import type { KeyHasher } from "./key-hash.ts";

interface Fingerprint extends StoredRecord {
  readonly fingerprint: string;
}

const ID = "pepper";
/** Longer than a credential can be, and no key: what is stored of it is nobody's hash. */
const SUBJECT = `signalbox: which pepper is this? ${"-".repeat(256)}`;

/**
 * Makes sure that the keys of a store were made with this pepper; under another one each of them would be unknown, and
 * nobody would be told why. The first to come writes down what the pepper is known by; it tells nothing about it.
 *
 * @throws {GatewayError} `option_invalid`
 */
export async function checkPepper(store: RecordStore, hasher: KeyHasher, replace = false): Promise<void> {
  const collection = await store.open<Fingerprint>({ name: "key_settings", indexes: [] });
  const fingerprint = hasher.hash(SUBJECT);
  let stored = await collection.get(ID);
  if (stored === undefined) {
    try {
      await collection.insert({ id: ID, fingerprint });
      return;
    } catch (thrown) {
      if (!isGatewayError(thrown) || thrown.code !== "conflict") throw thrown;
    }
    // another process was first
    stored = await collection.get(ID);
  }
  if (stored?.fingerprint === fingerprint) return;
  if (replace) {
    await collection.update(ID, (before) => ({ ...before, fingerprint }));
    return;
  }
  throw new GatewayError(
    "option_invalid",
    'keys: "pepper" is not the one that the keys of this store were made with: none of them would be known. ' +
      'Start with the former pepper; if it is lost, start once with "replacePepper", and make every key anew',
    { param: "pepper", source: "keys" },
  );
}
