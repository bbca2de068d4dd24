import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import type { BudgetLine, EntryStore, LimitTake } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import type { RedisOptions, RedisPlugin } from "@signalbox/plugin-redis";
import { redis } from "@signalbox/plugin-redis";
import { NOTHING, opened } from "./opened.ts";
import { OwnRedis } from "./own-redis.ts";
import { soon } from "./soon.ts";

const REQUESTS: LimitTake = { key: "key/k-1/requests", kind: "rate", limit: 1_000, periodMs: 3_600_000, cost: 1 };
const LINE: BudgetLine = { scope: { kind: "key", id: "k-1" }, period: "all", limit: 1_000n };
const LEASE_MS = 60_000;

const ended: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function ownRedis(...settings: readonly string[]): Promise<OwnRedis> {
  const own = await OwnRedis.start(...settings);
  ended.push(() => own.stop());
  return own;
}

async function plugin(own: OwnRedis, options: RedisOptions = {}): Promise<RedisPlugin> {
  const one = await opened({ port: own.port, ...options });
  ended.push(() => one.close?.());
  return one;
}

/** What was thrown, and how long it took. */
async function failure(work: () => unknown): Promise<{ error: Record<string, unknown>; ms: number }> {
  const before = performance.now();
  try {
    await work();
  } catch (error) {
    return { error: error as Record<string, unknown>, ms: performance.now() - before };
  }
  throw new Error("it did not fail");
}

let ids = 0;

function take(one: RedisPlugin): unknown {
  ids += 1;
  return one.limitStore.take(`call-${ids}`, [REQUESTS], LEASE_MS);
}

describe("a Redis that forgets its scripts", () => {
  it("is given them again", async () => {
    const own = await ownRedis();
    const one = await plugin(own, { timeoutMs: 1_000 });
    await one.reservationStore.recover(NOTHING);
    expect(await take(one)).toMatchObject({ allowed: true, states: [{ remaining: 999 }] });
    await own.command("SCRIPT", "FLUSH");
    expect(await take(one)).toMatchObject({ allowed: true, states: [{ remaining: 998 }] });
    expect(await one.reservationStore.reserve({ id: "a", estimate: 1n, lines: [LINE] }, LEASE_MS)).toEqual({
      held: true,
    });
    await own.command("SCRIPT", "FLUSH");
    await one.reservationStore.settle([{ id: "a", actual: 1n, status: "final", lines: [LINE] }]);
    expect(await one.reservationStore.balance(LINE)).toEqual({ posted: 1n, pending: 0n });
  });
});

describe("a Redis that stands still", () => {
  it("costs five calls their time limit, and then nobody anything", async () => {
    const own = await ownRedis();
    const one = await plugin(own, { timeoutMs: 100 });
    await take(one);
    own.pause();
    ended.push(() => own.resume());
    for (let call = 1; call <= 5; call++) {
      const { error, ms } = await failure(() => take(one));
      expect(error).toMatchObject({ code: "overloaded", message: expect.stringContaining("it does not answer") });
      expect(ms).toBeGreaterThan(95);
      expect(ms).toBeLessThan(1_000);
    }
    const before = performance.now();
    for (let call = 1; call <= 100; call++) {
      const { error } = await failure(() => take(one));
      expect(error).toMatchObject({ code: "overloaded", retryAfterMs: expect.any(Number) });
    }
    expect(performance.now() - before).toBeLessThan(1_000);
    const health = await one.check?.();
    expect(health).toEqual({ ok: false, detail: expect.stringContaining("it does not answer") });
  });

  it("is used again when it goes on", async () => {
    const own = await ownRedis();
    const one = await plugin(own, { timeoutMs: 100 });
    await one.reservationStore.recover(NOTHING);
    own.pause();
    for (let call = 1; call <= 6; call++) await failure(() => take(one));
    own.resume();
    await soon("a take after the pause", () => take(one));
    expect(await one.check?.()).toEqual({ ok: true, detail: "Redis answers" });
  });

  it("reserves nothing", async () => {
    const own = await ownRedis();
    const one = await plugin(own);
    await one.reservationStore.recover(NOTHING);
    own.pause();
    ended.push(() => own.resume());
    const { error, ms } = await failure(() =>
      one.reservationStore.reserve({ id: "a", estimate: 1n, lines: [LINE] }, LEASE_MS),
    );
    expect(error).toMatchObject({ code: "ledger_unavailable", source: "redis", retryAfterMs: 1_000 });
    expect(ms).toBeLessThan(1_000);
  });
});

