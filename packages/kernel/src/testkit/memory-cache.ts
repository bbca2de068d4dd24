import type { Cache, Recording } from "../cache/cache.ts";
import { cacheKey } from "../cache/cache-key.ts";
import type { Call } from "../call.ts";
import type { OperationName } from "../operation.ts";

/** Options of `memoryCache`. */
export interface MemoryCacheOptions {
  /** How long a recording is good for, where it does not say so itself. Default: one hour. */
  readonly ttlMs?: number;
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

const DEFAULT_TTL_MS = 3_600_000;

/** The contract of an exact cache in its shortest form: in memory, for tests, without a limit to its size. */
export function memoryCache(options: MemoryCacheOptions = {}): Cache {
  const { ttlMs = DEFAULT_TTL_MS, now = Date.now } = options;
  const recordings = new Map<string, Recording>();
  return {
    async find<Name extends OperationName>(call: Call<Name>) {
      const key = cacheKey(call as unknown as Call);
      const recording = recordings.get(key);
      if (recording === undefined) return undefined;
      const { storedAt, expiresAt = storedAt + ttlMs } = recording;
      if (expiresAt > now()) return recording as unknown as Recording<Name>;
      recordings.delete(key);
      return undefined;
    },
    async keep(call, recording) {
      recordings.set(cacheKey(call as unknown as Call), recording as unknown as Recording);
    },
    async forget(call) {
      recordings.delete(cacheKey(call));
    },
    async close() {
      recordings.clear();
    },
  };
}
