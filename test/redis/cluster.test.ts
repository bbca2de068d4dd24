import { afterEach, expect, it } from "vitest";
import type { BudgetLine, LimitTake } from "@signalbox/kernel";
import { freePort } from "../services/service.ts";
import { NOTHING, opened } from "./opened.ts";
import { OwnRedis } from "./own-redis.ts";
import { soon } from "./soon.ts";

const LEASE_MS = 60_000;
const ended: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

// A cluster of one node refuses what would need two slots, like any other.
it("works in a cluster: the keys of one call lie in one slot", async () => {
  const [ip, bus] = ["127.0.0.1", String(await freePort())];
  const own = await OwnRedis.start("--cluster-enabled", "yes", "--cluster-announce-ip", ip, "--cluster-port", bus);
  ended.push(() => own.stop());
  await own.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  await soon(
    "the cluster",
    async () => String(await own.command("CLUSTER", "INFO")).includes("cluster_state:ok"),
    10_000,
  );
  await expect(own.command("MSET", "a", "1", "b", "2")).rejects.toThrow("CROSSSLOT");

  const options = { cluster: [{ host: ip, port: own.port }], timeoutMs: 1_000 };
  const one = await opened(options);
  ended.push(() => one.close?.());
  const other = await opened(options);
  ended.push(() => other.close?.());

  const takes: readonly LimitTake[] = [
    { key: "key/k-1/requests", kind: "rate", limit: 3, periodMs: 60_000, cost: 1 },
    { key: "team/t-1/tokens", kind: "rate", limit: 500, periodMs: 60_000, cost: 200 },
    { key: "gateway/parallel", kind: "parallel", limit: 9, periodMs: 0, cost: 1 },
  ];
  expect(await one.limitStore.take("a", takes, LEASE_MS)).toMatchObject({ allowed: true });
  expect(await other.limitStore.take("b", takes, LEASE_MS)).toMatchObject({ allowed: true });
  expect(await one.limitStore.take("c", takes, LEASE_MS)).toMatchObject({ allowed: false, take: takes[1] });
  await one.limitStore.release("a", takes, [{ take: takes[1] as LimitTake, difference: -200 }]);
  expect(await one.limitStore.take("c", takes, LEASE_MS)).toMatchObject({ allowed: true });

  const lines: readonly BudgetLine[] = [
    { scope: { kind: "key", id: "k-1" }, period: "2026-11", limit: 100n },
    { scope: { kind: "provider", id: "openai" }, period: "all", limit: 60n },
  ];
  const { reservationStore: store } = one;
  await store.recover(NOTHING);
  expect(await store.reserve({ id: "a", estimate: 50n, lines }, LEASE_MS)).toEqual({ held: true });
  expect(await other.reservationStore.reserve({ id: "b", estimate: 11n, lines }, LEASE_MS)).toEqual({
    held: false,
    line: lines[1],
    spent: 0n,
    pending: 50n,
  });
  await store.settle([{ id: "a", actual: 20n, status: "final", lines }]);
  expect(await other.reservationStore.balance(lines[0] as BudgetLine)).toEqual({ posted: 20n, pending: 0n });

  one.sharedState.set("cooldown/x", 1, LEASE_MS);
  one.sharedState.add("busy", 2, LEASE_MS);
  await soon(
    "the other process",
    () => other.sharedState.get("cooldown/x") === 1 && other.sharedState.sum("busy") === 2,
  );
  expect(await one.check?.()).toEqual({ ok: true, detail: "Redis answers" });
});
