import { describe, expect, it } from "vitest";
import type { GatewayError, Usage } from "@signalbox/kernel";
import type { PricingOptions } from "../src/index.ts";
import { pricing } from "../src/index.ts";
import { chatOf, deploymentOf, pricingAt, workOf } from "./priced.ts";

const EACH: Usage = { inputTokens: 1_000, outputTokens: 1_000 };

function errorOf(run: () => unknown): GatewayError {
  try {
    run();
  } catch (thrown) {
    return thrown as GatewayError;
  }
  throw new Error("nothing was thrown");
}

describe("what is unknown", () => {
  it.each([
    ["a vendor without prices", deploymentOf("acme", "gpt-5")],
    ["a model without prices", deploymentOf("openai", "gpt-99-imaginary")],
    ["an empty price", deploymentOf("openai", "omni-moderation-latest")],
    ["an embedding model that answers", deploymentOf("openai", "text-embedding-3-small")],
  ])("%s", async (_case, deployment) => {
    const prices = await pricingAt();
    expect(prices.cost(chatOf(deployment), EACH)).toBeUndefined();
    expect(prices.bound(chatOf(deployment, { maxOutputTokens: 10 }))).toBeUndefined();
    expect(prices.perToken(deployment)).toBeUndefined();
  });

  it("sound at models of OpenAI whose price is only for text", async () => {
    const prices = await pricingAt();
    const work = chatOf(deploymentOf("openai", "gpt-4o-audio-preview"));
    expect(prices.cost(work, { ...EACH, inputAudioTokens: 10 })).toBeUndefined();
    expect(prices.cost(work, { ...EACH, outputAudioTokens: 10 })).toBeUndefined();
    expect(prices.cost(work, EACH)?.provider).toBe(12_500_000n);
  });

  it("a web search without a price, unless one is configured", async () => {
    const searched = { ...EACH, webSearchCalls: 3 };
    const work = chatOf(deploymentOf("groq", "llama-3.3-70b-versatile"));
    expect((await pricingAt()).cost(work, searched)).toBeUndefined();
    expect((await pricingAt({ webSearchPrice: "0.01" })).cost(work, searched)?.provider).toBe(31_380_000n);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300])("a usage of %s tokens", async (inputTokens) => {
    const prices = await pricingAt();
    expect(prices.cost(chatOf(deploymentOf("openai", "gpt-5")), { inputTokens, outputTokens: 0 })).toBeUndefined();
  });

  it("nothing of the price data, also before the start", () => {
    const plugin = pricing({ prices: { mine: { input_cost_per_token: 1e-6, output_cost_per_token: 1e-6 } } });
    expect(plugin.pricing?.cost(chatOf(deploymentOf("openai", "gpt-5")), EACH)).toBeDefined();
    expect(plugin.pricing?.cost(chatOf(deploymentOf("acme", "mine")), EACH)?.provider).toBe(2_000_000n);
  });
});

