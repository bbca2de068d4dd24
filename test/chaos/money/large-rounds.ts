import { setTimeout as sleep } from "node:timers/promises";
import type { Wish } from "./crowd.ts";
import { crowd } from "./crowd.ts";
import type { Round, Scene } from "./round.ts";

const CALLS = 1_000;
const MANY = 1_000_000_000_000n;

/** Calls whose bounds are twice as much as there is: up to 1,000 words in a few pieces, or whole. */
export const LARGE = {
  leaving: 0.4,
  leaveWithinMs: 3_000,
  calls: CALLS,
  clients: CALLS,
  wish: (): Wish => ({
    content: `words=${400 + Math.floor(Math.random() * 600)} piece=50 gap=${Math.floor(Math.random() * 100)} wait=${Math.floor(Math.random() * 1_000)}`,
    maxTokens: 1_000,
    stream: Math.random() < 0.5,
  }),
};

export const aDollar: Round = {
  name: "a_dollar",
  about: "1,000 calls at once that could cost two dollars, on a budget of one",
  cap: { key: MANY, teamDay: MANY, teamMonth: MANY, otherTeam: MANY, gateway: 1_000_000_000n },
  trouble: async () => undefined,
  load: ({ fleet }, over) => crowd(fleet, { ...LARGE, callers: ["a1", "a2", "b1", "b2"] }, over),
};

const STREAMS = 1_000;

const slowStream = (): Wish => ({ content: "words=40 gap=1500 wait=0", maxTokens: 40, stream: true });

export const ended: Round = {
  name: "ended",
  about: "all processes are told to end (SIGTERM) while 1,000 streams run",
  cap: 1_000_000_000,
  drainMs: 3_000,
  ended: true,
  trouble: async ({ fleet }) => {
    const patience = performance.now() + 45_000;
    while (performance.now() < patience) {
      const running = (await fleet.ask<number>("calls")).reduce((sum, calls) => sum + calls, 0);
      if (running >= STREAMS) return;
      await sleep(50);
    }
    throw new Error("the streams never ran together");
  },
  async load({ fleet }: Scene, over) {
    const options = {
      clients: STREAMS,
      calls: STREAMS,
      callers: ["a1", "a2", "b1", "b2"],
      leaving: 0,
      wish: slowStream,
    };
    const [fares, { ms }] = await Promise.all([crowd(fleet, options, over), over.then(() => fleet.end())]);
    console.log(`  ended: ${ms.toFixed(0)} ms from SIGTERM to the end of the last process`);
    return fares;
  },
};
