import { describe, expect, it } from "vitest";
import type { OperationName, PricedWork, RequestOf, ResultOf, Usage } from "@signalbox/kernel";
import { deploymentOf, pricingAt } from "./priced.ts";

// What is not a chat, by each price field: as in golden-fields.test.ts, computed by hand from published prices.

type Fields = Readonly<Record<string, unknown>>;

const SOUND = { fileName: "a.wav", mediaType: "audio/wav", data: Buffer.alloc(10) };
const NOTHING: Usage = { inputTokens: 0, outputTokens: 0 };
const picture = { image: { type: "url" as const, url: "https://pictures.test/1.png" } };

function row<Name extends OperationName>(
  name: string,
  fields: Fields,
  operation: Name,
  request: Omit<RequestOf<Name>, "model">,
  nano: bigint,
  usage: Usage = NOTHING,
  result?: Omit<ResultOf<Name>, "usage">,
): readonly [string, Fields, PricedWork, bigint, Usage] {
  const work = { deployment: deploymentOf("acme", "m"), operation, request: { model: "m", ...request } };
  return [name, fields, { ...work, ...(result !== undefined && { result }) } as unknown as PricedWork, nano, usage];
}

const tokens = (inputTokens: number, outputTokens: number = 0): Usage => ({ inputTokens, outputTokens });