describe("custom prices", () => {
  it("stand on deployments, in both spellings, and are used alone", async () => {
    const prices = await pricingAt();
    const facts = { inputCostPerToken: 1e-6, outputCostPerToken: 2e-6 };
    const one = deploymentOf("openai", "gpt-5", { id: "mine", info: facts });
    const used = { ...EACH, cacheReadTokens: 500 };
    expect(prices.cost(chatOf(one), used)).toMatchObject({ provider: 3_000_000n, priceVersion: "deployment mine" });
    const other = deploymentOf("openai", "gpt-5", {
      info: { input_cost_per_token: "0.000001", output_cost_per_token: 2e-6, cache_read_input_token_cost: "1e-7" },
    });
    expect(prices.cost(chatOf(other), used)?.provider).toBe(2_550_000n);
    expect(prices.perToken(one)).toEqual({ input: 1e-6, output: 2e-6 });
  });

  it.each([
    ["acme/m-1", "custom acme/m-1"],
    ["m-1", "custom m-1"],
    ["public", "custom public"],
    ["d-1", "custom d-1"],
    ["acme/*", "custom acme/*"],
  ])("are found as %s", async (name, priceVersion) => {
    const prices = await pricingAt({ prices: { [name]: { input_cost_per_token: 1e-6 } } });
    const used = { inputTokens: 7, outputTokens: 0 };
    expect(prices.cost(chatOf(deploymentOf("acme", "m-1")), used)).toMatchObject({ provider: 7_000n, priceVersion });
  });

  it("the longest pattern wins, and exact names before patterns", async () => {
    const prices = await pricingAt({
      prices: {
        "a*": { input_cost_per_token: 1 },
        "acme/m*": { input_cost_per_token: 2 },
        "m-2": { input_cost_per_token: 3 },
      },
    });
    const of = (model: string) =>
      prices.cost(chatOf(deploymentOf("acme", model)), { inputTokens: 1, outputTokens: 0 })?.priceVersion;
    expect([of("m-1"), of("m-2"), of("x")]).toEqual(["custom acme/m*", "custom m-2", "custom a*"]);
  });

  it("have steps, tiers, and prices of calls", async () => {
    const prices = await pricingAt({
      prices: {
        full: {
          input_cost_per_token: 1e-6,
          input_cost_per_token_above_128k_tokens: 2e-6,
          input_cost_per_token_above_272k_tokens: 4e-6,
          output_cost_per_token: 5e-6,
          output_cost_per_token_above_272k_tokens: 6e-6,
          output_cost_per_reasoning_token: 8e-6,
          cache_creation_input_token_cost: 1.25e-6,
          cache_creation_input_token_cost_above_1hr: 3e-6,
          cache_creation_input_token_cost_above_1hr_above_272k_tokens: 9e-6,
          input_cost_per_request: 0.001,
          input_cost_per_token_priority: 10e-6,
          output_cost_per_token_priority: 20e-6,
          input_cost_per_token_flex: 0.5e-6,
          input_cost_per_token_batches: 0.25e-6,
          search_context_cost_per_query: { search_context_size_low: 0.01, search_context_size_high: 0.03 },
        },
      },
    });
    const of = (used: Partial<Usage>, serviceTier?: string) =>
      prices.cost(chatOf(deploymentOf("acme", "full"), serviceTier === undefined ? {} : { serviceTier }), {
        inputTokens: 0,
        outputTokens: 0,
        ...used,
      })?.provider;
    const call = 1_000_000n;
    expect(of({ inputTokens: 128_000 })).toBe(128_000_000n + call);
    expect(of({ inputTokens: 128_001 })).toBe(256_002_000n + call);
    expect(of({ inputTokens: 272_001, outputTokens: 10 })).toBe(1_088_004_000n + 60_000n + call);
    expect(of({ inputTokens: 10, outputTokens: 10, reasoningTokens: 4 })).toBe(10_000n + 30_000n + 32_000n + call);
    expect(of({ inputTokens: 10, cacheWriteTokens: 4, cacheWrite1hTokens: 4 })).toBe(2_000n + 5_000n + 12_000n + call);
    expect(of({ inputTokens: 300_000, cacheWrite1hTokens: 300_000 })).toBe(2_700_000_000n + call);
    expect(of({ inputTokens: 10, outputTokens: 10 }, "priority")).toBe(100_000n + 200_000n + call);
    expect(of({ inputTokens: 10, outputTokens: 10 }, "flex")).toBe(5_000n + 50_000n + call);
    expect(of({ inputTokens: 10 }, "batch")).toBe(2_500n + call);
    expect(of({ webSearchCalls: 2 })).toBe(60_000_000n + call);
  });

  it("may be ranges, of which one prices the whole request", async () => {
    const prices = await pricingAt({
      prices: {
        ranges: {
          tiered_pricing: [
            { range: [0, 32_000], input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 },
            { range: [32_000, 128_000], input_cost_per_token: 3e-6, output_cost_per_token: 4e-6 },
          ],
        },
      },
    });
    const of = (inputTokens: number) =>
      prices.cost(chatOf(deploymentOf("acme", "ranges")), { inputTokens, outputTokens: 1 })?.provider;
    expect([of(32_000), of(32_001)]).toEqual([32_002_000n, 96_007_000n]);
  });

  it("price searches, pictures, characters and seconds", async () => {
    const prices = await pricingAt({
      prices: {
        rank: { input_cost_per_query: 0.002 },
        paint: { output_cost_per_image: 0.04 },
        say: { input_cost_per_character: 15e-6 },
        hear: { input_cost_per_second: 0.0001 },
      },
    });
    const none: Usage = { inputTokens: 0, outputTokens: 0 };
    const documents = Array.from({ length: 101 }, () => "d");
    const rank = workOf(deploymentOf("acme", "rank"), "rerank", { query: "q", documents });
    expect(prices.cost(rank, none)?.provider).toBe(4_000_000n);
    const ranked = { id: "r", model: "rank", results: [], usage: none, searchUnits: 3 };
    expect(prices.cost({ ...rank, result: ranked }, none)?.provider).toBe(6_000_000n);
    const paint = workOf(deploymentOf("acme", "paint"), "generateImage", { prompt: "p", count: 3 });
    expect(prices.cost(paint, none)?.provider).toBe(120_000_000n);
    expect(prices.bound(paint)).toBe(120_000_000n);
    const say = workOf(deploymentOf("acme", "say"), "speak", { text: "höör", voice: "v" });
    expect(prices.cost(say, none)?.provider).toBe(60_000n);
    expect(prices.bound(say)).toBe(60_000n);
    const audio = { fileName: "a.wav", mediaType: "audio/wav", data: Buffer.alloc(16_000) };
    const hear = workOf(deploymentOf("acme", "hear"), "transcribe", { audio });
    expect(prices.cost({ ...hear, result: { text: "", usage: none, durationSeconds: 0.2 } }, none)?.provider).toBe(
      100_000n,
    );
    expect(prices.bound(hear)).toBe(3_200_000n);
  });

  it.each<[string, Record<string, unknown>, string]>([
    [
      "an unknown field",
      { input_cost_per_tokn: 1 },
      'no price field "input_cost_per_tokn". Did you mean "input_cost_per_token"',
    ],
    ["a negative price", { input_cost_per_token: -1 }, '"input_cost_per_token" is no price'],
    ["a text", { input_cost_per_token: "1 cent" }, '"input_cost_per_token" is no price'],
    ["no number", { input_cost_per_token: Number.NaN }, '"input_cost_per_token" is no price'],
    ["a range without a start", { tiered_pricing: [{ input_cost_per_token: 1 }] }, '"tiered_pricing" is no price'],
    ["nothing", {}, "there is no price in it"],
  ])("%s is refused", (_case, fields, message) => {
    const error = errorOf(() => pricing({ prices: { mine: fields } }));
    expect(error).toMatchObject({ code: "option_invalid", source: "pricing" });
    expect(error.message).toContain(`pricing: "prices": "mine": `);
    expect(error.message).toContain(message);
  });
});

