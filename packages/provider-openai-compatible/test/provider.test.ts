import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { ChatRequest, ListedModel, Provider } from "@signalbox/kernel";
import { resultOf, Secret } from "@signalbox/kernel";
import { createTransport, parseJsonBody } from "@signalbox/kernel/http";
import type { Exchange, ReplayServer } from "@signalbox/kernel/testkit";
import { replayServer, testAttempt } from "@signalbox/kernel/testkit";
import { findHost, hostProvider, openaiCompatible } from "../src/index.ts";

const transport = createTransport();
let server: ReplayServer | undefined;
afterEach(() => server?.close());
afterAll(() => transport.close?.());

async function serve(...exchanges: Exchange[]): Promise<string> {
  server = await replayServer(exchanges);
  return server.url;
}

const ANSWER: Exchange = json(200, {
  id: "c1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 2, completion_tokens: 1, total_tokens: 3 },
});

function json(status: number, body: unknown): Exchange {
  return { status, contentType: "application/json", body } as Exchange;
}

function ask(provider: Provider, more: Partial<ChatRequest> = {}, deployment: object = {}) {
  const request: ChatRequest = {
    model: "m",
    messages: [{ role: "user", content: [{ type: "text", text: "hello" }] }],
    ...more,
  };
  const chat = provider.operations.chat;
  if (chat === undefined) throw new Error("no chat");
  const attempt = testAttempt({
    operation: "chat",
    request,
    deployment: { provider: provider.name, ...deployment },
    transport,
  });
  return { attempt, result: resultOf(chat(attempt)) };
}

function models(provider: Provider, baseUrl?: string): Promise<readonly ListedModel[]> | undefined {
  const deployment = {
    id: "d",
    model: "m",
    provider: provider.name,
    upstreamModel: "m",
    ...(baseUrl !== undefined && { baseUrl }),
  };
  return provider.listModels?.({ deployment, transport, signal: new AbortController().signal });
}

const sent = () => {
  const request = server?.sent.at(-1);
  return {
    path: request?.path,
    headers: request?.headers,
    body: request?.body === "" ? undefined : JSON.parse(request?.body ?? "null"),
  };
};

describe("any server", () => {
  test("address, credential and headers are sent as given", async () => {
    const url = await serve(ANSWER);
    const provider = openaiCompatible({
      name: "house",
      baseUrl: `${url}/llm/v1/`,
      apiKey: "sk-1",
      headers: { "X-Team": "a" },
    });
    expect((await ask(provider).result).choices[0]?.content).toEqual([{ type: "text", text: "hi" }]);
    expect(sent().path).toBe("/llm/v1/chat/completions");
    expect(sent().headers).toMatchObject({ authorization: "Bearer sk-1", "x-team": "a" });
    expect(sent().body).toEqual({ model: "m", messages: [{ role: "user", content: "hello" }] });
  });

  test("a deployment's own address, key and headers win", async () => {
    const url = await serve(ANSWER);
    const provider = openaiCompatible({
      name: "house",
      baseUrl: "http://127.0.0.1:1",
      apiKey: "sk-1",
      pathPrefix: "/v1",
    });
    await ask(provider, {}, { baseUrl: url, apiKey: new Secret("sk-2"), headers: { "x-team": "b" } }).result;
    expect(sent().path).toBe("/v1/chat/completions");
    expect(sent().headers).toMatchObject({ authorization: "Bearer sk-2", "x-team": "b" });
  });

  test("without a key nothing is sent; without an address the deployment must have one", async () => {
    const url = await serve(ANSWER);
    const provider = openaiCompatible({ name: "house" });
    await ask(provider, {}, { baseUrl: url }).result;
    expect(sent().headers).not.toHaveProperty("authorization");
    await expect(ask(provider).result).rejects.toMatchObject({ code: "deployment_invalid", source: "house" });
    await expect(ask(provider, {}, { baseUrl: "ftp://x" }).result).rejects.toMatchObject({
      code: "deployment_invalid",
    });
  });

  test.each([
    [{ name: "a/b" }, "openaiCompatible(name): must be one word"],
    [{ name: "a", baseUrl: "nowhere://" }, 'openaiCompatible(baseUrl): "nowhere://" is not an http address'],
    [{ name: "a", url: "http://x" }, "Unrecognized key"],
    [{ name: "a", pathPrefix: "v1" }, "must begin with a slash"],
  ])("%j is refused", (options, message) => {
    expect(() => openaiCompatible(options)).toThrow(message);
  });
});

