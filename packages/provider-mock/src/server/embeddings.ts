import type { JsonObject } from "@signalbox/kernel/http";
import { embed } from "../embed.ts";

/** The body of an Embeddings reply. @throws {TypeError} naming what is wrong */
export function embeddingsJson(body: JsonObject, dimensions: number): string {
  const { model, input } = body;
  if (typeof model !== "string") throw new TypeError("you must provide a model parameter");
  const wanted = typeof body.dimensions === "number" ? body.dimensions : dimensions;
  const { embeddings, usage } = embed({ model, inputs: inputs(input) }, model, wanted);
  const base64 = body.encoding_format === "base64";
  return JSON.stringify({
    object: "list",
    data: embeddings.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: base64 ? Buffer.from(new Float32Array(vector).buffer).toString("base64") : vector,
    })),
    model,
    usage: { prompt_tokens: usage.inputTokens, total_tokens: usage.inputTokens },
  });
}

/** A text, texts, token ids or lists of token ids. */
function inputs(input: unknown): readonly (string | readonly number[])[] {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input) || input.length === 0) throw new TypeError("'input' must be a text or a list");
  return typeof input[0] === "number" ? [input as readonly number[]] : (input as readonly string[]);
}
