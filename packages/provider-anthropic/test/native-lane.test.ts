import { afterEach, describe, expect, it } from "vitest";
import type { Attempt, CallRoute, ChatResult, Decoded, Deployment, Reply } from "@signalbox/kernel";
import { collectReply, decodeReply, isFrame, Secret } from "@signalbox/kernel";
import { createTransport, parseJsonBody } from "@signalbox/kernel/http";
import type { Exchange, ReplayServer, ReplayServerOptions } from "@signalbox/kernel/testkit";
import { replayServer, testAttempt } from "@signalbox/kernel/testkit";
import { anthropic, anthropicDialects } from "@signalbox/provider-anthropic";
import { errorBody, errorReply, fixture, replyOf, sse, streamOf } from "./support/fixtures.ts";
import { readMessage } from "./support/read-stream.ts";

const [messages, counts] = anthropicDialects();
const transport = createTransport();
const servers: ReplayServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function upstream(exchange: Exchange, options?: ReplayServerOptions): Promise<ReplayServer> {
  const server = await replayServer(exchange, options);
  servers.push(server);
  return server;
}

/** A client's bytes, on their way to Anthropic. */
function attempt(
  server: ReplayServer,
  body: string,
  headers: Record<string, string> = {},
  deployment: Partial<Deployment> = {},
): Attempt<"chat"> {
  const route = messages?.routes[0] as CallRoute<"chat">;
  const query = new URLSearchParams();
  const request = {
    method: "POST",
    path: "/v1/messages",
    query,
    params: {},
    headers,
    body: parseJsonBody(Buffer.from(body)),
  };
  const decoded = route.decode(request) as Decoded<"chat">;
  return testAttempt({
    operation: "chat",
    request: decoded.request,
    native: decoded.native,
    options: decoded.options ?? {},
    transport,
    deployment: { provider: "anthropic", baseUrl: server.url, apiKey: new Secret("sk-test-key-123456"), ...deployment },
  });
}

function chat(of: Attempt<"chat">): Reply<"chat"> {
  return anthropic().operations.chat?.(of) as Reply<"chat">;
}

function body(more: string = "", model: string = "claude-opus-5"): string {
  return `{ "model" : "${model}","max_tokens":10,  "unknown_field":{"a":[1]},"messages":[{"role":"user","content":"Hi"}]${more}}`;
}

