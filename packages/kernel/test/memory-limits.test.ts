import { describe, it } from "vitest";
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
