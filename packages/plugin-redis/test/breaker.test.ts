import { describe, expect, it } from "vitest";
import { Breaker } from "../src/connection/breaker.ts";

function broken(): { breaker: Breaker; pass: (milliseconds: number) => void } {
  let now = 10_000;
  const breaker = new Breaker(() => now);
  for (let time = 1; time <= 5; time++) breaker.failed();
  return {
    breaker,
    pass: (milliseconds) => {
      now += milliseconds;
    },
  };
}

describe("a breaker", () => {
  it("opens after five failures in a row, not before", () => {
    const breaker = new Breaker(() => 0);
    for (let time = 1; time <= 4; time++) breaker.failed();
    expect(breaker.enter()).toBe(true);
    breaker.succeeded();
    for (let time = 1; time <= 4; time++) breaker.failed();
    expect(breaker.enter()).toBe(true);
    breaker.failed();
    expect(breaker.enter()).toBe(false);
    expect(breaker.waitMs).toBe(1_000);
  });

  it("lets one call try after a second, and all when that succeeds", () => {
    const { breaker, pass } = broken();
    pass(999);
    expect(breaker.enter()).toBe(false);
    pass(1);
    expect([breaker.enter(), breaker.enter(), breaker.enter()]).toEqual([true, false, false]);
    breaker.succeeded();
    expect([breaker.enter(), breaker.enter(), breaker.waitMs]).toEqual([true, true, 0]);
  });

  it("is open for twice as long after each try that fails, up to eight seconds", () => {
    const { breaker, pass } = broken();
    pass(1_000);
    for (const openMs of [2_000, 4_000, 8_000, 8_000]) {
      expect(breaker.enter()).toBe(true);
      breaker.failed();
      expect(breaker.waitMs).toBe(openMs);
      pass(openMs - 1);
      expect(breaker.enter()).toBe(false);
      pass(1);
    }
    expect(breaker.enter()).toBe(true);
    breaker.succeeded();
    for (let time = 1; time <= 5; time++) breaker.failed();
    expect(breaker.waitMs).toBe(1_000);
  });

  it("does not count those that were under way when it opened", () => {
    const { breaker, pass } = broken();
    for (let time = 1; time <= 20; time++) breaker.failed();
    expect(breaker.waitMs).toBe(1_000);
    pass(1_000);
    expect(breaker.enter()).toBe(true);
  });
});
