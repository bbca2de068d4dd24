import type { Call, Gateway } from "@signalbox/kernel";
import { GatewayError, resultOf } from "@signalbox/kernel";

/** What `Embedder` works with. */
export interface EmbedderParts {
  readonly open: Gateway["open"];
  readonly model: string;
  readonly timeoutMs: number;
}

/** After a failure nobody is asked for so long: a model that is down costs one call its time, not every call. */
const PAUSE_MS = 5_000;

/** Turns questions into vectors of the length 1, by a model of the gateway's own. */
export class Embedder {
  readonly #parts: EmbedderParts;
  #pausedUntil = 0;
  /** Why the last question has no vector; undefined when it has. */
  failure: string | undefined;

  constructor(parts: EmbedderParts) {
    this.#parts = parts;
  }

  /** Undefined while the model does not answer. The caller of the call pays for it, but needs no grant for the model. */
  async vector(text: string, call: Call): Promise<Float32Array | undefined> {
    if (performance.now() < this.#pausedUntil) return undefined;
    const { open, model, timeoutMs } = this.#parts;
    try {
      const { reply } = open({
        operation: "embed",
        request: { model, inputs: [text] },
        principal: { ...call.principal, models: [model], limits: [] },
        options: { timeoutMs, ...tracedBy(call) },
        signal: call.signal,
      });
      const { embeddings } = await resultOf(reply);
      this.failure = undefined;
      return unit(embeddings[0] ?? []);
    } catch (error) {
      // a caller that leaves says nothing about the model
      if (call.signal.aborted) return undefined;
      this.failure = error instanceof GatewayError ? error.code : "internal_error";
      this.#pausedUntil = performance.now() + PAUSE_MS;
      return undefined;
    }
  }
}

function tracedBy({ options }: Call): { readonly traceId?: string; readonly tags?: readonly string[] } {
  const { traceId, tags } = options;
  return { ...(traceId !== undefined && { traceId }), ...(tags !== undefined && { tags }) };
}

function unit(vector: readonly number[] | Float32Array): Float32Array | undefined {
  let squares = 0;
  for (const each of vector) squares += each * each;
  const length = Math.sqrt(squares);
  return length > 0 ? Float32Array.from(vector, (each) => each / length) : undefined;
}
