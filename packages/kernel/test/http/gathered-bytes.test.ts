import { describe, expect, it } from "vitest";
import { GatheredBytes } from "../../src/http/gathered-bytes.ts";

describe("bytes gathered from pieces", () => {
  it.each([
    ["one byte each", Array<number>(40_000).fill(1)],
    ["small and large ones in turn", Array.from({ length: 500 }, (_, at) => (at % 2 === 0 ? 1 : 1025))],
    ["large ones", Array<number>(100).fill(5_000)],
    ["empty ones too", Array.from({ length: 300 }, (_, at) => at % 3)],
    ["just over a block", Array<number>(100).fill(1_024)],
  ])("%s: in order, and then nothing is left", (_name, sizes) => {
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const expected = Buffer.from(Array.from({ length: total }, (_, at) => (at * 7) % 251));
    const gathered = new GatheredBytes();
    for (let round = 0; round < 2; round++) {
      let at = 0;
      for (const size of sizes) {
        gathered.add(expected.subarray(at, at + size));
        at += size;
      }
      expect(gathered.length).toBe(total);
      expect(gathered.take().equals(expected)).toBe(true);
      expect(gathered.length).toBe(0);
      expect(gathered.take()).toHaveLength(0);
    }
  });

  it("a single piece is handed on as it is", () => {
    const piece = Buffer.from("piece");
    const gathered = new GatheredBytes();
    gathered.add(piece);
    expect(gathered.take()).toBe(piece);
  });

  it("many small pieces are copied, so that none of them is kept", () => {
    const pieces = Array.from({ length: 1_000 }, () => Buffer.from("a"));
    const gathered = new GatheredBytes();
    for (const piece of pieces) gathered.add(piece);
    for (const piece of pieces) piece.write("b");
    expect(gathered.take().toString().replaceAll("b", "")).toHaveLength(1_000 - 64);
  });

  it("what was cleared is gone", () => {
    const gathered = new GatheredBytes();
    for (let count = 0; count < 200; count++) gathered.add(Buffer.from("x"));
    gathered.clear();
    gathered.add(Buffer.from("y"));
    expect(gathered.take().toString()).toBe("y");
  });
});
