import { channel } from "node:diagnostics_channel";
import type { Call } from "../call.ts";
import { withRequest } from "../call.ts";
import { IdSource } from "../ids.ts";
import type { Layer, LayerPlacement } from "../layer.ts";
import type { OperationName, Reply, ResultOf } from "../operation.ts";
import type { EmbedRequest } from "../operations/embed.ts";
import type { Cache, CacheClaim, Recording } from "./cache.ts";
import { cacheKey, setCacheAddress } from "./cache-key.ts";
import type { CachePlan } from "./cache-plan.ts";
import { cachePlan } from "./cache-plan.ts";
import type { CacheSettings } from "./cache-policy.ts";
import { mergeVectors, missingInputs, vectorRecordings } from "./cached-vectors.ts";
import { contentOf, notKeepable } from "./keepable.ts";
import type { PendingWrites } from "./pending-writes.ts";
import { Refreshes } from "./refreshes.ts";
import type { Flight } from "./single-flight.ts";
import { failedFlight, SingleFlight, waitFor } from "./single-flight.ts";

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
    const plan = cachePlan(call as unknown as Call, settings);
    if (plan.reason !== undefined) {
      tell(call, "bypass", plan.reason);
      return next(call);
    }
    setCacheAddress(call as unknown as Call, plan.address);
    if (call.operation === "embed" && (call.request as EmbedRequest).inputs.length > 1) {
      return vectors(
        call as unknown as Call<"embed">,
        next as unknown as Next<"embed">,
        plan,
      ) as unknown as Reply<Name>;
    }
    return settings.singleFlight && plan.read && plan.write ? together(call, next, plan) : alone(call, next, plan);
  }

  async function* alone<Name extends OperationName>(call: Call<Name>, next: Next<Name>, plan: CachePlan): Reply<Name> {
    const found = await find(call, next, plan);
    if (found !== undefined) return found;
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
      if (found !== undefined) return found;
      const running = flights.get(key);
      if (running === undefined) {
        flight = flights.begin(key);
        break;
      }
      const outcome = await waitFor(running, call.signal);
      if (outcome.kind === "answered") {
        tell(call, "shared");
        return outcome.result as ResultOf<Name>;
      }
      if (outcome.kind === "failed") throw outcome.error;
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
          flight.land({ kind: "answered", result: found });
          return found;
        }
      } else {
        release = claim?.release;
      }
      tell(call, "miss");
      const result = yield* next(call);
      kept = keep(call, result, plan);
      flight.land(
        notKeepable(call.operation, result) === undefined
          ? { kind: "answered", result: contentOf(result) }
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

  /** Every input has an answer of its own: only those that are missing are asked for. */
  async function* vectors(call: Call<"embed">, next: Next<"embed">, plan: CachePlan): Reply<"embed"> {
    const { inputs } = call.request;
    const single = inputs.map((input) => withRequest(call, { ...call.request, inputs: [input] }));
    const found = await Promise.all(single.map((each) => (plan.read ? look(each, plan) : undefined)));
    const missing = missingInputs(found);
    if (missing.length === 0) {
      tell(call, "hit");
      return mergeVectors(call.request, found, undefined);
    }
    tell(
      call,
      missing.length === inputs.length ? "miss" : "partial",
      `${inputs.length - missing.length} of ${inputs.length} were there`,
    );
    const asked =
      missing.length === inputs.length
        ? call
        : withRequest(call, { ...call.request, inputs: missing.map((at) => inputs[at] as string | readonly number[]) });
    const result = yield* next(asked);
    if (plan.write) {
      for (const [place, recorded] of vectorRecordings(result).entries()) {
        void keep(single[missing[place] as number] as Call<"embed">, recorded, plan);
      }
    }
    return missing.length === inputs.length ? result : mergeVectors(call.request, found, result);
  }

  /** What may be served, with everything told about it. A stale answer is asked for anew beside the call. */
  async function find<Name extends OperationName>(
    call: Call<Name>,
    next: Next<Name>,
    plan: CachePlan,
  ): Promise<ResultOf<Name> | undefined> {
    if (!plan.read) return undefined;
    const recording = await look(call, plan);
    if (recording === undefined) return undefined;
    const { storedAt, staleAt, similarity, result } = recording;
    const now = Date.now();
    const stale = staleAt !== undefined && staleAt <= now;
    tell(call, stale ? "stale" : "hit");
    const { trace } = call;
    trace.header("x-signalbox-cache-age", String(Math.max(0, Math.floor((now - storedAt) / 1_000))));
    if (similarity === undefined) trace.header("x-signalbox-cache-key", cacheKey(call as unknown as Call));
    else trace.header("x-signalbox-semantic-similarity", similarity.toFixed(4));
    if (stale && plan.write) {
      refreshes.begin(cacheKey(call as unknown as Call), call, next, (fresh, anew) => keep(anew, fresh, plan));
    }
    return result;
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
  ): Promise<void> {
    if (!plan.write) return;
    const obstacle = notKeepable(call.operation, result);
    if (obstacle !== undefined) {
      call.trace.note("cache", `not kept: ${obstacle}`);
      return;
    }
    const written = write(call, result, plan);
    writes.add(written);
    await written;
  }

  async function write<Name extends OperationName>(
    call: Call<Name>,
    result: ResultOf<Name>,
    { ttlMs, address }: CachePlan,
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

type Outcome = "hit" | "stale" | "shared" | "partial" | "miss" | "bypass";

function tell({ trace }: { readonly trace: Call["trace"] }, outcome: Outcome, reason?: string): void {
  trace.note("cache", reason === undefined ? outcome : `${outcome}: ${reason}`);
  trace.header("x-signalbox-cache", outcome);
  if (reason !== undefined) trace.header("x-signalbox-cache-reason", reason);
}
