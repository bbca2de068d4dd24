import { describe, expect, it } from "vitest";
import { MemoryLimits } from "@signalbox/kernel";
import { testLimitStore } from "@signalbox/kernel/testkit";

describe("testLimitStore on the memory of a process", () => {
  let now = 0;
  testLimitStore({
    runner: { describe, it },
    store: () => ({ open: () => new MemoryLimits({ now: () => now }) }),
    advance: (milliseconds) => {
      now += milliseconds;
    },
    capabilities: { shared: false },
  });
});

describe("testLimitStore in real time", () => {
  testLimitStore({
    runner: { describe, it },
    store: () => {
      const shared = new MemoryLimits();
      return { open: () => shared };
    },
  });
});

describe("the memory of limits", () => {
  it("forgets keys that are full again, places that ran out and calls that never ended", () => {
    let now = 0;
    const store = new MemoryLimits({ now: () => now });
    const take = (id: string, name: string): void => {
      const takes = [
        { key: `${name}/requests`, kind: "rate", limit: 10, periodMs: 60_000, cost: 1 },
        { key: `${name}/parallel`, kind: "parallel", limit: 10, periodMs: 0, cost: 1 },
      ] as const;
      expect(store.take(id, takes, 30_000).allowed).toBe(true);
      if (name === "one") store.release(id, takes, []);
    };
    for (let call = 0; call < 10_000; call++) take(`first-${call}`, `customer-${call}`);
    expect(store.size).toBe(30_000);
    now = 60_000;
    for (let call = 0; call < 10_000; call++) {
      now += 6_000;
      take(`second-${call}`, "one");
    }
    expect(store.size).toBeLessThanOrEqual(201);
  });
});
