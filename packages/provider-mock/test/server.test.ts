import { once } from "node:events";
import { connect } from "node:net";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mockServer } from "../src/server/index.ts";

const server = mockServer({
  apiKey: "sk-test",
  scripts: {
    cached: { content: "x", usage: { inputTokens: 10, outputTokens: 2, cacheReadTokens: 4, cacheWriteTokens: 3 } },
  },
});
let url = "";
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  ({ url } = await server.listen());
  openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk-test", maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: url, apiKey: "sk-test", maxRetries: 0 });
});
afterAll(() => server.close());

const user = (content: string) => [{ role: "user" as const, content }];
const WEATHER = { type: "object" as const, properties: { city: { type: "string" } }, required: ["city"] };

/** Reads a stream of bytes to its end, or to its failure. */
async function raw(body: object, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer sk-test", "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const pieces: string[] = [];
  let failed = false;
  try {
    for await (const piece of response.body ?? []) pieces.push(Buffer.from(piece).toString());
  } catch {
    failed = true;
  }
  return { status: response.status, type: response.headers.get("content-type"), text: pieces.join(""), pieces, failed };
}

describe("the OpenAI client", () => {
  test("chat, whole and streamed, with usage", async () => {
    const whole = await openai.chat.completions.create({ model: "gpt-5", messages: user("Hi there") });
    expect(whole.choices[0]?.message.content).toBe("Hi there");
    expect(whole.usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 2, total_tokens: 4 });
    const stream = await openai.chat.completions.create({
      model: "chunks-3",
      stream: true,
      stream_options: { include_usage: true },
      messages: user("x"),
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content)).toEqual([
      "",
      "This",
      " is",
      " a",
      undefined,
      undefined,
    ]);
    expect(chunks.at(-1)?.usage?.total_tokens).toBe(4);
  });

  test("tools", async () => {
    const tools = [{ type: "function" as const, function: { name: "weather", parameters: WEATHER } }];
    const messages = user('call weather {"city":"Rome"}');
    const whole = await openai.chat.completions.create({ model: "gpt-5", tools, messages });
    expect(whole.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: {
        content: null,
        tool_calls: [
          { id: "call_mock_1", type: "function", function: { name: "weather", arguments: '{"city":"Rome"}' } },
        ],
      },
    });
    const streamed = await openai.chat.completions.stream({ model: "gpt-5", tools, messages }).finalChatCompletion();
    expect(streamed.choices[0]?.message.tool_calls).toMatchObject([
      { id: "call_mock_1", function: { arguments: '{"city":"Rome"}' } },
    ]);
  });

  test("embeddings, in the encoding the client asks for", async () => {
    const asked = await openai.embeddings.create({ model: "e", input: ["a", "b"], dimensions: 3 });
    expect(asked.data.map(({ embedding }) => Math.hypot(...embedding))).toEqual([1, 1]);
    expect(server.requests.at(-1)?.body.toString()).toContain('"base64"');
  });

  test("models", async () => {
    expect((await openai.models.list()).data.map(({ id }) => id)).toEqual([
      "echo",
      "fixed",
      "reasoning",
      "refusal",
      "cached",
    ]);
    expect((await openai.models.retrieve("echo")).owned_by).toBe("mock");
    await expect(openai.models.retrieve("nope")).rejects.toMatchObject({ status: 404, code: "model_not_found" });
  });

  test.each([
    ["fault-400", OpenAI.BadRequestError, 400, null],
    ["fault-401", OpenAI.AuthenticationError, 401, "invalid_api_key"],
    ["fault-404", OpenAI.NotFoundError, 404, "model_not_found"],
    ["fault-429+retry-after-2s", OpenAI.RateLimitError, 429, "rate_limit_exceeded"],
    ["fault-500", OpenAI.InternalServerError, 500, null],
    ["fault-context", OpenAI.BadRequestError, 400, "context_length_exceeded"],
    ["fault-html", OpenAI.InternalServerError, 502, undefined],
  ])("%s is the client's own error class", async (model, type, status, code) => {
    const failing = openai.chat.completions.create({ model, messages: user("x"), stream: true });
    await expect(failing).rejects.toBeInstanceOf(type);
    await expect(failing).rejects.toMatchObject({ status, code });
  });

  test("retry-after in seconds and milliseconds", async () => {
    const failing = openai.chat.completions.create({ model: "fault-429+retry-after-1500ms", messages: user("x") });
    const error = await failing.catch((thrown: unknown) => thrown as InstanceType<typeof OpenAI.APIError>);
    expect((error as InstanceType<typeof OpenAI.APIError>).headers?.get("retry-after")).toBe("2");
    expect((error as InstanceType<typeof OpenAI.APIError>).headers?.get("retry-after-ms")).toBe("1500");
  });

  test("a wrong key, an unknown path, a misspelt mock model", async () => {
    const other = new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk-other", maxRetries: 0 });
    await expect(other.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(openai.files.list()).rejects.toMatchObject({ status: 404 });
    await expect(openai.chat.completions.create({ model: "fault-42", messages: user("x") })).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('Did you mean "fault-402"'),
    });
    await expect(openai.chat.completions.create({ model: "gpt-5", messages: [] })).rejects.toMatchObject({
      status: 400,
    });
  });
});

