import { describe, expect, it } from "vitest";
import type { ChatRequest, Deployment, Part, Tool } from "@signalbox/kernel";
import { chatOf, deploymentOf, pricingAt, workOf } from "./priced.ts";

/** One dollar for a million tokens of input, a thousand for a million of output: both can be read off the sum. */
const PLAIN = { input_cost_per_token: 1e-6, output_cost_per_token: 1e-3 };
const prices = await pricingAt({ prices: { plain: PLAIN } });
const PLAIN_MODEL = deploymentOf("acme", "plain");

function boundOf(rest: Partial<Omit<ChatRequest, "model">>, deployment: Deployment = PLAIN_MODEL): bigint | undefined {
  return prices.bound(chatOf(deployment, rest));
}

/** Input tokens of a request whose output costs nothing. */
function inputOf(
  content: readonly Part[],
  rest: Partial<ChatRequest> = {},
  deployment?: Deployment,
): number | undefined {
  const bound = boundOf({ messages: [{ role: "user", content }], maxOutputTokens: 0, ...rest }, deployment);
  return bound === undefined ? undefined : Number(bound) / 1_000;
}

const EMPTY = inputOf([]) as number;
const text = (value: string): Part => ({ type: "text", text: value });

describe("input", () => {
  it("is every byte of every text, and frames", () => {
    expect(EMPTY).toBe(64 + 16);
    expect(inputOf([text("a".repeat(100))])).toBe(EMPTY + 16 + 100);
    expect(inputOf([text("日本語")])).toBe(EMPTY + 16 + 9);
    expect(inputOf([{ type: "reasoning", text: "hm", signature: "sig" }])).toBe(EMPTY + 16 + 5);
    const call: Part = { type: "toolCall", id: "c", name: "find", arguments: '{"a":1}' };
    expect(inputOf([call])).toBe(EMPTY + 16 + 1 + 4 + 7);
    const result: Part = { type: "toolResult", toolCallId: "c", content: [text("found")] };
    expect(inputOf([result])).toBe(EMPTY + 16 + 1 + 16 + 5);
  });

  it("has the prompt that Venice puts before the client's", () => {
    const before = (provider: string): number => {
      const deployment = deploymentOf(provider, "m", { info: { inputCostPerToken: 1e-6, outputCostPerToken: 1e-6 } });
      return Number(boundOf({ messages: [], maxOutputTokens: 0 }, deployment)) / 1_000;
    };
    expect(before("venice") - before("openai")).toBe(4_096);
  });

  it("has tools and schemas, never less than their JSON", () => {
    const parameters = { type: "object", properties: { city: { type: "string", description: "where…" } } };
    const tool: Tool = { type: "function", name: "weather", parameters };
    const with1 = inputOf([], { tools: [tool] }) as number;
    expect(with1 - EMPTY).toBeGreaterThanOrEqual(1_024 + Buffer.byteLength(JSON.stringify(tool)));
    expect(with1 - EMPTY).toBeLessThan(1_024 + 3 * Buffer.byteLength(JSON.stringify(tool)));
    const schema = { type: "object", properties: { n: { type: "number", enum: [1, 2, 3.5] } } };
    const format = { type: "jsonSchema", name: "n", schema } as const;
    expect((inputOf([], { responseFormat: format }) as number) - EMPTY).toBeGreaterThanOrEqual(
      Buffer.byteLength(JSON.stringify(schema)),
    );
    expect((inputOf([], { extra: { acme: { stop_words: ["a", "b"] } } }) as number) - EMPTY).toBeGreaterThan(15);
  });

  it.each<[string, string, Part, number]>([
    ["anthropic", "claude-x", { type: "image", source: { type: "url", url: "https://a.example/b.png" } }, 5_000],
    ["google", "gemini-x", { type: "image", source: { type: "url", url: "https://a.example/b.png" } }, 4_200],
    ["openai", "gpt-x", { type: "image", source: { type: "url", url: "https://a.example/b.png" } }, 50_000],
    ["openai", "gpt-x", { type: "image", source: { type: "file", fileId: "f" }, detail: "low" }, 4_000],
    ["openai", "gpt-4o-mini-x", { type: "image", source: { type: "file", fileId: "f" }, detail: "high" }, 50_000],
    ["bedrock", "us.anthropic.claude-x", { type: "image", source: { type: "file", fileId: "f" } }, 5_000],
    ["acme", "llava", { type: "image", source: { type: "file", fileId: "f" } }, 16_384],
    // 1,500 bytes: 3 seconds of the thinnest codec
    [
      "google",
      "gemini-x",
      { type: "audio", source: { type: "data", mediaType: "audio/wav", data: "A".repeat(2_000) } },
      96,
    ],
    ["google", "gemini-x", { type: "document", source: { type: "text", text: "abc" } }, 3],
  ])("%s %s counts media by the vendor's maximum", (provider, model, part, tokens) => {
    const deployment = deploymentOf(provider, model, { info: { inputCostPerToken: 1e-6, outputCostPerToken: 1e-3 } });
    expect(inputOf([part], {}, deployment)).toBe(EMPTY + 16 + tokens);
  });

  it("goes by the base model of a deployment", () => {
    const info = { inputCostPerToken: 1e-6, outputCostPerToken: 1e-3, baseModel: "gpt-4o-mini" };
    const picture: Part = { type: "image", source: { type: "file", fileId: "f" }, detail: "high" };
    expect(inputOf([picture], {}, deploymentOf("azure", "prod-1", { info }))).toBe(EMPTY + 16 + 50_000);
  });

  it.each<[string, Part]>([
    ["a file elsewhere", { type: "audio", source: { type: "url", url: "https://a.example/b.wav" } }],
    ["pages", { type: "document", source: { type: "data", mediaType: "application/pdf", data: "AAAA" } }],
    ["what nobody knows", { type: "opaque", origin: "google", value: { fileData: { fileUri: "gs://a" } } }],
  ])("%s is bounded by what the model can read", (_case, part) => {
    expect(inputOf([part])).toBeUndefined();
    const info = { inputCostPerToken: 1e-6, outputCostPerToken: 1e-3, maxInputTokens: 32_000 };
    expect(inputOf([part], {}, deploymentOf("acme", "m", { info }))).toBe(32_000);
    // gemini-2.5-flash: 1,048,576 tokens of context at 0.30, sound at 1
    const google = inputOf([part], {}, deploymentOf("google", "gemini-2.5-flash"));
    expect(google).toBe(part.type === "audio" ? 1_048_576 : 314_572.8);
  });

  it("kept by the vendor is bounded in the same way", () => {
    expect(inputOf([], { extra: { openai: { previous_response_id: "r" } } })).toBeUndefined();
  });
});

