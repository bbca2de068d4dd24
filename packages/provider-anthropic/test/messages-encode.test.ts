import { describe, expect, it } from "vitest";
import type { CallRoute, CanonicalChatEvent, ChatResult, Decoded, Part, ReplyEncoder } from "@signalbox/kernel";
import { ChatFold, GatewayError, resultEvents } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";
import { anthropicDialects } from "@signalbox/provider-anthropic";
import { chatResult } from "../src/chat-result.ts";
import { decodeMessagesRequest } from "../src/messages-decode.ts";
import { posted } from "./support/chat.ts";
import { FIXTURES, fixture } from "./support/fixtures.ts";
import { readEvents, readMessage } from "./support/read-stream.ts";

const [dialect] = anthropicDialects();
const route = dialect?.routes[0] as CallRoute<"chat">;

function encoder(stream: boolean): ReplyEncoder<"chat"> & { readonly notes: () => readonly string[] } {
  const body = { model: "gpt-5", max_tokens: 10, stream, messages: [{ role: "user", content: "Hi" }] };
  const decoded = route.decode(posted("/v1/messages", body)) as Decoded<"chat">;
  const call = { ...testCall({ operation: "chat", request: decoded.request }), id: "call-1" };
  return Object.assign(decoded.encoder(call), { notes: () => (call.trace.notes ?? []).map(({ text }) => text) });
}

const OPENAI: ChatResult = {
  id: "chatcmpl-1",
  model: "gpt-5",
  createdAt: 1,
  choices: [{ index: 0, content: [{ type: "text", text: "Hello." }], finishReason: "stop" }],
  usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 4, reasoningTokens: 2 },
};

function answer(content: readonly Part[], end: Partial<ChatResult["choices"][0]> = {}): ChatResult {
  return { ...OPENAI, choices: [{ index: 0, content, finishReason: "stop", ...end }] };
}

function whole(result: ChatResult): Record<string, unknown> {
  return JSON.parse(String(encoder(false).result(result).body)) as Record<string, unknown>;
}

function streamed(events: Iterable<CanonicalChatEvent>): Record<string, unknown> {
  const writer = encoder(true);
  const fold = new ChatFold();
  let bytes = "";
  for (const event of events) {
    fold.push(event);
    bytes += writer.event(event) ?? "";
  }
  return readMessage(bytes + writer.end(fold.result(), true));
}

/** What Anthropic's own replies leave open: members that say "nothing", and the split of cache writes. */
function comparable(message: Record<string, unknown>): unknown {
  const usage = message.usage as Record<string, unknown>;
  const split = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 };
  const content = (message.content as Record<string, unknown>[]).map(({ citations, ...block }) =>
    Array.isArray(citations) && citations.length > 0 ? { ...block, citations } : block,
  );
  return { ...message, content, usage: { cache_creation: split, ...usage } };
}

describe("replies of Anthropic's own", () => {
  it.each(FIXTURES.filter((name) => name !== "compaction"))("come out as they went in: %s", (name) => {
    const { reply } = fixture(name);
    const result = chatResult(reply, 1);
    expect(comparable(whole(result))).toEqual(comparable(reply));
    expect(comparable(streamed(resultEvents(result)))).toEqual(comparable(reply));
    const atOnce = encoder(true);
    expect(comparable(readMessage(atOnce.end(result, false)))).toEqual(comparable(reply));
  });

  it("keep a compaction's text, and count it", () => {
    const { reply } = fixture("compaction");
    expect(whole(chatResult(reply, 1))).toMatchObject({
      content: reply.content,
      usage: { input_tokens: 1000, output_tokens: 68, cache_read_input_tokens: 50 },
    });
  });
});

