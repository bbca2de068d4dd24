import { describe, expect, it } from "vitest";
import type { SseEvent } from "../../src/http/sse-decode.ts";
import { SseDecoder, sseEvents } from "../../src/http/sse-decode.ts";
import { SSE_DONE, SSE_HEARTBEAT, sseData, sseEvent } from "../../src/http/sse-encode.ts";
import type { TransportStream } from "../../src/transport.ts";

function decode(...chunks: Buffer[]): SseEvent[] {
  const decoder = new SseDecoder();
  return [...chunks.flatMap((chunk) => [...decoder.push(chunk)]), ...decoder.end()];
}

function streamOf(chunks: Buffer[]): TransportStream & { closed: number } {
  const left = [...chunks];
  return {
    status: 200,
    headers: {},
    closed: 0,
    read: async () => left.shift(),
    readAll: async () => Buffer.concat(left),
    close() {
      this.closed++;
    },
    async *[Symbol.asyncIterator]() {
      yield* left;
    },
  };
}

const TEXT =
  '\uFEFF: hi\nevent: delta\nid: 7\ndata: {"text":"héllo 🌍"}\n\ndata: one\r\ndata: two\r\n\r\nretry: 10\nnonsense\n\ndata:[DONE]\n\n';
const EVENTS = [
  { event: "delta", id: "7", data: '{"text":"héllo 🌍"}' },
  { event: undefined, id: undefined, data: "one\ntwo" },
  { event: undefined, id: undefined, data: "[DONE]" },
];

describe("SseDecoder", () => {
  it("decodes names, ids, several data lines, comments and a byte order mark", () => {
    expect(decode(Buffer.from(TEXT))).toEqual(EVENTS);
  });

  it("gives the same events for every cut in two", () => {
    const bytes = Buffer.from(TEXT);
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(decode(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(EVENTS);
    }
  });

  it("gives the same events byte by byte", () => {
    expect(decode(...[...Buffer.from(TEXT)].map((byte) => Buffer.from([byte])))).toEqual(EVENTS);
  });

  it.each(["data: last", "data: last\n", "data: last\r\n", "data: last\r"])(
    "gives a last event without its blank line: %j",
    (text) => {
      expect(decode(Buffer.from(text)).map((event) => event.data)).toEqual(["last"]);
    },
  );

  it("refuses an event without end", () => {
    const decoder = new SseDecoder(1000);
    expect(() => decoder.push(Buffer.from(`data: ${"x".repeat(2000)}`))).toThrow(
      expect.objectContaining({ code: "provider_error" }),
    );
    expect(() => decoder.push(Buffer.from("\n\n"))).toThrow(expect.objectContaining({ code: "provider_error" }));
  });

  it("reads what the encoder writes", () => {
    const text = sseData('{"a":1}') + SSE_HEARTBEAT + sseEvent("message_stop", "{}") + SSE_DONE;
    expect(decode(Buffer.from(text))).toEqual([
      { event: undefined, id: undefined, data: '{"a":1}' },
      { event: "message_stop", id: undefined, data: "{}" },
      { event: undefined, id: undefined, data: "[DONE]" },
    ]);
  });
});

describe("sseEvents", () => {
  it("yields the events of a stream and closes it", async () => {
    const stream = streamOf([Buffer.from("data: 1\n\nda"), Buffer.from("ta: 2")]);
    const data: string[] = [];
    for await (const event of sseEvents(stream)) data.push(event.data);
    expect(data).toEqual(["1", "2"]);
    expect(stream.closed).toBe(1);
  });

  it("closes the stream when the reader leaves early", async () => {
    const stream = streamOf([Buffer.from("data: 1\n\ndata: 2\n\n")]);
    for await (const _event of sseEvents(stream)) break;
    expect(stream.closed).toBe(1);
  });
});