describe("caches", () => {
  const claude = deploymentOf("anthropic", "claude-haiku-4-5");
  const bound = (rest: Partial<ChatRequest>, deployment = claude): number =>
    Number(
      boundOf(
        { messages: [{ role: "user", content: [text("a".repeat(904))] }], maxOutputTokens: 0, ...rest },
        deployment,
      ),
    );

  // a thousand tokens: 1 for a million, 1.25 written for five minutes, 2 for an hour
  it("cost their surcharge where they are asked for, and never less than input", () => {
    expect(bound({})).toBe(1_000_000);
    expect(bound({ cacheControl: {} })).toBe(1_250_000);
    expect(bound({ cacheControl: { ttl: "1h" } })).toBe(2_000_000);
    const part: Part = { type: "text", text: "a".repeat(904), cacheControl: { ttl: "5m" } };
    expect(bound({ messages: [{ role: "user", content: [part] }] })).toBe(1_250_000);
    const inside: Part = { type: "toolResult", toolCallId: "", content: [{ ...part, text: "a".repeat(888) }] };
    expect(bound({ messages: [{ role: "user", content: [inside] }] })).toBe(1_250_000);
    const tool: Tool = { type: "function", name: "n", cacheControl: { ttl: "1h" } };
    expect(bound({ tools: [tool] })).toBeGreaterThan(4_000_000);
    expect(bound({}, { ...claude, extraBody: { cache_control: { type: "ephemeral" } } })).toBeGreaterThan(2_000_000);
  });

  it("that vendors fill by themselves always cost it", async () => {
    const own = await pricingAt({
      prices: { "m*": { ...PLAIN, cache_creation_input_token_cost: 1.25e-6 } },
    });
    const request = { messages: [{ role: "user" as const, content: [text("a".repeat(904))] }], maxOutputTokens: 0 };
    expect(own.bound(chatOf(deploymentOf("acme", "m-1"), request))).toBe(1_250_000n);
    expect(own.bound(chatOf(deploymentOf("acme", "m-claude"), request))).toBe(1_000_000n);
  });
});

