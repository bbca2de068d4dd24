import { describe, expect, it } from "vitest";
import type { Copied } from "../src/state/local-copy.ts";
import { LocalCopy, partField, valueField } from "../src/state/local-copy.ts";

function entry(value: unknown, ttlMs: number = 60_000): Copied {
  return { value, until: performance.now() + ttlMs, stamp: 1, version: 1 };
}

describe("the copy of a state", () => {
  it("keeps no more than its most, of what was written last", () => {
    const copy = new LocalCopy(100);
    for (let at = 0; at < 10_000; at++) {
      copy.put(valueField(`key-${at}`), entry(at));
      copy.put(partField("p", `sum-${at}`), entry(1));
      expect([...copy.fields()].length).toBeLessThanOrEqual(100);
    }
    expect(copy.living(valueField("key-9999"))?.value).toBe(9_999);
    expect(copy.living(valueField("key-9970"))?.value).toBe(9_970);
    expect(copy.living(valueField("key-9900"))).toBeUndefined();
    expect([copy.sum("sum-9999"), copy.sum("sum-1")]).toEqual([1, 0]);
  });

  it("throws out what is over", () => {
    const copy = new LocalCopy(100_000);
    for (let at = 0; at < 5_000; at++) copy.put(valueField(`over-${at}`), entry(at, -1));
    expect([...copy.fields()].length).toBeLessThanOrEqual(2_000);
  });

  it("sums up parts whose processes and keys look alike", () => {
    const copy = new LocalCopy(100);
    copy.put(partField("a", "b c"), entry(1));
    copy.put(partField("d", "b c"), entry(2));
    copy.put(partField("a", "c"), entry(4));
    expect([copy.sum("b c"), copy.sum("c"), copy.sum("b")]).toEqual([3, 4, 0]);
    copy.drop(partField("d", "b c"));
    expect(copy.sum("b c")).toBe(1);
  });

  it("tells the other watchers when one fails", () => {
    const copy = new LocalCopy(100);
    const told: unknown[] = [];
    const warnings: unknown[] = [];
    const warned = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", warned);
    copy.watch("a/", () => {
      throw new Error("a bug of a watcher");
    });
    const stop = copy.watch("a/", (key, value) => told.push([key, value]));
    copy.tell(valueField("a/1"), 1);
    copy.tell(valueField("b/1"), 1);
    stop();
    copy.tell(valueField("a/2"), 2);
    expect(told).toEqual([["a/1", 1]]);
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      process.off("warning", warned);
      expect(warnings).toContain("a bug of a watcher");
    });
  });
});
