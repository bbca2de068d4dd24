import type { VectorIndex } from "./vector-index.ts";

/** Options of `semanticCache`. */
export interface SemanticCacheOptions {
  /** Public name of the model that turns questions into vectors; served by the gateway itself. */
  readonly embeddingModel: string;
  /**
   * How alike two questions must be to get the same answer: the cosine of their vectors, above 0 and up to 1. There is no
   * value that fits all models: measure with your own questions.
   */
  readonly threshold: number;
  /** Default: `MemoryIndex`, in this process. */
  readonly index?: VectorIndex;
  /** Longest wait for a vector. Then the model is asked as if there were no cache. Default 2,000. */
  readonly timeoutMs?: number;
  /** Longer questions are not compared. Default 8,000 characters. */
  readonly maxQuestionLength?: number;
}
