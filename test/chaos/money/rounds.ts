import { setTimeout as sleep } from "node:timers/promises";
import type { Wish } from "./crowd.ts";
import { crowd } from "./crowd.ts";
import type { Round, Scene } from "./round.ts";

const KILL_EVERY_MS = 400;

/** Processes are killed and started again, one about every 0.4 seconds, as soon as there is one to kill. */
export function kills(count: number): Round {
  return {
    name: "kills",
    about: "processes are killed and started again",
    cap: count * 3_000_000,
    async trouble({ fleet }) {
      while (fleet.kills < count) {
        await sleep(KILL_EVERY_MS / 2 + Math.random() * KILL_EVERY_MS);
        fleet.killOne();
      }
      await fleet.killAll();
    },
  };
}

export const redisRestarted: Round = {
  name: "redis_restarted",
  about: "Redis ends and comes back with its log, twice",
  cap: 60_000_000,
  async trouble({ world }) {
    for (let time = 0; time < 2; time++) {
      await sleep(4_000);
      await world.redis.stop();
      await sleep(1_500);
      await world.redis.start();
    }
    await sleep(4_000);
  },
};

export const redisWiped: Round = {
  name: "redis_wiped",
  about: "Redis loses all that it has, twice: while it runs, and by a restart",
  cap: 60_000_000,
  async trouble({ world }) {
    await sleep(5_000);
    await world.redis.command("FLUSHALL");
    await sleep(8_000);
    await world.redis.command("FLUSHALL");
    await world.redis.stop();
    await sleep(1_000);
    await world.redis.start();
    await sleep(8_000);
  },
};

export const postgresRestarted: Round = {
  name: "postgres_restarted",
  about: "PostgreSQL is restarted, then away for some seconds",
  cap: 60_000_000,
  async trouble({ world }) {
    await sleep(4_000);
    await world.postgres.stop();
    await world.postgres.start();
    await sleep(4_000);
    await world.postgres.stop();
    await sleep(7_000);
    await world.postgres.start();
    await sleep(4_000);
  },
};

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

const slowStream = (): Wish => ({ content: "words=40 gap=400 wait=0", maxTokens: 40, stream: true });

export const ended: Round = {
  name: "ended",
  about: "all processes are told to end (SIGTERM) while 1,000 streams run",
  cap: 1_000_000_000,
  drainMs: 3_000,
  ended: true,
  trouble: async ({ fleet }) => {
    const patience = performance.now() + 30_000;
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