const OTHERS: readonly (readonly [string, Fields, PricedWork, bigint, Usage])[] = [
  // text-embedding-3-small: 0.02: 5,000 × 0.02 = 100
  row("embeddings", { input_cost_per_token: 2e-8 }, "embed", { inputs: [] }, 100_000n, tokens(5_000)),
  // … in batches 0.01: 50
  row(
    "embeddings in batches",
    { input_cost_per_token: 2e-8, input_cost_per_token_batches: 1e-8 },
    "embed",
    { inputs: [], serviceTier: "batch" } as unknown as Omit<RequestOf<"embed">, "model">,
    50_000n,
    tokens(5_000),
  ),
  // mistral-moderation: 0.10: 2,000 × 0.1 = 200
  row("moderation", { input_cost_per_token: 1e-7 }, "moderate", { inputs: [] }, 200_000n, tokens(2_000)),
  // Cohere rerank: 2 for a thousand searches: one is 2,000
  row("input_cost_per_query", { input_cost_per_query: 0.002 }, "rerank", { query: "q", documents: ["a"] }, 2_000_000n),
  // 250 documents are three searches of up to 100: 6,000
  row(
    "input_cost_per_query, many documents",
    { input_cost_per_query: 0.002 },
    "rerank",
    { query: "q", documents: Array.from({ length: 250 }, () => "a") },
    6_000_000n,
  ),
  // Voyage rerank-2.5: 0.05: 10,000 × 0.05 = 500
  row(
    "rerank by tokens",
    { input_cost_per_token: 5e-8 },
    "rerank",
    { query: "q", documents: ["a"] },
    500_000n,
    tokens(10_000),
  ),
  // Imagen 4: 0.04 a picture: 3 × 40,000
  row(
    "output_cost_per_image",
    { output_cost_per_image: 0.04 },
    "generateImage",
    { prompt: "p", count: 3 },
    120_000_000n,
  ),
  // what came out counts: 2 × 40,000
  row(
    "output_cost_per_image, fewer than asked for",
    { output_cost_per_image: 0.04 },
    "generateImage",
    { prompt: "p", count: 3 },
    80_000_000n,
    NOTHING,
    { createdAt: 0, images: [picture, picture] },
  ),
  // 0.02 a picture: 20,000
  row("input_cost_per_image", { input_cost_per_image: 0.02 }, "editImage", { prompt: "p", images: [] }, 20_000_000n),
  // DALL·E 3 in 1024 × 1024 is 0.04. A price is kept in whole pico-dollars, rounded up: 1,048,576 × 0.038147 = 40,000.029
  row(
    "input_cost_per_pixel",
    { input_cost_per_pixel: "3.81469e-8", output_cost_per_pixel: 0 },
    "generateImage",
    { prompt: "p", size: "1024x1024" },
    40_000_029n,
  ),
  // two of 512 × 512 at 6.86e-8: 524,288 × 0.0686 µ$ = 35,966.1568
  row(
    "output_cost_per_pixel",
    { output_cost_per_pixel: "6.86e-8" },
    "generateImage",
    { prompt: "p", size: "512x512", count: 2 },
    35_966_157n,
  ),
  // tts-1: 15 for a million characters: 2,000 × 15 = 30,000
  row(
    "input_cost_per_character",
    { input_cost_per_character: 1.5e-5 },
    "speak",
    { text: "ab".repeat(1_000), voice: "alloy" },
    30_000_000n,
  ),
  // characters, not bytes or halves of them: 3 × 15
  row(
    "input_cost_per_character, beyond ASCII",
    { input_cost_per_character: 1.5e-5 },
    "speak",
    { text: "é😀ß", voice: "alloy" },
    45_000n,
  ),
  // gpt-4o-mini-tts: 0.60 in, 12 for sound out: 100 × 0.6 + 2,000 × 12
  row(
    "speech by tokens",
    { input_cost_per_token: 6e-7, output_cost_per_token: 1.2e-5 },
    "speak",
    { text: "hello", voice: "alloy" },
    24_060_000n,
    tokens(100, 2_000),
  ),
  // whisper-1: 0.006 a minute, 0.0001 a second: 90.2 s are 91 begun ones, 9,100
  row("input_cost_per_second", { input_cost_per_second: 0.0001 }, "transcribe", { audio: SOUND }, 9_100_000n, NOTHING, {
    text: "",
    durationSeconds: 90.2,
  }),
  // the same by the other name, in a translation: 60 × 100
  row(
    "output_cost_per_second",
    { input_cost_per_second: 0, output_cost_per_second: 0.0001 },
    "translate",
    { audio: SOUND },
    6_000_000n,
    NOTHING,
    { text: "", durationSeconds: 60 },
  ),
  // 0.0002 a second: 30 × 200
  row(
    "input_cost_per_audio_per_second",
    { input_cost_per_audio_per_second: 0.0002 },
    "transcribe",
    { audio: SOUND },
    6_000_000n,
    NOTHING,
    { text: "", durationSeconds: 30 },
  ),
  // gpt-4o-mini-transcribe: 1.25 text, 3 sound, 5 out: 100 × 1.25 + 900 × 3 + 200 × 5
  row(
    "transcripts by tokens",
    { input_cost_per_token: 1.25e-6, input_cost_per_audio_token: 3e-6, output_cost_per_token: 5e-6 },
    "transcribe",
    { audio: SOUND },
    3_825_000n,
    { inputTokens: 1_000, outputTokens: 200, inputAudioTokens: 900 },
  ),
  // gpt-3.5-turbo-instruct: 1.50, 2: 1,500 + 2,000
  row(
    "text completions",
    { input_cost_per_token: 1.5e-6, output_cost_per_token: 2e-6 },
    "complete",
    { prompts: ["p"] },
    3_500_000n,
    tokens(1_000, 1_000),
  ),
  // 0.01 whatever it does
  row("input_cost_per_request alone", { input_cost_per_request: 0.01 }, "embed", { inputs: [] }, 10_000_000n),
];

describe("other operations by each price field", () => {
  it.each(OTHERS)("%s", async (_field, fields, work, nano, usage) => {
    const prices = await pricingAt({ prices: { m: fields } });
    expect(prices.cost(work, usage)?.provider).toBe(nano);
  });

  it("pixels of a picture whose size is the provider's choice are unknown, and bound by nothing", async () => {
    const prices = await pricingAt({ prices: { m: { input_cost_per_pixel: 4e-8 } } });
    const of = (size: string | undefined): PricedWork<"generateImage"> => ({
      deployment: deploymentOf("acme", "m"),
      operation: "generateImage",
      request: { model: "m", prompt: "p", count: 2, ...(size !== undefined && { size }) },
    });
    for (const size of [undefined, "auto"]) {
      expect(prices.cost(of(size), NOTHING)).toBeUndefined();
      expect(prices.bound(of(size))).toBeUndefined();
    }
    // 2 × 1,000,000 × 0.04 µ$
    expect(prices.bound(of("1000x1000"))).toBe(80_000_000n);
  });
});