describe("a Redis that was killed and is started again, empty", () => {
  it("fails at once meanwhile, and counts limits again when it is back", async () => {
    const own = await ownRedis();
    const one = await plugin(own, { timeoutMs: 1_000 });
    await take(one);
    await own.kill();
    await soon("the connection to be known to be gone", async () => (await one.check?.())?.ok === false);
    const { error, ms } = await failure(() => take(one));
    expect(error).toMatchObject({ code: "overloaded" });
    expect(ms).toBeLessThan(1_000);
    await own.start();
    await soon("a take after the restart", () => take(one));
  });

  it("keeps budgets closed until they are rebuilt, with the sums of before", async () => {
    const own = await ownRedis();
    const one = await plugin(own, { timeoutMs: 1_000, rebuildAfterMs: 500 });
    const { reservationStore: store } = one;
    await store.recover(NOTHING);
    const generation = await store.generation();
    await store.reserve({ id: "done", estimate: 700n, lines: [LINE] }, LEASE_MS);
    await store.settle([{ id: "done", actual: 600n, status: "final", lines: [LINE] }]);
    await store.reserve({ id: "running", estimate: 300n, lines: [LINE] }, LEASE_MS);
    await own.kill();
    await own.start();
    await soon("the connection", async () => (await store.generation()) === undefined);

    const settle = () => store.settle([{ id: "done", actual: 600n, status: "final", lines: [LINE] }]);
    for (const work of [
      () => store.reserve({ id: "next", estimate: 1n, lines: [LINE] }, LEASE_MS),
      settle,
      () => store.balance(LINE),
      () => store.reap(),
      () => store.renew(["running"], LEASE_MS),
    ]) {
      const { error } = await failure(work);
      expect(error).toMatchObject({ code: "ledger_unavailable", message: expect.stringContaining("data was lost") });
    }
    expect(await one.check?.()).toEqual({ ok: false, detail: expect.stringContaining("rebuilt from the ledger") });

    const posted = [{ line: { scope: LINE.scope, period: LINE.period }, posted: 600n }];
    await store.recover({
      held: [{ id: "running", estimate: 300n, lines: [LINE] }],
      unwritten: [],
      leaseMs: LEASE_MS,
      async *written() {
        yield posted;
      },
    });
    expect(await store.generation()).not.toBe(generation);
    expect(await store.balance(LINE)).toEqual({ posted: 600n, pending: 300n });
    await store.settle([{ id: "done", actual: 600n, status: "final", lines: [LINE], written: 600n }]);
    expect(await store.balance(LINE)).toEqual({ posted: 600n, pending: 300n });
    expect(await store.reserve({ id: "next", estimate: 101n, lines: [LINE] }, LEASE_MS)).toMatchObject({ held: false });
    await store.settle([{ id: "running", actual: 200n, status: "final", lines: [LINE] }]);
    expect(await store.balance(LINE)).toEqual({ posted: 800n, pending: 0n });
    expect(await one.check?.()).toEqual({ ok: true, detail: "Redis answers" });
  });

  it("learns again what the processes have written, and what they wrote without it", async () => {
    const own = await ownRedis();
    const one = await plugin(own);
    const other = await plugin(own);
    one.sharedState.set("before", "one", LEASE_MS);
    one.sharedState.add("busy", 2, LEASE_MS);
    await soon("the first write", () => other.sharedState.get("before") === "one");
    await own.kill();
    one.sharedState.set("meanwhile", 1, LEASE_MS);
    other.sharedState.add("busy", 3, LEASE_MS);
    expect([one.sharedState.get("before"), one.sharedState.get("meanwhile")]).toEqual(["one", 1]);
    expect([one.sharedState.sum("busy"), other.sharedState.sum("busy")]).toEqual([2, 5]);
    await own.start();
    await soon("the writes of the outage", () => other.sharedState.get("meanwhile") === 1, 10_000);
    await soon("the sums of both", () => one.sharedState.sum("busy") === 5 && other.sharedState.sum("busy") === 5);
    const late = await plugin(own);
    await soon("a later process to see what was lost", () => late.sharedState.get("before") === "one");
    expect(late.sharedState.sum("busy")).toBe(5);
  });
});

