import { channel } from "node:diagnostics_channel";
import type { Cache, Call, Health, OperationName, Plugin, Recording } from "@signalbox/kernel";
import { GatewayError, MODEL_TABLE, OPEN_CALL } from "@signalbox/kernel";
import { checkOptions } from "./check-options.ts";
import { Embedder } from "./embedder.ts";
import { MemoryIndex } from "./memory-index.ts";
import type { SemanticCacheOptions } from "./options.ts";
import type { Question } from "./question.ts";
import { questionOf } from "./question.ts";
import type { Neighbour, VectorIndex } from "./vector-index.ts";

const cacheErrors = channel("signalbox:cache-error");

const DEFAULT_TIMEOUT_MS = 2_000;
const DEFAULT_QUESTION_LENGTH = 8_000;
const NAME = "cache-semantic";

/** A question with its direction. */
interface Asked extends Question {
  readonly vector: Float32Array;
}

/**
 * Answers a chat with what was answered to a question that means the same. Tools, system prompt, parameters, earlier
 * turns and media are compared exactly; only the words of the last user turn are compared by meaning. Put it behind an
 * exact cache, which needs no model to find the same words.
 *
 * @throws {GatewayError} `option_invalid` naming the option
 */
export function semanticCache(options: SemanticCacheOptions): Plugin {
  checkOptions(options);
  const { embeddingModel, threshold, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const { maxQuestionLength = DEFAULT_QUESTION_LENGTH } = options;
  const index: VectorIndex = options.index ?? new MemoryIndex();
  const memo = Symbol(NAME);
  let embedder: Embedder | undefined;
  let hits = 0;
  let misses = 0;
  let kept = 0;
  let refused = 0;

  async function asked(call: Call): Promise<Asked | undefined> {
    const known = call.state.get(memo) as { readonly request: unknown; readonly asked: Asked } | undefined;
    if (known?.request === call.request) return known.asked;
    const question = questionOf(call);
    if (question === undefined || question.text.length > maxQuestionLength) return undefined;
    const vector = await embedder?.vector(question.text, call);
    if (vector === undefined) {
      call.trace.note("cache", "questions could not be compared: the embedding model did not answer");
      return undefined;
    }
    const found: Asked = { ...question, vector };
    call.state.set(memo, { request: call.request, asked: found });
    return found;
  }

  async function nearest(call: Call): Promise<{ readonly question: Asked; readonly neighbour: Neighbour } | undefined> {
    const question = await asked(call);
    const neighbour = question === undefined ? undefined : await index.nearest(question.bucket, question.vector);
    if (question === undefined || neighbour === undefined || neighbour.similarity < threshold) return undefined;
    return { question, neighbour };
  }

  const cache: Cache = {
    async find<Name extends OperationName>(call: Call<Name>) {
      const found = await nearest(call as unknown as Call);
      if (found === undefined) {
        misses += 1;
        return undefined;
      }
      hits += 1;
      const similarity = Math.min(1, found.neighbour.similarity);
      return { ...found.neighbour.recording, similarity } as unknown as Recording<Name>;
    },
    async keep(call, recording) {
      const question = await asked(call as unknown as Call);
      if (question === undefined) {
        refused += 1;
        return;
      }
      try {
        await index.add(question.bucket, question.vector, recording as unknown as Recording);
        kept += 1;
      } catch (error) {
        refused += 1;
        cacheErrors.publish({ operation: "keep", error });
      }
    },
    async forget(call) {
      try {
        for (let found = await nearest(call); found !== undefined; found = await nearest(call)) {
          await index.remove(found.question.bucket, found.neighbour.id);
        }
      } catch (error) {
        cacheErrors.publish({ operation: "forget", error });
      }
    },
    clear: async (selection) => await index.clear(selection),
    async stats() {
      const entries = await index.size();
      return { hits, misses, kept, refused, ...(entries !== undefined && { entries }) };
    },
    async ping() {
      const answered = await index.ping?.();
      return answered?.ok === false ? answered : health(embedder);
    },
    async close() {
      await index.close?.();
    },
  };

  return {
    name: NAME,
    cache,
    setup: async () => await index.open?.(),
    start(container) {
      if (container.resolve(MODEL_TABLE).deployments(embeddingModel).length === 0) {
        throw new GatewayError(
          "option_invalid",
          `cache-semantic: no deployment serves the embedding model ${JSON.stringify(embeddingModel)}`,
          { param: "embeddingModel", source: NAME },
        );
      }
      embedder = new Embedder({ open: container.resolve(OPEN_CALL), model: embeddingModel, timeoutMs });
    },
    async check() {
      const answered = await index.ping?.();
      return answered?.ok === false ? { ok: true, detail: `nothing is found: ${answered.detail}` } : health(embedder);
    },
  };
}

/** Without vectors calls are served all the same, and nothing is found: that must be seen. */
function health(embedder: Embedder | undefined): Health {
  if (embedder?.failure === undefined) return { ok: true };
  return { ok: true, detail: `nothing is found: the embedding model answered with ${embedder.failure}` };
}
