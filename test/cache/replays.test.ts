import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterEach, describe, expect, it } from "vitest";
import type { Plugin } from "@signalbox/kernel";
import { memoryCache } from "@signalbox/plugin-cache-memory";
import { redisCache } from "@signalbox/plugin-cache-redis";
import { RICH, richPlain, richStream } from "../e2e/rich-answer.ts";
import type { ScriptedGateway } from "../e2e/scripted-gateway.ts";
import { CLIENT_KEY, chatBody, chatEvents, scriptedGateway, sse } from "../e2e/scripted-gateway.ts";
import { ownNamespace } from "../redis/own-namespace.ts";
import { redisUrl } from "../services/index.ts";

let gateway: ScriptedGateway;

afterEach(() => gateway.close());

const CACHES: readonly (readonly [string, () => Promise<Plugin>])[] = [
  ["memory", async () => memoryCache()],
  ["Redis", async () => redisCache({ url: await redisUrl(), namespace: ownNamespace(), timeoutMs: 1_000 })],
];

/** Streamed or not, first and again. */
const MODES = [
  [false, false],
  [true, true],
  [false, true],
  [true, false],
] as const;

const LOGPROBS = ["It", " is"].map((token, at) => ({ token, logprob: -0.5 - at, bytes: [73], top_logprobs: [] }));
const CALLS = ["Oslo", "Rome"].map((city, at) => ({
  id: `call_${at}`,
  type: "function",
  function: { name: "weather", arguments: JSON.stringify({ city }) },
}));
const HEAD = { id: "chatcmpl-9", created: 1_760_000_000, model: "m", system_fingerprint: "fp_1" };
const USAGE = { prompt_tokens: 5, completion_tokens: 9, total_tokens: 14 };
const CHOICES = [
  {
    index: 0,
    message: { role: "assistant", content: "It is", refusal: null, reasoning_content: "Let me think." },
    logprobs: { content: LOGPROBS, refusal: null },
    finish_reason: "stop",
  },
  {
    index: 1,
    message: { role: "assistant", content: null, refusal: null, tool_calls: CALLS },
    logprobs: null,
    finish_reason: "tool_calls",
  },
];

function openaiStream(): string {
  const chunk = (index: number, delta: object, more: object = {}) => ({
    ...HEAD,
    object: "chat.completion.chunk",
    choices: [{ index, delta, finish_reason: null, logprobs: null, ...more }],
  });
  return sse("openai", [
    chunk(0, { role: "assistant", content: "" }),
    chunk(0, { reasoning_content: "Let me " }),
    chunk(1, { role: "assistant", content: null }),
    chunk(0, { reasoning_content: "think." }),
    ...LOGPROBS.map((each) => chunk(0, { content: each.token }, { logprobs: { content: [each], refusal: null } })),
    ...CALLS.flatMap(({ function: { name, arguments: text }, ...call }, index) => [
      chunk(1, { tool_calls: [{ index, ...call, function: { name, arguments: "" } }] }),
      chunk(1, { tool_calls: [{ index, function: { arguments: text.slice(0, 5) } }] }),
      chunk(1, { tool_calls: [{ index, function: { arguments: text.slice(5) } }] }),
    ]),
    chunk(0, {}, { finish_reason: "stop" }),
    chunk(1, {}, { finish_reason: "tool_calls" }),
    { ...HEAD, object: "chat.completion.chunk", choices: [], usage: USAGE },
    "[DONE]",
  ]);
}

interface Seen {
  readonly outcome: string | null;
  readonly answer: unknown;
  readonly usage: unknown;
}

async function throughOpenai(streamed: boolean): Promise<Seen> {
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });
  const request = {
    model: "openai/gpt",
    n: 2,
    logprobs: true,
    messages: [{ role: "user" as const, content: "How is it?" }],
    tools: [{ type: "function" as const, function: { name: "weather", parameters: { type: "object" } } }],
  };
  if (!streamed) {
    const { data, response } = await client.chat.completions.create(request).withResponse();
    return { outcome: response.headers.get("x-signalbox-cache"), answer: data.choices, usage: data.usage };
  }
  const asked = { ...request, stream: true as const, stream_options: { include_usage: true } };
  const { data, response } = await client.chat.completions.create(asked).withResponse();
  const outcome = response.headers.get("x-signalbox-cache");
  let usage: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: grown from chunks
  const choices: any[] = [];
  for await (const chunk of data) {
    usage = chunk.usage ?? usage;
    for (const { index, delta, finish_reason: reason, logprobs } of chunk.choices) {
      choices[index] ??= { index, message: { role: "assistant", content: null, refusal: null }, logprobs: null };
      const { message } = choices[index];
      const { content, reasoning_content: thought } = delta as { content?: string; reasoning_content?: string };
      if (content) message.content = (message.content ?? "") + content;
      if (thought) message.reasoning_content = (message.reasoning_content ?? "") + thought;
      for (const { index: at, ...call } of delta.tool_calls ?? []) {
        message.tool_calls ??= [];
        if (message.tool_calls[at] === undefined) message.tool_calls[at] = structuredClone(call);
        else message.tool_calls[at].function.arguments += call.function?.arguments ?? "";
      }
      if (logprobs?.content) {
        choices[index].logprobs ??= { content: [], refusal: null };
        choices[index].logprobs.content.push(...logprobs.content);
      }
      if (reason) choices[index].finish_reason = reason;
    }
  }
  return { outcome, answer: choices, usage };
}

