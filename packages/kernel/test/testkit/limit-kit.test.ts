import { describe, expect, it } from "vitest";
import type { LimitStore } from "@signalbox/kernel";
import { MemoryLimits } from "@signalbox/kernel";
import { testLimitStore } from "@signalbox/kernel/testkit";
import { failuresOf, fakeRunner } from "./fake-runner.ts";

/** A right store with some operations replaced. */
type Break = (inner: MemoryLimits) => Partial<LimitStore>;

async function failing(change: Break): Promise<string> {
  const runner = fakeRunner();
  let now = 0;
  testLimitStore({
    runner,
    store: () => {
      const inner = new MemoryLimits({ now: () => now });
      const right: LimitStore = {
        take: (id, takes, leaseMs) => inner.take(id, takes, leaseMs),
        release: (id, takes, corrections) => inner.release(id, takes, corrections),
        renew: (id, takes, leaseMs) => inner.renew(id, takes, leaseMs),
      };
      return { open: () => ({ ...right, ...change(inner) }) };
    },
    advance: (milliseconds) => {
      now += milliseconds;
    },
    capabilities: { shared: false },
  });
  return (await failuresOf(runner.cases)).join("\n");
}

const WRONG: readonly (readonly [string, Break, string])[] = [
  [
    "takes again for the same id",
    (inner) => {
      let count = 0;
      return { take: (id, takes, leaseMs) => inner.take(`${id}/${count++}`, takes, leaseMs) };
    },
    "takes once for one id",
  ],
  [
    "one of several, one after the other",
    (inner) => ({
      take(id, takes, leaseMs) {
        const answers = takes.map((take, at) => inner.take(`${id}/${at}`, [take], leaseMs));
        const states = answers.flatMap((answer) => answer.states);
        const refused = answers.find((answer) => !answer.allowed);
        return refused === undefined ? { allowed: true, states } : { ...refused, states };
      },
    }),
    "takes all or nothing",
  ],
  [
    "forgets corrections",
    (inner) => ({ release: (id, takes) => inner.release(id, takes, []) }),
    "gives back what was not used",
  ],
  ["keeps places", () => ({ release: () => undefined }), "lets as many run at the same time"],
  ["does not renew", () => ({ renew: () => undefined }), "keeps the places of calls that go on"],
  [
    "says the whole period as wait",
    (inner) => ({
      take(id, takes, leaseMs) {
        const answer = inner.take(id, takes, leaseMs);
        return answer.allowed || answer.retryAfterMs === undefined ? answer : { ...answer, retryAfterMs: 60_000 };
      },
    }),
    "says the wait exactly",
  ],
  [
    "says a wait where none helps",
    (inner) => ({
      take(id, takes, leaseMs) {
        const answer = inner.take(id, takes, leaseMs);
        return answer.allowed ? answer : { ...answer, retryAfterMs: answer.retryAfterMs ?? 1 };
      },
    }),
    "knows no wait",
  ],
  [
    "lets everything through",
    () => ({
      take: (_id, takes) => ({ allowed: true, states: takes.map(() => ({ remaining: 1, resetMs: 0 })) }),
    }),
    "lets a burst of exactly the limit through",
  ],
];

describe("testLimitStore", () => {
  it.each(WRONG)("catches a store that %s", async (_what, change, name) => {
    expect(await failing(change)).toContain(name);
  });
});
