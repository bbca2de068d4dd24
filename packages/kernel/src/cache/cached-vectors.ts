import { channel } from "node:diagnostics_channel";
import type { Call } from "../call.ts";
import { withRequest } from "../call.ts";
import type { Reply } from "../operation.ts";
import type { EmbedResult } from "../operations/embed.ts";
import type { ServedBy } from "../trace.ts";
import { addUsage, NO_USAGE } from "../usage.ts";
import type { Recording } from "./cache.ts";
import { cacheKey } from "./cache-key.ts";
import { servedBy } from "./served-by.ts";
import type { Flight, SingleFlight } from "./single-flight.ts";
import { waitFor } from "./single-flight.ts";
import { tell } from "./tell.ts";

const cacheErrors = channel("signalbox:cache-error");

type Single = Call<"embed">;

interface VectorParts {
  /** Inputs that other calls ask for at the moment; undefined: each asks for itself. */
  readonly flights: SingleFlight | undefined;
  look(call: Single): Promise<Recording<"embed"> | undefined>;
  keep(call: Single, result: EmbedResult, served: ServedBy | undefined): Promise<void>;
}

/** Every input has an answer of its own: only those are asked for that are neither there nor on their way. */
export async function* cachedVectors(
  call: Single,
  next: (call: Single) => Reply<"embed">,
  parts: VectorParts,
): Reply<"embed"> {
  const { inputs } = call.request;
  const single = inputs.map((input) => withRequest(call, { ...call.request, inputs: [input] }));
  const found = await Promise.all(single.map((each) => parts.look(each)));
  const served = found.find((each) => each?.servedBy !== undefined)?.servedBy;
  const results: (EmbedResult | undefined)[] = found.map((each) => each?.result);
  const { own, others } = divided(single, results, parts.flights);
  const there = inputs.length - own.length - others.length;
  if (there === inputs.length) tell(call, "hit", undefined, served);
  else if (own.length === 0) tell(call, "shared", undefined, served);
  else tell(call, own.length === inputs.length ? "miss" : "partial", reason(there, inputs));
  let usage = NO_USAGE;
  const ask = async function* (places: readonly Own[]): Reply<"embed"> {
    const asked =
      places.length === inputs.length
        ? call
        : withRequest(call, {
            ...call.request,
            inputs: places.map(({ at }) => inputs[at] as string | readonly number[]),
          });
    const kept: Promise<void>[] = [];
    try {
      const result = yield* next(asked);
      const by = servedBy(call);
      for (const [place, recorded] of vectorRecordings(result).entries()) {
        const { at = -1, flight } = places[place] ?? {};
        results[at] = recorded;
        kept.push(parts.keep(single[at] as Single, recorded, by));
        flight?.land({ kind: "answered", result: recorded, servedBy: by });
      }
      usage = addUsage(usage, result.usage);
      return result;
    } finally {
      // of no effect where one has landed: another input of the same request may be what has failed
      for (const { flight } of places) flight?.land({ kind: "left" });
      Promise.all(kept).then(
        () => {
          for (const { flight } of places) flight?.end();
        },
        (error: unknown) => cacheErrors.publish({ operation: "keep", error }),
      );
    }
  };

  if (own.length > 0) {
    const result = yield* ask(own);
    if (own.length === inputs.length) return result;
  }
  const again: Own[] = [];
  for (const { at, flight } of others) {
    const outcome = await waitFor(flight, call.signal);
    if (outcome.kind === "answered") results[at] = outcome.result as EmbedResult;
    else again.push({ at, flight: undefined });
  }
  if (again.length > 0) {
    tell(call, there + others.length > again.length ? "partial" : "miss", reason(inputs.length - again.length, inputs));
    const result = yield* ask(again);
    if (again.length === inputs.length) return result;
  }
  return merged(call, results, usage);
}

/** An input that this call asks for. */
interface Own {
  readonly at: number;
  readonly flight: Flight | undefined;
}

/** Inputs without a vector: those to ask for, and those that somebody asks for already, this very call included. */
function divided(
  single: readonly Single[],
  results: readonly (EmbedResult | undefined)[],
  flights: SingleFlight | undefined,
): { readonly own: readonly Own[]; readonly others: readonly { readonly at: number; readonly flight: Flight }[] } {
  const own: Own[] = [];
  const others: { at: number; flight: Flight }[] = [];
  for (const [at, result] of results.entries()) {
    if (result !== undefined) continue;
    const key = cacheKey(single[at] as unknown as Call);
    const running = flights?.get(key);
    if (running === undefined) own.push({ at, flight: flights?.begin(key) });
    else others.push({ at, flight: running });
  }
  return { own, others };
}

function reason(there: number, { length }: readonly unknown[]): string {
  return `${there} of ${length} were there`;
}

/** One result for each input. What the inputs have cost together is no single one's. */
function vectorRecordings({ usage: _, native: __, embeddings, ...rest }: EmbedResult): readonly EmbedResult[] {
  return embeddings.map((embedding) => ({ ...rest, embeddings: [embedding], usage: NO_USAGE }));
}

/** Vectors in the order of the inputs. The usage is that of the inputs that were asked for now. */
function merged(
  { request }: Single,
  results: readonly (EmbedResult | undefined)[],
  usage: EmbedResult["usage"],
): EmbedResult {
  const first = results.find((result) => result !== undefined);
  return {
    model: first?.model ?? request.model,
    embeddings: results.map((result) => result?.embeddings[0] ?? []),
    usage,
    ...(first?.extra !== undefined && { extra: first.extra }),
  };
}
