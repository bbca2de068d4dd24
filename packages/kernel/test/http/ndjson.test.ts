import { describe, expect, it } from "vitest";
import { NdjsonDecoder, ndjsonValues } from "../../src/http/ndjson.ts";
import type { TransportStream } from "../../src/transport.ts";

const TEXT = '{"a":1}\r\n\n{"b":"é\\n"}\n[2]';
const VALUES = [{ a: 1 }, { b: "é\n" }, [2]];

describe("NdjsonDecoder", () => {
  it("gives the same values for every cut", () => {
    const bytes = Buffer.from(TEXT);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const decoder = new NdjsonDecoder();
      expect([...decoder.push(bytes.subarray(0, cut)), ...decoder.push(bytes.subarray(cut)), ...decoder.end()]).toEqual(
        VALUES,
      );
    }
  });

  it("gives the same values byte by byte", () => {
    const decoder = new NdjsonDecoder();
    expect([...[...Buffer.from(TEXT)].flatMap((byte) => decoder.push(Buffer.from([byte]))), ...decoder.end()]).toEqual(
      VALUES,
    );
  });

  it("refuses a line that is not JSON, or half of one at the end", () => {
    expect(() => new NdjsonDecoder().push(Buffer.from("{secret}\n"))).toThrow(
      "the upstream sent a line that is not JSON",
    );
    const decoder = new NdjsonDecoder();
    decoder.push(Buffer.from('{"a":'));
    expect(() => decoder.end()).toThrow(expect.objectContaining({ code: "provider_error" }));
  });

  it("refuses a line without end", () => {
    const decoder = new NdjsonDecoder(100);
    expect(() => decoder.push(Buffer.alloc(101, "a"))).toThrow(expect.objectContaining({ code: "provider_error" }));
  });
});

describe("ndjsonValues", () => {
  it("yields the values of a stream and closes it", async () => {
    const left = [Buffer.from(TEXT.slice(0, 10)), Buffer.from(TEXT.slice(10))];
    let closed = 0;
    const stream = { read: async () => left.shift(), close: () => void closed++ } as unknown as TransportStream;
    const values: unknown[] = [];
    for await (const value of ndjsonValues(stream)) values.push(value);
    expect(values).toEqual(VALUES);
    expect(closed).toBe(1);
  });
});