describe("a request in Anthropic's own bytes", () => {
  it("travels as the client wrote it", async () => {
    const server = await upstream(replyOf("plain"));
    const of = attempt(server, body());
    await collectReply(chat(of));
    expect(server.sent[0]).toMatchObject({ method: "POST", path: "/v1/messages", body: body() });
    expect(server.sent[0]?.headers).toMatchObject({
      "content-type": "application/json",
      "x-api-key": "sk-test-key-123456",
      "anthropic-version": "2023-06-01",
    });
    expect(of.record.lane).toBe("native");
  });

  it("gets the deployment's model and body, and loses what was meant for the gateway", async () => {
    const server = await upstream(replyOf("plain"));
    const sent = body(',"drop_params":true,"temperature":0.5');
    const of = attempt(server, sent, {}, { upstreamModel: "claude-opus-5-5", extraBody: { inference_geo: "eu" } });
    await collectReply(chat(of));
    expect(server.sent[0]?.body).toBe(
      '{ "model" : "claude-opus-5-5","max_tokens":10,  "unknown_field":{"a":[1]},"messages":[{"role":"user","content":"Hi"}],"inference_geo":"eu"}',
    );
    expect(of.trace.droppedParams).toEqual(["temperature"]);
  });

  it("is refused for the same parameters as a translated one", async () => {
    const server = await upstream(replyOf("plain"));
    await expect(collectReply(chat(attempt(server, body(',"top_k":4'))))).rejects.toMatchObject({
      code: "unsupported_parameter",
      param: "top_k",
    });
    expect(server.sent).toHaveLength(0);
  });

  it("carries the client's version, and its betas beside the operator's", async () => {
    const server = await upstream(replyOf("plain"));
    const headers = { "anthropic-version": "2026-10-21", "anthropic-beta": "one, two" };
    const of = attempt(server, body(), headers, { headers: { "Anthropic-Beta": "two,three", "x-extra": "1" } });
    await collectReply(chat(of));
    expect(server.sent[0]?.headers).toMatchObject({
      "anthropic-version": "2026-10-21",
      "anthropic-beta": "two,three,one",
      "x-extra": "1",
    });
  });

  it.each([
    [
      "a forced tool that the model lets nobody force",
      ',"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"}',
      { tool_choice: { type: "auto" } },
    ],
    [
      "a kind of thinking that the model does not know",
      ',"thinking":{"type":"disabled"}',
      { output_config: { effort: "low" } },
    ],
  ])("is translated for %s, and loses nothing else", async (_name, more, expected) => {
    const server = await upstream(replyOf("plain"));
    const of = attempt(server, body(more, "claude-opus-5-5"), { "anthropic-beta": "one" });
    await collectReply(chat(of));
    expect(JSON.parse(server.sent[0]?.body ?? "")).toMatchObject({ ...expected, unknown_field: { a: [1] } });
    expect(server.sent[0]?.headers["anthropic-beta"]).toBe("one");
    expect(of.record.lane).toBe("translated");
  });

  it("is translated when it holds another vendor's reasoning", async () => {
    const server = await upstream(replyOf("plain"));
    const signature = `signalbox.${Buffer.from('{"origin":"google","signature":"s"}').toString("base64url")}`;
    const content = [
      { type: "thinking", thinking: "Foreign.", signature },
      { type: "text", text: "Hello." },
    ];
    const turns = [
      { role: "user", content: "a" },
      { role: "assistant", content },
      { role: "user", content: "b" },
    ];
    const of = attempt(server, JSON.stringify({ model: "claude-opus-5", max_tokens: 9, messages: turns }));
    await collectReply(chat(of));
    expect((JSON.parse(server.sent[0]?.body ?? "") as { messages: unknown[] }).messages[1]).toEqual({
      role: "assistant",
      content: "Hello.",
    });
    expect(of.record.lane).toBe("translated");
  });

  it("is translated when a layer has rewritten it", async () => {
    const server = await upstream(replyOf("plain"));
    const of = attempt(server, body());
    await collectReply(chat(Object.assign(of, { request: { ...of.request, maxOutputTokens: 11 } })));
    expect(JSON.parse(server.sent[0]?.body ?? "")).toEqual({
      model: "claude-opus-5",
      max_tokens: 11,
      messages: [{ role: "user", content: "Hi" }],
      unknown_field: { a: [1] },
    });
  });
});

describe("a whole reply in Anthropic's own bytes", () => {
  async function result(): Promise<{ result: ChatResult; bytes: string }> {
    const bytes = `${JSON.stringify(fixture("tools").reply, null, 1)}\n`;
    const server = await upstream({ bodyText: bytes, contentType: "application/json" });
    return { bytes, ...(await collectReply(chat(attempt(server, body())))) };
  }

  it("goes to the client untouched", async () => {
    const { result: reply, bytes } = await result();
    expect(reply.native?.body?.toString()).toBe(bytes);
    expect(reply).toMatchObject({
      id: "msg_tools",
      model: "claude-opus-5",
      usage: { inputTokens: 80, outputTokens: 31 },
    });
  });

  it("can be read like any other", async () => {
    const { result: reply } = await result();
    expect(reply.choices).toEqual([
      {
        index: 0,
        finishReason: "toolCalls",
        content: [
          { type: "text", text: "Let me look." },
          {
            type: "toolCall",
            id: "toolu_one",
            name: "get_weather",
            arguments: '{"city":"Zürich"}',
            extra: { anthropic: { caller: { type: "direct" } } },
          },
        ],
      },
    ]);
  });

  it("loses the bytes when it is copied, but nothing else", async () => {
    const { result: reply } = await result();
    const copy = { ...reply };
    expect(copy).not.toHaveProperty("native");
    expect(copy.choices).toEqual(reply.choices);
    expect(JSON.parse(JSON.stringify(reply))).toEqual(JSON.parse(JSON.stringify(copy)));
  });

  it.each([
    ["400", { code: "invalid_request", status: 400, retryable: false }],
    ["401", { code: "provider_auth_failed" }],
    ["402", { code: "provider_rate_limited", type: "insufficient_quota" }],
    ["403", { code: "provider_auth_failed" }],
    ["404", { code: "model_not_found" }],
    ["413", { code: "request_too_large" }],
    ["429", { code: "provider_rate_limited", type: "requests" }],
    ["429-spent", { type: "insufficient_quota", details: { error_code: "enforced_spend_limit_reached" } }],
    ["500", { code: "provider_error", upstreamStatus: 500 }],
    ["504", { code: "timeout" }],
    ["529", { code: "provider_overloaded", status: 503, upstreamStatus: 529 }],
  ])("fails by its status and structured type: %s", async (name, expected) => {
    const server = await upstream(errorReply(name));
    await expect(collectReply(chat(attempt(server, body())))).rejects.toMatchObject({
      source: "anthropic",
      ...expected,
    });
    const stream = await upstream(errorReply(name));
    await expect(collectReply(chat(attempt(stream, body(',"stream":true'))))).rejects.toMatchObject(expected);
  });
});