describe("hosts of the table", () => {
  test("a config's bare address gets the prefix, and the key comes from the environment that is passed", async () => {
    const url = await serve(ANSWER, ANSWER);
    await ask(hostProvider("ollama"), {}, { baseUrl: url }).result;
    expect(sent().path).toBe("/v1/chat/completions");
    await ask(hostProvider("groq", { env: { GROQ_API_KEY: " gsk-1\n" }, baseUrl: url })).result;
    expect(sent().path).toBe("/openai/v1/chat/completions");
    expect(sent().headers?.authorization).toBe("Bearer gsk-1");
  });

  test("an alias gives the host's provider; its name can be another", () => {
    expect(hostProvider("together_ai").name).toBe("togetherai");
    expect(hostProvider("together_ai", { name: "together_ai" }).name).toBe("together_ai");
  });

  test("deployments are checked: a key where one is needed, an address where it is made of variables", () => {
    const deployment = { id: "d", model: "m", provider: "p", upstreamModel: "m" };
    expect(() => hostProvider("groq").validate?.(deployment)).toThrow(/key/);
    expect(() => hostProvider("groq", { apiKey: "x" }).validate?.(deployment)).not.toThrow();
    expect(() => hostProvider("ollama").validate?.(deployment)).not.toThrow();
    expect(() => hostProvider("openai_like").validate?.(deployment)).toThrow("OPENAI_LIKE_API_BASE");
    expect(() => hostProvider("openai_like").validate?.({ ...deployment, baseUrl: "http://x" })).not.toThrow();
  });

  test("parameters a host refuses are errors that name it, or dropped and reported", async () => {
    const url = await serve(ANSWER);
    const groq = hostProvider("groq", { apiKey: "x", baseUrl: url });
    await expect(ask(groq, { choiceCount: 2 }).result).rejects.toMatchObject({
      code: "unsupported_parameter",
      param: "n",
    });
    const { attempt, result } = ask(
      groq,
      { choiceCount: 2, logitBias: { "1": 2 }, temperature: 0 },
      { dropParams: true },
    );
    await result;
    expect(sent().body).toEqual({ model: "m", messages: [{ role: "user", content: "hello" }], temperature: 0 });
    expect(attempt.trace.droppedParams).toEqual(["n", "logit_bias"]);
  });

  test.each([
    ["perplexity", { stop: ["x"] }, "stop"],
    ["perplexity", { tools: [{ type: "function", name: "f" }] }, "tools"],
    ["deepseek", { seed: 1 }, "seed"],
    ["xai", { presencePenalty: 1 }, "presence_penalty"],
    ["cerebras", { frequencyPenalty: 1 }, "frequency_penalty"],
  ] as const)("%s refuses %j", async (slug, more, param) => {
    const provider = hostProvider(slug, { apiKey: "x", baseUrl: "http://127.0.0.1:1" });
    const request = { ...more, model: "grok-5" } as Partial<ChatRequest>;
    await expect(ask(provider, request).result).rejects.toMatchObject({ code: "unsupported_parameter", param });
  });

  test("developer messages, output limits and efforts in the words of the host", async () => {
    const url = await serve(ANSWER, ANSWER);
    const messages: ChatRequest["messages"] = [{ role: "developer", content: [{ type: "text", text: "be brief" }] }];
    await ask(hostProvider("sambanova", { apiKey: "x", baseUrl: url }), { messages, maxOutputTokens: 5 }).result;
    expect(sent().body).toEqual({ model: "m", messages: [{ role: "system", content: "be brief" }], max_tokens: 5 });
    const groq = hostProvider("groq", { apiKey: "x", baseUrl: url });
    await ask(groq, { model: "openai/gpt-oss-120b", reasoning: { effort: "xhigh" } }).result;
    expect(sent().body.reasoning_effort).toBe("high");
  });

  test("DeepSeek gets its reasoning back, and schemas as JSON mode", async () => {
    const url = await serve(ANSWER);
    const { attempt, result } = ask(hostProvider("deepseek", { apiKey: "x", baseUrl: url }), {
      responseFormat: { type: "jsonSchema", name: "s", schema: { type: "object" } },
      messages: [
        { role: "user", content: [{ type: "text", text: "weather?" }] },
        {
          role: "assistant",
          content: [
            { type: "reasoning", text: "look it up", origin: "deepseek" },
            { type: "toolCall", id: "1", name: "weather", arguments: "{}" },
          ],
        },
        {
          role: "tool",
          content: [{ type: "toolResult", toolCallId: "1", content: [{ type: "text", text: "sunny" }] }],
        },
      ],
    });
    await result;
    expect(sent().body.messages[1]).toEqual({
      role: "assistant",
      content: null,
      reasoning_content: "look it up",
      tool_calls: [{ id: "1", type: "function", function: { name: "weather", arguments: "{}" } }],
    });
    expect(sent().body.response_format).toEqual({ type: "json_object" });
    expect(attempt.trace.notes?.map(({ text }) => text)).toContain("response_format json_schema sent as json_object");
  });
});

