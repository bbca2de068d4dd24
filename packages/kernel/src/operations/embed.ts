import type { Extra } from "../chat/part.ts";
import type { NativeResult } from "../native.ts";
import type { Usage } from "../usage.ts";

/** Inputs to turn into vectors. */
export interface EmbedRequest {
  readonly model: string;
  /** Texts, or texts already cut into token ids. */
  readonly inputs: readonly (string | readonly number[])[];
  readonly dimensions?: number;
  /** How the client wants vectors on the wire. Inside, vectors are always numbers. */
  readonly encoding?: "float" | "base64";
  /** `query`, `document`, …: for models that embed the two differently. */
  readonly inputType?: string;
  readonly user?: string;
  readonly extra?: Extra;
}

/** The vectors of an embed request. */
export interface EmbedResult {
  readonly model: string;
  /** One vector per input, in input order. */
  readonly embeddings: readonly (readonly number[] | Float32Array)[];
  readonly usage: Usage;
  readonly extra?: Extra;
  readonly native?: NativeResult;
}
