import { channel } from "node:diagnostics_channel";
import type { Call } from "../call.ts";
import { isGranted } from "../gateway/call-model.ts";
import { IdSource } from "../ids.ts";
import type { Layer, LayerPlacement } from "../layer.ts";
import type { OperationName, Reply, ResultOf } from "../operation.ts";
import type { EmbedRequest } from "../operations/embed.ts";
import type { ServedBy } from "../trace.ts";
import type { Cache, CacheClaim, Recording } from "./cache.ts";
import { cacheKey, setCacheAddress } from "./cache-key.ts";
import type { CachePlan } from "./cache-plan.ts";
import { cachePlan } from "./cache-plan.ts";
import type { CacheSettings } from "./cache-policy.ts";
import { cachedVectors } from "./cached-vectors.ts";
import { contentOf, notKeepable } from "./keepable.ts";
import type { PendingWrites } from "./pending-writes.ts";
import { Refreshes } from "./refreshes.ts";
import { isFallback, servedBy } from "./served-by.ts";
import type { Flight } from "./single-flight.ts";
import { failedFlight, SingleFlight, waitFor } from "./single-flight.ts";
import { tell } from "./tell.ts";

const cacheErrors = channel("signalbox:cache-error");

/** Another process that has asked upstream is waited for no longer than this. */
const CLAIM_MS = 30_000;

type Next<Name extends OperationName> = (call: Call<Name>) => Reply<Name>;

/**
 * A cache as the layer of the stage `cache`. A failing cache costs a note in the trace, never the call. What was decided
 * stands in the trace and in the headers `x-signalbox-cache` (`hit`, `stale`, `shared`, `partial`, `miss`, `bypass`) and
 * `x-signalbox-cache-reason`.
 */
