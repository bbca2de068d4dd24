import type { EmbedRequest, EmbedResult } from "@signalbox/kernel";
import { countTokens } from "./text.ts";

const WORD = /[\p{L}\p{N}]+/gu;

/**
 * One unit vector per input: words are hashed to places, so that inputs that share words are near each other and equal
 * inputs are equal.
 */
export function embed(request: EmbedRequest, model: string, dimensions: number): EmbedResult {
  const texts = request.inputs.map((input) => (typeof input === "string" ? input : input.join(" ")));
  return {
    model,
    embeddings: texts.map((text) => embedding(text, request.dimensions ?? dimensions)),
    usage: { inputTokens: texts.reduce((sum, text) => sum + countTokens(text), 0), outputTokens: 0 },
  };
}

export function embedding(text: string, dimensions: number): readonly number[] {
  const vector = new Array<number>(dimensions).fill(0);
  for (const [word] of text.toLowerCase().matchAll(WORD)) {
    const hash = hashOf(word);
    const at = hash % dimensions;
    vector[at] = (vector[at] ?? 0) + (hash >>> 31 === 0 ? 1 : -1);
  }
  const length = Math.hypot(...vector);
  // Nothing to go by, or words that cancel each other out.
  if (length === 0) return vector.map((_, index) => (index === 0 ? 1 : 0));
  return vector.map((number) => number / length);
}

/** FNV-1a, 32 bits. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < word.length; index++) {
    hash = Math.imul(hash ^ word.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}