describe("a process that dies with what it has reaped", () => {
  it("is replaced by another, which reports the same", async () => {
    const own = await ownRedis();
    const [one, other] = [await plugin(own), await plugin(own)];
    await one.reservationStore.recover(NOTHING);
    await one.reservationStore.reserve({ id: "lost", estimate: 70n, lines: [LINE] }, 1);
    const reaped = [{ id: "lost", estimate: 70n, lines: [LINE] }];
    await soon("the lease to end", async () => (await one.reservationStore.reap()).length === 1);
    expect(await other.reservationStore.reap()).toEqual([]);
    // As if a minute had gone by.
    await own.command("ZADD", "{signalbox:budgets}:reaped", "1", "lost");
    expect(await other.reservationStore.reap()).toEqual(reaped);
    expect(await other.reservationStore.balance(LINE)).toEqual({ posted: 70n, pending: 0n });
    // By asking again it says that it has seen to it.
    await other.reservationStore.reap();
    expect(await own.command("EXISTS", "{signalbox:budgets}:reaped", "{signalbox:budgets}:reaped-records")).toBe(0);
  });
});

describe("a process that is cut off for a while", () => {
  it("sees what others wrote, changed and deleted meanwhile", async () => {
    const own = await ownRedis();
    const [one, other] = [await plugin(own), await plugin(own)];
    for (const name of ["kept", "changed", "deleted"]) one.sharedState.set(`a/${name}`, 1, LEASE_MS);
    await soon("the first writes", () => other.sharedState.get("a/deleted") === 1);
    const told: [string, unknown][] = [];
    other.sharedState.watch("a/", (key, value) => told.push([key, value]));
    told.length = 0;
    // Both connections of a process go; a write made in that instant must not be missed.
    await own.command("CLIENT", "KILL", "TYPE", "pubsub");
    one.sharedState.set("a/changed", 2, LEASE_MS);
    one.sharedState.set("a/new", 3, LEASE_MS);
    one.sharedState.delete("a/deleted");
    const seen = (): unknown => ["kept", "changed", "new", "deleted"].map((name) => other.sharedState.get(`a/${name}`));
    await soon("what was missed", () => JSON.stringify(seen()) === JSON.stringify([1, 2, 3, undefined]));
    expect(told.sort()).toEqual([
      ["a/changed", 2],
      ["a/deleted", undefined],
      ["a/new", 3],
    ]);
  });
});

describe("a Redis whose data is wiped while it runs", () => {
  it("closes budgets and learns the state again", async () => {
    const own = await ownRedis();
    const one = await plugin(own, { timeoutMs: 1_000 });
    await one.reservationStore.recover(NOTHING);
    await one.reservationStore.reserve({ id: "a", estimate: 1_000n, lines: [LINE] }, LEASE_MS);
    one.sharedState.set("kept", true, LEASE_MS);
    const late = await plugin(own);
    await soon("the write", () => late.sharedState.get("kept") === true);
    await own.command("FLUSHALL");
    const { error } = await failure(() =>
      one.reservationStore.reserve({ id: "b", estimate: 1n, lines: [LINE] }, LEASE_MS),
    );
    expect(error).toMatchObject({ code: "ledger_unavailable" });
    // With its next write the process sees that everything is gone, and sends it all.
    one.sharedState.set("next", 1, LEASE_MS);
    await soon("all to be sent again", async () => Number(await own.command("DBSIZE")) > 0);
    const third = await plugin(own);
    await soon("what was wiped", () => third.sharedState.get("kept") === true);
  });
});

