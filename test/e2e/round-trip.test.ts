import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SentRequest } from "@signalbox/kernel/testkit";
import type { Message } from "./rich-answer.ts";
import { foldDeltas, RICH, richPlain, richStream } from "./rich-answer.ts";
import { PIXEL } from "./running-gateway.ts";
import type { ScriptedGateway } from "./scripted-gateway.ts";
import { chatBody, chatEvents, chatReply, scriptedGateway, sse } from "./scripted-gateway.ts";

let gateway: ScriptedGateway;

beforeAll(async () => {
  gateway = await scriptedGateway();
});
afterAll(() => gateway.close());

const last = (): SentRequest => gateway.sent.at(-1) as SentRequest;

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, read by a test
const lastBody = (): any => JSON.parse(last().body);

describe("Anthropic's content through a client of OpenAI's", () => {
  const model = "anthropic/claude-sonnet-4-5";
  const question = { role: "user", content: "How cold is it?" };

  async function firstTurn(stream: boolean): Promise<Message> {
    gateway.answer(stream ? richStream() : richPlain());
    const reply = await gateway.post("/v1/chat/completions", { model, stream, messages: [question] });
    expect(reply.status, reply.text).toBe(200);
    return stream ? foldDeltas(reply.text) : JSON.parse(reply.text).choices[0].message;
  }

  it.each([false, true])("comes back whole in the next turn; streamed: %s", async (stream) => {
    const message = await firstTurn(stream);
    expect(message).toMatchObject({
      role: "assistant",
      content: "I look it up. It is cold in Oslo.",
      reasoning_content: "first thoughtsecond thought",
    });
    gateway.answer({ body: chatReply("anthropic") });
    const results = ["toolu_A", "toolu_B"].map((id) => ({ role: "tool", tool_call_id: id, content: "7" }));
    const next = await gateway.post("/v1/chat/completions", { model, messages: [question, message, ...results] });
    expect(next.status, next.text).toBe(200);
    expect(lastBody().messages[1]).toEqual({ role: "assistant", content: RICH });
  });

  it("does not invent content when the client changed the text", async () => {
    const message = await firstTurn(false);
    gateway.answer({ body: chatReply("anthropic") });
    const edited = { ...message, content: "Edited." };
    const results = ["toolu_A", "toolu_B"].map((id) => ({ role: "tool", tool_call_id: id, content: "7" }));
    await gateway.post("/v1/chat/completions", { model, messages: [question, edited, ...results] });
    const texts = (lastBody().messages[1].content as Message[]).filter(({ type }) => type === "text");
    expect(texts).toEqual([{ type: "text", text: "Edited." }]);
  });

  it("never reaches another vendor", async () => {
    const message = await firstTurn(false);
    gateway.answer({ body: chatReply("openai") });
    const results = ["toolu_A", "toolu_B"].map((id) => ({ role: "tool", tool_call_id: id, content: "7" }));
    const next = await gateway.post("/v1/chat/completions", {
      model: "openai/gpt-4o",
      messages: [question, message, ...results],
    });
    expect(next.status, next.text).toBe(200);
    expect(lastBody().messages[1]).toEqual({
      role: "assistant",
      content: "I look it up. It is cold in Oslo.",
      tool_calls: [
        { id: "toolu_A", type: "function", function: { name: "weather", arguments: '{"city":"Oslo","days":[1,2.5]}' } },
        { id: "toolu_B", type: "function", function: { name: "now", arguments: "{}" } },
      ],
    });
  });

  it("does not send places of texts to a host that knows none", async () => {
    const texts = [
      { type: "text", text: "one " },
      { type: "text", text: "two" },
    ];
    gateway.answer({ body: { ...chatReply("anthropic"), content: texts } });
    const reply = await gateway.post("/v1/chat/completions", { model, messages: [question] });
    const { message } = JSON.parse(reply.text).choices[0];
    gateway.answer({ body: chatReply("openai") });
    const messages = [question, message, question];
    await gateway.post("/v1/chat/completions", { model: "openai/gpt-4o", messages });
    expect(last().body).not.toContain("provider_specific_fields");
    expect(JSON.stringify(lastBody().messages[1].content)).toContain("one ");
    gateway.answer({ body: chatReply("anthropic") });
    await gateway.post("/v1/chat/completions", { model, messages });
    expect(lastBody().messages[1].content).toEqual(texts);
  });

  it("takes breakpoints, error marks and images in results", async () => {
    gateway.answer({ body: chatReply("anthropic") });
    const ephemeral = { type: "ephemeral" };
    const hour = { type: "ephemeral", ttl: "1h" };
    const reply = await gateway.post("/v1/chat/completions", {
      model,
      max_tokens: 20,
      tools: [
        {
          type: "function",
          function: { name: "weather", description: "d", parameters: { type: "object", properties: {} } },
          cache_control: hour,
        },
      ],
      messages: [
        { role: "system", content: [{ type: "text", text: "rules", cache_control: hour }] },
        {
          role: "user",
          content: [
            { type: "text", text: "look", cache_control: ephemeral },
            { type: "image_url", image_url: { url: PIXEL } },
            { type: "image_url", image_url: { url: "https://example.com/a.png" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [
            { id: "call_1", type: "function", function: { name: "weather", arguments: '{"a":1}' } },
            { id: "call_2", type: "function", function: { name: "weather", arguments: "{}" } },
          ],
        },
        {
          role: "tool",
          tool_call_id: "call_1",
          content: [
            { type: "text", text: "a picture" },
            { type: "image_url", image_url: { url: PIXEL } },
          ],
        },
        { role: "tool", tool_call_id: "call_2", content: "it broke", is_error: true, cache_control: ephemeral },
      ],
    });
    expect(reply.status, reply.text).toBe(200);
    const data = PIXEL.split(",")[1];
    const pixel = { type: "image", source: { type: "base64", media_type: "image/png", data } };
    expect(lastBody()).toEqual({
      model: "claude-sonnet-4-5",
      max_tokens: 20,
      system: [{ type: "text", text: "rules", cache_control: hour }],
      tools: [
        {
          name: "weather",
          description: "d",
          input_schema: { type: "object", properties: {} },
          cache_control: hour,
        },
      ],
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "look", cache_control: ephemeral },
            pixel,
            { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "tool_use", id: "call_1", name: "weather", input: { a: 1 } },
            { type: "tool_use", id: "call_2", name: "weather", input: {} },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "call_1", content: [{ type: "text", text: "a picture" }, pixel] },
            {
              type: "tool_result",
              tool_use_id: "call_2",
              content: "it broke",
              is_error: true,
              cache_control: ephemeral,
            },
          ],
        },
      ],
    });
  });

  it("understands schemas, single tool calls and efforts", async () => {
    gateway.answer({ body: chatReply("anthropic", '{"n":1}') });
    const schema = {
      type: "object",
      properties: { n: { type: "integer" } },
      required: ["n"],
      additionalProperties: false,
    };
    const reply = await gateway.post("/v1/chat/completions", {
      model: "anthropic/claude-opus-5",
      messages: [question],
      reasoning_effort: "low",
      parallel_tool_calls: false,
      tools: [{ type: "function", function: { name: "f", parameters: schema } }],
      response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } },
      stop: ["END"],
      user: "u-1",
    });
    expect(reply.status, reply.text).toBe(200);
    expect(lastBody()).toMatchObject({
      model: "claude-opus-5",
      output_config: { effort: "low", format: { type: "json_schema", schema } },
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
      stop_sequences: ["END"],
      metadata: { user_id: "u-1" },
    });
    expect(JSON.parse(reply.text).choices[0].message.content).toBe('{"n":1}');
  });
});