describe("replies of other vendors", () => {
  it("are messages, with the usage in exclusive parts", () => {
    expect(whole(OPENAI)).toEqual({
      id: "chatcmpl-1",
      type: "message",
      role: "assistant",
      model: "gpt-5",
      content: [{ type: "text", text: "Hello." }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: {
        input_tokens: 6,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 4,
        cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
        output_tokens: 5,
        output_tokens_details: { thinking_tokens: 2 },
      },
    });
  });

  it.each([
    [{ finishReason: "stop" }, "end_turn", null],
    [{ finishReason: "stop", stopSequence: "END" }, "stop_sequence", "END"],
    [{ finishReason: "toolCalls" }, "tool_use", null],
    [{ finishReason: "length" }, "max_tokens", null],
    [
      { finishReason: "length", nativeFinishReason: "model_context_window_exceeded" },
      "model_context_window_exceeded",
      null,
    ],
    [{ finishReason: "contentFilter" }, "refusal", null],
    [{ finishReason: "contentFilter", nativeFinishReason: "SAFETY" }, "refusal", null],
    [{ finishReason: "stop", nativeFinishReason: "pause_turn" }, "pause_turn", null],
  ] as const)("end as Anthropic's do: %j", (end, reason, sequence) => {
    expect(whole(answer([], end))).toMatchObject({ stop_reason: reason, stop_sequence: sequence });
  });

  it("explain a refusal in stop_details", () => {
    const result = answer([{ type: "refusal", text: "I cannot." }]);
    const expected = {
      content: [],
      stop_reason: "refusal",
      stop_details: { type: "refusal", category: null, explanation: "I cannot." },
    };
    expect(whole(result)).toMatchObject(expected);
    expect(streamed(resultEvents(result))).toMatchObject(expected);
  });

  it("cite addresses, and say that other citations are lost", () => {
    const citations = [
      { type: "url", url: "https://example.com", title: "T", startIndex: 0, endIndex: 3 },
      { type: "document", title: "D" },
    ] as const;
    const plain = encoder(false);
    const message = JSON.parse(String(plain.result(answer([{ type: "text", text: "abc", citations }])).body)) as object;
    expect(message).toMatchObject({
      content: [
        {
          citations: [
            {
              type: "web_search_result_location",
              url: "https://example.com",
              title: "T",
              cited_text: "",
              encrypted_index: "",
            },
          ],
        },
      ],
    });
    expect(plain.notes()).toEqual(["citations without an address were left out"]);
  });

  it("carry another vendor's reasoning so that it comes back as that vendor's", () => {
    const parts: readonly Part[] = [
      { type: "reasoning", text: "Thought.", signature: "sig", origin: "google" },
      { type: "reasoning", text: "", encrypted: "enc", id: "rs_1", origin: "openai" },
      { type: "reasoning", text: "Open.", origin: "deepseek" },
    ];
    for (const message of [whole(answer(parts)), streamed(resultEvents(answer(parts)))]) {
      const content = message.content as { type: string }[];
      expect(content.map(({ type }) => type)).toEqual(["thinking", "redacted_thinking", "thinking"]);
      const again = decodeMessagesRequest({ model: "m", max_tokens: 1, messages: [{ role: "assistant", content }] });
      expect(again.messages[0]?.content).toEqual(parts);
    }
  });

  it("write the free text of a custom tool as its input", () => {
    const call: Part = { type: "toolCall", id: "c1", name: "sql", arguments: 'select "a"', kind: "custom" };
    const expected = { content: [{ type: "tool_use", id: "c1", name: "sql", input: { input: 'select "a"' } }] };
    expect(whole(answer([call]))).toMatchObject(expected);
    expect(streamed(resultEvents(answer([call])))).toMatchObject(expected);
  });
});

describe("the stream", () => {
  const start: CanonicalChatEvent = { type: "replyStart", id: "chatcmpl-1", model: "gpt-5", createdAt: 1 };

  it("has the whole usage at its end when it was not known before", () => {
    const writer = encoder(true);
    const bytes = [...resultEvents(OPENAI)].map((event) => writer.event(event) ?? "").join("");
    const events = readEvents(bytes + writer.end(OPENAI, true));
    expect(events.map(({ type }) => type)).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(events[0]).toMatchObject({ message: { usage: { input_tokens: 0, output_tokens: 0 } } });
    expect(events[4]).toMatchObject({ usage: { input_tokens: 6, cache_read_input_tokens: 4, output_tokens: 5 } });
  });

  it("opens one block at a time, though parts overlap", () => {
    const call = (index: number, id: string): CanonicalChatEvent => ({
      type: "partStart",
      choice: 0,
      index,
      part: { type: "toolCall", id, name: id, arguments: "" },
    });
    const args = (index: number, text: string): CanonicalChatEvent => ({
      type: "partDelta",
      choice: 0,
      index,
      delta: { type: "arguments", text },
    });
    const text = (piece: string): CanonicalChatEvent => ({
      type: "partDelta",
      choice: 0,
      index: 0,
      delta: { type: "text", text: piece },
    });
    const message = streamed([
      start,
      { type: "partStart", choice: 0, index: 0, part: { type: "text", text: "" } },
      text("one "),
      call(1, "a"),
      args(1, '{"x":'),
      call(2, "b"),
      args(2, '{"y":'),
      text("two"),
      args(1, "1}"),
      args(2, "2}"),
      { type: "partEnd", choice: 0, index: 1 },
      { type: "partEnd", choice: 0, index: 2 },
      { type: "partEnd", choice: 0, index: 0 },
      { type: "choiceEnd", choice: 0, finishReason: "toolCalls" },
    ]);
    expect(message.content).toEqual([
      { type: "text", text: "one " },
      { type: "tool_use", id: "a", name: "a", input: { x: 1 } },
      { type: "tool_use", id: "b", name: "b", input: { y: 2 } },
      { type: "text", text: "two" },
    ]);
  });

  it("sends a call's start at once and does not wait for its end", () => {
    const writer = encoder(true);
    writer.event(start);
    const bytes = writer.event({
      type: "partStart",
      choice: 0,
      index: 0,
      part: { type: "toolCall", id: "a", name: "f", arguments: "" },
    });
    expect(readEvents(bytes ?? "")).toEqual([
      { type: "content_block_start", index: 0, content_block: { type: "tool_use", id: "a", name: "f", input: {} } },
    ]);
  });

  it("has pings, and an error that ends it", () => {
    const writer = encoder(true);
    expect(writer.heartbeat).toBe('event: ping\ndata: {"type":"ping"}\n\n');
    expect(writer.headers).toEqual({ "request-id": "call-1" });
    const error = new GatewayError("provider_overloaded", "too busy", { upstreamStatus: 529 });
    expect(readEvents(writer.error(error))).toEqual([
      {
        type: "error",
        error: { type: "overloaded_error", message: "too busy", details: { error_code: "provider_overloaded" } },
        request_id: "call-1",
      },
    ]);
  });
});