export function cacheLayer(cache: Cache, settings: CacheSettings, writes: PendingWrites): LayerPlacement<Layer> {
  const flights = new SingleFlight();
  const refreshes = new Refreshes(new IdSource());

  function cached<Name extends OperationName>(call: Call<Name>, next: Next<Name>): Reply<Name> {
    // the router refuses it
    if (!isGranted(call as unknown as Call)) return next(call);
    const plan = cachePlan(call as unknown as Call, settings);
    if (plan.reason !== undefined) {
      tell(call, "bypass", plan.reason);
      return next(call);
    }
    setCacheAddress(call as unknown as Call, plan.address);
    if (call.operation === "embed" && (call.request as EmbedRequest).inputs.length > 1) {
      return cachedVectors(call as unknown as Call<"embed">, next as unknown as Next<"embed">, {
        flights: settings.singleFlight && plan.read && plan.write ? flights : undefined,
        look: (each) => (plan.read ? look(each, plan) : Promise.resolve(undefined)),
        keep: (each, result, served) => keep(each, result, plan, served),
      }) as unknown as Reply<Name>;
    }
    return settings.singleFlight && plan.read && plan.write ? together(call, next, plan) : alone(call, next, plan);
  }

  async function* alone<Name extends OperationName>(call: Call<Name>, next: Next<Name>, plan: CachePlan): Reply<Name> {
    const found = await find(call, next, plan);
    if (found !== undefined) return found.result;
    tell(call, "miss", plan.read ? undefined : "the request does not want to read");
    const result = yield* next(call);
    void keep(call, result, plan);
    return result;
  }

  /** Equal calls that miss at the same time ask upstream once. */
  async function* together<Name extends OperationName>(
    call: Call<Name>,
    next: Next<Name>,
    plan: CachePlan,
  ): Reply<Name> {
    const key = cacheKey(call as unknown as Call);
    let flight: Flight | undefined;
    while (flight === undefined) {
      const found = await find(call, next, plan);
      if (found !== undefined) return found.result;
      const running = flights.get(key);
      if (running === undefined) {
        flight = flights.begin(key);
        break;
      }
      const outcome = await waitFor(running, call.signal);
      if (outcome.kind === "answered") {
        tell(call, "shared", undefined, outcome.servedBy);
        return outcome.result as ResultOf<Name>;
      }
      if (outcome.kind === "failed" && !hasOwnWays(call)) throw outcome.error;
      if (outcome.kind === "unshared") {
        tell(call, "miss");
        return yield* next(call);
      }
    }
    return yield* flown(call, next, plan, flight);
  }

  async function* flown<Name extends OperationName>(
    call: Call<Name>,
    next: Next<Name>,
    plan: CachePlan,
    flight: Flight,
  ): Reply<Name> {
    let release: (() => Promise<void>) | undefined;
    let kept: Promise<void> | undefined;
    try {
      const claim = await claimed(call);
      if (claim?.mine === false) {
        await settled(claim, call.signal);
        const found = await find(call, next, plan);
        if (found !== undefined) {
          flight.land({ kind: "answered", result: found.result, servedBy: found.servedBy });
          return found.result;
        }
      } else {
        release = claim?.release;
      }
      tell(call, "miss");
      const result = yield* next(call);
      kept = keep(call, result, plan);
      flight.land(
        obstacleOf(call, result) === undefined
          ? { kind: "answered", result: contentOf(result), servedBy: servedBy(call) }
          : { kind: "unshared" },
      );
      return result;
    } catch (error) {
      flight.land(failedFlight(error));
      throw error;
    } finally {
      // of no effect when it has landed: nobody may wait for a caller that has left
      flight.land({ kind: "left" });
      const ended = async (): Promise<void> => {
        await kept;
        flight.end();
        await release?.();
      };
      ended().catch((error: unknown) => cacheErrors.publish({ operation: "claim", error }));
    }
  }

  /** What may be served, with everything told about it. A stale answer is asked for anew beside the call. */
  async function find<Name extends OperationName>(
    call: Call<Name>,
    next: Next<Name>,
    plan: CachePlan,
  ): Promise<Recording<Name> | undefined> {
    if (!plan.read) return undefined;
    const recording = await look(call, plan);
    if (recording === undefined) return undefined;
    const { storedAt, similarity } = recording;
    const stale = isStale(recording);
    tell(call, stale ? "stale" : "hit", undefined, recording.servedBy);
    const { trace } = call;
    trace.header("x-signalbox-cache-age", String(Math.max(0, Math.floor((Date.now() - storedAt) / 1_000))));
    if (similarity === undefined) trace.header("x-signalbox-cache-key", cacheKey(call as unknown as Call));
    else trace.header("x-signalbox-semantic-similarity", similarity.toFixed(4));
    if (stale && plan.write) {
      refreshes.begin(cacheKey(call as unknown as Call), call, next, {
        claim: claimed,
        isFresh: async (each) => {
          const there = await look(each, plan);
          return there !== undefined && !isStale(there);
        },
        keep: (fresh, anew) => keep(anew, fresh, plan),
      });
    }
    return recording;
  }

  async function look<Name extends OperationName>(
    call: Call<Name>,
    { maxAgeMs }: CachePlan,
  ): Promise<Recording<Name> | undefined> {
    try {
      const recording = await cache.find(call);
      if (recording === undefined) return undefined;
      const now = Date.now();
      const tooOld = recording.storedAt + maxAgeMs < now || (recording.expiresAt ?? now + 1) <= now;
      return tooOld ? undefined : recording;
    } catch (error) {
      call.trace.note("cache", "the cache could not be read");
      cacheErrors.publish({ operation: "find", error });
      return undefined;
    }
  }

  /** Off the path: the caller does not wait for the store, only the end of the gateway does. */
  async function keep<Name extends OperationName>(
    call: Call<Name>,
    result: ResultOf<Name>,
    plan: CachePlan,
    served: ServedBy | undefined = servedBy(call),
  ): Promise<void> {
    if (!plan.write) return;
    const obstacle = obstacleOf(call, result);
    if (obstacle !== undefined) {
      call.trace.note("cache", `not kept: ${obstacle}`);
      return;
    }
    const written = write(call, result, plan, served);
    writes.add(written);
    await written;
  }

  async function write<Name extends OperationName>(
    call: Call<Name>,
    result: ResultOf<Name>,
    { ttlMs, address }: CachePlan,
    served: ServedBy | undefined,
  ): Promise<void> {
    const storedAt = Date.now();
    const { staleMs } = settings;
    const tags = [...(call.options.tags ?? []), ...(call.principal.tags ?? [])];
    try {
      await cache.keep(call, {
        operation: call.operation,
        result: contentOf(result),
        storedAt,
        ...(staleMs > 0 && { staleAt: storedAt + ttlMs }),
        expiresAt: storedAt + ttlMs + staleMs,
        ...(served !== undefined && { servedBy: served }),
        ...(address.namespace !== undefined && { namespace: address.namespace }),
        ...(tags.length > 0 && { tags }),
      });
    } catch (error) {
      cacheErrors.publish({ operation: "keep", error });
    }
  }

  async function claimed(call: Call<OperationName>): Promise<Awaited<ReturnType<NonNullable<Cache["claim"]>>>> {
    try {
      return await cache.claim?.(call as unknown as Call, CLAIM_MS);
    } catch (error) {
      cacheErrors.publish({ operation: "claim", error });
      return undefined;
    }
  }

  return { layer: cached };
}

/** A store that fails while it is waited for tells nothing: the call goes on. */
async function settled(claim: CacheClaim & { readonly mine: false }, signal: AbortSignal): Promise<void> {
  try {
    await claim.settled(signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    cacheErrors.publish({ operation: "claim", error });
  }
}

function isStale({ staleAt }: Pick<Recording, "staleAt">): boolean {
  return staleAt !== undefined && staleAt <= Date.now();
}

function obstacleOf(call: unknown, result: unknown): string | undefined {
  const { operation } = call as Call;
  return isFallback(call as Call) ? "a fallback had a part in it" : notKeepable(operation, result);
}

/** What has failed for another may go well on the ways that this caller or request brings along. */
function hasOwnWays({ options, principal }: Pick<Call, "options" | "principal">): boolean {
  return options.fallbacks !== undefined || options.disableFallbacks !== undefined || principal.routing !== undefined;
}