describe("a stream in Anthropic's own bytes", () => {
  const streaming = body(',"stream":true');
  const bytesOf = (events: readonly unknown[]): string =>
    events.map((event) => (isFrame(event) ? event.bytes.toString() : "")).join("");

  it.each(["whole", "lines", "bytes", 7] as const)(
    "goes to the client untouched, delivered as %s",
    async (delivery) => {
      const server = await upstream(streamOf("cache-usage"), { delivery });
      const { events, result } = await collectReply(chat(attempt(server, streaming)));
      expect(bytesOf(events)).toBe(streamOf("cache-usage").bodyText);
      expect(result).toMatchObject({
        id: "msg_cache",
        model: "claude-opus-5",
        serviceTier: "standard",
        usage: {
          inputTokens: 1307,
          outputTokens: 5,
          cacheReadTokens: 1000,
          cacheWriteTokens: 100,
          cacheWrite1hTokens: 200,
        },
      });
      expect(() => result.choices).toThrow("the content of a forwarded stream is not kept");
      expect({ ...result }).toHaveProperty("usage");
    },
  );

  it.each(["tools", "thinking", "citations", "server-tools", "refusal"] as const)(
    "reads as the translated lane reads it: %s",
    async (name) => {
      for (const delivery of ["whole", "bytes"] as const) {
        const server = await upstream(streamOf(name), { delivery });
        const of = attempt(server, streaming);
        const native = await collectReply(decodeReply(of, chat(of)));
        const other = attempt(server, streaming);
        const translated = await collectReply(chat(Object.assign(other, { native: undefined })));
        const at = { createdAt: 0 };
        expect(native.events.slice(1)).toEqual(translated.events.slice(1));
        expect({ ...native.result, ...at }).toEqual({ ...translated.result, ...at });
      }
    },
  );

  it("fails before its first event when it begins with an error", async () => {
    const events: unknown[] = [];
    for (const first of [[errorBody("529")], [...fixture("plain").stream.slice(0, 1), errorBody("529")]]) {
      const server = await upstream({ bodyText: sse(first) });
      const reply = chat(attempt(server, streaming));
      await expect(
        (async () => {
          for await (const event of reply) events.push(event);
        })(),
      ).rejects.toMatchObject({ code: "provider_overloaded", upstreamStatus: 529, retryable: true });
    }
    expect(events).toEqual([]);
  });

  it.each(["whole", "bytes"] as const)(
    "fails at an error in its middle, after what came before: %s",
    async (delivery) => {
      const before = fixture("plain").stream.slice(0, 5);
      const text = sse(before);
      // in one piece with its first frame, an error is the whole answer
      const server = await upstream({
        chunks: [sse(before.slice(0, 1)), sse([...before.slice(1), errorBody("500")])].map((piece) =>
          Buffer.from(piece).toString("base64"),
        ),
        contentType: "text/event-stream",
        pauseMs: 20,
        ...(delivery === "bytes" && { delivery, pauseMs: 0 }),
      });
      const events: unknown[] = [];
      await expect(
        (async () => {
          for await (const event of chat(attempt(server, streaming))) events.push(event);
        })(),
      ).rejects.toMatchObject({ code: "provider_error" });
      expect(bytesOf(events)).toBe(text);
    },
  );

  it("does not take a text about errors and usage for one", async () => {
    const text = 'event: error\ndata: {"type":"error"} "usage":{"input_tokens":9999} event: message_stop';
    const events = structuredClone(fixture("plain").stream) as { delta?: { text?: string } }[];
    const delta = events.find((event) => event.delta?.text !== undefined)?.delta;
    if (delta !== undefined) delta.text = text;
    const whole = sse(events as never);
    const server = await upstream({ bodyText: whole });
    const { result } = await collectReply(chat(attempt(server, streaming)));
    expect(result.usage).toEqual({ inputTokens: 12, outputTokens: 9 });
    const cut = await upstream({ bodyText: whole.slice(0, whole.indexOf("event: message_delta")) });
    await expect(collectReply(chat(attempt(cut, streaming)))).rejects.toMatchObject({ code: "provider_error" });
  });

  it("fails when it ends before message_stop, and takes a last frame without its blank line", async () => {
    const whole = streamOf("plain").bodyText ?? "";
    const cut = await upstream({ bodyText: whole.slice(0, whole.indexOf("event: message_stop")) });
    await expect(collectReply(chat(attempt(cut, streaming)))).rejects.toMatchObject({
      code: "provider_error",
      message: "the upstream's stream ended before its end",
    });
    const bare = await upstream({ bodyText: whole.trimEnd() });
    const { events } = await collectReply(chat(attempt(bare, streaming)));
    expect(bytesOf(events)).toBe(whole);
    expect(readMessage(bytesOf(events).replace(/event: weather_report\n.*\n\n/, ""))).toMatchObject({
      id: "msg_plain",
    });
  });

  it("may be answered in one piece", async () => {
    const server = await upstream(replyOf("plain"));
    const { events, result } = await collectReply(chat(attempt(server, streaming)));
    expect(events).toEqual([]);
    expect(result.choices[0]?.content).toEqual([{ type: "text", text: "Hello, Ada – how are you?" }]);
  });
});

