import { describe, expect, test } from "vitest";
import { isGatewayError } from "@signalbox/kernel";
import { exchanged, reply, replyBody, sse, stream } from "./fixture.ts";

const DONE = "data: [DONE]\n\n";

function chunk(delta: object, finish: string | null = null, more: object = {}): object {
  return {
    id: "c1",
    object: "chat.completion.chunk",
    created: 9,
    model: "up",
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...more,
  };
}

const START = chunk({ role: "assistant", content: "He" });
const END = chunk({}, "stop");
const USAGE = {
  id: "c1",
  object: "chat.completion.chunk",
  created: 9,
  model: "up",
  choices: [],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
};

const ASKED = '{"model":"gpt-4.1", "stream":true,"messages":[{"role":"user","content":"Hi"}]}';

async function failure(promise: Promise<unknown>): Promise<{ code: string; retryable: boolean; message: string }> {
  const thrown: unknown = await promise.then(
    () => expect.unreachable("it should have failed"),
    (error: unknown) => error,
  );
  if (!isGatewayError(thrown)) throw thrown;
  return { code: thrown.code, retryable: thrown.retryable, message: thrown.message };
}

describe("plain replies", () => {
  test("bytes go both ways untouched when nothing has to change", async () => {
    const body = '{ "model" : "gpt-4.1",\n "messages":[{"role":"user","content":"Hi"}], "x_new": 1.50 }';
    const text = ` \n${JSON.stringify({ ...replyBody("plain"), x_new: { a: 1 } })}\n`;
    const done = await exchanged("chat", body, { exchange: { bodyText: text, contentType: "application/json" } });
    expect(done.sent).toBe(body);
    expect(done.body).toBe(text);
    expect(done.lane).toBe("native");
    expect(done.sentPath).toBe("/v1/chat/completions");
    expect(done.result.usage).toEqual({
      inputTokens: 12,
      outputTokens: 7,
      cacheReadTokens: 0,
      reasoningTokens: 0,
      inputAudioTokens: 0,
      outputAudioTokens: 0,
      acceptedPredictionTokens: 0,
      rejectedPredictionTokens: 0,
    });
    expect(done.result.choices[0]?.content).toEqual([{ type: "text", text: "Grüße, 世界 🌍!" }]);
  });

  test("a changed copy of a result loses the bytes", async () => {
    const { result } = await exchanged(
      "chat",
      { model: "gpt-4.1", messages: [{ role: "user", content: "Hi" }] },
      { exchange: reply("plain") },
    );
    expect(result.native?.body?.length).toBeGreaterThan(0);
    const masked = { ...result, choices: [] };
    expect(masked.native).toBeUndefined();
    expect(masked).toMatchObject({
      id: "chatcmpl-plain",
      usage: { inputTokens: 12 },
      extra: { openai: { system_fingerprint: "fp_example1" } },
    });
  });

  test("model, extension fields, extra body and credentials are the gateway's", async () => {
    const { sent, sentHeaders } = await exchanged(
      "chat",
      '{"model":"fast","drop_params":true,"messages":[{"role":"user","content":"Hi"}],"metadata":{"tags":["a"],"k":"v"},"extra_body":{"seed":1}}',
      {
        exchange: reply("plain"),
        deployment: { upstreamModel: "gpt-4.1-mini", extraBody: { store: false }, headers: { "X-Extra": "1" } },
        headers: { "openai-beta": "x=v1", "x-title": "t", "openai-organization": "client" },
      },
    );
    expect(sent).toBe(
      '{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"Hi"}],"metadata":{"k":"v"},"seed":1,"store":false}',
    );
    expect(sentHeaders).toMatchObject({ "x-extra": "1", "openai-beta": "x=v1", "content-type": "application/json" });
    expect(sentHeaders).not.toHaveProperty("x-title");
    expect(sentHeaders).not.toHaveProperty("openai-organization");
  });

  test("a reasoning model gets its own word for the limit, and no sampling", async () => {
    const body =
      '{"model":"o3","max_tokens":50,"temperature":0.2,"reasoning_effort":"xhigh","messages":[{"role":"user","content":"Hi"}]}';
    const refused = await failure(exchanged("chat", body, { exchange: reply("plain") }));
    expect(refused).toEqual({
      code: "unsupported_parameter",
      retryable: false,
      message:
        '"temperature" is not supported by model "o3" of provider "openai"; remove it, or set "drop_params": true to have it left out',
    });
    const done = await exchanged("chat", body, { exchange: reply("plain"), options: { dropParams: true } });
    expect(done.sent).toBe(
      '{"model":"o3","max_completion_tokens":50,"reasoning_effort":"high","messages":[{"role":"user","content":"Hi"}]}',
    );
    expect(done.droppedParams).toEqual(["temperature"]);
    expect(done.notes).toEqual(["reasoning_effort xhigh sent as high"]);
  });

  test.each([
    ["cache_control", { role: "user", content: [{ type: "text", text: "Hi", cache_control: { type: "ephemeral" } }] }],
    [
      "thinking_blocks",
      { role: "assistant", content: "x", thinking_blocks: [{ type: "thinking", thinking: "t", signature: "s" }] },
    ],
    ["is_error", { role: "tool", tool_call_id: "1", content: "x", is_error: true }],
  ])("content of other vendors (%s) is translated instead", async (member, message) => {
    const { sent, lane } = await exchanged(
      "chat",
      { model: "gpt-4.1", messages: [message] },
      { exchange: reply("plain") },
    );
    expect(lane).toBe("translated");
    expect(sent).not.toContain(member);
  });
});