async function throughAnthropic(streamed: boolean): Promise<Seen> {
  const client = new Anthropic({ baseURL: gateway.url, apiKey: CLIENT_KEY, maxRetries: 0 });
  const request = {
    model: "anthropic/claude",
    max_tokens: 100,
    messages: [{ role: "user" as const, content: "How cold is it?" }],
  };
  if (!streamed) {
    const { data, response } = await client.messages.create(request).withResponse();
    return { outcome: response.headers.get("x-signalbox-cache"), answer: data.content, usage: data.usage };
  }
  const stream = client.messages.stream(request);
  const { response } = await stream.withResponse();
  const { content, usage } = await stream.finalMessage();
  return { outcome: response.headers.get("x-signalbox-cache"), answer: content, usage };
}

describe.each(CACHES)("what is kept in %s", (_name, cache) => {
  it.each(MODES)("comes to the OpenAI client whole: streamed first %s, then %s", async (first, again) => {
    gateway = await scriptedGateway({ plugins: [await cache()] });
    gateway.answer(
      first
        ? { bodyText: openaiStream() }
        : { body: { ...HEAD, object: "chat.completion", choices: CHOICES, usage: USAGE } },
    );
    const fresh = await throughOpenai(first);
    expect(fresh.outcome).toBe("miss");
    expect(fresh.answer).toMatchObject(CHOICES);
    gateway.answer({ status: 500, bodyText: "not again" });
    await expect.poll(() => gateway.gateway.caches.values().next().value?.stats?.()).toMatchObject({ kept: 1 });
    const found = await throughOpenai(again);
    expect(found.outcome).toBe("hit");
    expect(found.answer).toMatchObject(CHOICES);
    expect(found.usage).toMatchObject(USAGE);
    expect(gateway.sent).toHaveLength(1);
  });

  it.each(MODES)("comes to the Anthropic client whole: streamed first %s, then %s", async (first, again) => {
    gateway = await scriptedGateway({ plugins: [await cache()] });
    gateway.answer(first ? richStream() : richPlain());
    const fresh = await throughAnthropic(first);
    expect(fresh.outcome).toBe("miss");
    gateway.answer({ status: 500, bodyText: "not again" });
    await expect.poll(() => gateway.gateway.caches.values().next().value?.stats?.()).toMatchObject({ kept: 1 });
    const found = await throughAnthropic(again);
    expect(found.outcome).toBe("hit");
    // what citations leave out, either form may name as null
    expect(found.answer).toMatchObject(RICH);
    expect(found.usage).toMatchObject({ output_tokens: 8 });
    expect(gateway.sent).toHaveLength(1);
  });

  it("is never half an answer: a client that leaves in the middle of a stream leaves nothing behind", async () => {
    gateway = await scriptedGateway({ plugins: [await cache()] });
    const events = chatEvents(
      "openai",
      Array.from({ length: 50 }, (_, at) => `word ${at} `),
    );
    const pieces = events.map((event) => Buffer.from(sse("openai", [event])).toString("base64"));
    gateway.answer({ contentType: "text/event-stream", chunks: pieces, pauseMs: 5 });
    const leaving = new AbortController();
    const body = JSON.stringify(chatBody("openai", "openai/gpt", { stream: true }));
    const headers = { "content-type": "application/json", authorization: `Bearer ${CLIENT_KEY}` };
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers,
      body,
      signal: leaving.signal,
    });
    await response.body?.getReader().read();
    leaving.abort();
    await expect.poll(() => gateway.gateway.activeCalls).toBe(0);
    expect(await gateway.gateway.caches.values().next().value?.stats?.()).toMatchObject({ kept: 0, refused: 0 });
    gateway.answer({ bodyText: sse("openai", chatEvents("openai", ["whole"])) });
    const again = await gateway.post("/v1/chat/completions", body);
    expect(again.headers.get("x-signalbox-cache")).toBe("miss");
    expect(again.text).toContain("whole");
  });
});
