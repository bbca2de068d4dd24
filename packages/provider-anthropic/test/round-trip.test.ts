import fc from "fast-check";
import { expect, it } from "vitest";
import type { ChatResult, Part } from "@signalbox/kernel";
import { ChatFold, resultEvents } from "@signalbox/kernel";
import { SseDecoder } from "@signalbox/kernel/http";
import { AnthropicChatEvents } from "../src/chat-events.ts";
import { chatResult } from "../src/chat-result.ts";
import { citationFrom } from "../src/citations.ts";
import { encodeMessage } from "../src/messages-encode.ts";
import { MessagesStreamWriter } from "../src/messages-stream.ts";

const text = fc.string({ unit: "binary", maxLength: 24 });
const word = fc.stringMatching(/^[a-z][a-z_]{0,11}$/);
// through JSON, which has no negative zero
const object = fc
  .dictionary(word, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3, noNullPrototype: true })
  .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>);
const count = fc.nat(9999);

const citation = fc
  .record({ url: fc.webUrl(), title: text, cited_text: text, encrypted_index: word })
  .map((fields) => citationFrom({ type: "web_search_result_location", ...fields }));

const part: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ type: fc.constant("text" as const), text }),
  fc.record({
    type: fc.constant("text" as const),
    text,
    citations: fc.array(citation, { minLength: 1, maxLength: 2 }),
  }),
  fc.record(
    {
      type: fc.constant("reasoning" as const),
      text,
      signature: text.filter((signature) => signature !== ""),
      origin: fc.constant("anthropic"),
    },
    { requiredKeys: ["type", "text", "origin"] },
  ),
  fc.record({
    type: fc.constant("reasoning" as const),
    text: fc.constant(""),
    encrypted: text,
    origin: fc.constant("anthropic"),
  }),
  fc.record({
    type: fc.constant("toolCall" as const),
    id: word,
    name: word,
    arguments: object.map((input) => JSON.stringify(input)),
  }),
  fc.record({ id: word, name: word, input: object }).map(
    (fields): Part => ({
      type: "serverTool",
      phase: "call",
      id: fields.id,
      name: fields.name,
      origin: "anthropic",
      value: { type: "server_tool_use", ...fields },
    }),
  ),
  object.map((payload): Part => ({ type: "opaque", origin: "anthropic", value: { type: "future_block", payload } })),
);

const end = fc.oneof(
  fc.constant({ finishReason: "stop" as const }),
  fc.constant({ finishReason: "toolCalls" as const }),
  fc.constant({ finishReason: "length" as const }),
  fc.constant({ finishReason: "stop" as const, nativeFinishReason: "pause_turn" }),
  text.map((stopSequence) => ({
    finishReason: "stop" as const,
    nativeFinishReason: "stop_sequence",
    stopSequence,
  })),
  text.map((refusal) => ({ finishReason: "contentFilter" as const, refusal })),
);

const usage = fc
  .record({ fresh: count, read: count, written: count, written1h: count, output: count, thinking: fc.option(count) })
  .map(({ fresh, read, written, written1h, output, thinking }) => ({
    inputTokens: fresh + read + written + written1h,
    outputTokens: output,
    ...(read > 0 && { cacheReadTokens: read }),
    ...(written > 0 && { cacheWriteTokens: written }),
    ...(written1h > 0 && { cacheWrite1hTokens: written1h }),
    ...(thinking !== null && { reasoningTokens: thinking }),
  }));

const result: fc.Arbitrary<ChatResult> = fc
  .record({ id: word, model: word, parts: fc.array(part, { maxLength: 5 }), end, usage, tier: fc.boolean() })
  .map(({ id, model, parts, end: ending, usage: used, tier }) => {
    const { refusal, ...fields } = ending as typeof ending & { refusal?: string };
    const declined = refusal !== undefined;
    return {
      id,
      model,
      createdAt: 1,
      choices: [
        {
          index: 0,
          content: declined ? [...parts, { type: "refusal" as const, text: refusal }] : parts,
          ...fields,
          ...(declined && { extra: { anthropic: { stop_details: { type: "refusal", category: null } } } }),
        },
      ],
      usage: used,
      ...(tier && { serviceTier: "priority" }),
    };
  });

function unexpected(note: string): never {
  throw new Error(note);
}

function decode(pieces: readonly Buffer[]): ChatResult {
  const sse = new SseDecoder();
  const reader = new AnthropicChatEvents(1);
  const fold = new ChatFold();
  for (const frames of [...pieces.map((piece) => sse.push(piece)), sse.end()]) {
    for (const frame of frames) for (const event of reader.push(frame)) fold.push(event);
  }
  reader.end();
  return fold.result();
}

it("what is encoded as Anthropic's stream and cut anywhere decodes to the same result", () => {
  fc.assert(
    fc.property(result, fc.array(fc.nat(4000), { maxLength: 6 }), (original, cuts) => {
      const writer = new MessagesStreamWriter("call-1", original.model, unexpected);
      let bytes = "";
      for (const event of resultEvents(original)) bytes += writer.event(event);
      const stream = Buffer.from(bytes + writer.end(original, false));
      const places = [0, ...new Set(cuts.filter((cut) => cut < stream.length)), stream.length].sort((a, b) => a - b);
      const pieces = places.slice(1).map((place, index) => stream.subarray(places[index], place));
      expect(decode([stream])).toEqual(original);
      expect(decode(pieces)).toEqual(original);
      expect(decode(Array.from(stream, (_, index) => stream.subarray(index, index + 1)))).toEqual(original);
      const atOnce = new MessagesStreamWriter("call-1", original.model, unexpected).end(original, true);
      expect(decode([Buffer.from(atOnce)])).toEqual(original);
    }),
    { numRuns: 200 },
  );
});

it("what is encoded as Anthropic's message decodes to the same result", () => {
  fc.assert(
    fc.property(result, (original) => {
      const message: unknown = JSON.parse(JSON.stringify(encodeMessage(original, "call-1", unexpected)));
      expect(chatResult(message, 1)).toEqual(original);
    }),
    { numRuns: 300 },
  );
});