describe("streams", () => {
  test("frames are forwarded, and usage the client did not ask for is asked for and hidden", async () => {
    const { sent, body, result, frames } = await exchanged("chat", ASKED, {
      exchange: { bodyText: sse([START, END, USAGE]), delivery: "lines" },
    });
    expect(sent).toBe(
      '{"model":"gpt-4.1", "stream":true,"messages":[{"role":"user","content":"Hi"}],"stream_options":{"include_usage":true}}',
    );
    expect(body).toBe(sse([START, END]));
    expect(frames).toBe(3);
    expect(result).toMatchObject({ id: "c1", model: "up", createdAt: 9, usage: { inputTokens: 3, outputTokens: 2 } });
    expect(() => result.choices).toThrow("the content of a forwarded stream is not kept");
    expect({ ...result }).not.toHaveProperty("choices");
  });

  test.each(["whole", "lines", "bytes", 7] as const)(
    "the client sees the same bytes, delivered %s",
    async (delivery) => {
      const text = sse([START, END, USAGE]).replaceAll("\n", "\r\n");
      const hidden = await exchanged("chat", ASKED, { exchange: { bodyText: text, delivery } });
      expect(hidden.body).toBe(sse([START, END]).replaceAll("\n", "\r\n"));
      const asked = ASKED.replace("}]}", '}],"stream_options":{"include_usage":true}}');
      const shown = await exchanged("chat", asked, { exchange: { bodyText: text, delivery } });
      expect(shown.body).toBe(text);
      expect(shown.sent).toBe(asked);
      expect(shown.result.usage).toEqual(hidden.result.usage);
    },
  );

  test("a host that refuses stream_options is not asked for usage", async () => {
    const { sent, body } = await exchanged("chat", ASKED, {
      exchange: { bodyText: sse([START, END, USAGE]) },
      profile: { streamOptions: false },
    });
    expect(sent).toBe(ASKED);
    expect(body).toBe(sse([START, END, USAGE]));
  });

  test("words in the text are not taken for members", async () => {
    const tricky = chunk({ content: 'say "usage":{"a":1} and "error":{"message":"no"} [DONE] "finish_reason":"stop"' });
    const { body } = await exchanged("chat", ASKED, {
      exchange: { bodyText: sse([tricky, END, USAGE]), delivery: "bytes" },
    });
    expect(body).toBe(sse([tricky, END]));
    const cut = failure(
      exchanged("chat", ASKED, {
        exchange: { bodyText: sse([START, chunk({ content: '"finish_reason":"stop"' })], "") },
      }),
    );
    expect((await cut).code).toBe("provider_error");
  });

  test("comments before the first frame commit nothing; an error after them can still fall back", async () => {
    const error = { error: { code: 503, message: "no capacity" } };
    const text = `: PROCESSING\n\n: PROCESSING\n\n${sse([error], "")}`;
    expect(await failure(exchanged("chat", ASKED, { exchange: { bodyText: text, delivery: "lines" } }))).toEqual({
      code: "provider_overloaded",
      retryable: true,
      message: "no capacity",
    });
  });

  test("an error in the middle follows the frames before it, also in one piece", async () => {
    const text = sse([START, { error: { message: "stopped", type: "server_error" } }]);
    expect(await failure(exchanged("chat", ASKED, { exchange: { bodyText: text } }))).toMatchObject({
      code: "provider_error",
      message: "stopped",
    });
  });

  test.each([
    ["nothing but [DONE] is missing", sse([START, END], ""), "provider_error", false],
    ["the end is missing", sse([START], ""), "provider_error", true],
    ["the last frame is cut", `${sse([START], "")}data: {"id":"c1","cho`, "provider_error", true],
  ])("%s", async (_name, text, code, fails) => {
    const call = exchanged("chat", ASKED, { exchange: { bodyText: text } });
    if (fails) {
      expect(await failure(call)).toEqual({
        code,
        retryable: true,
        message: "the upstream ended the stream before the reply was complete",
      });
    } else expect((await call).body).toBe(`${text}${DONE}`);
  });

  test("a last frame without its blank line is completed", async () => {
    const { body } = await exchanged("chat", ASKED, { exchange: { bodyText: `${sse([START, END], "")}data: [DONE]` } });
    expect(body).toBe(sse([START, END]));
  });

  test("a host that ignores stream is streamed by the gateway", async () => {
    const { body } = await exchanged("chat", ASKED, { exchange: reply("plain") });
    expect(body.startsWith('data: {"id":"chatcmpl-plain","object":"chat.completion.chunk"')).toBe(true);
    expect(body).toContain('"delta":{"content":"Grüße, 世界 🌍!"}');
    expect(body.endsWith(DONE)).toBe(true);
  });

  test("a stream under a wrong content type is read all the same", async () => {
    const { body } = await exchanged("chat", ASKED, { exchange: { ...stream("plain"), contentType: "text/plain" } });
    expect(body).toContain('"delta":{"content":", 世"}');
  });
});

