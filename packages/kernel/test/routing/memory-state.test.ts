import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MemoryState } from "@signalbox/kernel";
import { RecentMap } from "../../src/gateway/recent-map.ts";

describe("MemoryState", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("keeps a value for its time, to the millisecond", () => {
    const state = new MemoryState();
    state.set("a/1", { x: 1 }, 1_000);
    vi.advanceTimersByTime(999);
    expect(state.get("a/1")).toEqual({ x: 1 });
    vi.advanceTimersByTime(1);
    expect(state.get("a/1")).toBeUndefined();
  });

  it("forgets a part of a sum so long after its last addition", () => {
    const state = new MemoryState();
    state.add("busy", 2, 1_000);
    vi.advanceTimersByTime(999);
    state.add("busy", -1, 1_000);
    vi.advanceTimersByTime(999);
    expect(state.sum("busy")).toBe(1);
    vi.advanceTimersByTime(1);
    expect(state.sum("busy")).toBe(0);
  });

  it("tells watchers of what lives, once", () => {
    const state = new MemoryState();
    state.set("a/1", 1, 1_000);
    state.set("a/2", 2, 10);
    vi.advanceTimersByTime(10);
    const listener = vi.fn();
    state.watch("a/", listener);
    state.set("a/3", 3, 1_000);
    expect(listener.mock.calls).toEqual([["a/1", 1]]);
  });

  it("is bounded, whatever names clients invent; what was written last stays", () => {
    const state = new MemoryState();
    for (let count = 0; count < 250_000; count++) {
      state.set(`session/${count}`, count, 3_600_000);
      state.add(`busy/${count}`, 1, 3_600_000);
      // Written again and again, as what is in use is.
      if (count % 10_000 === 0) state.set("cooldown/a", count, 3_600_000);
    }
    let values = 0;
    state.watch("", () => {
      values += 1;
    });
    expect(values).toBeLessThanOrEqual(100_000);
    expect(values).toBeGreaterThanOrEqual(50_000);
    expect(state.get("session/249999")).toBe(249_999);
    expect(state.get("session/0")).toBeUndefined();
    expect(state.get("cooldown/a")).toBe(240_000);
    expect([state.sum("busy/249999"), state.sum("busy/0")]).toEqual([1, 0]);
  });
});

describe("RecentMap", () => {
  it("keeps at least half of what it may", () => {
    const map = new RecentMap<number>(4);
    for (let count = 1; count <= 5; count++) map.set(`${count}`, count);
    expect([...map.entries()]).toEqual([
      ["3", 3],
      ["4", 4],
      ["5", 5],
    ]);
    map.set("3", 33);
    expect([map.get("3"), map.get("4"), map.size]).toEqual([33, undefined, 2]);
  });

  it("forgets in both halves", () => {
    const map = new RecentMap<number>(4);
    for (const key of ["a", "b", "c"]) map.set(key, 1);
    map.delete("a");
    map.delete("c");
    expect([map.get("a"), map.get("b"), map.get("c"), map.size]).toEqual([undefined, 1, undefined, 1]);
  });
});
