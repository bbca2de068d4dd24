import { describe, expect, it } from "vitest";
import { chatCall, deployment } from "../calls.ts";
import { counted, expectShares, normal, seeded } from "./chance.ts";
import { SimulatedClock, SimulatedState } from "./simulated-time.ts";
import { StrategyBench } from "./strategy-bench.ts";

const options = { strategy: "least-busy" } as const;
const several = (count: number) => Array.from({ length: count }, (_, index) => deployment(`d${index}`));

describe("least-busy", () => {
  it("tries the one with the fewest attempts in flight, chance decides among equals", () => {
    const bench = new StrategyBench({ deployments: several(8), options });
    const random = seeded(7);
    // counted beside the strategy, from what begins and ends
    const busy = new Map(several(8).map(({ id }) => [id, 0]));
    const ranks: string[] = [];
    for (let request = 0; request < 12_000; request++) {
      const least = Math.min(...busy.values());
      const equals = [...busy.keys()].filter((id) => busy.get(id) === least);
      // from 20 ms to seconds, and every tenth fails at once
      const fails = random() < 0.1;
      const latencyMs = fails ? 5 : 200 * Math.exp(normal(random));
      const { id } = bench.request({ latencyMs: () => latencyMs, outcome: () => ({ ok: !fails }) });
      expect(equals).toContain(id);
      if (equals.length === 4) ranks.push(String(equals.indexOf(id)));
      busy.set(id, (busy.get(id) ?? 0) + 1);
      bench.clock.after(latencyMs, () => busy.set(id, (busy.get(id) ?? 0) - 1));
      bench.clock.pass(20 * random());
    }
    expect(ranks.length).toBeGreaterThan(500);
    expectShares(counted(ranks), { 0: 0.25, 1: 0.25, 2: 0.25, 3: 0.25 });
  });

  it("gives slow deployments fewer calls, so that all have as many in flight", () => {
    const speeds: Readonly<Record<string, number>> = { d0: 100, d1: 200, d2: 400 };
    const bench = new StrategyBench({ deployments: several(3), options });
    const counts = counted(bench.traffic(12_000, 1, { latencyMs: ({ id }) => speeds[id] as number }));
    // with as many in flight everywhere, shares are as the inverse of latencies: 4 : 2 : 1
    expect((counts["d0"] as number) / 12_000).toBeCloseTo(4 / 7, 2);
    expect((counts["d1"] as number) / 12_000).toBeCloseTo(2 / 7, 2);
    expect((counts["d2"] as number) / 12_000).toBeCloseTo(1 / 7, 2);
  });

  it("spreads a burst evenly", () => {
    const bench = new StrategyBench({ deployments: several(10), options });
    const counts = counted(bench.traffic(100, 0));
    expect(counts).toEqual(Object.fromEntries(several(10).map(({ id }) => [id, 10])));
  });

  it("goes on with the next busy ones, each once", () => {
    const bench = new StrategyBench({ deployments: several(3), options });
    const call = chatCall();
    const [d0, d1] = several(3);
    bench.order();
    for (const each of [d0, d0, d1]) bench.strategy.begin?.(each as never, call);
    expect(bench.order().map(({ id }) => id)).toEqual(["d2", "d1", "d0"]);
  });

  it("sees what other processes have in flight, a moment later", () => {
    const clock = new SimulatedClock();
    const state = new SimulatedState(clock);
    const one = new StrategyBench({ deployments: several(2), options, clock, state, seed: 1 });
    const other = new StrategyBench({ deployments: several(2), options, clock, state, seed: 2 });
    for (let request = 0; request < 40; request++) one.request({ latencyMs: () => 10_000 });
    clock.pass(200);
    // a lone d0 in this process makes d0 the busier one of all processes together
    const [d0] = several(2);
    one.strategy.begin?.(d0 as never, chatCall());
    clock.pass(200);
    expect(other.first().id).toBe("d1");
    const counts = counted([...one.traffic(50, 10), ...other.traffic(49, 10)]);
    expect(Math.abs((counts["d0"] ?? 0) - (counts["d1"] ?? 0))).toBeLessThanOrEqual(10);
  });

  it("forgets what a process that died had in flight, and not what runs for long here", () => {
    const clock = new SimulatedClock();
    const state = new SimulatedState(clock);
    const dying = new StrategyBench({ deployments: several(2), options, clock, state, seed: 1 });
    const living = new StrategyBench({ deployments: several(2), options, clock, state, seed: 2 });
    const [d0, d1] = several(2);
    dying.order();
    living.order();
    for (let attempt = 0; attempt < 5; attempt++) dying.strategy.begin?.(d1 as never, chatCall());
    living.strategy.begin?.(d0 as never, chatCall());
    clock.pass(1_000);
    expect(living.first().id).toBe("d0");
    clock.pass(61_000);
    expect(living.first().id).toBe("d1");
    // what began long ago still ends at nothing, here and for others
    living.strategy.report?.(d0 as never, { ok: true, firstEventMs: 1, durationMs: 62_000 }, chatCall());
    clock.pass(1_000);
    const shares = counted(Array.from({ length: 2_000 }, () => dying.first().id));
    expect(shares).toEqual({ d0: 2_000 });
    const own = counted(Array.from({ length: 2_000 }, () => living.first().id));
    expectShares(own, { d0: 0.5, d1: 0.5 });
  });

  it("drops deployments that are removed, after their last attempt, and begins anew when one comes back", () => {
    const bench = new StrategyBench({ deployments: several(3), options });
    const [d0, d1, d2] = several(3);
    const call = chatCall();
    const ok = { ok: true, firstEventMs: 1, durationMs: 1 };
    bench.order();
    bench.strategy.begin?.(d0 as never, call);
    bench.strategy.begin?.(d0 as never, call);
    bench.models.replace([d1 as never, d2 as never]);
    expect(bench.order()).toHaveLength(2);
    bench.strategy.report?.(d0 as never, ok, call);
    bench.strategy.report?.(d0 as never, ok, call);
    bench.models.replace(several(3));
    // nothing is left in flight at d0, and a report too many does not make it less than idle
    bench.strategy.report?.(d0 as never, ok, call);
    const counts = counted(Array.from({ length: 3_000 }, () => bench.first().id));
    expectShares(counts, { d0: 1 / 3, d1: 1 / 3, d2: 1 / 3 });
  });
});