describe("output", () => {
  const out = (rest: Partial<ChatRequest>, info: Record<string, unknown> = {}, model = "m"): number | undefined => {
    const deployment = deploymentOf("acme", model, {
      info: { inputCostPerToken: 0, outputCostPerToken: 1e-3, ...info },
    });
    const bound = boundOf(rest, deployment);
    return bound === undefined ? undefined : Number(bound) / 1_000_000;
  };

  it("is what the request allows, at most what the model can", () => {
    expect(out({ maxOutputTokens: 100 })).toBe(100);
    expect(out({ maxOutputTokens: 100 }, { maxOutputTokens: 60 })).toBe(60);
    expect(out({}, { maxOutputTokens: 60 })).toBe(60);
    expect(out({})).toBeUndefined();
  });

  it("is what the deployment asks for in the request's place", () => {
    const info = { inputCostPerToken: 0, outputCostPerToken: 1e-3 };
    const more = { ...deploymentOf("acme", "m", { info }), extraBody: { max_tokens: 500 } };
    expect(boundOf({ maxOutputTokens: 100 }, more)).toBe(500_000_000n);
  });

  it("is what a price map says where nothing else does, and takes nothing from the request", async () => {
    const entry = {
      litellm_provider: "acme",
      input_cost_per_token: 0,
      output_cost_per_token: 1e-3,
      max_output_tokens: 50,
    };
    const own = await pricingAt({ priceMap: { listed: entry } });
    const of = (rest: Partial<ChatRequest>) => own.bound(chatOf(deploymentOf("acme", "listed"), rest));
    expect([of({}), of({ maxOutputTokens: 80 })]).toEqual([50_000_000n, 80_000_000n]);
  });

  it("comes for each choice", () => {
    expect(out({ maxOutputTokens: 100, choiceCount: 100 })).toBe(10_000);
  });

  it("has the budget for reasoning besides, unless the model counts it within", () => {
    const reasoning = { budgetTokens: 1_000 };
    expect(out({ maxOutputTokens: 100, reasoning })).toBe(1_100);
    expect(out({ maxOutputTokens: 1_100, reasoning }, {}, "claude-x")).toBe(1_100);
  });

  it("has what was predicted in vain", () => {
    expect(out({ maxOutputTokens: 100, prediction: { content: "abcdef" } })).toBeGreaterThan(106);
  });

  it("is as dear as its dearest kind", async () => {
    const own = await pricingAt({
      prices: {
        dear: {
          ...PLAIN,
          output_cost_per_reasoning_token: 3e-3,
          output_cost_per_audio_token: 5e-3,
          input_cost_per_token: 0,
        },
      },
    });
    const of = (rest: Partial<ChatRequest>) =>
      own.bound(chatOf(deploymentOf("acme", "dear"), { maxOutputTokens: 10, ...rest }));
    expect(of({})).toBe(30_000_000n);
    expect(of({ modalities: ["text", "audio"] })).toBe(50_000_000n);
    expect(of({ audio: { voice: "v", format: "wav" } })).toBe(50_000_000n);
  });

  it("is the context at most, where nothing else is known: gpt-5 has 400,000", () => {
    const bound = Number(boundOf({}, deploymentOf("openai", "gpt-5")));
    expect(bound).toBe(400_000 * 10_000 + EMPTY * 1_250);
  });
});

describe("steps", () => {
  it("are reached by the bound, for input and output", () => {
    const gemini = deploymentOf("google", "gemini-2.5-pro");
    const of = (bytes: number) =>
      Number(
        boundOf(
          { messages: [{ role: "user", content: [text("a".repeat(bytes - 96))] }], maxOutputTokens: 1_000 },
          gemini,
        ),
      );
    expect(of(200_000)).toBe(200_000 * 1_250 + 1_000 * 10_000);
    expect(of(200_001)).toBe(200_001 * 2_500 + 1_000 * 15_000);
  });
});