describe("an imported price map", () => {
  const priceMap = {
    sample_spec: { input_cost_per_token: 1, nonsense_cost: 1 },
    "gpt-5": { litellm_provider: "openai", mode: "chat", input_cost_per_token: 3e-6, output_cost_per_token: 4e-6 },
    "azure/gpt-5": { litellm_provider: "azure", input_cost_per_token: 5e-6, output_cost_per_token: 6e-6 },
    "vertex_ai/own": {
      litellm_provider: "vertex_ai-language-models",
      input_cost_per_token: 7e-6,
      output_cost_per_token: 0,
    },
    "strange-1": { litellm_provider: "acme", input_cost_per_token: 1e-6, input_cost_per_furlong: 2 },
    empty: { litellm_provider: "openai", mode: "chat" },
  };

  it("comes before the price data and after custom prices", async () => {
    const prices = await pricingAt({ priceMap, priceMapVersion: "2026-11-20" });
    expect(prices.cost(chatOf(deploymentOf("openai", "gpt-5")), EACH)).toMatchObject({
      provider: 7_000_000n,
      priceVersion: "map 2026-11-20 gpt-5",
    });
    expect(prices.cost(chatOf(deploymentOf("openai", "gpt-4o")), EACH)?.priceVersion).toContain("genai-prices/");
  });

  it("knows providers by their names, and never takes another vendor's price", async () => {
    const prices = await pricingAt({ priceMap });
    const of = (provider: string, model: string, info?: Record<string, unknown>) =>
      prices.cost(chatOf(deploymentOf(provider, model, info === undefined ? {} : { info })), EACH)?.provider;
    expect(of("azure", "my-own-name")).toBeUndefined();
    expect(of("azure", "my-own-name", { baseModel: "gpt-5" })).toBe(11_000_000n);
    expect(of("azure", "my-own-name", { base_model: "azure/gpt-5" })).toBe(11_000_000n);
    expect(of("google", "own")).toBe(7_000_000n);
    expect(of("acme", "gpt-5")).toBeUndefined();
    expect(of("openai", "empty")).toBeUndefined();
  });

  it("is warned about, not refused, where a field is not understood", async () => {
    expect(await pricing({ priceMap }).check?.()).toEqual({
      ok: true,
      detail: "price fields of the price map that are not used: input_cost_per_furlong",
    });
    expect((await pricingAt({ priceMap })).cost(chatOf(deploymentOf("acme", "strange-1")), EACH)).toBeUndefined();
    expect(await pricing().check?.()).toEqual({ ok: true });
  });
});