test("both lanes give the client the same stream", async () => {
  const asked = {
    model: "gpt-4.1",
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: "user", content: "Hi" }],
  };
  for (const name of [
    "plain",
    "tool-call",
    "parallel-tools",
    "refusal",
    "reasoning",
    "logprobs",
    "two-choices",
    "citations",
  ]) {
    const native = await exchanged("chat", asked, { exchange: stream(name) });
    const translated = await exchanged("chat", asked, { exchange: stream(name), native: false });
    expect(translated.lane).toBe("translated");
    expect(accumulate(translated.body)).toEqual(accumulate(native.body));
  }
});

/** What a client of the official library has at the end. */
function accumulate(body: string): unknown {
  const choices: Record<string, Record<string, unknown>> = {};
  let usage: unknown;
  for (const frame of body.split("\n\n")) {
    const data = frame.slice("data: ".length);
    if (data === "" || data === "[DONE]") continue;
    const chunk = JSON.parse(data) as {
      choices: { index: number; delta: object; finish_reason: unknown; logprobs: { content?: unknown[] } | null }[];
      usage?: unknown;
    };
    usage = chunk.usage ?? usage;
    for (const { index, delta, finish_reason: finish, logprobs } of chunk.choices) {
      choices[index] ??= {};
      const choice = choices[index] as Record<string, unknown>;
      merge(choice, delta as Record<string, unknown>);
      if (finish !== null) choice["finish"] = finish;
      choice["logprobs"] = [...((choice["logprobs"] as unknown[]) ?? []), ...(logprobs?.content ?? [])];
    }
  }
  return { choices, usage };
}

function merge(into: Record<string, unknown>, delta: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(delta)) {
    if (value === null || value === "") continue;
    const before = into[name];
    if (name === "tool_calls") {
      const calls = (before ?? []) as Record<string, unknown>[];
      for (const call of value as { index: number }[]) {
        calls[call.index] ??= {};
        merge(calls[call.index] as Record<string, unknown>, call as unknown as Record<string, unknown>);
      }
      into[name] = calls;
    } else if (typeof value === "string")
      into[name] = name === "type" || name === "role" ? value : ((before as string) ?? "") + value;
    else if (Array.isArray(value)) into[name] = [...((before as unknown[]) ?? []), ...value];
    else if (typeof value === "object") {
      into[name] ??= {};
      merge(into[name] as Record<string, unknown>, value as Record<string, unknown>);
    } else into[name] = value;
  }
}
