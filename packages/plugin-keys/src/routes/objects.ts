import type { RecordCollection, StoredRecord } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Actor } from "./actor.ts";
import { notFound } from "./actor.ts";
import type { Management } from "./management.ts";
import { changed } from "./management.ts";

/** A kind of objects, for what all kinds have in common. */
export interface Kind<Item extends StoredRecord> {
  readonly collection: RecordCollection<Item>;
  /** In the audit log. */
  readonly table: string;
  /** In messages. */
  readonly what: string;
}

/** Keeps a new object. @throws {GatewayError} `conflict` */
export async function create<Item extends StoredRecord>(
  { collection, table }: Kind<Item>,
  actor: Actor,
  record: Item,
  management: Management,
): Promise<Item> {
  await management.write(async () => {
    await collection.insert(record);
    await management.log(actor, { action: "created", table, id: record.id, before: undefined, after: record });
  });
  return record;
}

/** Changes an object; within `write`. @throws {GatewayError} `not_found` */
export async function change<Item extends StoredRecord>(
  { collection, table, what }: Kind<Item>,
  actor: Actor,
  id: string,
  action: string,
  edit: (before: Item) => Item,
  management: Management,
): Promise<Item> {
  let before: Item | undefined;
  const after = await collection.update(id, (now) => {
    before = now;
    return { ...edit(now), ...changed(actor) };
  });
  if (after === undefined) throw notFound(what);
  await management.log(actor, { action, table, id, before, after });
  return after;
}

/** Deletes an object; within `write`. @throws {GatewayError} `not_found` */
export async function remove<Item extends StoredRecord>(
  { collection, table, what }: Kind<Item>,
  actor: Actor,
  id: string,
  management: Management,
): Promise<Item> {
  const before = await collection.delete(id);
  if (before === undefined) throw notFound(what);
  await management.log(actor, { action: "deleted", table, id, before, after: undefined });
  return before;
}

/** The order of lists that say nothing about theirs. */
export const OLDEST_FIRST = { sortBy: "created_at" } as const;

const PAGE = 100;

/** Every object that fits, page by page. */
export async function all<Item extends StoredRecord>(
  collection: RecordCollection<Item>,
  where: Readonly<Record<string, string | readonly string[]>>,
): Promise<readonly Item[]> {
  const found: Item[] = [];
  for (;;) {
    const { items, total } = await collection.list({ where, offset: found.length, limit: PAGE });
    found.push(...items);
    if (found.length >= total || items.length === 0) return found;
  }
}

/** An id that the caller chose, or a new one. */
export function chosen(given: string | undefined, prefix: string, management: Management): string {
  return given ?? management.nextId(prefix);
}

/** @throws {GatewayError} `not_found` naming the field */
export async function checkThere(
  collection: RecordCollection<StoredRecord>,
  ids: readonly string[],
  what: string,
  param: string,
): Promise<void> {
  for (const id of ids) {
    if ((await collection.get(id)) === undefined)
      throw new GatewayError("not_found", `there is no such ${what}`, { param });
  }
}
