import { afterEach, describe, expect, it } from "vitest";
import type { BudgetLine, LimitTake } from "@signalbox/kernel";
import { MemoryEntries, SpooledLedger } from "@signalbox/kernel/ledger";
import type { RedisPlugin } from "@signalbox/plugin-redis";
import { redis } from "@signalbox/plugin-redis";
import { NOTHING, opened } from "./opened.ts";
import { OwnRedis } from "./own-redis.ts";
import { soon } from "./soon.ts";

const LINE: BudgetLine = { scope: { kind: "key", id: "k-1" }, period: "all", limit: 100_000n };
const REQUESTS: LimitTake = { key: "key/k-1/requests", kind: "rate", limit: 1_000, periodMs: 3_600_000, cost: 1 };
const LEASE_MS = 60_000;

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function pair(): Promise<{ primary: OwnRedis; replica: OwnRedis; plugin: RedisPlugin }> {
  const primary = await OwnRedis.start("--repl-diskless-sync-delay", "0");
  ended.push(() => primary.stop());
  const replica = await OwnRedis.start("--replicaof", "127.0.0.1", String(primary.port));
  ended.push(() => replica.stop());
  // the replica believes that it is connected before the primary counts it
  await soon("the replica", async () => {
    const [seen, connected] = [
      await primary.command("INFO", "replication"),
      await replica.command("INFO", "replication"),
    ];
    return String(seen).includes("state=online") && String(connected).includes("master_link_status:up");
  });
  await soon("its first answer", async () => Number(await primary.command("WAIT", "1", "500")) === 1);
  const plugin = await opened({ port: primary.port, timeoutMs: 1_000, waitForReplicas: 1 });
  ended.push(() => plugin.close?.());
  await plugin.reservationStore.recover(NOTHING);
  return { primary, replica, plugin };
}

describe("reservations that wait for a replica", () => {
  it("are known to the one that takes over: a budget is not passed by a failover", async () => {
    const { primary, replica, plugin } = await pair();
    const held = await Promise.allSettled(
      Array.from({ length: 300 }, (_, at) =>
        plugin.reservationStore.reserve({ id: `a-${at}`, estimate: 10n, lines: [LINE] }, LEASE_MS),
      ),
    );
    const sure = held.filter(({ status }) => status === "fulfilled").length;
    expect(sure).toBeGreaterThan(0);
    await primary.kill();
    await replica.command("REPLICAOF", "NO", "ONE");
    const next = await opened({ port: replica.port });
    ended.push(() => next.close?.());
    const { posted, pending } = await next.reservationStore.balance(LINE);
    expect(posted).toBe(0n);
    expect(pending).toBeGreaterThanOrEqual(10n * BigInt(sure));
  });

  it("do not count while no replica answers; limits go on, and so do budgets when it is back", {
    timeout: 30_000,
  }, async () => {
    const { replica, plugin } = await pair();
    const ledger = new SpooledLedger({ entries: new MemoryEntries() });
    await ledger.start(plugin.reservationStore);
    ended.push(() => ledger.close());
    // a replica that has just come may be slow to answer; what it has not confirmed is given back
    await soon("the replica", async () => {
      const { held } = await ledger.reserve({ id: `a/${performance.now()}`, estimate: 10n, lines: [LINE] });
      return held;
    });
    replica.pause();
    await expect(ledger.reserve({ id: "b/1", estimate: 10n, lines: [LINE] })).rejects.toMatchObject({
      code: "ledger_unavailable",
      // Redis looks at its own clock now and then: on a busy machine the time limit of the connection comes first
      message: expect.stringMatching(/has reached 0 of 1 replicas of Redis in time|does not answer/),
    });
    expect(await plugin.limitStore.take("call", [REQUESTS], LEASE_MS)).toMatchObject({ allowed: true });
    // it was given back
    await expect
      .poll(() => plugin.reservationStore.balance(LINE), { timeout: 5_000 })
      .toEqual({ posted: 0n, pending: 10n });
    replica.resume();
    await soon(
      "the replica",
      () => ledger.reserve({ id: `c/${performance.now()}`, estimate: 10n, lines: [LINE] }),
      10_000,
    );
  });

  it("are no option of a cluster", () => {
    const cluster = [{ host: "127.0.0.1", port: 1 }];
    expect(() => redis({ cluster, waitForReplicas: 1 })).toThrow(/"waitForReplicas" cannot be told a cluster/);
    expect(() => redis({ waitForReplicas: -1 })).toThrow(/waitForReplicas/);
  });
});
