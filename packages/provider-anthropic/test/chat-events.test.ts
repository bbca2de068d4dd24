import { describe, expect, it } from "vitest";
import type { CanonicalChatEvent } from "@signalbox/kernel";
import { ChatFold } from "@signalbox/kernel";
import { SseDecoder } from "@signalbox/kernel/http";
import { AnthropicChatEvents } from "../src/chat-events.ts";
import { chatResult } from "../src/chat-result.ts";
import type { StandInTools } from "../src/reply-parts.ts";
import { errorBody, FIXTURES, fixture, sse } from "./support/fixtures.ts";

function read(text: string, standIns?: StandInTools) {
  const reader = new AnthropicChatEvents(1, standIns);
  const decoder = new SseDecoder();
  const events: CanonicalChatEvent[] = [];
  for (const frame of [...decoder.push(Buffer.from(text)), ...decoder.end()]) events.push(...reader.push(frame));
  reader.end();
  const fold = new ChatFold();
  for (const event of events) fold.push(event);
  return { events, result: fold.result() };
}

describe("a stream", () => {
  it.each(FIXTURES)("folds to what the plain reply says: %s", (name) => {
    const { reply, stream } = fixture(name);
    expect(read(sse(stream)).result).toEqual(chatResult(reply, 1));
  });

  it("reports the input as soon as it is known", () => {
    expect(read(sse(fixture("cache-usage").stream)).events[0]).toMatchObject({
      type: "replyStart",
      usage: { inputTokens: 1307, cacheReadTokens: 1000 },
    });
  });

  it.each([
    ["529", { code: "provider_overloaded", upstreamStatus: 529 }],
    ["429", { code: "provider_rate_limited" }],
    ["500", { code: "provider_error" }],
    ["504", { code: "timeout" }],
    ["400", { code: "invalid_request" }],
  ])("fails with an error event of type %s", (name, expected) => {
    expect(() => read(sse([errorBody(name)]))).toThrow(expect.objectContaining(expected));
  });

  it("fails when it is cut or not JSON", () => {
    const { stream } = fixture("plain");
    expect(() => read(sse(stream.slice(0, -1)))).toThrow("the upstream's stream ended before its end");
    expect(() => read("")).toThrow("the upstream's stream ended before it began");
    expect(() => read("event: message_start\ndata: {half\n\n")).toThrow("the upstream sent an event that is not JSON");
  });
});

describe("calls of tools that stand in for something else", () => {
  const { reply, stream } = fixture("tools");

  it("are the answer's text", () => {
    const standIns: StandInTools = { answer: "get_weather" };
    const plain = chatResult(reply, 1, standIns);
    expect(plain.choices[0]).toEqual({
      index: 0,
      finishReason: "stop",
      content: [
        { type: "text", text: "Let me look." },
        { type: "text", text: '{"city":"Zürich"}' },
      ],
    });
    expect(read(sse(stream), standIns).result).toEqual(plain);
  });

  it("are free text", () => {
    const standIns: StandInTools = { freeText: new Set(["get_weather"]) };
    const text = JSON.stringify({ reply, stream })
      .replaceAll('\\"city\\"', '\\"input\\"')
      .replaceAll('"city"', '"input"');
    const changed = JSON.parse(text) as typeof reply & { reply: typeof reply; stream: typeof stream };
    const plain = chatResult(changed.reply, 1, standIns);
    expect(plain.choices[0]?.content[1]).toMatchObject({ type: "toolCall", kind: "custom", arguments: "Zürich" });
    expect(read(sse(changed.stream), standIns).result).toEqual(plain);
  });
});
