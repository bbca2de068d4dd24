import { channel } from "node:diagnostics_channel";
import type { Call } from "../call.ts";
import type { OperationName } from "../operation.ts";
import type { Cache, Recording } from "./cache.ts";

const cacheErrors = channel("signalbox:cache-error");

/** Several caches as one: asked in their order, each told what a later one has found, all told what to keep. */
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

  return {
    async find<Name extends OperationName>(call: Call<Name>) {
      for (const [at, cache] of caches.entries()) {
        const recording = await cache.find(call);
        if (recording === undefined) continue;
        tellEarlier(at, call, recording);
        return recording;
      }
      return undefined;
    },
    async keep(call, recording) {
      await Promise.all(caches.map((cache) => cache.keep(call, recording)));
    },
    async forget(call) {
      await Promise.all(caches.map((cache) => cache.forget(call)));
    },
    async claim(call, forMs) {
      return await caches.find(({ claim }) => claim !== undefined)?.claim?.(call, forMs);
    },
  };
}
