import { describe, expect, it } from "vitest";
import type { Extra, PricedWork, Usage } from "@signalbox/kernel";
import { deploymentOf, pricingAt } from "./priced.ts";

// One row for each price field of LiteLLM's format, by prices that the vendors publish (US dollars; pages as in
// golden.test.ts, read 2025-11-20 unless a row says otherwise). What is expected is computed by hand: the arithmetic
// stands above each row, in millionths of a dollar (µ$); 1 µ$ is 1,000 nano-dollars.

type Fields = Readonly<Record<string, unknown>>;
interface Golden {
  readonly fields: Fields;
  readonly used?: Partial<Usage>;
  readonly tier?: string;
  readonly extra?: Extra;
  readonly nano: bigint;
}

const M = 0.000001;

const GPT_5: Fields = {
  input_cost_per_token: 1.25 * M,
  cache_read_input_token_cost: 0.125 * M,
  output_cost_per_token: 10 * M,
  input_cost_per_token_batches: 0.625 * M,
  output_cost_per_token_batches: 5 * M,
  input_cost_per_token_flex: 0.625 * M,
  output_cost_per_token_flex: 5 * M,
  cache_read_input_token_cost_flex: "6.25e-8",
  input_cost_per_token_priority: 2.5 * M,
  output_cost_per_token_priority: 20 * M,
  cache_read_input_token_cost_priority: 0.25 * M,
};

const SONNET_4_5: Fields = {
  input_cost_per_token: 3 * M,
  output_cost_per_token: 15 * M,
  cache_read_input_token_cost: 0.3 * M,
  cache_creation_input_token_cost: 3.75 * M,
  cache_creation_input_token_cost_above_1hr: 6 * M,
  input_cost_per_token_above_200k_tokens: 6 * M,
  output_cost_per_token_above_200k_tokens: 22.5 * M,
  cache_read_input_token_cost_above_200k_tokens: 0.6 * M,
  cache_creation_input_token_cost_above_200k_tokens: 7.5 * M,
  cache_creation_input_token_cost_above_1hr_above_200k_tokens: 12 * M,
};

const TOOLS: Fields = {
  input_cost_per_token: 2.5 * M,
  output_cost_per_token: 10 * M,
  // web search preview at gpt-4o, by size of context (until 2025-06)
  search_context_cost_per_query: {
    search_context_size_low: 0.03,
    search_context_size_medium: 0.035,
    search_context_size_high: 0.05,
  },
  code_interpreter_cost_per_session: 0.03,
  file_search_cost_per_1k_calls: 2.5,
};

const searchSize = (size: string): Extra => ({ openai: { web_search_options: { search_context_size: size } } });

