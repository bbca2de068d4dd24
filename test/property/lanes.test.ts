import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Plugin } from "@signalbox/kernel";
import { isFrame, transformReply } from "@signalbox/kernel";
import type { ScriptedGateway, Wire } from "../e2e/scripted-gateway.ts";
import { CHAT_PATHS, chatBody, chatEvents, chatReply, scriptedGateway, sse, WIRES } from "../e2e/scripted-gateway.ts";
import { dataLines, readChat } from "../replay/read-chat.ts";
import type { PlainReply, Style } from "./wire-writers.ts";
import { writeReply } from "./wire-writers.ts";

const RUNS = 40;

let gateway: ScriptedGateway;
/** Has a layer that reads every event, so that nothing is forwarded unread. */
let reading: ScriptedGateway;

const reader: Plugin = {
  name: "reader",
  layers: {
    guard: (call, next) =>
      transformReply(next(call), {
        *event(event) {
          if (isFrame(event)) throw new Error("a reading layer got bytes");
          yield structuredClone(event);
        },
        result: (result) => ({ ...result }),
      }),
  },
};

beforeAll(async () => {
  gateway = await scriptedGateway();
  reading = await scriptedGateway({ plugins: [reader] });
});
afterAll(async () => {
  await gateway.close();
  await reading.close();
});

/** Also single halves of surrogate pairs, which JSON can carry as escapes. */
const units = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
  .map((codes) => String.fromCharCode(...codes));
const text = fc.oneof(
  fc.constant(""),
  fc.string({ maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 30 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  units,
  fc.constantFrom(
    "data: [DONE]\n\n",
    'data: {"error": {"message": "no"}}\r\n\r\n',
    "event: error\ndata: {}\n\n",
    '"usage"',
    '{"type":"error"}',
    "👩‍👩‍👧‍👦 \u2028 \u2029 \u0000",
  ),
);
const input = fc.dictionary(
  fc.oneof(
    fc.string({ minLength: 1, maxLength: 8 }),
    fc.constantFrom("error", "usage", "__proto__", "type", "10", "9"),
  ),
  fc.oneof(text, fc.jsonValue({ maxDepth: 3 })),
  { maxKeys: 4, noNullPrototype: true },
);
const toolCalls = fc.uniqueArray(
  fc.record({
    id: fc.stringMatching(/^[A-Za-z0-9_-]{6,24}$/),
    name: fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/),
    input,
  }),
  { maxLength: 4, selector: ({ id }) => id },
);
const reply: fc.Arbitrary<PlainReply> = fc
  .record({
    reasoning: text,
    text,
    toolCalls,
    end: fc.constantFrom("stop", "length", "filter"),
    usage: fc.record({ fresh: fc.nat(100_000), cached: fc.nat(100_000), output: fc.integer({ min: 1, max: 50_000 }) }),
  })
  .map(({ end, ...rest }) => ({
    ...rest,
    finish: end === "stop" && rest.toolCalls.length > 0 ? "tools" : (end as "stop"),
  }));
const style: fc.Arbitrary<Style> = fc.record({
  lineEnd: fc.constantFrom("\n", "\r\n"),
  spaceAfterColon: fc.boolean(),
  asciiOnly: fc.boolean(),
  comments: fc.boolean(),
  deltaSizes: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 4 }),
  interleaved: fc.boolean(),
});
/** Where the bytes are cut: as fractions of the whole (none: one piece), after each frame, or everywhere. */
const cuts = fc.oneof(
  { weight: 8, arbitrary: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 }) },
  { weight: 2, arbitrary: fc.constant("frames" as const) },
  { weight: 1, arbitrary: fc.constant("bytes" as const) },
);
type Cuts = readonly number[] | "frames" | "bytes";

function offsetsOf(body: Buffer, places: Cuts): readonly number[] {
  if (places === "bytes") return Array.from({ length: body.length - 1 }, (_, at) => at + 1);
  if (places === "frames") {
    const ends = body.toString("latin1").matchAll(/\r\n\r\n|\n\n/g);
    return [...ends].map((end) => end.index + end[0].length).filter((end) => end < body.length);
  }
  return [...new Set(places.map((place) => Math.floor(place * body.length)))].sort((one, two) => one - two);
}

/** The body in pieces, as Base64. */
function cutAt(body: Buffer, places: Cuts): readonly string[] {
  const offsets = offsetsOf(body, places);
  return [...offsets, body.length].map((end, at) => body.subarray(offsets[at - 1] ?? 0, end).toString("base64"));
}

interface Identity {
  readonly ids: readonly string[];
  readonly cached: number;
}

/** Ids of tool calls, and tokens read from a cache, which `readChat` leaves out. */
function readIdentity(client: Wire, body: string, stream: boolean): Identity {
  const ids = new Map<number, string>();
  let cached = 0;
  for (const data of stream ? dataLines(body) : [body]) {
    if (data === "[DONE]") continue;
    const document = JSON.parse(data);
    if (client === "openai") {
      const message = document.choices[0]?.[stream ? "delta" : "message"];
      for (const [at, call] of (message?.tool_calls ?? []).entries()) {
        if (call.id !== undefined) ids.set(call.index ?? at, call.id);
      }
      cached = document.usage?.prompt_tokens_details?.cached_tokens ?? cached;
    } else {
      const blocks = stream ? [document.content_block] : document.content;
      for (const [at, block] of blocks.entries()) {
        if (block?.type === "tool_use") ids.set(document.index ?? at, block.id);
      }
      cached = (document.usage ?? document.message?.usage)?.cache_read_input_tokens ?? cached;
    }
  }
  return { ids: [...ids].sort(([one], [two]) => one - two).map(([, id]) => id), cached };
}

