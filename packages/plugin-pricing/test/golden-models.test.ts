import { describe, expect, it } from "vitest";
import type { Usage } from "@signalbox/kernel";
import { chatOf, deploymentOf, pricingAt, workOf } from "./priced.ts";

// More models: as in golden.test.ts, from the vendors' public price pages (US dollars for a million tokens), computed by
// hand in millionths of a dollar (µ$). Pages besides those named there:
// moonshot    https://platform.moonshot.ai/docs/pricing        deepseek   https://api-docs.deepseek.com/quick_start/pricing
// fireworks   https://fireworks.ai/pricing                     minimax    https://platform.minimax.io/docs/guides/pricing

const each = (rest: Partial<Usage> = {}): Usage => ({ inputTokens: 1_000, outputTokens: 1_000, ...rest });

const CHATS: readonly (readonly [string, string, string, Usage, bigint])[] = [
  // 15 + 120
  ["openai", "gpt-5-pro", "", each(), 135_000_000n],
  // 500 × 1.25 + 500 × 0.125 + 10,000 = 625 + 62.5 + 10,000
  ["openai", "gpt-5.1", "half cached", each({ cacheReadTokens: 500 }), 10_687_500n],
  // 750 × 0.40 + 250 × 0.10 + 1,600 = 300 + 25 + 1,600
  ["openai", "gpt-4.1-mini", "cached", each({ cacheReadTokens: 250 }), 1_925_000n],
  // 600 × 0.10 + 400 × 0.025 + 400 = 60 + 10 + 400
  ["openai", "gpt-4.1-nano", "cached", each({ cacheReadTokens: 400 }), 470_000n],
  // 20 + 80
  ["openai", "o3-pro", "", each(), 100_000_000n],
  // 500 × 1.10 + 500 × 0.55 + 4,400 = 550 + 275 + 4,400; reasoning is output
  ["openai", "o3-mini", "cached, reasoning", each({ cacheReadTokens: 500, reasoningTokens: 900 }), 5_225_000n],
  // 10 + 30
  ["openai", "gpt-4-turbo", "", each(), 40_000_000n],
  // 30 + 60
  ["openai", "gpt-4", "", each(), 90_000_000n],
  // 0.50 + 1.50
  ["openai", "gpt-3.5-turbo", "", each(), 2_000_000n],
  // 150 + 600
  ["openai", "o1-pro", "", each(), 750_000_000n],
  // 2,000 + 8,000
  ["openai", "o4-mini-deep-research", "", each(), 10_000_000n],
  // 100 × 4 + 900 × 32 + 200 × 16 + 800 × 64 = 400 + 28,800 + 3,200 + 51,200
  ["openai", "gpt-realtime", "sound", each({ inputAudioTokens: 900, outputAudioTokens: 800 }), 83_600_000n],
  // all sound: 600 × 32 + 400 × 0.40 + 16,000 = 19,200 + 160 + 16,000
  ["openai", "gpt-realtime", "sound, cached", each({ inputAudioTokens: 1_000, cacheReadTokens: 400 }), 35_360_000n],
  // 200 × 4 + 800 × 5 + 16,000 = 800 + 4,000 + 16,000
  ["openai", "gpt-realtime", "pictures", each({ inputImageTokens: 800 }), 20_800_000n],
  // 500 × 0.60 + 500 × 10 + 300 × 2.40 + 700 × 20 = 300 + 5,000 + 720 + 14,000
  ["openai", "gpt-audio-mini", "sound", each({ inputAudioTokens: 500, outputAudioTokens: 700 }), 20_020_000n],
  // 500 × 0.60 + 500 × 0.06 + 2,400 = 300 + 30 + 2,400
  ["openai", "gpt-realtime-mini", "cached text", each({ cacheReadTokens: 500 }), 2_730_000n],
  // searches of files are 2.50 for a thousand: 1,250 + 10,000 + 4 × 2,500
  ["openai", "gpt-5.1", "file search", each({ fileSearchCalls: 4 }), 21_250_000n],
  // 0.25, written 0.30, read 0.03, 1.25: 200 × 0.25 + 500 × 0.30 + 300 × 0.03 + 1,250 = 50 + 150 + 9 + 1,250
  ["anthropic", "claude-3-haiku-20240307", "cache", each({ cacheWriteTokens: 500, cacheReadTokens: 300 }), 1_459_000n],
  // 15, written for an hour 30, 75: 400 × 15 + 600 × 30 + 75,000 = 6,000 + 18,000 + 75,000
  ["anthropic", "claude-opus-4-0", "cache of an hour", each({ cacheWrite1hTokens: 600 }), 99_000_000n],
  // 3,000 + 15,000 + 3 searches at 10 for a thousand
  ["anthropic", "claude-sonnet-4-0", "web search", each({ webSearchCalls: 3 }), 48_000_000n],
  // 3, written 3.75: 3,750 + 15,000
  ["anthropic", "claude-3-7-sonnet-latest", "all written", each({ cacheWriteTokens: 1_000 }), 18_750_000n],
  // 0.10, 0.40; sound 0.70: 500 × 0.10 + 500 × 0.70 + 400 = 50 + 350 + 400
  ["google", "gemini-2.0-flash", "sound", each({ inputAudioTokens: 500 }), 800_000n],
  // 0.075 + 0.30
  ["google", "gemini-2.0-flash-lite", "", each(), 375_000n],
  // 1.25, 5 up to 128,000: 128,000 × 1.25 + 5,000
  ["google", "gemini-1.5-pro", "at the step", each({ inputTokens: 128_000 }), 165_000_000n],
  // 2.50, 10 above: 128,001 × 2.50 + 10,000
  ["google", "gemini-1.5-pro", "above the step", each({ inputTokens: 128_001 }), 330_002_500n],
  // a picture out is 1,290 tokens at 30, which is the published 0.039: 300 + 38,700
  [
    "google",
    "gemini-2.5-flash-image",
    "a picture",
    { inputTokens: 1_000, outputTokens: 1_290, outputImageTokens: 1_290 },
    39_000_000n,
  ],
  // 3, 0.75, 15: 600 × 3 + 400 × 0.75 + 15,000 = 1,800 + 300 + 15,000
  ["xai", "grok-3", "cached", each({ cacheReadTokens: 400 }), 17_100_000n],
  // 0.30 + 0.50
  ["xai", "grok-3-mini", "", each(), 800_000n],
  // 0.20, 0.02, 1.50: 500 × 0.20 + 500 × 0.02 + 1,500 = 100 + 10 + 1,500
  ["xai", "grok-code-fast-1", "cached", each({ cacheReadTokens: 500 }), 1_610_000n],
  // 0.20 + 0.50
  ["xai", "grok-4-fast-reasoning", "", each(), 700_000n],
  // 0.40 + 2
  ["mistral", "mistral-medium-latest", "", each(), 2_400_000n],
  // 0.05 + 0.08
  ["groq", "llama-3.1-8b-instant", "", each(), 130_000n],
  // 1, 0.50 cached, 3: 500 + 250 + 3,000
  ["groq", "moonshotai/kimi-k2-instruct", "cached", each({ cacheReadTokens: 500 }), 3_750_000n],
  // 0.29 + 0.59
  ["groq", "qwen/qwen3-32b", "", each(), 880_000n],
  // 0.11 + 0.34
  ["groq", "meta-llama/llama-4-scout-17b-16e-instruct", "", each(), 450_000n],
  // 0.15 + 0.60
  ["cohere", "command-r", "", each(), 750_000n],
  // 0.60, 0.15 cached, 2.50: 120 + 120 + 2,500
  ["moonshot", "kimi-k2-0905-preview", "cached", each({ cacheReadTokens: 800 }), 2_740_000n],
  // 1.15 + 8
  ["moonshot", "kimi-k2-turbo-preview", "", each(), 9_150_000n],
  // 0.80, 0.20 cached, 3.20: 400 + 100 + 3,200
  ["bedrock", "amazon.nova-pro-v1:0", "cached", each({ cacheReadTokens: 500 }), 3_700_000n],
  // 0.035, 0.00875 cached, 0.14: 100 × 0.035 + 900 × 0.00875 + 140 = 3.5 + 7.875 + 140
  ["bedrock", "amazon.nova-micro-v1:0", "cached", each({ cacheReadTokens: 900 }), 151_375n],
  // 2.50 + 12.50
  ["bedrock", "amazon.nova-premier-v1:0", "", each(), 15_000_000n],
  // 0.72 + 0.72
  ["bedrock", "meta.llama3-3-70b-instruct-v1:0", "", each(), 1_440_000n],
  // 1.35 + 5.40
  ["bedrock", "deepseek.r1-v1:0", "", each(), 6_750_000n],
  // 0.85 + 1.20
  ["cerebras", "llama-3.3-70b", "", each(), 2_050_000n],
  // 3, 15, and 14 for a thousand requests with the largest context: 3,000 + 15,000 + 14,000
  ["perplexity", "sonar-pro", "", each(), 32_000_000n],
  // 2, 8, and 14 for a thousand requests: 2,000 + 8,000 + 14,000
  ["perplexity", "sonar-reasoning-pro", "", each(), 24_000_000n],
  // 2, 8, reasoning 3, citations 2, searches 5 for a thousand: 2,000 + 500 × 8 + 500 × 3 + 3,000 × 2 + 10 × 5,000
  [
    "perplexity",
    "sonar-deep-research",
    "everything",
    each({ reasoningTokens: 500, citationTokens: 3_000, webSearchCalls: 10 }),
    63_500_000n,
  ],
  // 0.15 + 0.60
  ["fireworks", "accounts/fireworks/models/gpt-oss-120b", "", each(), 750_000n],
  // 0.40 + 2.20
  ["minimax", "minimax-m1", "", each(), 2_600_000n],
  // 1.10, 0.55 cached, 4.40: 550 + 275 + 4,400
  ["azure", "o3-mini", "half cached", each({ cacheReadTokens: 500 }), 5_225_000n],
];

describe("costs of chats", () => {
  it.each(CHATS)("%s %s %s", async (provider, model, _case, used, expected) => {
    const prices = await pricingAt();
    expect(prices.cost(chatOf(deploymentOf(provider, model)), used)?.provider).toBe(expected);
  });
});

const EMBEDDINGS: readonly (readonly [string, string, bigint])[] = [
  // 1,000,000 tokens at 0.10, 0.12, 0.18, 0.02, 0.15, 0.10
  ["openai", "text-embedding-ada-002", 100_000_000n],
  ["cohere", "embed-v4.0", 120_000_000n],
  ["voyage", "voyage-3-large", 180_000_000n],
  ["voyage", "voyage-3.5-lite", 20_000_000n],
  ["google", "gemini-embedding-001", 150_000_000n],
  ["mistral", "mistral-embed", 100_000_000n],
];

describe("costs of a million tokens of embeddings", () => {
  it.each(EMBEDDINGS)("%s %s", async (provider, model, expected) => {
    const prices = await pricingAt();
    const work = workOf(deploymentOf(provider, model), "embed", { inputs: [] });
    expect(prices.cost(work, { inputTokens: 1_000_000, outputTokens: 0 })?.provider).toBe(expected);
  });
});
