import { describe, expect, it } from "vitest";
import type { Call } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { chatCall, deployment } from "../calls.ts";
import { counted, expectShares, normal, seeded } from "./chance.ts";
import { SimulatedClock, SimulatedState } from "./simulated-time.ts";
import { StrategyBench } from "./strategy-bench.ts";

const options = { strategy: "usage-based-routing" } as const;

/** A call that is expected to use so many tokens, 4 of them for the frame of its message. */
function expecting(tokens: number): Call {
  return chatCall({ text: "word".repeat(tokens - 14), request: { maxOutputTokens: 10 } });
}

describe("usage-based-routing", () => {
  it("tries the one with the smallest share of its tokens per minute", () => {
    const limits: Readonly<Record<string, number>> = { small: 20_000, middle: 60_000, large: 120_000 };
    const deployments = Object.entries(limits).map(([id, tpm]) => deployment(id, { tpm }));
    const bench = new StrategyBench({ deployments, options });
    const random = seeded(5);
    let used: Record<string, number> = { small: 0, middle: 0, large: 0 };
    let minute = 0;
    let last = "";
    const sharesAtEnd: number[][] = [];
    for (let request = 0; request < 12_000; request++) {
      if (Math.floor(bench.clock.now() / 60_000) !== minute) {
        minute += 1;
        sharesAtEnd.push(Object.entries(used).map(([id, tokens]) => tokens / (limits[id] as number)));
        used = { small: 0, middle: 0, large: 0 };
      }
      const expected = 100 + Math.floor(400 * random());
      const shares = Object.entries(used).map(([id, tokens]) => ({
        id,
        share: (tokens + expected) / (limits[id] as number),
      }));
      const least = Math.min(...shares.map(({ share }) => share));
      const actual = Math.max(1, Math.round(expected * Math.exp(0.5 * normal(random))));
      last = bench.request({
        call: expecting(expected),
        latencyMs: () => 30,
        outcome: () => ({ usage: { inputTokens: actual - 1, outputTokens: 1 } }),
      }).id;
      expect(shares.filter(({ share }) => share === least).map(({ id }) => id)).toContain(last);
      // it ends before the next one comes; across the end of a minute nothing is mended
      const sameMinute = Math.floor((bench.clock.now() + 30) / 60_000) === minute;
      used[last] = (used[last] as number) + (sameMinute ? actual : expected);
      bench.clock.pass(60);
    }
    expect(sharesAtEnd.length).toBeGreaterThan(10);
    for (const shares of sharesAtEnd) expect(Math.max(...shares) - Math.min(...shares)).toBeLessThan(0.06);
  });

  it("counts tokens alone where not all have a limit", () => {
    const bench = new StrategyBench({
      deployments: [deployment("a", { tpm: 100 }), deployment("b"), deployment("c")],
      options,
    });
    const counts = counted(
      bench.traffic(12_000, 10, {
        call: expecting(100),
        latencyMs: () => 5,
        outcome: () => ({ usage: { inputTokens: 90, outputTokens: 10 } }),
      }),
    );
    for (const id of ["a", "b", "c"]) expect(Math.abs((counts[id] as number) - 4_000)).toBeLessThanOrEqual(5);
  });

  it("counts a call by estimate from its begin: a burst spreads", () => {
    const deployments = Array.from({ length: 10 }, (_, index) => deployment(`d${index}`, { tpm: 1_000 }));
    const bench = new StrategyBench({ deployments, options });
    expect(counted(bench.traffic(100, 0))).toEqual(Object.fromEntries(deployments.map(({ id }) => [id, 10])));
  });

  it("lets chance decide among equals", () => {
    const bench = new StrategyBench({ deployments: ["a", "b", "c", "d"].map((id) => deployment(id)), options });
    const counts = counted(Array.from({ length: 10_000 }, () => bench.first().id));
    expectShares(counts, { a: 0.25, b: 0.25, c: 0.25, d: 0.25 });
  });

  it("gives back what a refused call had been counted for, and keeps what one that was cut may have used", () => {
    const failed = (code: "provider_rate_limited" | "timeout") => ({
      ok: false,
      error: new GatewayError(code, "failed"),
    });
    const after = (outcome: object): string => {
      const bench = new StrategyBench({ deployments: [deployment("a"), deployment("b")], options });
      const call = expecting(1_000);
      bench.clock.pass(1_000);
      bench.order();
      const [a, b] = [deployment("a"), deployment("b")];
      bench.strategy.begin?.(b, expecting(100));
      bench.strategy.begin?.(a, call);
      bench.strategy.report?.(a, { ok: true, firstEventMs: 1, durationMs: 1, ...outcome }, call);
      return bench.first().id;
    };
    expect(after(failed("provider_rate_limited"))).toBe("a");
    expect(after({ usage: { inputTokens: 9, outputTokens: 1 } })).toBe("a");
    expect(after(failed("timeout"))).toBe("b");
    expect(after({ ok: false, abandoned: true, error: new GatewayError("client_closed", "left") })).toBe("b");
    expect(after({})).toBe("b");
  });

  it("begins every minute anew, and mends nothing that was counted in the one before", () => {
    const bench = new StrategyBench({ deployments: [deployment("a"), deployment("b")], options });
    const call = expecting(1_000);
    const a = deployment("a");
    bench.order();
    bench.clock.pass(59_000);
    bench.strategy.begin?.(a, call);
    expect(bench.first().id).toBe("b");
    bench.clock.pass(2_000);
    bench.strategy.report?.(
      a,
      { ok: true, firstEventMs: 1, durationMs: 2_000, usage: { inputTokens: 1, outputTokens: 0 } },
      call,
    );
    expectShares(counted(Array.from({ length: 2_000 }, () => bench.first().id)), { a: 0.5, b: 0.5 });
  });

  it("takes the window that it is given", () => {
    const bench = new StrategyBench({
      deployments: [deployment("a"), deployment("b")],
      options: { ...options, usage: { windowMs: 10_000 } },
    });
    bench.order();
    bench.strategy.begin?.(deployment("a"), expecting(1_000));
    bench.clock.pass(9_000);
    expect(bench.first().id).toBe("b");
    bench.clock.pass(2_000);
    expectShares(counted(Array.from({ length: 2_000 }, () => bench.first().id)), { a: 0.5, b: 0.5 });
  });

  it("counts what other processes use, under keys that expire", () => {
    const clock = new SimulatedClock();
    const state = new SimulatedState(clock);
    const deployments = [deployment("a", { tpm: 10_000 }), deployment("b", { tpm: 10_000 })];
    const one = new StrategyBench({ deployments, options, clock, state, seed: 1 });
    const other = new StrategyBench({ deployments, options, clock, state, seed: 2 });
    one.order();
    one.strategy.begin?.(deployment("a"), expecting(5_000));
    clock.pass(200);
    expect(other.first().id).toBe("b");
    for (let minute = 0; minute < 60; minute++) {
      one.request();
      clock.pass(60_000);
    }
    expect(state.keys().length).toBeLessThanOrEqual(4);
  });

  it("survives outcomes without sense", () => {
    const bench = new StrategyBench({ deployments: [deployment("a"), deployment("b")], options });
    bench.clock.pass(1_000);
    bench.order();
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      for (const durationMs of [odd, 1]) {
        bench.strategy.begin?.(deployment("a"), chatCall());
        const usage = { inputTokens: odd, outputTokens: odd };
        bench.strategy.report?.(deployment("a"), { ok: true, firstEventMs: durationMs, durationMs, usage }, chatCall());
      }
    }
    // they count as was expected of them
    expect(bench.order().map(({ id }) => id)).toEqual(["b", "a"]);
  });
});