const CHATS: readonly (readonly [string, Golden])[] = [
  // 1,000 × 1.25 + 1,000 × 10 = 11,250
  ["input and output", { fields: GPT_5, nano: 11_250_000n }],
  // 600 × 1.25 + 400 × 0.125 + 1,000 × 10 = 750 + 50 + 10,000
  ["cache_read_input_token_cost", { fields: GPT_5, used: { cacheReadTokens: 400 }, nano: 10_800_000n }],
  // half: 625 + 5,000
  ["…_batches", { fields: GPT_5, tier: "batch", nano: 5_625_000n }],
  // 625 + 5,000
  ["…_flex", { fields: GPT_5, tier: "flex", nano: 5_625_000n }],
  // 600 × 0.625 + 400 × 0.0625 + 5,000 = 375 + 25 + 5,000
  [
    "cache_read_input_token_cost_flex",
    { fields: GPT_5, tier: "flex", used: { cacheReadTokens: 400 }, nano: 5_400_000n },
  ],
  // the batch tier has no price of its own for what is read from a cache: 600 × 0.625 + 400 × 0.125 + 5,000
  ["what a tier leaves out", { fields: GPT_5, tier: "batch", used: { cacheReadTokens: 400 }, nano: 5_425_000n }],
  // 2,500 + 20,000
  ["…_priority", { fields: GPT_5, tier: "priority", nano: 22_500_000n }],
  // 600 × 2.5 + 400 × 0.25 + 20,000 = 1,500 + 100 + 20,000
  [
    "cache_read_input_token_cost_priority",
    { fields: GPT_5, tier: "priority", used: { cacheReadTokens: 400 }, nano: 21_600_000n },
  ],
  // 700 × 3 + 300 × 3.75 + 15,000 = 2,100 + 1,125 + 15,000
  ["cache_creation_input_token_cost", { fields: SONNET_4_5, used: { cacheWriteTokens: 300 }, nano: 18_225_000n }],
  // 700 × 3 + 300 × 6 + 15,000 = 2,100 + 1,800 + 15,000
  ["…_above_1hr", { fields: SONNET_4_5, used: { cacheWrite1hTokens: 300 }, nano: 18_900_000n }],
  // 200,000 × 3 + 15,000
  ["at 200,000 tokens", { fields: SONNET_4_5, used: { inputTokens: 200_000 }, nano: 615_000_000n }],
  // 200,001 × 6 + 1,000 × 22.5 = 1,200,006 + 22,500
  ["…_above_200k_tokens", { fields: SONNET_4_5, used: { inputTokens: 200_001 }, nano: 1_222_506_000n }],
  // 100,000 × 6 + 150,000 × 0.6 + 22,500 = 600,000 + 90,000 + 22,500
  [
    "cache_read_input_token_cost_above_200k_tokens",
    { fields: SONNET_4_5, used: { inputTokens: 250_000, cacheReadTokens: 150_000 }, nano: 712_500_000n },
  ],
  // 100,000 × 6 + 150,000 × 7.5 + 22,500 = 600,000 + 1,125,000 + 22,500
  [
    "cache_creation_input_token_cost_above_200k_tokens",
    { fields: SONNET_4_5, used: { inputTokens: 250_000, cacheWriteTokens: 150_000 }, nano: 1_747_500_000n },
  ],
  // 100,000 × 6 + 150,000 × 12 + 22,500 = 600,000 + 1,800,000 + 22,500
  [
    "…_above_1hr_above_200k_tokens",
    { fields: SONNET_4_5, used: { inputTokens: 250_000, cacheWrite1hTokens: 150_000 }, nano: 2_422_500_000n },
  ],
  // Gemini 1.5 Pro: 1.25 and 5 up to 128,000 tokens, 2.50 and 10 above: 128,001 × 2.5 + 10,000
  [
    "…_above_128k_tokens",
    {
      fields: {
        input_cost_per_token: 1.25 * M,
        output_cost_per_token: 5 * M,
        input_cost_per_token_above_128k_tokens: 2.5 * M,
        output_cost_per_token_above_128k_tokens: 10 * M,
      },
      used: { inputTokens: 128_001 },
      nano: 330_002_500n,
    },
  ],
  // a made-up model of two steps, 2 above 128,000 and 4 above 272,000: 272,001 × 4 + 1,000 × 6
  [
    "…_above_272k_tokens",
    {
      fields: {
        input_cost_per_token: 1 * M,
        output_cost_per_token: 5 * M,
        input_cost_per_token_above_128k_tokens: 2 * M,
        input_cost_per_token_above_272k_tokens: 4 * M,
        output_cost_per_token_above_272k_tokens: 6 * M,
      },
      used: { inputTokens: 272_001 },
      nano: 1_094_004_000n,
    },
  ],
  // qwen3-max: 1.20 and 6 up to 32,000 tokens of input, 2.40 and 12 up to 128,000: 32,001 × 2.4 + 12,000
  [
    "tiered_pricing, the second range",
    {
      fields: {
        tiered_pricing: [
          { range: [0, 32_000], input_cost_per_token: 1.2e-6, output_cost_per_token: 6e-6 },
          { range: [32_000, 128_000], input_cost_per_token: 2.4e-6, output_cost_per_token: 1.2e-5 },
          { range: [128_000, 252_000], input_cost_per_token: 3e-6, output_cost_per_token: 1.5e-5 },
        ],
      },
      used: { inputTokens: 32_001 },
      nano: 88_802_400n,
    },
  ],
  // … and in the third: 200,000 × 3 + 15,000
  [
    "tiered_pricing, the third range",
    {
      fields: {
        tiered_pricing: [
          { range: [0, 32_000], input_cost_per_token: 1.2e-6, output_cost_per_token: 6e-6 },
          { range: [32_000, 128_000], input_cost_per_token: 2.4e-6, output_cost_per_token: 1.2e-5 },
          { range: [128_000, 252_000], input_cost_per_token: 3e-6, output_cost_per_token: 1.5e-5 },
        ],
      },
      used: { inputTokens: 200_000 },
      nano: 615_000_000n,
    },
  ],
  // sonar-deep-research: 2, 8, reasoning 3, citations 2: 2,000 + 600 × 8 + 400 × 3 + 5,000 × 2
  [
    "output_cost_per_reasoning_token and citation_cost_per_token",
    {
      fields: {
        input_cost_per_token: 2e-6,
        output_cost_per_token: 8e-6,
        output_cost_per_reasoning_token: 3e-6,
        citation_cost_per_token: 2e-6,
      },
      used: { reasoningTokens: 400, citationTokens: 5_000 },
      nano: 18_000_000n,
    },
  ],
  // deepseek-chat: 0.56, 0.07 on a hit, 1.68: 250 × 0.56 + 750 × 0.07 + 1,680 = 140 + 52.5 + 1,680
  [
    "input_cost_per_token_cache_hit",
    {
      fields: {
        input_cost_per_token: 0.56e-6,
        input_cost_per_token_cache_hit: 0.07e-6,
        output_cost_per_token: 1.68e-6,
      },
      used: { cacheReadTokens: 750 },
      nano: 1_872_500n,
    },
  ],
  // gpt-audio: 2.50 and 10 for text, 32 and 64 for sound: 400 × 2.5 + 600 × 32 + 300 × 10 + 700 × 64
  [
    "input_cost_per_audio_token and output_cost_per_audio_token",
    {
      fields: {
        input_cost_per_token: 2.5e-6,
        output_cost_per_token: 1e-5,
        input_cost_per_audio_token: 3.2e-5,
        output_cost_per_audio_token: 6.4e-5,
      },
      used: { inputAudioTokens: 600, outputAudioTokens: 700 },
      nano: 68_000_000n,
    },
  ],
  // gpt-realtime: sound 32, cached 0.40; all of it is sound: 800 × 32 + 200 × 0.4 + 16,000 = 25,600 + 80 + 16,000
  [
    "cache_read_input_audio_token_cost",
    {
      fields: {
        input_cost_per_token: 4e-6,
        output_cost_per_token: 1.6e-5,
        input_cost_per_audio_token: 3.2e-5,
        cache_read_input_token_cost: 4e-7,
        cache_read_input_audio_token_cost: 4e-7,
      },
      used: { inputAudioTokens: 1_000, cacheReadTokens: 200 },
      nano: 41_680_000n,
    },
  ],
  // gpt-image-1 as a chat: 5 for text, 10 for pictures in, 40 for pictures out: 200 × 5 + 800 × 10 + 40,000
  [
    "input_cost_per_image_token and output_cost_per_image_token",
    {
      fields: {
        input_cost_per_token: 5e-6,
        output_cost_per_token: 1e-5,
        input_cost_per_image_token: 1e-5,
        output_cost_per_image_token: 4e-5,
      },
      used: { inputImageTokens: 800, outputImageTokens: 1_000 },
      nano: 49_000_000n,
    },
  ],
  // gpt-image-1-mini: pictures 2.50 in, 0.25 cached: 500 × 2.5 + 500 × 0.25, nothing out
  [
    "cache_read_input_image_token_cost",
    {
      fields: {
        input_cost_per_token: 2e-6,
        input_cost_per_image_token: 2.5e-6,
        cache_read_input_token_cost: 2e-7,
        cache_read_input_image_token_cost: 2.5e-7,
        output_cost_per_token: 8e-6,
      },
      used: { inputImageTokens: 1_000, cacheReadTokens: 500, outputTokens: 0 },
      nano: 1_375_000n,
    },
  ],
  // sonar with low context: 1, 1, and 5 for a thousand requests: 1,000 + 1,000 + 5,000
  [
    "input_cost_per_request",
    {
      fields: { input_cost_per_token: 1e-6, output_cost_per_token: 1e-6, input_cost_per_request: 0.005 },
      nano: 7_000_000n,
    },
  ],
  // 2,500 + 10,000 + 2 × 30,000
  [
    "search_context_size_low",
    { fields: TOOLS, used: { webSearchCalls: 2 }, extra: searchSize("low"), nano: 72_500_000n },
  ],
  // 2,500 + 10,000 + 2 × 35,000
  [
    "search_context_size_medium",
    { fields: TOOLS, used: { webSearchCalls: 2 }, extra: searchSize("medium"), nano: 82_500_000n },
  ],
  // 2,500 + 10,000 + 2 × 50,000
  [
    "search_context_size_high",
    { fields: TOOLS, used: { webSearchCalls: 2 }, extra: searchSize("high"), nano: 112_500_000n },
  ],
  // of unknown size: never too little
  ["search_context_cost_per_query alone", { fields: TOOLS, used: { webSearchCalls: 2 }, nano: 112_500_000n }],
  // 12,500 + 2 × 30,000
  ["code_interpreter_cost_per_session", { fields: TOOLS, used: { codeSessions: 2 }, nano: 72_500_000n }],
  // 12,500 + 3 × 2,500
  ["file_search_cost_per_1k_calls", { fields: TOOLS, used: { fileSearchCalls: 3 }, nano: 20_000_000n }],
  // all three at once: 12,500 + 50,000 + 30,000 + 2,500
  ["all tools", { fields: TOOLS, used: { webSearchCalls: 1, codeSessions: 1, fileSearchCalls: 1 }, nano: 95_000_000n }],
  // Mistral OCR: 1 for a thousand pages, 3 with annotations: 12 × 1,000 + 4 × 3,000
  [
    "ocr_cost_per_page and annotation_cost_per_page",
    {
      fields: { ocr_cost_per_page: 0.001, annotation_cost_per_page: 0.003 },
      used: { inputTokens: 0, outputTokens: 0, pages: 12, annotatedPages: 4 },
      nano: 24_000_000n,
    },
  ],
  // Databricks: 7.143 DBU a million tokens at 0.07 a DBU are 0.50001: the dollars count, 500.01 + 1,500.03
  [
    "…_dbu_cost_per_token",
    {
      fields: {
        input_cost_per_token: "5.0001e-7",
        output_cost_per_token: "1.50003e-6",
        input_dbu_cost_per_token: 7.143e-6,
        output_dbu_cost_per_token: 2.1429e-5,
      },
      nano: 2_000_040n,
    },
  ],
  // Claude Opus in fast mode: six times 5 and 25: 30,000 + 150,000
  [
    "provider_specific_entry: fast",
    {
      fields: {
        input_cost_per_token: 5e-6,
        output_cost_per_token: 2.5e-5,
        provider_specific_entry: { us: 1.1, fast: 6 },
      },
      extra: { anthropic: { speed: "fast" } },
      nano: 180_000_000n,
    },
  ],
  // … kept within the United States: 5,500 + 27,500
  [
    "provider_specific_entry: us",
    {
      fields: {
        input_cost_per_token: 5e-6,
        output_cost_per_token: 2.5e-5,
        provider_specific_entry: { us: 1.1, fast: 6 },
      },
      extra: { anthropic: { inference_geo: "us" } },
      nano: 33_000_000n,
    },
  ],
];

describe("chats by each price field", () => {
  it.each(CHATS)("%s", async (_field, { fields, used = {}, tier, extra, nano }) => {
    const prices = await pricingAt({ prices: { m: fields } });
    const request = {
      model: "m",
      messages: [],
      ...(tier !== undefined && { serviceTier: tier }),
      ...(extra !== undefined && { extra }),
    };
    const work: PricedWork<"chat"> = { deployment: deploymentOf("acme", "m"), operation: "chat", request };
    expect(prices.cost(work, { inputTokens: 1_000, outputTokens: 1_000, ...used })?.provider).toBe(nano);
  });

  it.each([
    ["a code session", { codeSessions: 1 }],
    ["a search of files", { fileSearchCalls: 1 }],
    ["pages", { pages: 1 }],
    ["citations", { citationTokens: 1 }],
  ])("%s without a price is unknown", async (_case, used) => {
    const prices = await pricingAt({ prices: { m: GPT_5 } });
    const request = { model: "m", messages: [] };
    const work: PricedWork<"chat"> = { deployment: deploymentOf("acme", "m"), operation: "chat", request };
    expect(prices.cost(work, { inputTokens: 1, outputTokens: 1, ...used })).toBeUndefined();
  });
});