describe("the Anthropic client", () => {
  test("messages, whole and streamed", async () => {
    const whole = await anthropic.messages.create({
      model: "claude-opus-5",
      max_tokens: 9,
      system: "be brief",
      messages: user("Hi there"),
    });
    expect(whole.content).toEqual([{ type: "text", text: "Hi there" }]);
    expect(whole.usage).toMatchObject({ input_tokens: 4, output_tokens: 2 });
    const streamed = await anthropic.messages
      .stream({ model: "reasoning", max_tokens: 99, messages: user("why") })
      .finalMessage();
    expect(streamed.content).toEqual([
      { type: "thinking", thinking: 'The user said "why".', signature: "bW9jaw==" },
      { type: "text", text: "why" },
    ]);
    expect(streamed.stop_reason).toBe("end_turn");
  });

  test("tools and their results", async () => {
    const tools = [{ name: "weather", input_schema: WEATHER }];
    const asked = await anthropic.messages
      .stream({ model: "m", max_tokens: 99, tools, messages: user('call weather {"city":"Rome"}') })
      .finalMessage();
    expect(asked.content).toEqual([{ type: "tool_use", id: "call_mock_1", name: "weather", input: { city: "Rome" } }]);
    expect(asked.stop_reason).toBe("tool_use");
    const answered = await anthropic.messages.create({
      model: "m",
      max_tokens: 99,
      tools,
      messages: [
        ...user("weather?"),
        { role: "assistant", content: [{ type: "tool_use", id: "call_mock_1", name: "weather", input: {} }] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "call_mock_1", content: "sunny" }] },
      ],
    });
    expect(answered.content).toEqual([{ type: "text", text: "sunny" }]);
  });

  test("max_tokens, refusal, cached input in exclusive parts", async () => {
    const cut = await anthropic.messages.create({ model: "m", max_tokens: 1, messages: user("long text") });
    expect(cut).toMatchObject({ stop_reason: "max_tokens", content: [{ text: "long" }] });
    const refused = await anthropic.messages.create({ model: "refusal", max_tokens: 1, messages: user("x") });
    expect(refused.stop_reason).toBe("refusal");
    const cached = await anthropic.messages.create({ model: "cached", max_tokens: 1, messages: user("x") });
    expect(cached.usage).toMatchObject({
      input_tokens: 3,
      cache_read_input_tokens: 4,
      cache_creation_input_tokens: 3,
      output_tokens: 2,
    });
  });

  test("token counts, models, errors", async () => {
    expect(await anthropic.messages.countTokens({ model: "m", messages: user("Hi there") })).toEqual({
      input_tokens: 2,
    });
    expect((await anthropic.models.list()).data[0]).toMatchObject({
      type: "model",
      id: "echo",
      created_at: "2026-01-01T00:00:00.000Z",
    });
    await expect(
      anthropic.messages.create({ model: "fault-529", max_tokens: 1, messages: user("x") }),
    ).rejects.toMatchObject({
      status: 529,
      error: { type: "error", error: { type: "overloaded_error", message: "injected: overloaded" } },
    });
    await expect(
      anthropic.messages.create({ model: "fault-429", max_tokens: 1, messages: user("x") }),
    ).rejects.toBeInstanceOf(Anthropic.RateLimitError);
  });
});

