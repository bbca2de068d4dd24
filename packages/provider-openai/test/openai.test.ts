import { describe, expect, test } from "vitest";
import type { ResourceContext } from "@signalbox/kernel";
import { APPLICATION, Secret } from "@signalbox/kernel";
import { createTransport } from "@signalbox/kernel/http";
import { replayServer } from "@signalbox/kernel/testkit";
import {
  matches,
  OPENAI_PROFILE,
  openai,
  openaiDialects,
  readUsage,
  wireConfig,
  wireEndpoints,
} from "@signalbox/provider-openai";
import { decoded, exchanged, reply } from "./fixture.ts";

const MODEL = { id: "d", model: "m", provider: "openai", upstreamModel: "m" };

describe("options", () => {
  test.each([
    [{ apikey: "x" }, "Unrecognized key"],
    [{ apiKey: "" }, "apiKey"],
    [{ baseUrl: "api.openai.com" }, "baseUrl"],
    [{ baseUrl: "ftp://files.example" }, "baseUrl"],
    [{ headers: { a: 1 } }, "headers.a"],
  ])("%j is refused", (options, message) => {
    expect(() => openai(options as object)).toThrow(
      expect.objectContaining({ code: "option_invalid", message: expect.stringContaining(message) as string }),
    );
  });

  test("they become headers and address; a deployment's own win", () => {
    const endpoint = wireEndpoints(OPENAI_PROFILE, { apiKey: new Secret("sk-a"), headers: { "openai-project": "p" } });
    expect(endpoint({ deployment: MODEL, upstreamModel: "m" }, "chat")).toEqual({
      origin: "https://api.openai.com",
      path: "/v1/chat/completions",
      headers: ["content-type", "application/json", "authorization", "Bearer sk-a", "openai-project", "p"],
    });
    const own = {
      ...MODEL,
      apiKey: new Secret("sk-b"),
      baseUrl: "http://localhost:1234/x/?v=2",
      headers: { "OpenAI-Project": "q" },
    };
    const found = endpoint({ deployment: own, upstreamModel: "m" }, "embed");
    expect(found).toEqual({
      origin: "http://localhost:1234",
      path: "/x/embeddings?v=2",
      headers: ["content-type", "application/json", "authorization", "Bearer sk-b", "openai-project", "q"],
    });
    expect(endpoint({ deployment: own, upstreamModel: "m" }, "embed")).toBe(found);
  });

  test("a deployment without a key is reported at start", () => {
    expect(() => openai().validate?.(MODEL)).toThrow(
      expect.objectContaining({
        code: "deployment_invalid",
        message: 'deployment "d": it has no API key; set apiKey on the deployment or on openai()',
      }),
    );
    expect(openai({ apiKey: "k" }).validate?.(MODEL)).toBeUndefined();
    expect(() => openai({ apiKey: "k" }).validate?.({ ...MODEL, baseUrl: "localhost:1" })).toThrow(
      "must start with http",
    );
  });
});

describe("capabilities", () => {
  const rulesOf = wireConfig(OPENAI_PROFILE).rulesOf;

  test.each([
    ["gpt-5", "gpt-5", true],
    ["gpt-5", "gpt-5.1", false],
    ["gpt-5*-chat*", "gpt-5.2-chat-latest", true],
    ["gpt-4o*-search-preview*", "gpt-4o-mini-search-preview", true],
    ["gpt-4*", "ft:gpt-4.1:acme::x", true],
    ["o3*", "O3-pro", true],
    ["a*a", "a", false],
  ])("%s covers %s: %s", (pattern, model, covered) => {
    expect(matches(pattern, model)).toBe(covered);
  });

  test.each([
    ["o3", "max_completion_tokens", ["low", "medium", "high"]],
    ["gpt-5-mini", "max_completion_tokens", ["minimal", "low", "medium", "high"]],
    ["gpt-5.1", "max_completion_tokens", ["none", "low", "medium", "high"]],
    ["gpt-5.4-2026-03-01", "max_completion_tokens", ["none", "low", "medium", "high", "xhigh"]],
    ["gpt-5.2-chat-latest", undefined, undefined],
    ["gpt-4.1", undefined, undefined],
    ["model-of-tomorrow", undefined, undefined],
  ])("%s", (model, maxTokens, efforts) => {
    expect([rulesOf(model).maxTokens, rulesOf(model).efforts]).toEqual([maxTokens, efforts]);
  });

  test("sampling is refused while a model reasons, and taken when it does not", async () => {
    const body = (effort: string): object => ({
      model: "gpt-5.2",
      temperature: 0.3,
      reasoning_effort: effort,
      messages: [{ role: "user", content: "Hi" }],
    });
    await expect(exchanged("chat", body("low"), { exchange: reply("plain") })).rejects.toMatchObject({
      param: "temperature",
    });
    expect((await exchanged("chat", body("none"), { exchange: reply("plain") })).lane).toBe("native");
  });
});

