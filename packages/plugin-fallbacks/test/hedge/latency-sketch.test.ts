import { describe, expect, it } from "vitest";
import { LatencySketch } from "../../src/hedge/latency-sketch.ts";

const MINUTE = 60_000;

describe("a latency sketch", () => {
  it("knows nothing at first", () => {
    const sketch = new LatencySketch(0);
    expect(sketch.count(0)).toBe(0);
    expect(sketch.quantile(0.95)).toBe(0);
  });

  it.each([0.5, 0.9, 0.95, 0.99])("finds the quantile %d of 10,000 figures, too high by at most 8 %%", (share) => {
    const sketch = new LatencySketch(0);
    const figures: number[] = [];
    for (let at = 0; at < 10_000; at++) {
      // evenly spread on a logarithmic scale between 10 ms and 10 s, in an order that does not matter
      const figure = 10 * 1_000 ** (((at * 7_919) % 10_000) / 10_000);
      figures.push(figure);
      sketch.add(figure, 0);
    }
    const exact = figures.sort((one, other) => one - other)[Math.ceil(share * 10_000) - 1] as number;
    expect(sketch.quantile(share)).toBeGreaterThanOrEqual(exact * 0.999);
    expect(sketch.quantile(share)).toBeLessThanOrEqual(exact * 1.081);
    expect(sketch.count(0)).toBeCloseTo(10_000, 6);
  });

  it("takes what is faster than a millisecond or slower than an hour", () => {
    const sketch = new LatencySketch(0);
    for (const figure of [0, 0.01, 1]) sketch.add(figure, 0);
    expect(sketch.quantile(0.95)).toBe(1);
    for (let at = 0; at < 100; at++) sketch.add(1e9, 0);
    expect(sketch.quantile(0.95)).toBeGreaterThan(3_000_000);
  });

  it("lets old figures fade: half of them in ten minutes", () => {
    const sketch = new LatencySketch(0);
    for (let at = 0; at < 800; at++) sketch.add(100, 0);
    expect(sketch.count(10 * MINUTE)).toBeCloseTo(400, 6);
    expect(sketch.count(30 * MINUTE)).toBeCloseTo(100, 6);
    // 100 figures are left of the old ones: new ones soon outweigh them
    for (let at = 0; at < 2_000; at++) sketch.add(1_000, 30 * MINUTE);
    expect(sketch.quantile(0.5)).toBeGreaterThan(999);
    expect(sketch.quantile(0.04)).toBeLessThan(110);
  });

  it("stays exact over years", () => {
    const sketch = new LatencySketch(0);
    const year = 365 * 24 * 60 * MINUTE;
    for (const now of [0, year, 2 * year, 10 * year]) {
      for (let at = 0; at < 100; at++) sketch.add(50 + at, now);
      expect(sketch.count(now)).toBeCloseTo(100, 3);
      expect(sketch.quantile(0.5)).toBeGreaterThan(98);
      expect(sketch.quantile(0.5)).toBeLessThan(108);
    }
  });
});