const lanes = WIRES.flatMap((upstream) =>
  WIRES.flatMap((client) =>
    [true, false].flatMap((stream) => [
      { upstream, client, stream, read: false },
      { upstream, client, stream, read: true },
    ]),
  ),
);

describe("every split of every reply reads the same", () => {
  it.each(lanes)("from $upstream to a client of $client, streamed $stream, read on the way $read", async (lane) => {
    const { upstream, client, stream, read: isRead } = lane;
    const running = isRead ? reading : gateway;
    await fc.assert(
      fc.asyncProperty(reply, style, cuts, async (said, written, places) => {
        running.answer((request) => {
          const asked = JSON.parse(request.body);
          expect(asked.stream ?? false).toBe(stream);
          const usage = asked.stream_options?.include_usage === true;
          const body = Buffer.from(writeReply(upstream, stream, said, written, usage));
          const contentType = stream ? "text/event-stream; charset=utf-8" : "application/json";
          return { contentType, chunks: cutAt(body, places), delivery: "recorded" };
        });
        const options = stream && client === "openai" ? { stream_options: { include_usage: true } } : {};
        const body = chatBody(client, `${upstream}/any`, { stream, ...options });
        const answer = await running.post(CHAT_PATHS[client], body);
        expect(answer.status, answer.text).toBe(200);
        const read = readChat(client, answer.text, stream);
        const { toolCalls: calls, ...rest } = read;
        expect({ ...rest, ...readIdentity(client, answer.text, stream) }).toEqual({
          text: said.text,
          reasoning: said.reasoning,
          finish: said.finish,
          inputTokens: said.usage.fresh + said.usage.cached,
          outputTokens: said.usage.output,
          ids: said.toolCalls.map(({ id }) => id),
          cached: said.usage.cached,
        });
        // As texts: the order of members counts, and so does one that is called __proto__.
        expect(calls.map((call) => [call.name, JSON.stringify(call.arguments)])).toEqual(
          said.toolCalls.map((call) => [call.name, JSON.stringify(JSON.parse(JSON.stringify(call.input)))]),
        );
      }),
      { numRuns: RUNS },
    );
  });
});

describe("what stands around a reply", () => {
  const pairs = WIRES.flatMap((upstream) => WIRES.map((client) => ({ upstream, client })));
  const END: Readonly<Record<Wire, string>> = { openai: "data: [DONE]", anthropic: '"message_stop"' };
  /** Texts that look like the end of a stream. */
  const pieces = ["data: [DONE]", "[DONE]", '{"type":"message_stop"}'];

  it.each(pairs)("comments, from $upstream to $client, do not matter", async ({ upstream, client }) => {
    const frames = [": one\n\n", sse(upstream, chatEvents(upstream, pieces)), ": two\n\n", ":\r\n\r\n"];
    gateway.answer({ contentType: "text/event-stream", chunks: frames.map(toBase64), pauseMs: 20 });
    const { text } = await gateway.post(CHAT_PATHS[client], chatBody(client, `${upstream}/any`, { stream: true }));
    expect(readChat(client, text, true)).toMatchObject({ text: pieces.join(""), finish: "stop" });
    expect(text.split(END[client])).toHaveLength(client === "openai" ? 3 : 2);
    expect(text).not.toContain('"error"');
  });

  it.each(pairs)("one piece in place of a stream, from $upstream to $client", async ({ upstream, client }) => {
    gateway.answer({ body: chatReply(upstream, "all at once") });
    const body = chatBody(client, `${upstream}/any`, { stream: true });
    const answer = await gateway.post(CHAT_PATHS[client], body);
    expect(answer.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect(readChat(client, answer.text, true)).toMatchObject({ text: "all at once", finish: "stop" });
    expect(answer.text).toContain(END[client]);
  });

  it.each(pairs)("a stream under another type, from $upstream to $client", async ({ upstream, client }) => {
    const stream = sse(upstream, chatEvents(upstream, pieces));
    for (const contentType of ["text/plain", "application/octet-stream", "Text/Event-Stream;charset=UTF-8"]) {
      gateway.answer({ contentType, bodyText: stream });
      const answer = await gateway.post(CHAT_PATHS[client], chatBody(client, `${upstream}/any`, { stream: true }));
      expect(answer.status, answer.text).toBe(200);
      expect(answer.headers.get("content-type")).toMatch(/^text\/event-stream/);
      expect(readChat(client, answer.text, true)).toMatchObject({ text: pieces.join(""), finish: "stop" });
    }
  });

  it.each(pairs)("an end that is only written about, from $upstream to $client, is none", async (pair) => {
    const { upstream, client } = pair;
    const begun = chatEvents(upstream, pieces).slice(0, upstream === "openai" ? 4 : 5);
    gateway.answer({ contentType: "text/event-stream", bodyText: sse(upstream, begun) });
    const { text } = await gateway.post(CHAT_PATHS[client], chatBody(client, `${upstream}/any`, { stream: true }));
    expect(dataLines(text).filter((data) => data.includes('"provider_error"'))).toHaveLength(1);
    expect(dataLines(text).at(-1)).toContain('"provider_error"');
  });
});

function toBase64(text: string): string {
  return Buffer.from(text).toString("base64");
}