describe("usage", () => {
  const base = { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 };
  test.each([
    ["DeepSeek", { ...base, prompt_cache_hit_tokens: 8 }, { cacheReadTokens: 8 }],
    ["Moonshot, Together", { ...base, cached_tokens: 7 }, { cacheReadTokens: 7 }],
    ["Mistral", { ...base, num_cached_tokens: 6 }, { cacheReadTokens: 6 }],
    [
      "reasoning beside the output",
      { ...base, total_tokens: 20, completion_tokens_details: { reasoning_tokens: 6 } },
      { outputTokens: 10, reasoningTokens: 6 },
    ],
    [
      "cache writes by lifetime",
      { ...base, cache_creation_input_tokens: 9, cache_creation: { ephemeral_1h_input_tokens: 4 } },
      { cacheWriteTokens: 5, cacheWrite1hTokens: 4 },
    ],
    ["embeddings", { total_tokens: 10 }, { outputTokens: 0 }],
  ])("%s", (_name, wire, expected) => {
    expect(readUsage(wire)).toEqual({ inputTokens: 10, outputTokens: 4, ...expected });
  });

  test.each([
    ["cost", { cost: 0.00001234 }, 12_340n],
    ["cost.total_cost", { cost: { total_cost: 0.006 } }, 6_000_000n],
    ["cost_in_usd_ticks", { cost_in_usd_ticks: 37_756_001 }, 3_775_601n],
  ] as const)("the cost a host reports as %s", (cost, wire, expected) => {
    const profile = { name: "x", baseUrl: "https://x.example", usage: { cost } };
    expect(readUsage({ ...base, ...wire }, profile).reportedCost).toBe(expected);
    expect(readUsage({ ...base, ...wire }).reportedCost).toBeUndefined();
  });
});

describe("embeddings", () => {
  const vectors = {
    object: "list",
    data: [{ object: "embedding", index: 0, embedding: "AAAAPwAAgD8=" }],
    model: "e",
    usage: { prompt_tokens: 3, total_tokens: 3 },
  };
  const asked = { model: "text-embedding-3-small", input: "hello", encoding_format: "base64" };

  test("bytes go through", async () => {
    const done = await exchanged("embed", asked, { exchange: { body: vectors } });
    expect(done.sent).toBe(JSON.stringify(asked));
    expect(done.body).toBe(JSON.stringify(vectors));
    expect(done.result.embeddings).toEqual([new Float32Array([0.5, 1])]);
  });

  test("a translated reply is encoded as the client asked", async () => {
    const base64 = await exchanged("embed", asked, { exchange: { body: vectors }, native: false });
    expect(base64.sent).toBe('{"model":"text-embedding-3-small","input":["hello"]}');
    expect(JSON.parse(base64.body)).toEqual(vectors);
    const float = await exchanged(
      "embed",
      { ...asked, encoding_format: "float" },
      { exchange: { body: vectors }, native: false },
    );
    expect((JSON.parse(float.body) as typeof vectors).data[0]?.embedding).toEqual([0.5, 1]);
  });

  test("token ids, and what is no input", () => {
    expect(decoded("embed", { model: "e", input: [1, 2] }).request.inputs).toEqual([[1, 2]]);
    expect(decoded("embed", { model: "e", input: [[1], [2, 3]] }).request.inputs).toEqual([[1], [2, 3]]);
    expect(() => decoded("embed", { model: "e", input: [] })).toThrow("input must be a string, an array of strings");
    expect(() => decoded("embed", { model: "e", input: ["a", 1] })).toThrow("input[1] must be");
  });

  test("too few vectors are no answer", async () => {
    await expect(
      exchanged("embed", { ...asked, input: ["a", "b"] }, { exchange: { body: vectors } }),
    ).rejects.toMatchObject({ code: "provider_error" });
  });
});

