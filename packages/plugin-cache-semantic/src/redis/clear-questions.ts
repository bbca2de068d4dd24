import type { CacheSelection } from "@signalbox/kernel";
import type { Client, Connection } from "@signalbox/plugin-redis/connection";
import type { IndexKeys } from "./index-keys.ts";

const PAGE = 500;
/** Of one page. */
const PAGE_MS = 5_000;

/**
 * Deletes questions with their answers; tells how many.
 *
 * @throws {RedisFailure}
 */
export async function clearQuestions(
  connection: Connection,
  keys: IndexKeys,
  { keys: ids, namespace, tag }: CacheSelection,
): Promise<number> {
  if (ids === undefined && namespace === undefined && tag === undefined) return await clearAll(connection, keys);
  const members = (set: string): Promise<string[]> => connection.background(PAGE_MS, (client) => client.smembers(set));
  const lists = [
    ...(ids === undefined ? [] : [ids]),
    ...(namespace === undefined ? [] : [await members(keys.ofNamespace(namespace))]),
    ...(tag === undefined ? [] : [await members(keys.ofTag(tag))]),
  ];
  const [first = [], ...others] = lists;
  const sets = others.map((list) => new Set(list));
  const chosen = first.filter((id) => sets.every((set) => set.has(id)));
  let gone = 0;
  for (let at = 0; at < chosen.length; at += PAGE) {
    gone += await connection.background(PAGE_MS, (client) =>
      sumOf(chosen.slice(at, at + PAGE).map((id) => forget(client, keys, id))),
    );
  }
  return gone;
}

async function forget(client: Client, keys: IndexKeys, id: string): Promise<number> {
  const bucket = id.slice(0, id.indexOf("."));
  const [gone] = await Promise.all([client.unlink(keys.answer(id)), client.hdel(keys.vectors(bucket), id)]);
  return gone;
}

/** Everything with our prefix, and nothing else. */
async function clearAll(connection: Connection, keys: IndexKeys): Promise<number> {
  const answers = keys.answer("");
  const pattern = `${keys.prefix.replaceAll(/[?*[\]\\^]/g, String.raw`\$&`)}*`;
  let gone = 0;
  for (const node of await connection.background(PAGE_MS, async (client) => primaries(client))) {
    let cursor = "0";
    do {
      const [next, found] = await connection.background(PAGE_MS, () =>
        node.scan(cursor, "MATCH", pattern, "COUNT", PAGE),
      );
      cursor = next;
      await connection.background(PAGE_MS, (client) => sumOf(found.map((name) => client.unlink(name))));
      gone += found.filter((name) => name.startsWith(answers)).length;
    } while (cursor !== "0");
  }
  return gone;
}

/** Where keys are: a scan sees those of one server. */
function primaries(client: Client): readonly Extract<Client, { scan: unknown }>[] {
  return ("nodes" in client ? client.nodes("master") : [client]) as readonly Extract<Client, { scan: unknown }>[];
}

async function sumOf(counts: readonly Promise<number>[]): Promise<number> {
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}
