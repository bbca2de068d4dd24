import { afterEach, describe, expect, it, vi } from "vitest";
import type { Deployment, Provider } from "@signalbox/kernel";
import { createGateway, createModelTable, GatewayError } from "@signalbox/kernel";
import type { FallbacksOptions } from "../../src/index.ts";
import { fallbacks } from "../../src/index.ts";
import { RetryBudgets } from "../../src/router/retry-budget.ts";
import { deploymentsOf } from "./bench.ts";

const USUAL = { ratio: 0.2, minPerSecond: 10, windowMs: 10_000 };

describe("the budget", () => {
  function budgets(settings = USUAL, deployments = deploymentsOf("a1 b1")) {
    const clock = { now: 1_000_000 };
    const models = createModelTable(deployments, []);
    return { clock, models, budgets: new RetryBudgets(settings, models, () => clock.now) };
  }

  const takeAll = (from: RetryBudgets, group: string): number => {
    let taken = 0;
    while (taken < 100_000 && from.take(group)) taken += 1;
    return taken;
  };

  function call(on: RetryBudgets, group: string, times: number): void {
    for (let time = 0; time < times; time++) {
      on.addCall();
      on.addEntry(group);
    }
  }

  it("is so many a second over the window, and a share of the calls", () => {
    const { budgets: some } = budgets();
    expect(takeAll(some, "a1")).toBe(100);
    call(some, "a1", 1_000);
    expect(takeAll(some, "a1")).toBe(200);
    expect(some.take("a1")).toBe(false);
  });

  it("comes back as the window moves on, bit by bit", () => {
    const { budgets: some, clock } = budgets({ ...USUAL, minPerSecond: 0 });
    for (let second = 0; second < 10; second++) {
      call(some, "a1", 100);
      expect(takeAll(some, "a1")).toBe(20);
      clock.now += 1_000;
    }
    expect(takeAll(some, "a1")).toBe(0);
    clock.now += 9_000;
    call(some, "a1", 10);
    expect(takeAll(some, "a1")).toBe(2);
    clock.now += 1e12;
    expect(takeAll(some, "a1")).toBe(0);
  });

  it("holds for each model and for all together", () => {
    const { budgets: some } = budgets({ ...USUAL, minPerSecond: 0 });
    call(some, "a1", 100);
    call(some, "b1", 10);
    expect(takeAll(some, "b1")).toBe(2);
    expect(takeAll(some, "a1")).toBe(20);
    // calls that come back to another model as fallbacks are calls of the gateway once
    for (let time = 0; time < 1_000; time++) some.addEntry("b1");
    expect(takeAll(some, "b1")).toBe(0);
  });

  it("can be nothing at all", () => {
    const { budgets: some } = budgets({ ratio: 0, minPerSecond: 0, windowMs: 1_000 });
    call(some, "a1", 1_000);
    expect(some.take("a1")).toBe(false);
  });

  it("forgets models that are removed", () => {
    const { budgets: some, models } = budgets();
    expect(takeAll(some, "b1")).toBe(100);
    models.replace(deploymentsOf("a1"));
    call(some, "a1", 5_000);
    models.replace(deploymentsOf("a1 b1"));
    expect(some.take("a1")).toBe(true);
    expect(takeAll(some, "b1")).toBe(100);
  });
});

describe("10,000 calls against an outage", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Tries of each deployment in so many seconds of 1,000 calls each, all of which fail at once. */
  async function outage(
    deployments: readonly Deployment[],
    options: FallbacksOptions,
    isDown: (deployment: Deployment) => boolean,
  ): Promise<{ readonly tries: ReadonlyMap<string, number>; readonly failed: number }> {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const tries = new Map<string, number>();
    const down: Provider = {
      name: "wire",
      operations: {
        // biome-ignore lint/correctness/useYield: no event before the failure
        async *embed({ deployment }) {
          tries.set(deployment.id, (tries.get(deployment.id) ?? 0) + 1);
          if (isDown(deployment)) throw new GatewayError("provider_error", "down");
          return { model: deployment.model, embeddings: [], usage: { inputTokens: 1, outputTokens: 0 } };
        },
      },
    };
    const gateway = await createGateway({
      plugins: [{ name: "wire", providers: [down] }, fallbacks(options)],
      deployments,
    });
    let failed = 0;
    const calls: Promise<unknown>[] = [];
    for (let index = 0; index < 10_000; index++) {
      calls.push(
        gateway.embed({ model: "a", input: "x" }).catch(() => {
          failed += 1;
        }),
      );
      await vi.advanceTimersByTimeAsync(1);
    }
    await vi.advanceTimersByTimeAsync(30_000);
    await Promise.all(calls);
    vi.useRealTimers();
    await gateway.close();
    return { tries, failed };
  }

  const total = (tries: ReadonlyMap<string, number>): number =>
    [...tries.values()].reduce((sum, each) => sum + each, 0);

  it("at one deployment: at most a fifth more tries, and ten a second", async () => {
    const { tries, failed } = await outage(deploymentsOf("a1"), {}, () => true);
    expect(failed).toBe(10_000);
    expect(total(tries)).toBeGreaterThan(11_000);
    expect(total(tries)).toBeLessThanOrEqual(12_000 + 10 * 20);
  });

  it("at three deployments: no more, in all", async () => {
    const { tries } = await outage(deploymentsOf("a1 a2 a3"), { cooldown: { disabled: true } }, () => true);
    expect(total(tries)).toBeGreaterThan(11_000);
    expect(total(tries)).toBeLessThanOrEqual(12_000 + 10 * 20 + 2);
  });

  it("with one of three left, all are served, and those that are down get no more than their share", async () => {
    const { tries, failed } = await outage(deploymentsOf("a1 a2 a3"), {}, ({ id }) => id !== "a3");
    expect(failed).toBe(0);
    expect(tries.get("a3")).toBe(10_000);
    expect(tries.get("a1")).toBeLessThanOrEqual(10_000 * 1.2);
    expect(tries.get("a2") ?? 0).toBeLessThanOrEqual(10_000 * 1.2);
  });
});
