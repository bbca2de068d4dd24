import { channel } from "node:diagnostics_channel";
import type { Call } from "../call.ts";
import type { OperationName } from "../operation.ts";
import type { Cache, Recording } from "./cache.ts";

const cacheErrors = channel("signalbox:cache-error");

/**
 * Several caches as one: asked in their order, each told what a later one has found, all told what to keep. What is stale
 * in one may be fresh in a later one, where another process has kept it. One that fails leaves it to the others.
 */
export function chainedCache(caches: readonly Cache[]): Cache {
  const [only] = caches;
  if (caches.length === 1 && only !== undefined) return only;

  /** What is known only by its likeness is not known by its own words. */
  function tellEarlier<Name extends OperationName>(found: number, call: Call<Name>, recording: Recording<Name>): void {
    if (recording.similarity !== undefined) return;
    for (const earlier of caches.slice(0, found)) {
      earlier.keep(call, recording).catch((error: unknown) => cacheErrors.publish({ operation: "keep", error }));
    }
  }

  async function look<Name extends OperationName>(
    cache: Cache,
    call: Call<Name>,
  ): Promise<Recording<Name> | undefined> {
    try {
      return await cache.find(call);
    } catch (error) {
      call.trace.note("cache", "a cache could not be read");
      cacheErrors.publish({ operation: "find", error });
      return undefined;
    }
  }

  return {
    async find<Name extends OperationName>(call: Call<Name>) {
      let stale: Recording<Name> | undefined;
      for (const [at, cache] of caches.entries()) {
        const recording = await look(cache, call);
        if (recording === undefined) continue;
        if ((recording.staleAt ?? Number.POSITIVE_INFINITY) <= Date.now()) {
          stale ??= recording;
          continue;
        }
        // a fresh answer to another question is none to this one
        if (stale !== undefined && recording.similarity !== undefined) break;
        tellEarlier(at, call, recording);
        return recording;
      }
      return stale;
    },
    async keep(call, recording) {
      const kept = await Promise.allSettled(caches.map((cache) => cache.keep(call, recording)));
      for (const each of kept) {
        if (each.status === "rejected") cacheErrors.publish({ operation: "keep", error: each.reason });
      }
    },
    async forget(call) {
      await Promise.all(caches.map((cache) => cache.forget(call)));
    },
    async claim(call, forMs) {
      return await caches.find(({ claim }) => claim !== undefined)?.claim?.(call, forMs);
    },
  };
}