describe("at start", () => {
  const SECRET = "hunter2-correct-horse";

  it.each([
    ["a wrong password", { password: SECRET }, "the username or password is wrong"],
    ["no password", {}, "it wants a password"],
  ])("fails with %s, and does not say it", async (_name, options, why) => {
    const own = await ownRedis("--requirepass", "the-right-one");
    const { error } = await failure(() =>
      createGateway({ plugins: [redis({ port: own.port, ...options })], deployments: [] }),
    );
    expect(error).toMatchObject({ code: "plugin_setup_failed", message: expect.stringContaining(why) });
    expect(inspect(error, { depth: 9 })).not.toContain(SECRET);
    expect(JSON.stringify(error)).not.toContain(SECRET);
  });

  it("fails with a wrong password also where it is told to wait", async () => {
    const own = await ownRedis("--requirepass", "the-right-one");
    const { error } = await failure(() =>
      createGateway({
        plugins: [redis({ port: own.port, password: SECRET, onUnreachable: "wait" })],
        deployments: [],
      }),
    );
    expect(error).toMatchObject({ message: expect.stringContaining("the username or password is wrong") });
  });

  it("says so when Redis may throw out counters", async () => {
    const own = await ownRedis("--maxmemory", "50mb", "--maxmemory-policy", "volatile-lru");
    const one = await plugin(own);
    await one.reservationStore.recover(NOTHING);
    expect(await one.check?.()).toEqual({ ok: true, detail: expect.stringContaining("noeviction") });
  });

  it("opens budgets where the ledger has nothing, and leaves them closed where it has", async () => {
    for (const entries of [0, 3]) {
      const own = await ownRedis();
      const entryStore = { spent: async () => ({ billed: 0n, pending: 0n, entries }) } as unknown as EntryStore;
      const one = redis({ port: own.port });
      const gateway = await createGateway({ plugins: [one, { name: "ledger", entryStore }], deployments: [] });
      ended.push(() => gateway.close());
      expect((await one.reservationStore.generation()) !== undefined).toBe(entries === 0);
      expect(await gateway.health()).toMatchObject({ ok: entries === 0 });
    }
  });

  it("reads the password of a URL", async () => {
    const own = await ownRedis("--requirepass", "p@ss/word");
    const one = await opened({ url: `redis://:${encodeURIComponent("p@ss/word")}@127.0.0.1:${own.port}/2` });
    ended.push(() => one.close?.());
    await one.reservationStore.recover(NOTHING);
    expect(await one.check?.()).toEqual({ ok: true, detail: "Redis answers" });
    expect(await own.command("INFO", "keyspace")).toContain("db2:keys=");
  });

  it("fails where nobody listens, within its time", async () => {
    const own = await OwnRedis.away();
    const { error, ms } = await failure(() =>
      createGateway({ plugins: [redis({ port: own.port, connectTimeoutMs: 500 })], deployments: [] }),
    );
    expect(error).toMatchObject({
      code: "plugin_setup_failed",
      message: expect.stringContaining("nothing listens there"),
    });
    expect(ms).toBeLessThan(2_000);
  });

  it("fails where Redis stands still, within its time", async () => {
    const own = await ownRedis();
    own.pause();
    ended.push(() => own.resume());
    const { error, ms } = await failure(() => opened({ port: own.port, connectTimeoutMs: 400 }));
    expect(error).toMatchObject({ code: "plugin_setup_failed", message: expect.stringContaining("does not answer") });
    expect(ms).toBeLessThan(3_000);
  });

  it("waits for a Redis that comes later, where it is told to", async () => {
    const own = await OwnRedis.away();
    ended.push(() => own.stop());
    let ready = false;
    const starting = createGateway({
      plugins: [redis({ port: own.port, onUnreachable: "wait" })],
      deployments: [],
    }).then((gateway) => {
      ready = true;
      return gateway;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(ready).toBe(false);
    await own.start();
    const gateway = await starting;
    ended.push(() => gateway.close());
    expect(await gateway.health()).toMatchObject({ ok: true });
  });
});
