import type { CounterRecovery } from "@signalbox/kernel";
import type { RedisOptions, RedisPlugin } from "@signalbox/plugin-redis";
import { redis } from "@signalbox/plugin-redis";

/** The plugin, connected as a gateway would; its setup has no use for a container. */
export async function opened(options: RedisOptions): Promise<RedisPlugin> {
  const plugin = redis(options);
  await plugin.setup?.(undefined as never);
  return plugin;
}

/** The part of a process that knows nothing, where nothing is on record: opens counters at once. */
export const NOTHING: CounterRecovery = { held: [], unwritten: [], leaseMs: 0, first: true, async *written() {} };
