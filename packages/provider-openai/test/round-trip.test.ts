import fc from "fast-check";
import { expect, test } from "vitest";
import type { CanonicalChatEvent, ChatRequest, ChatResult, Part } from "@signalbox/kernel";
import { ChatFold, resultEvents } from "@signalbox/kernel";
import { SseDecoder } from "@signalbox/kernel/http";
import { checkChatEvents, testAttempt } from "@signalbox/kernel/testkit";
import {
  ChunkDecoder,
  ChunkEncoder,
  chatBody,
  chatResult,
  decodeChat,
  encodeCompletion,
  OPENAI_PROFILE,
} from "@signalbox/provider-openai";

const context = { profile: OPENAI_PROFILE, origin: "openai", audioFormat: undefined };
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,9}$/);
const jsonText = fc
  .dictionary(word, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((value) => JSON.stringify(value));

const citation = fc.record({
  type: fc.constant("url" as const),
  url: fc.webUrl(),
  title: text,
  startIndex: fc.nat(50),
  endIndex: fc.nat(50),
});

/** Content in the order in which the wire format can carry it. */
const content = fc
  .record({
    reasoning: fc.option(text),
    text: fc.option(text),
    citations: fc.array(citation, { maxLength: 2 }),
    refusal: fc.option(text),
    calls: fc.uniqueArray(fc.record({ id: word, name: word, arguments: jsonText }), {
      maxLength: 3,
      selector: ({ id }) => id,
    }),
  })
  .map(({ reasoning, text: said, citations, refusal, calls }): Part[] => [
    ...(reasoning === null ? [] : [{ type: "reasoning" as const, text: reasoning, origin: "openai" }]),
    ...(said === null ? [] : [{ type: "text" as const, text: said, ...(citations.length > 0 && { citations }) }]),
    ...(refusal === null ? [] : [{ type: "refusal" as const, text: refusal }]),
    ...calls.map((call) => ({ type: "toolCall" as const, ...call })),
  ]);

const result: fc.Arbitrary<ChatResult> = fc
  .record({
    contents: fc.array(content, { minLength: 1, maxLength: 3 }),
    ends: fc.array(fc.constantFrom("stop", "length", "toolCalls", "contentFilter"), { minLength: 3, maxLength: 3 }),
    counts: fc.array(fc.nat(10_000), { minLength: 3, maxLength: 3 }),
    tier: fc.option(word),
  })
  .map(({ contents, ends, counts, tier }) => ({
    id: "chatcmpl-1",
    model: "m-1",
    createdAt: 1_793_000_000,
    choices: contents.map((parts, index) => ({
      index,
      content: parts,
      finishReason: ends[index] as "stop" | "length" | "toolCalls" | "contentFilter",
    })),
    usage: {
      inputTokens: counts[0] as number,
      outputTokens: (counts[1] as number) + (counts[2] as number),
      cacheReadTokens: 0,
      inputAudioTokens: 0,
      outputAudioTokens: 0,
      reasoningTokens: 0,
      acceptedPredictionTokens: 0,
      rejectedPredictionTokens: 0,
    },
    ...(tier !== null && { serviceTier: tier }),
  }));

function decodeStream(pieces: readonly Buffer[]): { events: CanonicalChatEvent[]; result: ChatResult } {
  const sse = new SseDecoder();
  const chunks = new ChunkDecoder(context);
  const events: CanonicalChatEvent[] = [];
  for (const piece of pieces) {
    for (const { data } of sse.push(piece)) {
      if (data !== "[DONE]") events.push(...chunks.push(JSON.parse(data) as Record<string, unknown>));
    }
  }
  const fold = new ChatFold();
  for (const event of events) fold.push(event);
  return { events, result: fold.result() };
}

function* slowly(whole: ChatResult): Generator<CanonicalChatEvent> {
  for (const event of resultEvents(whole)) {
    if (event.type !== "partDelta" || !("text" in event.delta)) yield event;
    else for (const character of event.delta.text) yield { ...event, delta: { ...event.delta, text: character } };
  }
}

test("any result survives its stream, however events and bytes are cut", () => {
  fc.assert(
    fc.property(result, fc.array(fc.nat(400), { maxLength: 12 }), fc.boolean(), (whole, cuts, slow) => {
      const encoder = new ChunkEncoder({ id: "chatcmpl-x", legacyFunctions: false, includeUsage: true });
      let frames = "";
      for (const event of slow ? slowly(whole) : resultEvents(whole)) frames += encoder.event(event) ?? "";
      const bytes = Buffer.from(frames + encoder.end(whole));
      const pieces: Buffer[] = [];
      let from = 0;
      for (const size of cuts) {
        pieces.push(bytes.subarray(from, from + size));
        from += size;
      }
      pieces.push(bytes.subarray(from));
      const decoded = decodeStream(pieces);
      checkChatEvents(decoded.events);
      expect(decoded.result).toEqual(whole);
      expect(decodeStream(Array.from(bytes, (byte) => Buffer.of(byte))).result).toEqual(whole);
    }),
    { numRuns: 40 },
  );
});

test("any result survives its body", () => {
  fc.assert(
    fc.property(result, (whole) => {
      const wire = JSON.parse(JSON.stringify(encodeCompletion(whole, { id: "x", legacyFunctions: false }))) as Record<
        string,
        unknown
      >;
      const decoded = chatResult(wire, context);
      expect({ ...decoded, choices: decoded.choices.map(({ logprobs: _, ...choice }) => choice) }).toEqual(whole);
    }),
    { numRuns: 100 },
  );
});

const user = fc.oneof(
  text.map((value): Part => ({ type: "text", text: value })),
  fc.constantFrom<Part>(
    { type: "image", source: { type: "url", url: "https://pictures.example/a.png" }, detail: "high" },
    { type: "image", source: { type: "data", mediaType: "image/png", data: "aGk=" } },
    { type: "audio", source: { type: "data", mediaType: "audio/wav", data: "AAAA" }, format: "wav" },
    { type: "document", source: { type: "file", fileId: "file-1" } },
    { type: "document", source: { type: "data", mediaType: "application/pdf", data: "JVBE" }, title: "a.pdf" },
  ),
);

const request: fc.Arbitrary<ChatRequest> = fc.record(
  {
    model: fc.constant("m"),
    messages: fc
      .record({
        rules: text,
        parts: fc.array(user, { minLength: 1, maxLength: 4 }),
        said: text,
        calls: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }),
      })
      .map(({ rules, parts, said, calls }): ChatRequest["messages"] => [
        { role: "system", content: [{ type: "text", text: rules }] },
        { role: "user", content: parts },
        {
          role: "assistant",
          content: [
            { type: "text", text: said },
            ...calls.map((id) => ({ type: "toolCall" as const, id, name: "f", arguments: "{}" })),
          ],
        },
        ...calls.map((id) => ({
          role: "tool" as const,
          content: [{ type: "toolResult" as const, toolCallId: id, content: [{ type: "text" as const, text: said }] }],
        })),
      ]),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }).map((value) => Math.abs(value)),
    topP: fc.constant(0.5),
    maxOutputTokens: fc.nat(1000),
    stop: fc.array(text, { minLength: 1, maxLength: 2 }),
    seed: fc.nat(),
    choiceCount: fc.constant(2),
    stream: fc.constant(true),
    tools: fc.constant([{ type: "function" as const, name: "f", parameters: { type: "object" }, strict: true }]),
    toolChoice: fc.constantFrom({ type: "auto" as const }, { type: "tool" as const, name: "f" }),
    responseFormat: fc.constantFrom(
      { type: "json" as const },
      { type: "jsonSchema" as const, name: "a", schema: { type: "object" }, strict: true },
    ),
    reasoning: fc.constant({ effort: "low" as const }),
    user: word,
    metadata: fc.dictionary(word, word, { minKeys: 1, maxKeys: 2 }),
    extra: fc.constant({ openai: { x_new: { a: [1] } } }),
  },
  { requiredKeys: ["model", "messages"] },
) as fc.Arbitrary<ChatRequest>;

test("any request survives its body", () => {
  fc.assert(
    fc.property(request, (asked) => {
      const withTools = asked.tools === undefined && asked.toolChoice !== undefined;
      const { toolChoice: _, ...rest } = asked;
      const sane: ChatRequest = withTools ? rest : asked;
      const attempt = testAttempt({ operation: "chat", request: sane });
      const body = JSON.parse(JSON.stringify(chatBody(attempt, OPENAI_PROFILE, {}))) as Record<string, unknown>;
      expect(decodeChat(body)).toEqual(sane);
    }),
    { numRuns: 100 },
  );
});
