import { afterEach, describe, expect, it } from "vitest";
import type { BudgetLine, LimitTake } from "@signalbox/kernel";
import type { RedisPlugin } from "@signalbox/plugin-redis";
import { redisUrl } from "../services/index.ts";
import { NOTHING, opened } from "./opened.ts";
import { ownNamespace } from "./own-namespace.ts";

const PROCESSES = 4;
const CALLS = 800;
const LEASE_MS = 60_000;

const open: RedisPlugin[] = [];

afterEach(async () => {
  for (const plugin of open.splice(0)) await plugin.close?.();
});

async function crowd(): Promise<readonly RedisPlugin[]> {
  const [url, namespace] = [await redisUrl(), ownNamespace()];
  for (let at = 0; at < PROCESSES; at++) open.push(await opened({ url, namespace, timeoutMs: 5_000 }));
  await open[0]?.reservationStore.recover(NOTHING);
  return open;
}

function calls<Answer>(body: (index: number) => Answer | Promise<Answer>): Promise<Answer[]> {
  return Promise.all(Array.from({ length: CALLS }, (_, index) => body(index)));
}

describe("four connections at once", () => {
  it("let exactly as many through as the tightest limit has", async () => {
    const plugins = await crowd();
    const takes: readonly LimitTake[] = [
      { key: "requests", kind: "rate", limit: 300, periodMs: 3_600_000, cost: 1 },
      { key: "tokens", kind: "rate", limit: 123_456, periodMs: 3_600_000, cost: 1_000 },
      { key: "places", kind: "parallel", limit: 200, periodMs: 0, cost: 1 },
    ];
    const answers = await calls((index) =>
      (plugins[index % PROCESSES] as RedisPlugin).limitStore.take(`call-${index}`, takes, LEASE_MS),
    );
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(123);
  });

  it("never run more at the same time than there are places", async () => {
    const plugins = await crowd();
    const place: LimitTake = { key: "places", kind: "parallel", limit: 7, periodMs: 0, cost: 1 };
    let running = 0;
    let most = 0;
    let done = 0;
    await calls(async (index) => {
      const { limitStore } = plugins[index % PROCESSES] as RedisPlugin;
      const { allowed } = await limitStore.take(`call-${index}`, [place], LEASE_MS);
      if (!allowed) return;
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, index % 5));
      running -= 1;
      done += 1;
      await limitStore.release(`call-${index}`, [place], []);
    });
    expect(most).toBe(7);
    expect(done).toBeGreaterThanOrEqual(7);
  });

  it("reserve no more than the budget, and settle to the sum", async () => {
    const plugins = await crowd();
    const lines: readonly BudgetLine[] = [
      { scope: { kind: "team", id: "t" }, period: "2026-11", limit: 5_000n },
      { scope: { kind: "gateway", id: "gateway" }, period: "all", limit: null },
    ];
    const answers = await calls(async (index) => {
      const { reservationStore } = plugins[index % PROCESSES] as RedisPlugin;
      const id = `call-${index}/0`;
      const { held } = await reservationStore.reserve({ id, estimate: 10n, lines }, LEASE_MS);
      return { id, held };
    });
    const held = answers.filter((answer) => answer.held);
    expect(held).toHaveLength(500);
    // Each is told twice, to two processes.
    const settlements = held.map(({ id }, index) => ({
      id,
      actual: BigInt(index % 10),
      status: "final" as const,
      lines,
    }));
    await Promise.all(plugins.slice(0, 2).map(({ reservationStore }) => reservationStore.settle(settlements)));
    for (const line of lines) {
      expect(await plugins[3]?.reservationStore.balance(line)).toEqual({ posted: 2_250n, pending: 0n });
    }
  });

  it("count beyond what a floating-point number can", async () => {
    const [plugin] = await crowd();
    const store = (plugin as RedisPlugin).reservationStore;
    const line: BudgetLine = { scope: { kind: "team", id: "rich" }, period: "all", limit: 9_223_372_036_854_775_807n };
    await store.settle([{ id: "a", actual: 9_223_372_036_854_775_800n, status: "final", lines: [line] }]);
    expect(await store.reserve({ id: "b", estimate: 8n, lines: [line] }, LEASE_MS)).toMatchObject({ held: false });
    expect(await store.reserve({ id: "b", estimate: 7n, lines: [{ ...line, limit: null }] }, LEASE_MS)).toEqual({
      held: true,
    });
    // Also without a limit nothing overflows.
    expect(await store.reserve({ id: "c", estimate: 1n, lines: [{ ...line, limit: null }] }, LEASE_MS)).toMatchObject({
      held: false,
    });
    await expect(store.reserve({ id: "d", estimate: 2n ** 63n, lines: [line] }, LEASE_MS)).rejects.toMatchObject({
      code: "ledger_unavailable",
      message: expect.stringContaining("nine billion US dollars"),
    });
  });
});