describe("Azure", () => {
  it("is priced by the base model, from the price data, too", async () => {
    const prices = await pricingAt();
    const work = chatOf(deploymentOf("azure", "prod-1", { info: { baseModel: "gpt-4o" } }));
    expect(prices.cost(work, EACH)?.provider).toBe(12_500_000n);
  });
});

describe("what is free", () => {
  it.each([
    ["ollama", undefined, true],
    ["ollama", "http://localhost:11434", true],
    ["vllm", "http://10.1.2.3:8000/v1", true],
    ["lm_studio", "http://[::1]:1234/v1", true],
    ["ollama", "http://ollama:11434", true],
    ["ollama", "https://ollama.com/v1", false],
    ["vllm", "https://172.32.0.1/v1", false],
    ["ollama", "http://10.example.com", false],
    ["litellm-proxy", "http://localhost:4000", false],
    ["openai", "http://localhost:1", false],
    ["mock", undefined, true],
  ])("%s at %s: %s", async (provider, baseUrl, free) => {
    const prices = await pricingAt();
    const work = chatOf(deploymentOf(provider, "tiny", baseUrl === undefined ? {} : { baseUrl }));
    expect(prices.cost(work, EACH)?.billed).toBe(free ? 0n : undefined);
    expect(prices.bound(work)).toBe(free ? 0n : undefined);
  });

  it("is what the option names, and nothing else", async () => {
    const prices = await pricingAt({ free: ["acme/*", "openai/gpt-5"] });
    const of = (provider: string, model: string) => prices.cost(chatOf(deploymentOf(provider, model)), EACH)?.provider;
    expect([of("acme", "a"), of("openai", "gpt-5"), of("openai", "gpt-4o"), of("ollama", "a")]).toEqual([
      0n,
      0n,
      12_500_000n,
      undefined,
    ]);
    expect(prices.perToken(deploymentOf("acme", "a"))).toEqual({ input: 0, output: 0 });
  });

  it("is free in every tier", async () => {
    const prices = await pricingAt();
    const work = chatOf(deploymentOf("ollama", "tiny"), { serviceTier: "priority" });
    expect([prices.bound(work), prices.cost(work, EACH)?.billed]).toEqual([0n, 0n]);
  });

  it("has a price if it has one of its own", async () => {
    const prices = await pricingAt({
      prices: { "ollama/*": { input_cost_per_token: 1e-9, output_cost_per_token: 0 } },
    });
    expect(prices.cost(chatOf(deploymentOf("ollama", "tiny")), EACH)?.provider).toBe(1_000n);
  });
});

describe("a cost that the provider reports", () => {
  it("wins over every price, also where there is none", async () => {
    const prices = await pricingAt({ margins: { openrouter: { percent: 10 } } });
    const used = { ...EACH, reportedCost: 1_234_567n };
    expect(prices.cost(chatOf(deploymentOf("openrouter", "some/model")), used)).toEqual({
      provider: 1_234_567n,
      billed: 1_358_024n,
      margin: 123_457n,
      lines: [{ kind: "reported", units: 1, picoUsdPerUnit: 1_234_567_000n }],
      priceVersion: "reported",
    });
  });
});

describe("options", () => {
  it.each<[string, unknown, string]>([
    ["price", {}, 'there is no option "price". Did you mean "prices"'],
    ["margins", { global: { percnt: 1 } }, 'there is no option "margins.global.percnt". Did you mean "percent"'],
    ["discounts", { openai: 101 }, '"discounts.openai": must be at most 100'],
    ["discounts", { openai: -1 }, '"discounts.openai": '],
    ["margins", { openai: { fixed: "much" } }, '"margins.openai.fixed": '],
    ["free", [""], '"free.0": '],
    ["hostedToolsCap", "-1", '"hostedToolsCap": '],
    ["webSearchPrice", {}, '"webSearchPrice": '],
    ["now", 5, '"now": must be a function'],
  ])("%s: %j", (name, value, message) => {
    const error = errorOf(() => pricing({ [name]: value } as PricingOptions));
    expect(error).toMatchObject({ code: "option_invalid", source: "pricing" });
    expect(error.message).toContain(`pricing: ${message}`);
  });
});
