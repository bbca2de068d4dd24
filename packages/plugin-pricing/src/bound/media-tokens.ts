import type { AudioPart, Deployment, ImagePart } from "@signalbox/kernel";
import { modelNameOf } from "../prices/base-model.ts";

/** Tokens that a picture counts at most, by vendor. Providers make larger pictures smaller before they count. */
const IMAGE_TOKENS: Readonly<Record<string, number>> = {
  // at most 4,784 on the models that see best: https://platform.claude.com/docs/en/build-with-claude/vision (2026-11)
  anthropic: 5_000,
  // `ultra_high` is 2,240; older models cut up to 3,072 × 3,072 pixels into 16 tiles of 258:
  // https://ai.google.dev/gemini-api/docs/media-resolution (2026-11)
  google: 4_200,
};
/** What open models with the finest view count (Qwen-VL's largest setting is 16,384). */
const IMAGE_TOKENS_ELSEWHERE = 16_384;
/**
 * OpenAI: 2,833 + 8 tiles of 5,667 for gpt-4o-mini; `auto` and `original` keep a picture's own size on newer models.
 * https://platform.openai.com/docs/guides/images-vision#calculating-costs (2026-11)
 */
const OPENAI_IMAGE_TOKENS = 50_000;
/** `low` and `high` on all other models: 1,536 patches of which each counts 2.46 are 3,779. */
const OPENAI_SCALED_IMAGE_TOKENS = 4_000;

/**
 * Google counts 32 tokens for a second of sound, OpenAI 10; others count less.
 * https://ai.google.dev/gemini-api/docs/audio (2026-11)
 */
const TOKENS_PER_SECOND = 32;
/** No codec in use for recordings goes below 4 kbit/s. */
const LEAST_BYTES_PER_SECOND = 500;

const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/claude/i, "anthropic"],
  [/gemini/i, "google"],
  [/(^|\/)(gpt-|o\d|chatgpt|codex|computer-use)/i, "openai"],
];

/** Who made the model, as far as its name says so. */
export function vendorOf(deployment: Deployment): string {
  const { provider } = deployment;
  const name = modelNameOf(deployment);
  const family = FAMILIES.find(([pattern]) => pattern.test(name))?.[1];
  if (family !== undefined) return family;
  return provider.startsWith("azure") ? "openai" : provider;
}

/** The most tokens that a picture counts. */
export function imageTokens(vendor: string, model: string, detail?: ImagePart["detail"]): number {
  if (vendor !== "openai") return IMAGE_TOKENS[vendor] ?? IMAGE_TOKENS_ELSEWHERE;
  const scaled = (detail === "high" || detail === "low") && !model.includes("4o-mini");
  return scaled ? OPENAI_SCALED_IMAGE_TOKENS : OPENAI_IMAGE_TOKENS;
}

/** The most seconds that a recording of so many bytes lasts. */
export function secondsIn(bytes: number): number {
  return Math.ceil(bytes / LEAST_BYTES_PER_SECOND);
}

/** The most tokens that a recording of so many bytes counts. */
export function audioTokens(bytes: number): number {
  return secondsIn(bytes) * TOKENS_PER_SECOND;
}

/** Bytes of a sound that came with the request; undefined: it lies elsewhere. */
export function bytesOf({ source }: AudioPart): number | undefined {
  return source.type === "data" ? Math.ceil((source.data.length * 3) / 4) : undefined;
}