describe("bytes", () => {
  const body = { model: "chunks-4", stream: true, messages: user("x") };

  test("every event is a write of its own; split-1 writes single bytes; both say the same", async () => {
    const whole = await raw(body);
    expect(whole).toMatchObject({ status: 200, type: "text/event-stream; charset=utf-8", failed: false });
    expect(whole.text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(await tcpWrites({ ...body })).toBeGreaterThan(5);
    const split = await raw({ ...body, model: "chunks-4+split-1" });
    expect(split.text.replaceAll("+split-1", "")).toBe(whole.text);
    expect(await tcpWrites({ ...body, model: "chunks-4+split-100" })).toBeGreaterThan(8);
  });

  test.each([
    ["fault-reset", true, '"content":" is"}', '"content":" a"}'],
    ["fault-cut", false, '"content":" is"}', '"content":" a"}'],
    ["fault-midstream", false, "injected: the provider failed half-way", "[DONE]"],
    ["fault-error-event", false, "injected: an error event under status 200", "content"],
    ["fault-malformed", false, 'data: {"id":"broken","choices":[{\n\n', "nothing"],
    ["fault-half-json", false, '"content":"This"}', "[DONE]"],
  ])("%s in a stream", async (fault, failed, has, lacks) => {
    const reply = await raw({ ...body, model: `chunks-4+${fault}` });
    expect(reply.status).toBe(200);
    expect(reply.failed).toBe(failed);
    expect(reply.text).toContain(has);
    expect(reply.text).not.toContain(lacks);
  });

  test.each([
    ["fault-empty", 200, "application/json", ""],
    ["fault-content-type", 200, "text/plain; charset=utf-8", undefined],
    ["fault-html", 502, "text/html; charset=utf-8", undefined],
    [
      "fault-midstream",
      500,
      "application/json",
      '{"error":{"message":"injected: the provider failed half-way","type":"server_error","param":null,"code":null}}',
    ],
    [
      "fault-error-event",
      200,
      "application/json",
      '{"error":{"message":"injected: an error event under status 200","type":"server_error","param":null,"code":null}}',
    ],
  ])("%s in a whole reply", async (model, status, type, text) => {
    const reply = await raw({ model, messages: user("x") });
    expect(reply).toMatchObject({ status, type });
    if (text !== undefined) expect(reply.text).toBe(text);
  });

  test("half-json ends well and is no JSON; reset does not end well", async () => {
    const half = await raw({ model: "fault-half-json", messages: user("x") });
    expect(half.failed).toBe(false);
    expect(() => JSON.parse(half.text)).toThrow(SyntaxError);
    expect((await raw({ model: "fault-reset", messages: user("x") })).failed).toBe(true);
  });

  test("slow before the head, late after it, chunks at their pace", async () => {
    const slow = await timed({ model: "echo+slow-80ms", messages: user("x") });
    expect(slow.headMs).toBeGreaterThanOrEqual(75);
    const late = await timed({ model: "chunks-2+late-80ms", stream: true, messages: user("x") });
    expect(late.headMs).toBeLessThan(70);
    expect(late.endMs).toBeGreaterThanOrEqual(75);
    const paced = await timed({ model: "chunks-5-every-20ms", stream: true, messages: user("x") });
    expect(paced.endMs).toBeGreaterThanOrEqual(75);
    expect(paced.endMs).toBeLessThan(400);
  });

  test("the header decides before the body's model; a wrong one is an error", async () => {
    const messages = user("x");
    expect((await raw({ model: "gpt-5", messages }, { "x-mock-model": "fault-503" })).status).toBe(503);
    expect((await raw({ model: "gpt-5", messages }, { "x-mock-model": "?" })).status).toBe(404);
    expect((await raw({ model: "gpt-5", messages })).status).toBe(200);
  });

  test("faults that count are not remembered", async () => {
    const statuses: number[] = [];
    for (let call = 0; call < 3; call++)
      statuses.push((await raw({ model: "fault-500-first-2", messages: user("n") })).status);
    expect(statuses).toEqual([500, 500, 200]);
  });

  test.each(["not json", "[]", '{"model":"echo","messages":[1]}', '{"messages":[]}'])(
    "body %s is a 400",
    async (text) => {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: "Bearer sk-test" },
        body: text,
      });
      expect(response.status).toBe(400);
    },
  );

  test.each(["fault-timeout", "fault-stall"])(
    "%s: silence until the client leaves, which is recorded",
    async (model) => {
      const controller = new AbortController();
      const before = server.received;
      const reading = fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: "Bearer sk-test" },
        body: JSON.stringify({ ...body, model }),
        signal: controller.signal,
      }).then((response) => response.text());
      await expect.poll(() => server.received).toBe(before + 1);
      const entry = server.requests.at(-1);
      setTimeout(() => controller.abort(), 30);
      await expect(reading).rejects.toThrow("aborted");
      await expect.poll(() => entry?.aborted).toBe(true);
      expect(entry).toMatchObject({ method: "POST", path: "/v1/chat/completions" });
    },
  );
});

test("options are checked; requests are kept as wished", async () => {
  expect(() => mockServer({ defaultModel: "ecko" })).toThrow('Did you mean "echo"?');
  const quiet = mockServer({ record: 1 });
  const { url: base } = await quiet.listen();
  for (const path of ["/v1/models", "/openai/v1/models/fixed"]) await (await fetch(base + path)).text();
  expect(quiet.requests.map(({ path }) => path)).toEqual(["/openai/v1/models/fixed"]);
  expect(quiet.received).toBe(2);
  await expect(mockServer().listen(Number(new URL(base).port))).rejects.toMatchObject({ code: "EADDRINUSE" });
  await quiet.close();
});

async function timed(body: object): Promise<{ readonly headMs: number; readonly endMs: number }> {
  const started = performance.now();
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer sk-test" },
    body: JSON.stringify(body),
  });
  const headMs = performance.now() - started;
  await response.text();
  return { headMs, endMs: performance.now() - started };
}

/** How many pieces a socket sees. */
async function tcpWrites(body: object): Promise<number> {
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  await once(socket, "connect");
  const text = JSON.stringify(body);
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-test\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
  let pieces = 0;
  for await (const _ of socket) pieces++;
  return pieces;
}
