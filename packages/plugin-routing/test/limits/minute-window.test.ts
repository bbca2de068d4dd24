import { expect, test } from "vitest";
import { MemoryState } from "@signalbox/kernel";
import { MinuteWindow } from "../../src/limits/minute-window.ts";

const MINUTE = 60_000;
/** The start of a minute. */
const START = 1_000 * MINUTE;

function window(): MinuteWindow {
  return new MinuteWindow(new MemoryState(), "limits/requests/a");
}

test("an allowance is given out at once, then the rest of the minute is waited for", () => {
  const requests = window();
  for (let used = 0; used < 3; used++) {
    expect(requests.waitMs(1, 3, START + 10_000)).toBe(0);
    requests.add(1, START + 10_000);
  }
  // all three count until the next minute is a moment old
  expect(requests.waitMs(1, 3, START + 10_000)).toBe(50_001);
  expect(requests.waitMs(1, 3, START + 59_999)).toBe(2);
  expect(requests.waitMs(1, 3, START + MINUTE)).toBe(1);
  expect(requests.waitMs(1, 3, START + MINUTE + 1)).toBe(0);
});

test("the minute before counts by the part of it that is less than 60 s back", () => {
  const requests = window();
  requests.add(100, START + 59_000);
  const next = START + MINUTE;
  expect(requests.waitMs(1, 100, next)).toBe(1);
  requests.add(1, next + 1);
  requests.add(24, next + 15_000);
  // a quarter of the minute has passed, a quarter of the allowance is used
  expect(requests.waitMs(1, 100, next + 15_000)).toBe(1);
  expect(requests.waitMs(1, 100, next + 15_001)).toBe(0);
  requests.add(25, next + 15_001);
  expect(requests.waitMs(1, 100, next + 15_001)).toBe(15_000);
  expect(requests.waitMs(1, 100, next + 2 * MINUTE)).toBe(0);
});

test("after a silent minute nothing counts", () => {
  const requests = window();
  requests.add(5, START);
  expect(requests.waitMs(1, 5, START + 2 * MINUTE)).toBe(0);
  requests.add(5, START + 2 * MINUTE);
  expect(requests.waitMs(1, 5, START + 2 * MINUTE)).toBe(60_001);
});

test("what is larger than the rest of the minute waits for the next one; what is larger than the limit for an empty one", () => {
  const tokens = window();
  tokens.add(600, START);
  expect(tokens.waitMs(400, 1_000, START)).toBe(0);
  expect(tokens.waitMs(401, 1_000, START)).toBe(60_000);
  expect(tokens.waitMs(5_000, 1_000, START)).toBe(60_000);
  expect(tokens.waitMs(5_000, 1_000, START + 2 * MINUTE)).toBe(0);
});

test("corrections reach the minute they belong to, and no older one", () => {
  const tokens = window();
  tokens.add(900, START + 30_000);
  tokens.correct(-800, START + 30_000, START + 31_000);
  expect(tokens.waitMs(900, 1_000, START + 31_000)).toBe(0);
  expect(tokens.waitMs(901, 1_000, START + 31_000)).toBe(29_000);
  const next = START + MINUTE;
  tokens.correct(2_900, START + 30_000, next);
  // 3,000 of 1,000: two thirds of the minute have to pass, and a moment
  expect(tokens.waitMs(1, 1_000, next)).toBe(40_001);
  tokens.correct(-1_000_000, START + 30_000, next + MINUTE);
  expect(tokens.waitMs(1_000, 1_000, next + MINUTE)).toBe(0);
  expect(tokens.waitMs(1_001, 1_000, next + MINUTE)).toBe(0);
  tokens.add(1, next + MINUTE);
  expect(tokens.waitMs(1_000, 1_000, next + MINUTE)).toBe(60_000);
});

test("the wait that it tells is the real one", () => {
  let seed = 7;
  const random = (): number => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  let waits = 0;
  for (let round = 0; round < 2_000; round++) {
    const requests = window();
    const limit = 1 + Math.floor(random() * 50);
    let now = START + Math.floor(random() * MINUTE);
    for (let step = 0; step < 60; step++) {
      if (requests.waitMs(1, limit, now) === 0) requests.add(1, now);
      now += Math.floor(random() * 3_000);
    }
    const waitMs = requests.waitMs(1, limit, now);
    if (waitMs === 0) continue;
    waits += 1;
    expect(requests.waitMs(1, limit, now + waitMs - 2)).not.toBe(0);
    expect(requests.waitMs(1, limit, now + waitMs)).toBe(0);
  }
  expect(waits).toBeGreaterThan(500);
});

test("processes that share a state share the allowance", () => {
  const state = new MemoryState();
  const here = new MinuteWindow(state, "limits/requests/a");
  const there = new MinuteWindow(state, "limits/requests/a");
  const other = new MinuteWindow(state, "limits/requests/b");
  there.add(10, START);
  expect(here.waitMs(1, 10, START)).toBe(60_001);
  expect(other.waitMs(1, 10, START)).toBe(0);
});