test("in the native lane the client's bytes are sent, in the words of the host", async () => {
  const url = await serve(ANSWER);
  const provider = hostProvider("sambanova", { apiKey: "x", baseUrl: url });
  const written =
    '{"model":"public", "messages":[{"role":"user","content":"hi"}],"max_completion_tokens":5,"new_field":{"a":1.50}}';
  const request: ChatRequest = {
    model: "public",
    messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
    maxOutputTokens: 5,
  };
  const native = { dialect: "openai-chat", body: parseJsonBody(Buffer.from(written)), edits: {}, headers: [] };
  const deployment = { provider: provider.name, upstreamModel: "Llama-4" };
  const attempt = testAttempt({ operation: "chat", request, native, deployment, transport });
  const chat = provider.operations.chat;
  const result = chat === undefined ? undefined : await resultOf(chat(attempt));
  expect(server?.sent[0]?.body).toBe(
    '{"model":"Llama-4", "messages":[{"role":"user","content":"hi"}],"max_tokens":5,"new_field":{"a":1.50}}',
  );
  expect(attempt.record.lane).toBe("native");
  expect(result?.native?.dialect).toBe("openai-chat");
});

describe("what hosts answer", () => {
  const failing = async (slug: string, exchange: Exchange) => {
    const url = await serve(exchange);
    return ask(hostProvider(slug, { apiKey: "x", baseUrl: url })).result;
  };

  test.each([
    ["xai", 400, { code: "Client specified an invalid argument", error: "no such parameter" }, "invalid_request"],
    ["xai", 404, { code: "not-found", error: "The model grok-0 does not exist" }, "model_not_found"],
    [
      "llamacpp",
      400,
      { error: { code: 400, message: "too long", type: "exceed_context_size_error", n_ctx: 512 } },
      "context_length_exceeded",
    ],
    [
      "llamacpp",
      501,
      { error: { code: 501, message: "no embeddings here", type: "not_supported_error" } },
      "unsupported_operation",
    ],
    [
      "perplexity",
      400,
      { error: { message: "too long", type: "too_many_prompt_tokens", code: 400 } },
      "context_length_exceeded",
    ],
    ["openrouter", 402, { error: { code: 402, message: "Insufficient credits" } }, "provider_rate_limited"],
    [
      "groq",
      400,
      {
        error: { code: "tool_use_failed", message: "bad call", failed_generation: "{", type: "invalid_request_error" },
      },
      "invalid_request",
    ],
    ["doubleword", 400, { code: 400, message: "Validation: Temperature", type: "Bad Request" }, "invalid_request"],
    ["venice", 404, { error: "Specified model not found: x" }, "model_not_found"],
    ["zai", 429, { error: { code: "1113", message: "no balance" } }, "provider_rate_limited"],
    [
      "deepseek",
      401,
      { error: { message: "bad key", type: "authentication_error", code: "invalid_request_error" } },
      "provider_auth_failed",
    ],
  ])("%s, status %i, %j", async (slug, status, body, code) => {
    await expect(failing(slug, json(status, body))).rejects.toMatchObject({
      code,
      upstreamStatus: status,
      source: findHost(slug)?.id,
    });
  });

  test("an error of the host behind the host is quoted", async () => {
    const metadata = { provider_name: "X", raw: '{"error":{"message":"temperature is too hot"}}' };
    const exchange = json(400, { error: { code: 400, message: "Provider returned error", metadata } });
    await expect(failing("openrouter", exchange)).rejects.toMatchObject({
      code: "invalid_request",
      message: "Provider returned error: temperature is too hot",
    });
  });

  test("Groq's failed generation is kept, and another try may help", async () => {
    const error = { code: "tool_use_failed", message: "m", failed_generation: "<call>", type: "invalid_request_error" };
    await expect(failing("groq", json(400, { error }))).rejects.toMatchObject({
      retryable: true,
      details: { failed_generation: "<call>" },
    });
  });

  test("an error in plain text", async () => {
    const exchange = { status: 404, contentType: "text/plain", bodyText: "Not Found" } as Exchange;
    await expect(failing("huggingface", exchange)).rejects.toMatchObject({
      code: "provider_error",
      upstreamStatus: 404,
    });
  });

  test.each([
    [
      "openrouter",
      { cost: 0.00014, prompt_tokens_details: { cached_tokens: 1, cache_write_tokens: 1 } },
      { cacheReadTokens: 1, cacheWriteTokens: 1, reportedCost: 140_000n },
    ],
    ["perplexity", { cost: { input_tokens_cost: 0.1, total_cost: 0.25 } }, { reportedCost: 250_000_000n }],
    ["xai", { cost_in_usd_ticks: 1_234 }, { reportedCost: 124n }],
    ["vercel", { completion_tokens_details: { reasoning_tokens: 5 } }, { outputTokens: 6, reasoningTokens: 5 }],
    [
      "xai",
      { total_tokens: 8, completion_tokens_details: { reasoning_tokens: 5 } },
      { outputTokens: 6, reasoningTokens: 5 },
    ],
    ["moonshotai", { cached_tokens: 2 }, { cacheReadTokens: 2 }],
    ["deepseek", { prompt_cache_hit_tokens: 1, prompt_cache_miss_tokens: 1 }, { cacheReadTokens: 1 }],
  ])("usage of %s: %j", async (slug, more, expected) => {
    const usage = { prompt_tokens: 2, completion_tokens: 1, total_tokens: 3, ...more };
    const url = await serve(json(200, { ...(ANSWER as unknown as { body: object }).body, usage }));
    const result = await ask(hostProvider(slug, { apiKey: "x", baseUrl: url })).result;
    expect(result.usage).toEqual({ inputTokens: 2, outputTokens: 1, ...expected });
  });

  test("padding before JSON, comments in streams, usage under x_groq: the same at every cut", async () => {
    const chunk = (more: object) =>
      `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", ...more })}\n\n`;
    const bodyText = [
      ": PROCESSING\n\n: PROCESSING\n\n",
      chunk({
        choices: [{ index: 0, delta: { role: "assistant", content: "", reasoning: "hmm, é" }, finish_reason: null }],
      }),
      chunk({ choices: [{ index: 0, delta: { content: "grüße" }, finish_reason: null }] }),
      ": PROCESSING\n\n",
      chunk({
        choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
        x_groq: { usage: { prompt_tokens: 3, completion_tokens: 4 } },
      }),
      "data: [DONE]\n\n",
    ].join("");
    for (const delivery of ["whole", "lines", "bytes"] as const) {
      server = await replayServer({ status: 200, contentType: "text/event-stream", bodyText } as Exchange, {
        delivery,
      });
      const result = await ask(hostProvider("groq", { apiKey: "x", baseUrl: server.url }), { stream: true }).result;
      expect(result.choices[0]?.content).toMatchObject([
        { type: "reasoning", text: "hmm, é", origin: "groq" },
        { type: "text", text: "grüße" },
      ]);
      expect(result.usage).toEqual({ inputTokens: 3, outputTokens: 4 });
      await server.close();
    }
    const padded = {
      status: 200,
      contentType: "application/json",
      bodyText: `\n\n   \n${JSON.stringify((ANSWER as unknown as { body: object }).body)}`,
    };
    const url = await serve(padded as Exchange);
    expect((await ask(hostProvider("openrouter", { apiKey: "x", baseUrl: url })).result).choices[0]?.finishReason).toBe(
      "stop",
    );
  });
});