describe("counting tokens", () => {
  it("sends the client's bytes and gives back Anthropic's", async () => {
    const server = await upstream({ bodyText: '{ "input_tokens": 14 }', contentType: "application/json" });
    const route = counts?.routes[0] as CallRoute<"countTokens">;
    const sent = '{"model":"claude","messages":[{"role":"user","content":"Hi"}],"drop_params":true, "x":1}';
    const decoded = route.decode({
      method: "POST",
      path: "/v1/messages/count_tokens",
      query: new URLSearchParams(),
      params: {},
      headers: { "anthropic-beta": "b" },
      body: parseJsonBody(Buffer.from(sent)),
    }) as Decoded<"countTokens">;
    const of = testAttempt({
      operation: "countTokens",
      request: decoded.request,
      native: decoded.native,
      transport,
      deployment: { provider: "anthropic", baseUrl: `${server.url}/v1`, upstreamModel: "claude-opus-5" },
    });
    const { result } = await collectReply(
      anthropic({ authToken: "tok-12345678" }).operations.countTokens?.(of) as Reply<"countTokens">,
    );
    expect(server.sent[0]).toMatchObject({
      path: "/v1/messages/count_tokens",
      body: '{"model":"claude-opus-5","messages":[{"role":"user","content":"Hi"}], "x":1}',
      headers: { authorization: "Bearer tok-12345678", "anthropic-beta": "b" },
    });
    expect(result.inputTokens).toBe(14);
    const reply = decoded.encoder(of).result(result);
    expect(String(reply.body)).toBe('{ "input_tokens": 14 }');
  });

  it("translates other dialects' requests and leaves out what costs no input", async () => {
    const server = await upstream({ body: { input_tokens: 3 } });
    const of = testAttempt({
      operation: "countTokens",
      request: {
        model: "claude-opus-5",
        chat: {
          model: "claude-opus-5",
          messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
          temperature: 0.3,
          seed: 4,
          maxOutputTokens: 5,
          stop: ["x"],
        },
      },
      transport,
      deployment: { provider: "anthropic", baseUrl: server.url },
    });
    await collectReply(anthropic({ apiKey: "k" }).operations.countTokens?.(of) as Reply<"countTokens">);
    expect(JSON.parse(server.sent[0]?.body ?? "")).toEqual({
      model: "claude-opus-5",
      messages: [{ role: "user", content: "Hi" }],
    });
  });
});