describe("tools that the provider runs", () => {
  const search: Tool = {
    type: "server",
    origin: "anthropic",
    name: "web_search",
    value: { type: "web_search_20250305" },
  };
  const bash: Tool = { type: "server", origin: "anthropic", name: "bash", value: { type: "bash_20250124" } };

  it.each<[string, Partial<ChatRequest>]>([
    ["server tools", { tools: [search] }],
    ["options for search", { extra: { openai: { web_search_options: {} } } }],
    ["plugins", { extra: { openrouter: { plugins: [{ id: "web" }] } } }],
  ])("%s have no bound without a cap", async (_case, rest) => {
    expect(boundOf({ maxOutputTokens: 10, ...rest })).toBeUndefined();
    const capped = await pricingAt({ prices: { plain: PLAIN }, hostedToolsCap: "0.5" });
    const bound = capped.bound(chatOf(PLAIN_MODEL, { maxOutputTokens: 0, ...rest })) as bigint;
    expect(bound).toBeGreaterThan(500_000_000n);
    expect(bound).toBeLessThan(505_000_000n);
  });

  it("do not count where the client runs them", () => {
    expect(boundOf({ maxOutputTokens: 0, tools: [bash] })).toBeGreaterThan(2_000_000n);
    expect(boundOf({ maxOutputTokens: 0, tools: [bash] })).toBeLessThan(4_000_000n);
  });

  it("are part of models that search by themselves", () => {
    const info = { inputCostPerToken: 0, outputCostPerToken: 0 };
    expect(boundOf({ maxOutputTokens: 1 }, deploymentOf("openai", "gpt-4o-search-preview", { info }))).toBeUndefined();
  });
});

describe("other operations", () => {
  it("complete: every prompt, every choice", () => {
    const work = workOf(PLAIN_MODEL, "complete", {
      prompts: ["abcd", [1, 2, 3]],
      maxOutputTokens: 10,
      choiceCount: 2,
      bestOf: 5,
    });
    expect(prices.bound(work)).toBe(BigInt((16 + 4 + 16 + 3) * 1_000 + 2 * 5 * 10 * 1_000_000));
  });

  it("embed: no output", () => {
    const work = workOf(deploymentOf("openai", "text-embedding-3-small"), "embed", {
      inputs: ["a".repeat(84), [1, 2, 3, 4]],
    });
    expect(prices.bound(work)).toBe(BigInt((100 + 20) * 20));
  });

  it("rerank: the query with each document", () => {
    const work = workOf(PLAIN_MODEL, "rerank", { query: "abcd", documents: ["12345", "1234567890"] });
    expect(prices.bound(work)).toBe(BigInt((25 + 30) * 1_000));
  });

  it("transcribe: the most that the sound can be", () => {
    const audio = { fileName: "a.mp3", mediaType: "audio/mpeg", data: Buffer.alloc(50_000) };
    const work = workOf(deploymentOf("openai", "whisper-1"), "transcribe", { audio });
    // a hundred seconds at 0.0001
    expect(prices.bound(work)).toBe(10_000_000n);
    // 3,200 tokens of sound at 6, 16,000 of context at 10
    const tokens = workOf(deploymentOf("openai", "gpt-4o-transcribe"), "transcribe", { audio });
    expect(prices.bound(tokens)).toBe(BigInt((3_200 + 16) * 6_000 + 16_000 * 10_000));
  });

  it("generateImage and editImage: the largest pictures, partial ones, and those that come in", () => {
    const model = deploymentOf("openai", "gpt-image-1");
    const paint = workOf(model, "generateImage", { prompt: "abcd", count: 2, partialImages: 3 });
    expect(prices.bound(paint)).toBe(BigInt(20 * 5_000 + 2 * (6_240 + 300) * 40_000));
    const source = { type: "url", url: "https://a.example/b.png" } as const;
    const edit = workOf(model, "editImage", { prompt: "abcd", images: [source] });
    expect(prices.bound(edit)).toBe(BigInt((20 + 20_000) * 10_000 + 6_240 * 40_000));
  });

  it("speak by tokens: unknown unless the model's output is bounded", () => {
    const work = workOf(deploymentOf("openai", "gpt-4o-mini-tts"), "speak", { text: "hello", voice: "v" });
    const limited = { ...work, deployment: { ...work.deployment, info: { maxOutputTokens: 2_000 } } };
    expect(prices.bound(limited)).toBe(BigInt((5 + 16) * 600 + 2_000 * 12_000));
  });
});