describe("listings", () => {
  const LIST = json(200, {
    object: "list",
    data: [{ id: "a", object: "model", created: 5, owned_by: "me" }, { id: "b" }],
  });

  test("GET /models", async () => {
    const url = await serve(LIST);
    expect(await models(hostProvider("vllm", { baseUrl: url }))).toEqual([
      { id: "a", createdAt: 5, ownedBy: "me" },
      { id: "b" },
    ]);
    expect(sent().path).toBe("/v1/models");
  });

  test("an Ollama without it is asked for its tags", async () => {
    const tags = { models: [{ name: "qwen3:32b", modified_at: "2026-01-01T00:00:00Z" }, { name: "x" }] };
    const url = await serve(
      { status: 404, contentType: "text/plain", bodyText: "404 page not found" } as Exchange,
      json(200, tags),
    );
    expect(await models(hostProvider("ollama"), url)).toEqual([
      { id: "qwen3:32b", ownedBy: "library", createdAt: 1_767_225_600 },
      { id: "x", ownedBy: "library" },
    ]);
    expect(server?.sent.map(({ path }) => path)).toEqual(["/v1/models", "/api/tags"]);
  });

  test("a failure of both is the failure", async () => {
    const notFound = { status: 404, contentType: "text/plain", bodyText: "no" } as Exchange;
    const url = await serve(notFound, notFound);
    await expect(models(hostProvider("ollama", { baseUrl: url }))).rejects.toMatchObject({
      code: "provider_error",
      upstreamStatus: 404,
    });
  });
});
