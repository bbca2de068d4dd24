import type { CacheSelection } from "@signalbox/kernel";
import type { Client, Connection } from "@signalbox/plugin-redis/connection";
import type { Keys } from "./keys.ts";

const PAGE = 500;
/** Of one page. */
const PAGE_MS = 5_000;

/** Deletes answers; tells how many. */
export async function clearAnswers(connection: Connection, keys: Keys, selection: CacheSelection): Promise<number> {
  if (selection.keys === undefined && selection.namespace === undefined && selection.tag === undefined) {
    return await clearAll(connection, keys);
  }
  const names = await selected(connection, keys, selection);
  let gone = 0;
  for (let at = 0; at < names.length; at += PAGE) {
    gone += await unlink(
      connection,
      names.slice(at, at + PAGE).map((key) => keys.answer(key)),
    );
  }
  return gone;
}

/** What every condition names. */
async function selected(
  connection: Connection,
  keys: Keys,
  { keys: wanted, namespace, tag }: CacheSelection,
): Promise<readonly string[]> {
  const members = (set: string): Promise<string[]> => connection.background(PAGE_MS, (client) => client.smembers(set));
  const lists = [
    ...(wanted === undefined ? [] : [wanted]),
    ...(namespace === undefined ? [] : [await members(keys.ofNamespace(namespace))]),
    ...(tag === undefined ? [] : [await members(keys.ofTag(tag))]),
  ];
  const [first = [], ...others] = lists;
  const sets = others.map((list) => new Set(list));
  return first.filter((key) => sets.every((set) => set.has(key)));
}

/** Everything with our prefix, and nothing else. */
async function clearAll(connection: Connection, keys: Keys): Promise<number> {
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
      await unlink(connection, found);
      gone += found.filter((name) => name.startsWith(answers)).length;
    } while (cursor !== "0");
  }
  return gone;
}

/** Where keys are: a scan sees those of one server. */
function primaries(client: Client): readonly Extract<Client, { scan: unknown }>[] {
  return ("nodes" in client ? client.nodes("master") : [client]) as readonly Extract<Client, { scan: unknown }>[];
}

/** One command each: keys of a cluster stand in different slots. */
async function unlink(connection: Connection, names: readonly string[]): Promise<number> {
  if (names.length === 0) return 0;
  const counts = await connection.background(PAGE_MS, (client) =>
    Promise.all(names.map((name) => client.unlink(name))),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
