import { channel } from "node:diagnostics_channel";
import type { Cache } from "../cache.ts";
import type { Call } from "../call.ts";
import type { ChatResult } from "../chat/result.ts";
import type { Layer, LayerPlacement } from "../layer.ts";
import type { OperationName, Reply, ResultOf } from "../operation.ts";

const cacheErrors = channel("signalbox:cache-error");

/** Only whole answers are kept: a cut or filtered one would be served again and again. */
function complete(operation: OperationName, result: unknown): boolean {
  if (operation !== "chat") return true;
  return (result as ChatResult).choices.every(
    ({ finishReason }) => finishReason === "stop" || finishReason === "toolCalls",
  );
}

/** A cache as the layer of the stage `cache`. A failing cache costs a note in the trace, never the call. */
export function cacheLayer(cache: Cache): LayerPlacement<Layer> {
  async function* cached<Name extends OperationName>(
    call: Call<Name>,
    next: (call: Call<Name>) => Reply<Name>,
  ): Reply<Name> {
    try {
      const found = await cache.find(call);
      if (found !== undefined) {
        call.trace.note("cache", found.similarity === undefined ? "hit" : `hit, similarity ${found.similarity}`);
        return found.result;
      }
      call.trace.note("cache", "miss");
    } catch (error) {
      call.trace.note("cache", "the cache could not be read");
      cacheErrors.publish({ operation: "find", error });
    }
    const result = yield* next(call);
    if (complete(call.operation, result)) keep(call, result);
    return result;
  }

  /** Off the path: the caller does not wait for the store. */
  function keep<Name extends OperationName>(call: Call<Name>, result: ResultOf<Name>): void {
    const { native: _, ...content } = result as ResultOf<Name> & { native?: unknown };
    cache
      .keep(call, { operation: call.operation, result: content as unknown as ResultOf<Name>, storedAt: Date.now() })
      .catch((error: unknown) => cacheErrors.publish({ operation: "keep", error }));
  }

  return { layer: cached };
}
