import type { Call, OperationName, Plugin, Recording } from "@signalbox/kernel";
import { cacheKey } from "@signalbox/kernel";
import { checkOptions } from "./check-options.ts";
import type { MemoryCacheOptions } from "./options.ts";
import { Recordings } from "./recordings.ts";

const MEBIBYTE = 1_048_576;

/**
 * Keeps answers in the memory of this process. What is cached, for whom and for how long, is the gateway's `caching`.
 *
 * ```ts
 * createGateway({ plugins: [memoryCache({ maxBytes: 256 * 1_048_576 }), …], caching: { ttlMs: 600_000 } });
 * ```
 *
 * @throws {GatewayError} `option_invalid` naming the option
 */
export function memoryCache(options: MemoryCacheOptions = {}): Plugin {
  checkOptions(options);
  const { maxBytes = 64 * MEBIBYTE, maxEntries = 10_000, maxEntryBytes = MEBIBYTE } = options;
  const recordings = new Recordings({ maxBytes, maxEntries, maxEntryBytes });
  const keyOf = (call: unknown): string => cacheKey(call as Call);
  return {
    name: "cache-memory",
    cache: {
      async find<Name extends OperationName>(call: Call<Name>) {
        return recordings.find(keyOf(call)) as unknown as Recording<Name> | undefined;
      },
      async keep(call, recording) {
        recordings.keep(keyOf(call), recording as unknown as Recording);
      },
      async forget(call) {
        recordings.delete(keyOf(call));
      },
      clear: async (selection) => recordings.clear(selection),
      stats: () => recordings.stats(),
      ping: () => ({ ok: true }),
      async close() {
        recordings.clear({});
      },
    },
    check() {
      const { entries = 0, hits, misses } = recordings.stats();
      return { ok: true, detail: `${entries} answers in memory, ${hits} hits, ${misses} misses` };
    },
  };
}