describe("text completions", () => {
  const completion = {
    id: "cmpl-1",
    object: "text_completion",
    created: 5,
    model: "davinci-002",
    choices: [{ text: " upon", index: 0, logprobs: null, finish_reason: "length" }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  };
  const piece = (text: string, finish: string | null): string =>
    `data: ${JSON.stringify({ id: "cmpl-1", object: "text_completion", created: 5, model: "davinci-002", choices: [{ text, index: 0, logprobs: null, finish_reason: finish }] })}\n\n`;
  const usage = `data: ${JSON.stringify({ id: "cmpl-1", object: "text_completion", created: 5, model: "davinci-002", choices: [], usage: completion.usage })}\n\n`;

  test("go to a model that completes, byte for byte", async () => {
    const done = await exchanged("complete", '{"model":"davinci-002", "prompt":"Once"}', {
      exchange: { body: completion },
    });
    expect([done.sentPath, done.sent, done.body]).toEqual([
      "/v1/completions",
      '{"model":"davinci-002", "prompt":"Once"}',
      JSON.stringify(completion),
    ]);
  });

  test("stream in both lanes, with the usage hidden", async () => {
    const asked = { model: "davinci-002", prompt: ["Once"], stream: true };
    const exchange = {
      bodyText: `${piece(" up", null)}${piece("on", "length")}${usage}data: [DONE]\n\n`,
      delivery: "bytes" as const,
    };
    const native = await exchanged("complete", asked, { exchange });
    expect(native.body).toBe(`${piece(" up", null)}${piece("on", "length")}data: [DONE]\n\n`);
    expect(native.result.usage).toEqual({ inputTokens: 1, outputTokens: 1 });
    const translated = await exchanged("complete", asked, { exchange, native: false });
    expect(translated.result.choices).toEqual([{ index: 0, text: " upon", finishReason: "length" }]);
    expect(translated.body.endsWith(`${piece("", "length")}data: [DONE]\n\n`)).toBe(true);
  });

  test("become a chat for a model that only chats", async () => {
    const done = await exchanged(
      "complete",
      { model: "gpt-4.1", prompt: "Hi", max_tokens: 5 },
      { exchange: reply("plain") },
    );
    expect([done.sentPath, done.sent]).toEqual([
      "/v1/chat/completions",
      '{"model":"gpt-4.1","messages":[{"role":"user","content":"Hi"}],"max_tokens":5}',
    ]);
    expect(JSON.parse(done.body)).toMatchObject({
      object: "text_completion",
      choices: [{ text: "Grüße, 世界 🌍!", finish_reason: "stop" }],
    });
    await expect(
      exchanged("complete", { model: "gpt-4.1", prompt: "Hi", echo: true }, { exchange: reply("plain") }),
    ).rejects.toMatchObject({
      code: "unsupported_parameter",
      param: "echo",
      retryable: true,
    });
  });
});

test("the models dialect lists what the caller may use", async () => {
  const routes = openaiDialects().find(({ name }) => name === "openai-models")?.routes ?? [];
  const models: Awaited<ReturnType<ResourceContext["models"]>> = [
    { name: "fast", provider: "openai", createdAt: 1_793_000_000 },
    { name: "groq/llama", provider: "groq" },
  ];
  const context: ResourceContext = { principal: APPLICATION, models: () => Promise.resolve(models) };
  const ask = async (path: string, params: Record<string, string>): Promise<string> => {
    const route = routes.find((each) => each.path === path);
    if (route?.kind !== "resource") throw new Error(path);
    const request = { method: "GET", path, query: new URLSearchParams(), params, headers: {}, body: undefined };
    return (await route.handle(request, context)).body.toString();
  };
  const fast = '{"id":"fast","object":"model","created":1793000000,"owned_by":"openai"}';
  const llama = '{"id":"groq/llama","object":"model","created":0,"owned_by":"groq"}';
  expect(await ask("/v1/models", {})).toBe(`{"object":"list","data":[${fast},${llama}]}`);
  expect(await ask("/v1/models/:model", { model: "fast" })).toBe(fast);
  expect(await ask("/models/:provider/:model", { provider: "groq", model: "llama" })).toBe(llama);
  await expect(ask("/v1/models/:model", { model: "none" })).rejects.toMatchObject({ code: "model_not_found" });
});

test("listModels asks with the deployment's key and no content type", async () => {
  const upstream = await replayServer({
    body: { object: "list", data: [{ id: "a", created: 1, owned_by: "o" }, { id: "" }] },
  });
  const transport = createTransport();
  try {
    const deployment = { ...MODEL, baseUrl: `${upstream.url}/v1`, apiKey: new Secret("sk-x") };
    const signal = new AbortController().signal;
    expect(await openai().listModels?.({ deployment, transport, signal })).toEqual([
      { id: "a", createdAt: 1, ownedBy: "o" },
    ]);
    expect(upstream.sent[0]).toMatchObject({
      method: "GET",
      path: "/v1/models",
      headers: { authorization: "Bearer sk-x" },
    });
  } finally {
    await upstream.close();
    await transport.close?.();
  }
});

test.each([
  [
    "choices that all failed",
    {
      choices: [{ index: 0, message: { content: "" }, error: { code: 502, message: "broke" }, finish_reason: "stop" }],
    },
    "provider_error",
    "broke",
  ],
  [
    "an error beside OpenRouter's quote",
    {
      error: { code: 429, message: "Provider returned error", metadata: { raw: '{"error":{"message":"slow down"}}' } },
    },
    "provider_rate_limited",
    "Provider returned error: slow down",
  ],
  [
    "a filter that answers 200",
    {
      error: {
        code: "content_filter",
        message: "filtered",
        param: "prompt",
        innererror: { code: "ResponsibleAIPolicyViolation" },
      },
    },
    "content_policy_violation",
    "filtered",
  ],
  [
    "xAI's strings",
    { code: "Some requested entity was not found", error: "no such model" },
    "provider_error",
    "no such model",
  ],
])("errors under status 200: %s", async (_name, body, code, message) => {
  await expect(
    exchanged("chat", { model: "m", messages: [{ role: "user", content: "Hi" }] }, { exchange: { body } }),
  ).rejects.toMatchObject({ code, message });
});
