import { describe, expect, test } from "vitest";
import type { ChatRequest, ChatResult, FunctionTool, Part } from "@signalbox/kernel";
import { ChatFold, collectReply, resultOf } from "@signalbox/kernel";
import type { MockOptions } from "../src/index.ts";
import { mock } from "../src/index.ts";
import { begin, canonical, user } from "./attempt.ts";

const WEATHER: FunctionTool = {
  type: "function",
  name: "weather",
  parameters: { type: "object", properties: { city: { type: "string", minLength: 2 } }, required: ["city"] },
};

async function ask(request: ChatRequest, options: MockOptions = {}): Promise<ChatResult> {
  return resultOf(begin(mock(options), "chat", request));
}

async function said(request: ChatRequest, options: MockOptions = {}): Promise<readonly Part[] | undefined> {
  return (await ask(request, options)).choices[0]?.content;
}

describe("what a mock model says", () => {
  test("echo says the last user text; tokens are four bytes each", async () => {
    expect(await ask(user("Grüße, Welt"))).toEqual({
      id: "mock-1",
      model: "echo",
      createdAt: 1_767_225_600,
      choices: [{ index: 0, content: [{ type: "text", text: "Grüße, Welt" }], finishReason: "stop" }],
      usage: { inputTokens: 4, outputTokens: 4 },
    });
  });

  test("the same request has the same answer, but for its number", async () => {
    const provider = mock();
    const first = await resultOf(begin(provider, "chat", user("a")));
    const second = await resultOf(begin(provider, "chat", user("a")));
    expect({ ...second, id: first.id }).toEqual(first);
    expect([first.id, second.id]).toEqual(["mock-1", "mock-2"]);
  });

  test("n answers are counted n times", async () => {
    const result = await ask(user("abcd", { choiceCount: 3 }));
    expect(result.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(result.usage).toEqual({ inputTokens: 1, outputTokens: 3 });
  });

  test("reasoning and refusal", async () => {
    const result = await ask(user("why", { model: "reasoning" }));
    expect(result.choices[0]?.content).toEqual([
      { type: "reasoning", text: 'The user said "why".', signature: "bW9jaw==", origin: "mock" },
      { type: "text", text: "why" },
    ]);
    expect(result.usage).toEqual({ inputTokens: 1, outputTokens: 6, reasoningTokens: 5 });
    expect(await said(user("x", { model: "refusal" }))).toEqual([
      { type: "refusal", text: "The mock provider refuses to answer." },
    ]);
  });

  test("max tokens cut between characters; a stop sequence ends the text", async () => {
    const long = await ask(user("123é5678", { maxOutputTokens: 1 }));
    expect(long.choices[0]).toEqual({ index: 0, content: [{ type: "text", text: "123" }], finishReason: "length" });
    const stopped = await ask(user("one two three", { stop: ["three", " two"] }));
    expect(stopped.choices[0]).toEqual({
      index: 0,
      content: [{ type: "text", text: "one" }],
      finishReason: "stop",
      stopSequence: " two",
    });
  });

  test("a line that names a tool calls it, with the arguments as written", async () => {
    const tools = [WEATHER];
    const result = await ask(user('call weather {"city": "Rome"}\ncall weather not json\ncall other {}', { tools }));
    expect(result.choices[0]).toEqual({
      index: 0,
      finishReason: "toolCalls",
      content: [
        { type: "toolCall", id: "call_mock_1", name: "weather", arguments: '{"city": "Rome"}' },
        { type: "toolCall", id: "call_mock_2", name: "weather", arguments: "not json" },
      ],
    });
    const one = await said(user("call weather\ncall weather", { tools, parallelToolCalls: false }));
    expect(one).toEqual([{ type: "toolCall", id: "call_mock_1", name: "weather", arguments: '{"city":"xx"}' }]);
    expect(await said(user("call weather {}", { tools, toolChoice: { type: "none" } }))).toEqual([
      { type: "text", text: "call weather {}" },
    ]);
  });

  test("a forced tool is called; a tool's result is answered", async () => {
    const forced = user("hello", { tools: [WEATHER], toolChoice: { type: "tool", name: "weather" } });
    expect(await said(forced)).toEqual([
      { type: "toolCall", id: "call_mock_1", name: "weather", arguments: '{"city":"xx"}' },
    ]);
    const answered: ChatRequest = {
      ...forced,
      messages: [
        ...forced.messages,
        {
          role: "tool",
          content: [{ type: "toolResult", toolCallId: "call_mock_1", content: [{ type: "text", text: "sunny" }] }],
        },
      ],
    };
    expect(await said(answered)).toEqual([{ type: "text", text: "sunny" }]);
  });

  test("a schema gets its smallest instance, json gets an object", async () => {
    const schema = { type: "object", properties: { n: { type: "integer", minimum: 3 } }, required: ["n"] };
    expect(await said(user("x", { responseFormat: { type: "jsonSchema", name: "s", schema } }))).toEqual([
      { type: "text", text: '{"n":3}' },
    ]);
    expect(await said(user("x", { responseFormat: { type: "json" } }))).toEqual([
      { type: "text", text: '{"echo":"x"}' },
    ]);
  });

  test("scripts: texts, parts, whole replies, functions", async () => {
    const call: Part = { type: "toolCall", id: "c", name: "f", arguments: "{}" };
    const scripts: MockOptions["scripts"] = {
      text: "hi",
      parts: [call],
      whole: { content: "ab", finishReason: "contentFilter", usage: { inputTokens: 7, outputTokens: 8 } },
      counted: (request) => `${request.messages.length} messages`,
      thrown: () => {
        throw new Error("from the script");
      },
    };
    expect(await said(user("x", { model: "text" }), { scripts })).toEqual([{ type: "text", text: "hi" }]);
    expect((await ask(user("x", { model: "parts" }), { scripts })).choices[0]).toEqual({
      index: 0,
      content: [call],
      finishReason: "toolCalls",
    });
    const whole = await ask(user("x", { model: "whole" }), { scripts });
    expect(whole.choices[0]?.finishReason).toBe("contentFilter");
    expect(whole.usage).toEqual({ inputTokens: 7, outputTokens: 8 });
    expect(await said(user("x", { model: "counted" }), { scripts })).toEqual([{ type: "text", text: "1 messages" }]);
    await expect(ask(user("x", { model: "thrown" }), { scripts })).rejects.toThrow("from the script");
  });
});

describe("streams", () => {
  test("events as literals", async () => {
    const { events } = await collectReply(begin(mock(), "chat", user("twenty characters ok", { stream: true })));
    expect(events).toEqual([
      { type: "replyStart", id: "mock-1", model: "echo", createdAt: 1_767_225_600 },
      { type: "partStart", choice: 0, index: 0, part: { type: "text", text: "" } },
      { type: "partDelta", choice: 0, index: 0, delta: { type: "text", text: "twenty character" } },
      { type: "partDelta", choice: 0, index: 0, delta: { type: "text", text: "s ok" } },
      { type: "partEnd", choice: 0, index: 0 },
      { type: "choiceEnd", choice: 0, finishReason: "stop" },
      { type: "usageUpdate", usage: { inputTokens: 5, outputTokens: 5 } },
    ]);
  });

  test.each(["echo", "reasoning", "refusal", "fixed", "chunks-7", "echo+chunks-3"])(
    "%s: the events fold to the result",
    async (model) => {
      const request = user("a text with 👍🏽 in it", { model, stream: true, choiceCount: 2 });
      const { events, result } = await collectReply(begin(mock({ chunkSize: 1 }), "chat", request));
      const fold = new ChatFold();
      for (const event of canonical(events)) fold.push(event);
      expect(fold.result()).toEqual(result);
    },
  );

  test("without stream there are no events", async () => {
    const { events } = await collectReply(begin(mock(), "chat", user("x")));
    expect(events).toEqual([]);
  });

  test.each([
    ["chunks-3", {}, ["This", " is", " a"]],
    ["echo+chunks-2", {}, ["ab", "cd"]],
    ["echo", { chunkSize: 3 }, ["abc", "d"]],
    ["listed", { scripts: { listed: { content: "abcd", pieces: ["a", "", "bcd"] } } }, ["a", "bcd"]],
  ] as const)("deltas of %s", async (model, options, expected) => {
    const { events } = await collectReply(begin(mock(options), "chat", user("abcd", { model, stream: true })));
    const deltas = canonical(events).flatMap((event) =>
      event.type === "partDelta" && "text" in event.delta ? [event.delta.text] : [],
    );
    expect(deltas).toEqual(expected);
  });

  test("surrogate pairs stay together", async () => {
    const request = user("👍👍👍", { stream: true });
    const { events } = await collectReply(begin(mock({ chunkSize: 1 }), "chat", request));
    const deltas = canonical(events).flatMap((event) =>
      event.type === "partDelta" && "text" in event.delta ? [event.delta.text] : [],
    );
    expect(deltas).toEqual(["👍", "👍", "👍"]);
  });
});