describe("OpenAI's content", () => {
  const logprobs = { content: [{ token: "a", logprob: -0.1, bytes: [97], top_logprobs: [] }], refusal: null };
  const said = chatReply("openai", "", {
    choices: [
      { index: 0, message: { role: "assistant", content: "one", refusal: null }, logprobs, finish_reason: "stop" },
      {
        index: 1,
        message: { role: "assistant", content: "two", refusal: null },
        logprobs: null,
        finish_reason: "length",
      },
    ],
  });

  it("has several choices and log probabilities for its own clients; Anthropic's see the first", async () => {
    gateway.answer({ body: said });
    const asked = { n: 2, logprobs: true, top_logprobs: 1 };
    const own = await gateway.post("/v1/chat/completions", chatBody("openai", "openai/gpt-4o", asked));
    expect(JSON.parse(own.text)).toEqual(said);
    const other = await gateway.post("/v1/messages", chatBody("anthropic", "openai/gpt-4o"));
    expect(JSON.parse(other.text)).toMatchObject({ content: [{ type: "text", text: "one" }], stop_reason: "end_turn" });
  });

  it.each([false, true])("refuses in Anthropic's words; streamed: %s", async (stream) => {
    const refusal = "I can't help with that.";
    const message = { role: "assistant", content: null, refusal };
    const events = chatEvents("openai", [""]);
    (events[1] as { choices: object[] }).choices = [{ index: 0, delta: { refusal }, finish_reason: null }];
    gateway.answer(
      stream
        ? { bodyText: sse("openai", events) }
        : { body: chatReply("openai", "", { choices: [{ index: 0, message, finish_reason: "stop" }] }) },
    );
    const reply = await gateway.post("/v1/messages", chatBody("anthropic", "openai/gpt-4o", { stream }));
    expect(reply.status, reply.text).toBe(200);
    expect(reply.text).toContain('"stop_reason":"refusal"');
    expect(reply.text).toContain(refusal);
  });

  it.each([false, true])("keeps ids of tool calls through a client of Anthropic's; streamed: %s", async (stream) => {
    const call = { id: "call_9a-B_c", type: "function", function: { name: "f", arguments: '{ "x" : 1.0 }' } };
    const events = chatEvents("openai", [""]);
    const delta = { tool_calls: [{ index: 0, ...call }] };
    (events[1] as { choices: object[] }).choices = [{ index: 0, delta, finish_reason: null }];
    const message = { role: "assistant", content: null, tool_calls: [call] };
    gateway.answer(
      stream
        ? { bodyText: sse("openai", events) }
        : { body: chatReply("openai", "", { choices: [{ index: 0, message, finish_reason: "tool_calls" }] }) },
    );
    const first = await gateway.post("/v1/messages", chatBody("anthropic", "openai/gpt-4o", { stream }));
    expect(first.text).toContain('"id":"call_9a-B_c"');
    gateway.answer({ body: chatReply("openai") });
    const tool = { type: "tool_use", id: "call_9a-B_c", name: "f", input: { x: 1 } };
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PIXEL.split(",")[1] } };
    const result = {
      type: "tool_result",
      tool_use_id: "call_9a-B_c",
      is_error: true,
      content: [{ type: "text", text: "broke" }, image],
    };
    const next = await gateway.post("/v1/messages", {
      model: "openai/gpt-4o",
      max_tokens: 30,
      system: [{ type: "text", text: "rules", cache_control: { type: "ephemeral" } }],
      messages: [
        { role: "user", content: "go" },
        { role: "assistant", content: [tool] },
        { role: "user", content: [result, { type: "text", text: "now?" }] },
      ],
    });
    expect(next.status, next.text).toBe(200);
    const { messages } = lastBody();
    expect(messages.map(({ role }: { role: string }) => role)).toEqual([
      "system",
      "user",
      "assistant",
      "tool",
      "user",
      "user",
    ]);
    expect(messages[2].tool_calls).toEqual([
      { id: "call_9a-B_c", type: "function", function: { name: "f", arguments: '{"x":1}' } },
    ]);
    expect(messages[3]).toEqual({ role: "tool", tool_call_id: "call_9a-B_c", content: "broke" });
    expect(JSON.stringify(messages[4])).toContain(PIXEL);
    expect(messages[5]).toEqual({ role: "user", content: "now?" });
  });

  it("keeps its own hidden reasoning through a client of Anthropic's", async () => {
    const details = [
      { type: "reasoning.encrypted", data: "RU5DUllQVEVE", id: "rs_1", format: "openai-responses-v1", index: 0 },
    ];
    const message = { role: "assistant", content: "done", reasoning_details: details };
    gateway.answer({ body: chatReply("openai", "", { choices: [{ index: 0, message, finish_reason: "stop" }] }) });
    const first = await gateway.post("/v1/messages", chatBody("anthropic", "openai/gpt-4o"));
    const { content } = JSON.parse(first.text);
    expect(content.at(-1)).toEqual({ type: "text", text: "done" });
    // to Anthropic it means nothing
    gateway.answer({ body: chatReply("anthropic") });
    const messages = [
      { role: "user", content: "go" },
      { role: "assistant", content },
      { role: "user", content: "on" },
    ];
    const next = await gateway.post("/v1/messages", { model: "anthropic/claude-sonnet-4-5", max_tokens: 9, messages });
    expect(next.status, next.text).toBe(200);
    expect(last().body).not.toContain("signalbox.");
    expect(lastBody().messages[1]).toEqual({ role: "assistant", content: "done" });
  });
});
