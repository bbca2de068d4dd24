import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Usage } from "@signalbox/kernel";
import { LIBRARY_VERSION } from "../src/prices/library-prices.ts";
import { chatOf, DAY, deploymentOf, pricingAt, workOf } from "./priced.ts";

const BEFORE_THE_CUT = Date.parse("2025-06-09T00:00:00Z");
const usage = (inputTokens: number, outputTokens: number, rest: Partial<Usage> = {}): Usage => ({
  inputTokens,
  outputTokens,
  ...rest,
});

// US dollars for a million tokens, from the vendors' public price pages as of 2025-11-20 unless a row says otherwise:
// openai      https://platform.openai.com/docs/pricing
// anthropic   https://platform.claude.com/docs/en/about-claude/pricing
// google      https://ai.google.dev/gemini-api/docs/pricing
// x-ai        https://docs.x.ai/docs/models
// mistral     https://mistral.ai/pricing        groq        https://groq.com/pricing
// cohere      https://cohere.com/pricing        voyage      https://docs.voyageai.com/docs/pricing
// bedrock     https://aws.amazon.com/bedrock/pricing         together https://www.together.ai/pricing
// perplexity  https://docs.perplexity.ai/getting-started/pricing   cerebras https://www.cerebras.ai/pricing
const GOLDEN: readonly (readonly [string, string, string, Usage, bigint])[] = [
  // 1.25 in, 0.125 cached, 10 out: 800 × 1.25 + 200 × 0.125 + 500 × 10 = 6,025 µ$
  [
    "openai",
    "gpt-5",
    "cached input and reasoning",
    usage(1_000, 500, { cacheReadTokens: 200, reasoningTokens: 100 }),
    6_025_000n,
  ],
  // 0.25, 2
  ["openai", "gpt-5-mini", "a million each", usage(1_000_000, 1_000_000), 2_250_000_000n],
  // 0.05, 0.40: 0.45 µ$
  ["openai", "gpt-5-nano", "one each", usage(1, 1), 450n],
  // 2, 0.50, 8: 12,000 + 2,000 + 8,000 µ$
  ["openai", "gpt-4.1", "cached input", usage(10_000, 1_000, { cacheReadTokens: 4_000 }), 22_000_000n],
  // 2.50, 10
  ["openai", "gpt-4o", "a thousand each", usage(1_000, 1_000), 12_500_000n],
  // 0.15, 0.075, 0.60: 75 + 37.5 + 600 µ$
  ["openai", "gpt-4o-mini", "half cached", usage(1_000, 1_000, { cacheReadTokens: 500 }), 712_500n],
  // 2, 8
  ["openai", "o3", "a thousand each", usage(1_000, 1_000), 10_000_000n],
  // 1.10, 0.275, 4.40: 660 + 110 + 4,400 µ$
  ["openai", "o4-mini", "cached input", usage(1_000, 1_000, { cacheReadTokens: 400 }), 5_170_000n],
  // 15, 60
  ["openai", "o1", "", usage(1_000, 100), 21_000_000n],
  // web search 10 for a thousand calls: 2 calls are 20,000 µ$, and 1,250 + 10,000 µ$
  ["openai", "gpt-5", "web search", usage(1_000, 1_000, { webSearchCalls: 2 }), 31_250_000n],
  // 2.50, 10; audio 32 in, 64 out: 250 + 12,800 + 1,000 + 12,800 µ$
  ["openai", "gpt-audio", "sound", usage(500, 300, { inputAudioTokens: 400, outputAudioTokens: 200 }), 26_850_000n],
  // 3, 3.75 written for 5 minutes, 6 for an hour, 0.30 read, 15: 6,000 + 11,250 + 6,000 + 1,200 + 7,500 µ$
  [
    "anthropic",
    "claude-sonnet-4-5",
    "all kinds of cache",
    usage(10_000, 500, { cacheReadTokens: 4_000, cacheWriteTokens: 3_000, cacheWrite1hTokens: 1_000 }),
    31_950_000n,
  ],
  // 3, 15 up to 200,000 tokens of input
  ["anthropic", "claude-sonnet-4-5", "at the step", usage(200_000, 1_000), 615_000_000n],
  // 6, 22.50 above, for all of it: 1,200,006 + 22,500 µ$
  ["anthropic", "claude-sonnet-4-5", "above the step", usage(200_001, 1_000), 1_222_506_000n],
  // … whatever part of it was read from a cache (0.60): 120,006 + 600,000 + 22,500 µ$
  [
    "anthropic",
    "claude-sonnet-4-5-20250929",
    "above, cached",
    usage(300_001, 1_000, { cacheReadTokens: 200_000 }),
    742_506_000n,
  ],
  // 15, 75
  ["anthropic", "claude-opus-4-1", "", usage(1_000, 1_000), 90_000_000n],
  // 5, 25
  ["anthropic", "claude-opus-4-5", "", usage(1_000, 1_000), 30_000_000n],
  // 1, 5
  ["anthropic", "claude-haiku-4-5", "", usage(1_000, 1_000), 6_000_000n],
  // 0.80, 4
  ["anthropic", "claude-3-5-haiku-20241022", "", usage(1_000, 1_000), 4_800_000n],
  // 1.25, 10 up to 200,000
  ["google", "gemini-2.5-pro", "below the step", usage(100_000, 1_000), 135_000_000n],
  // 2.50, 15 above: 500,002.5 + 15,000 µ$
  ["gemini", "gemini-2.5-pro", "above the step", usage(200_001, 1_000), 515_002_500n],
  // 0.30, audio 1, 2.50: 120 + 600 + 250 µ$
  ["google", "gemini-2.5-flash", "sound", usage(1_000, 100, { inputAudioTokens: 600 }), 970_000n],
  // 0.10, 0.40
  ["vertex_ai", "gemini-2.5-flash-lite", "", usage(1_000, 1_000), 500_000n],
  // 2, 12
  ["google", "gemini-3-pro-preview", "", usage(1_000, 1_000), 14_000_000n],
  // 0.10, 0.30
  ["mistral", "mistral-small-latest", "", usage(1_000, 1_000), 400_000n],
  // 0.30, 0.90
  ["mistral", "codestral-latest", "", usage(1_000, 1_000), 1_200_000n],
  // 0.59, 0.79
  ["groq", "llama-3.3-70b-versatile", "", usage(1_000, 1_000), 1_380_000n],
  // 3, 15
  ["xai", "grok-4-0709", "", usage(1_000, 1_000), 18_000_000n],
  // 2.50, 10
  ["cohere", "command-a-03-2025", "", usage(1_000, 1_000), 12_500_000n],
  // 0.0375: one token is 37.5 nano-dollars, rounded up
  ["cohere", "command-r7b-12-2024", "half a nano-dollar", usage(1, 0), 38n],
  // 0.06, 0.24
  ["bedrock", "amazon.nova-lite-v1:0", "", usage(1_000, 1_000), 300_000n],
  // 3.30, 16.50: a tenth more than elsewhere in regional profiles
  ["bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "regional", usage(1_000, 1_000), 19_800_000n],
  // 0.88, 0.88
  ["togetherai", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "", usage(1_000, 1_000), 1_760_000n],
  // 1, 1, and 12 for a thousand requests with the largest context: 2,000 + 12,000 µ$
  ["perplexity", "sonar", "priced by the call, too", usage(1_000, 1_000), 14_000_000n],
  // 0.35, 0.75
  ["cerebras", "gpt-oss-120b", "", usage(1_000, 1_000), 1_100_000n],
];

describe("costs of chats", () => {
  it.each(GOLDEN)("%s %s %s", async (provider, model, _case, used, expected) => {
    const prices = await pricingAt();
    const cost = prices.cost(chatOf(deploymentOf(provider, model)), used);
    expect(cost?.provider).toBe(expected);
    expect(cost?.billed).toBe(expected);
    expect(cost?.priceVersion).toMatch(/^genai-prices\/\d+\.\d+\.\d+ [\w.-]+\/./);
  });
});

describe("costs of other operations", () => {
  it("embeddings: 0.02 and 0.13 for a million tokens", async () => {
    const prices = await pricingAt();
    const of = (model: string, tokens: number) =>
      prices.cost(workOf(deploymentOf("openai", model), "embed", { inputs: [] }), usage(tokens, 0))?.provider;
    expect(of("text-embedding-3-small", 1)).toBe(20n);
    expect(of("text-embedding-3-large", 1_000)).toBe(130_000n);
    const voyage = workOf(deploymentOf("voyage", "voyage-3.5"), "embed", { inputs: [] });
    expect(prices.cost(voyage, usage(1_000, 0))?.provider).toBe(60_000n);
  });

  it("pictures by tokens: 5 for text, 40 for what is painted", async () => {
    const prices = await pricingAt();
    const work = workOf(deploymentOf("openai", "gpt-image-1"), "generateImage", { prompt: "a rose" });
    expect(prices.cost(work, usage(50, 4_160))?.provider).toBe(166_650_000n);
  });

  it("transcripts by tokens: 2.50 for text, 6 for sound, 10 for what is written", async () => {
    const prices = await pricingAt();
    const audio = { fileName: "a.wav", mediaType: "audio/wav", data: Buffer.alloc(10) };
    const work = workOf(deploymentOf("openai", "gpt-4o-transcribe"), "transcribe", { audio });
    expect(prices.cost(work, usage(1_000, 100, { inputAudioTokens: 900 }))?.provider).toBe(6_650_000n);
  });

  it("transcripts by time: 0.006 a minute, known only from the result", async () => {
    const prices = await pricingAt();
    const audio = { fileName: "a.wav", mediaType: "audio/wav", data: Buffer.alloc(10) };
    const work = workOf(deploymentOf("openai", "whisper-1"), "transcribe", { audio });
    const result = { text: "", durationSeconds: 59.5, usage: usage(0, 0) };
    expect(prices.cost({ ...work, result }, usage(0, 0))).toMatchObject({
      provider: 6_000_000n,
      lines: [{ kind: "second", units: 60, picoUsdPerUnit: 100_000_000n }],
    });
    expect(prices.cost(work, usage(0, 0))).toBeUndefined();
  });

  it("at least ten seconds of sound at Groq: 0.04 an hour", async () => {
    const prices = await pricingAt();
    const audio = { fileName: "a.wav", mediaType: "audio/wav", data: Buffer.alloc(10) };
    const work = workOf(deploymentOf("groq", "whisper-large-v3-turbo"), "transcribe", { audio });
    const result = { text: "", durationSeconds: 2, usage: usage(0, 0) };
    expect(prices.cost({ ...work, result }, usage(0, 0))?.lines).toEqual([
      { kind: "second", units: 10, picoUsdPerUnit: 11_111_112n },
    ]);
  });

  it("counting tokens costs nothing, nor does moderation at OpenAI; elsewhere it is unknown", async () => {
    const prices = await pricingAt();
    const count = workOf(deploymentOf("anthropic", "claude-sonnet-4-5"), "countTokens", {
      chat: { model: "m", messages: [] },
    });
    expect(prices.cost(count, usage(0, 0))?.billed).toBe(0n);
    expect(prices.bound(count)).toBe(0n);
    const free = workOf(deploymentOf("openai", "omni-moderation-latest"), "moderate", { inputs: [] });
    expect(prices.cost(free, usage(9, 0))?.billed).toBe(0n);
    const other = workOf(deploymentOf("mistral", "mistral-moderation-latest"), "moderate", { inputs: [] });
    expect(prices.cost(other, usage(9, 0))).toBeUndefined();
    expect(prices.bound(other)).toBeUndefined();
  });
});

describe("the time", () => {
  it("decides which price holds: o3 was 10 and 40 until 2025-06-10", async () => {
    const before = await pricingAt({}, BEFORE_THE_CUT);
    expect(before.cost(chatOf(deploymentOf("openai", "o3")), usage(1_000, 1_000))?.provider).toBe(50_000_000n);
    const after = await pricingAt({}, Date.parse("2025-06-10T00:00:00Z"));
    expect(after.cost(chatOf(deploymentOf("openai", "o3")), usage(1_000, 1_000))).toMatchObject({
      provider: 10_000_000n,
      priceVersion: "genai-prices/0.1.8 openai/o3@2025-06-10",
    });
  });

  // https://api-docs.deepseek.com/quick_start/pricing until 2025-09: a quarter between 16:30 and 00:30 UTC
  it.each([
    ["2025-08-01T16:29:59Z", 2_740_000n],
    ["2025-08-01T16:30:00Z", 685_000n],
    ["2025-08-02T00:29:59Z", 685_000n],
    ["2025-08-02T00:30:00Z", 2_740_000n],
  ])("of the day: %s", async (time, expected) => {
    const prices = await pricingAt({}, Date.parse(time));
    const work = chatOf(deploymentOf("deepseek", "deepseek-reasoner"));
    expect(prices.cost(work, usage(1_000, 1_000))?.provider).toBe(expected);
  });

  it("bounds a call by the price that holds before it may end", async () => {
    const work = chatOf(deploymentOf("deepseek", "deepseek-reasoner"), { maxOutputTokens: 1_000 });
    const shortBefore = await pricingAt({}, Date.parse("2025-08-02T00:00:00Z"));
    const during = await pricingAt({}, Date.parse("2025-08-02T01:00:00Z"));
    const cheap = await pricingAt({}, Date.parse("2025-08-01T20:00:00Z"));
    expect(shortBefore.bound(work)).toBe(during.bound(work));
    expect(cheap.bound(work)).toBeLessThan(during.bound(work) as bigint);
  });
});

describe("service tiers", () => {
  const work = (tier: string, provider = "openai", model = "gpt-5") =>
    chatOf(deploymentOf(provider, model), { serviceTier: tier });

  // flex and batch: 0.625, 0.0625, 5
  it.each(["flex", "batch"])("%s is half of the standard price at OpenAI", async (tier) => {
    const prices = await pricingAt();
    const cost = prices.cost(work(tier), usage(1_000, 1_000, { cacheReadTokens: 200 }));
    expect(cost).toMatchObject({ provider: 5_512_500n, priceVersion: `${LIBRARY_VERSION} openai/gpt-5 ${tier}` });
  });

  it("leave what a call or a search costs as it is", async () => {
    const prices = await pricingAt();
    expect(prices.cost(work("flex"), usage(0, 0, { webSearchCalls: 1 }))?.provider).toBe(10_000_000n);
  });

  it("that may cost more are unknown without a price", async () => {
    const prices = await pricingAt();
    expect(prices.cost(work("priority"), usage(1, 1))).toBeUndefined();
    expect(prices.bound({ ...work("priority"), request: { ...work("priority").request, maxOutputTokens: 1 } })).toBe(
      undefined,
    );
    expect(prices.cost(work("auto"), usage(1_000, 1_000))?.provider).toBe(11_250_000n);
    expect(prices.cost(work("auto", "groq", "llama-3.3-70b-versatile"), usage(1_000, 0))?.provider).toBe(590_000n);
  });

  it("are those in which the provider ran, where it says so", async () => {
    const prices = await pricingAt();
    const result = { id: "r", model: "gpt-5", createdAt: 0, choices: [], usage: usage(0, 0), serviceTier: "default" };
    expect(prices.cost({ ...work("priority"), result }, usage(1_000, 1_000))?.provider).toBe(11_250_000n);
    expect(prices.cost({ ...work("auto"), result: { ...result, serviceTier: "priority" } }, usage(1, 1))).toBe(
      undefined,
    );
  });
});

describe("at Anthropic", () => {
  const claude = deploymentOf("anthropic", "claude-haiku-4-5");

  it("what stays within the United States costs a tenth more, batches half, bought capacity the same", async () => {
    const prices = await pricingAt();
    const of = (rest: Parameters<typeof chatOf>[1]) => prices.cost(chatOf(claude, rest), usage(1_000, 1_000))?.provider;
    expect(of({ extra: { anthropic: { inference_geo: "us" } } })).toBe(6_600_000n);
    expect(of({ serviceTier: "batch" })).toBe(3_000_000n);
    expect(of({ serviceTier: "priority" })).toBe(6_000_000n);
  });

  it("fast mode is unknown: its prices are not in the data", async () => {
    const prices = await pricingAt();
    const fast = chatOf(claude, { extra: { anthropic: { speed: "fast" } }, maxOutputTokens: 1 });
    expect(prices.cost(fast, usage(1, 1))).toBeUndefined();
    expect(prices.bound(fast)).toBeUndefined();
    const always = chatOf({ ...claude, extraBody: { speed: "fast" } }, { maxOutputTokens: 1 });
    expect(prices.bound(always)).toBeUndefined();
  });
});

it("names the version of the data that is installed", () => {
  const entry = createRequire(import.meta.url).resolve("@pydantic/genai-prices");
  const { version } = JSON.parse(readFileSync(join(entry, "../../package.json"), "utf8")) as { version: string };
  expect(LIBRARY_VERSION).toBe(`genai-prices/${version}`);
  expect(DAY).toBe(1_763_640_000_000);
});
