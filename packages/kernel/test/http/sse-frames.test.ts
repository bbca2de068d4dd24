import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SseFrameSplitter } from "../../src/http/sse-frames.ts";

function split(chunks: readonly (string | Buffer)[]): { frames: string[]; rest: string | undefined } {
  const splitter = new SseFrameSplitter();
  const frames: string[] = [];
  for (const chunk of chunks) {
    const out = splitter.push(Buffer.from(chunk as string));
    if (out !== undefined) frames.push(out.toString());
  }
  return { frames, rest: splitter.rest()?.toString() };
}

describe("SseFrameSplitter", () => {
  it("hands on a chunk that ends with a frame without copying it", () => {
    const chunk = Buffer.from("data: 1\n\ndata: 2\n\n");
    expect(new SseFrameSplitter().push(chunk)).toBe(chunk);
  });

  it("keeps an unfinished frame until its blank line", () => {
    expect(split(["data: 1\n\nda", "ta: 2", "\n", "\ndata: 3"])).toEqual({
      frames: ["data: 1\n\n", "data: 2\n\n"],
      rest: "data: 3",
    });
  });

  it.each([
    ["LF", "data: 1\n\ndata: 2\n\n"],
    ["CRLF", "data: 1\r\n\r\ndata: 2\r\n\r\n"],
    ["CR", "data: 1\r\rdata: 2\r\r"],
    ["mixed", "data: 1\n\r\ndata: 2\r\n\n"],
  ])("knows the %s spelling at every cut", (_name, text) => {
    for (let cut = 1; cut < text.length; cut++) {
      const { frames, rest } = split([text.slice(0, cut), text.slice(cut)]);
      expect(frames.join("") + (rest ?? "")).toBe(text);
      const withoutTrailing = frames.filter((frame) => frame.trim() !== "");
      for (const frame of withoutTrailing) expect(frame).toMatch(/(\n\n|\r\n\r\n|\r\r|\n\r\n?|\r\n\n)$/);
      expect(rest ?? "").toMatch(/^[\r\n]?$/);
    }
  });

  it("does not take CRLF for two line ends", () => {
    expect(split(["event: a\r", "\ndata: 1\r", "\n\r", "\ndata"])).toEqual({
      frames: ["event: a\r\ndata: 1\r\n\r\n"],
      rest: "data",
    });
  });

  it("does not delay a frame of a CR-only stream", () => {
    const splitter = new SseFrameSplitter();
    expect(splitter.push(Buffer.from("data: 1\r\r"))?.toString()).toBe("data: 1\r\r");
  });

  it("finds the last frame when a chunk holds several and a partial one", () => {
    expect(split(["a: 1\n\nb: 2\n\nc", "\n\n\n"])).toEqual({
      frames: ["a: 1\n\nb: 2\n\n", "c\n\n\n"],
      rest: undefined,
    });
  });

  it("answers the same bytes and whole frames for every cut into many pieces", () => {
    const frame = fc
      .tuple(fc.stringMatching(/^[a-z: ]{1,12}$/), fc.constantFrom("\n", "\r\n"))
      .map(([line, end]) => line + end + end);
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat(40)), (list, cuts) => {
        const bytes = Buffer.from(list.join(""));
        const splitter = new SseFrameSplitter();
        let out = "";
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          const next = Math.min(bytes.length, at + cut);
          const part = splitter.push(bytes.subarray(at, next))?.toString() ?? "";
          out += part;
          if (part !== "") expect(list.some((_value, index) => list.slice(0, index + 1).join("") === out)).toBe(true);
          at = next;
        }
        expect(out).toBe(bytes.toString());
        expect(splitter.rest()).toBeUndefined();
      }),
    );
  });

  it.each([
    ["", undefined],
    ['data: {"a":1}\n\n', undefined],
    ['data: {"a":1}', 'data: {"a":1}\n\n'],
    ['event: x\r\ndata: {"a":1}\r\n', 'event: x\r\ndata: {"a":1}\r\n\n\n'],
    ["data: [1,\ndata: 2]\n", "data: [1,\ndata: 2]\n\n\n"],
    ["data: [DONE]", "data: [DONE]\n\n"],
    ['data: {"a":', undefined],
    ['data: {"a":1}\ndat', 'data: {"a":1}\ndat\n\n'],
    ["data: [DON", undefined],
    ["event: x", undefined],
    [": a comment", undefined],
  ])("at the end completes what only lacks its blank line: %j", (text, last) => {
    for (const cut of [1, 4, 1_000]) {
      const splitter = new SseFrameSplitter();
      for (let at = 0; at < text.length; at += cut) splitter.push(Buffer.from(text.slice(at, at + cut)));
      expect(splitter.end()?.toString()).toBe(last);
      expect(splitter.end()).toBeUndefined();
    }
  });

  it("refuses a frame without end", () => {
    const splitter = new SseFrameSplitter();
    const piece = Buffer.alloc(1024 * 1024, 0x61);
    expect(() => {
      for (let count = 0; count < 5; count++) splitter.push(piece);
    }).toThrow(expect.objectContaining({ code: "provider_error" }));
  });

  it("is linear in the size of a frame that arrives in small pieces", () => {
    const splitter = new SseFrameSplitter();
    const piece = Buffer.alloc(64, 0x61);
    const startedAt = performance.now();
    for (let count = 0; count < 60_000; count++) splitter.push(piece);
    expect(splitter.push(Buffer.from("\n\n"))?.length).toBe(60_000 * 64 + 2);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});
