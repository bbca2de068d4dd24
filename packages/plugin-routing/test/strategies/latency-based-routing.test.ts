import { describe, expect, it } from "vitest";
import type { Call, Deployment, ErrorCode, Outcome } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { LatencyOptions } from "../../src/options.ts";
import { chatCall, deployment } from "../calls.ts";
import { counted, expectShares, normal } from "./chance.ts";
import { StrategyBench } from "./strategy-bench.ts";

type Latencies = Readonly<Record<string, number | ((now: number) => number)>>;

/** A bench whose deployments have these latencies; with `spread`, log-normal about them. */
class LatencyBench extends StrategyBench {
  readonly #latencies: Latencies;
  readonly #spread: number;

  constructor(latencies: Latencies, latency: LatencyOptions = {}, spread = 0, seed = 1) {
    const deployments = Object.keys(latencies).map((id) => deployment(id));
    super({ deployments, options: { strategy: "latency-based-routing", latency }, seed });
    this.#latencies = latencies;
    this.#spread = spread;
  }

  /** Calls over some time, evenly; who was tried for each. */
  run(durationMs: number, everyMs: number, outcome?: (deployment: Deployment) => Partial<Outcome>): readonly string[] {
    return this.traffic(durationMs / everyMs, everyMs, {
      latencyMs: ({ id }) => {
        const latency = this.#latencies[id] as number | ((now: number) => number);
        const typical = typeof latency === "number" ? latency : latency(this.clock.now());
        return this.#spread === 0 ? typical : typical * Math.exp(this.#spread * normal(this.random));
      },
      ...(outcome !== undefined && { outcome }),
    });
  }
}

function shareOf(id: string, tried: readonly string[]): number {
  return tried.filter((each) => each === id).length / tried.length;
}

/** Milliseconds until one deployment has nine calls out of ten, over half a second each. */
function settlingMs(id: string, tried: readonly string[], everyMs: number): number {
  const window = 500 / everyMs;
  for (let at = 0; at + window <= tried.length; at++) {
    if (shareOf(id, tried.slice(at, at + window)) >= 0.9) return (at + window) * everyMs;
  }
  return Number.POSITIVE_INFINITY;
}

const failure = (code: ErrorCode): Partial<Outcome> => ({ ok: false, error: new GatewayError(code, "failed") });

describe("latency-based-routing", () => {
  it("sends all calls to the fastest, but for one trial of each other every ten seconds", () => {
    const bench = new LatencyBench({ fast: 100, slow: 300, slower: 900 });
    bench.run(5_000, 10);
    const tried = bench.run(200_000, 10);
    const counts = counted(tried);
    // reference: a deployment is tried anew 10 s after its last answer, at the latest some draws of 5 % later
    for (const id of ["slow", "slower"]) {
      expect(counts[id]).toBeGreaterThanOrEqual(14);
      expect(counts[id]).toBeLessThanOrEqual(20);
    }
    expect(counts["fast"]).toBe(20_000 - (counts["slow"] as number) - (counts["slower"] as number));
  });

  it("finds the fastest within two seconds, whatever the seed, under skewed latencies", () => {
    const times = Array.from({ length: 30 }, (_, seed) => {
      // one answer in six takes more than 1.65 times as long as usual
      const bench = new LatencyBench({ a: 400, fast: 100, b: 250, c: 800, d: 1_600 }, {}, 0.5, seed + 1);
      const tried = bench.run(10_000, 20);
      expect(shareOf("fast", tried.slice(250))).toBeGreaterThan(0.9);
      return settlingMs("fast", tried, 20);
    });
    expect(Math.max(...times)).toBeLessThan(2_000);
  });

  it("shares calls alike among those within the buffer", () => {
    const bench = new LatencyBench({ a: 100, b: 104, c: 108, beyond: 125 }, { lowestLatencyBuffer: 0.1 });
    bench.run(2_000, 10);
    // one at a time: nothing is in flight when the next one comes
    const counts = counted(bench.run(12_000 * 130, 130));
    const within = ["a", "b", "c"].map((id) => counts[id] as number);
    const { beyond = 0, ...others } = counts;
    expect(beyond / 12_000).toBeLessThan(0.05);
    expect(within.reduce((sum, count) => sum + count, 0) + beyond).toBe(12_000);
    expectShares(others, { a: 1 / 3, b: 1 / 3, c: 1 / 3 });
  });

  it("takes the only fastest without a buffer, and anybody within a wide one", () => {
    const shares = (lowestLatencyBuffer: number): readonly number[] => {
      const bench = new LatencyBench({ a: 100, b: 104 }, { lowestLatencyBuffer, trialShare: 0 });
      bench.run(2_000, 10);
      const tried = bench.run(1_300_000, 130);
      return [shareOf("a", tried), shareOf("b", tried)];
    };
    expect(shares(0)).toEqual([1, 0]);
    const [a = 0, b = 0] = shares(10);
    expect(Math.abs(a - b)).toBeLessThan(0.05);
  });

  it("spreads a burst over equal ones", () => {
    const ids = Array.from({ length: 10 }, (_, index) => `d${index}`);
    const bench = new LatencyBench(Object.fromEntries(ids.map((id) => [id, 100])));
    bench.run(3_000, 10);
    bench.clock.pass(1_000);
    const counts = counted(bench.traffic(100, 0));
    expect(Object.keys(counts)).toHaveLength(10);
    // two choices each: the fullest has few more than its tenth
    expect(Math.max(...Object.values(counts))).toBeLessThanOrEqual(13);
  });

  it("spreads the first burst over all, though nothing is known yet", () => {
    const bench = new LatencyBench(Object.fromEntries(["a", "b", "c", "d"].map((id) => [id, 100])));
    const counts = counted(bench.traffic(100, 0));
    for (const id of ["a", "b", "c", "d"]) expect(Math.abs((counts[id] as number) - 25)).toBeLessThanOrEqual(4);
  });

  it("does not let a burst far beyond the usual fall upon the fastest alone", () => {
    const bench = new LatencyBench({ fast: 100, slow: 200 });
    bench.run(5_000, 100);
    bench.clock.pass(1_000);
    const counts = counted(bench.traffic(100, 0));
    expect(counts["fast"]).toBeGreaterThan(50);
    expect(counts["slow"]).toBeGreaterThan(20);
  });

  it("takes load that is usual for no burst", () => {
    // 50 attempts in flight at any time, each as fast as ever
    const bench = new LatencyBench({ fast: 100, slow: 200 });
    bench.run(10_000, 2);
    expect(shareOf("fast", bench.run(10_000, 2))).toBeGreaterThan(0.99);
  });

  it("leaves a deployment that slows down within two seconds, and comes back when it is fast again", () => {
    const bench = new LatencyBench({ a: (now) => (now > 10_000 && now <= 40_000 ? 1_000 : 100), b: 200 }, {}, 0.3);
    expect(shareOf("a", bench.run(10_000, 10).slice(300))).toBeGreaterThan(0.97);
    const slowed = bench.run(30_000, 10);
    expect(settlingMs("b", slowed, 10)).toBeLessThan(2_000);
    expect(shareOf("b", slowed.slice(500))).toBeGreaterThan(0.97);
    // the way back leads over a trial: ten seconds after the last answer, and until memory of the bad time fades
    const recovered = bench.run(40_000, 10);
    expect(settlingMs("a", recovered, 10)).toBeLessThan(20_000);
    expect(shareOf("a", recovered.slice(2_500))).toBeGreaterThan(0.95);
  });

  it("leaves a deployment that does not answer any more, before anything has failed", () => {
    const bench = new LatencyBench({ a: (now) => (now > 10_000 ? 600_000 : 100), b: 150 });
    bench.run(10_000, 10);
    const silent = bench.run(5_000, 10);
    expect(settlingMs("b", silent, 10)).toBeLessThan(1_500);
    expect(shareOf("a", silent)).toBeLessThan(0.2);
  });

  it("leaves a deployment whose answers are failures, however fast they come", () => {
    const bench = new LatencyBench({ a: 100, b: 300 });
    let failing = 0;
    const outcome = ({ id }: Deployment) =>
      id === "a" && bench.random() < failing ? failure("provider_overloaded") : {};
    expect(shareOf("a", bench.run(10_000, 10, outcome).slice(300))).toBeGreaterThan(0.97);
    // reference: a share of 95 % successes costs 1 / 0.95³ = 1.17 times as much, less than b's three times
    failing = 0.05;
    expect(shareOf("a", bench.run(100_000, 10, outcome))).toBeGreaterThan(0.95);
    // of 50 %: 8 times as much
    failing = 0.5;
    const half = bench.run(20_000, 10, outcome);
    expect(settlingMs("b", half, 10)).toBeLessThan(6_000);
    expect(shareOf("b", half.slice(1_000))).toBeGreaterThan(0.95);
  });

  it("leaves at once a new deployment that only fails, and never prefers it to one that answers", () => {
    const bench = new LatencyBench({ broken: 1, slow: 5_000 });
    const tried = bench.run(120_000, 50, ({ id }) => (id === "broken" ? failure("provider_error") : {}));
    expect(shareOf("broken", tried.slice(200))).toBeLessThan(0.01);
    expect(shareOf("broken", tried.slice(200))).toBeGreaterThan(0);
  });

  it.each(["invalid_request", "context_length_exceeded", "budget_exceeded"] as const)(
    "does not blame a deployment for %s",
    (code) => {
      const bench = new LatencyBench({ a: 100, b: 300 });
      bench.run(5_000, 10);
      const tried = bench.run(20_000, 10, ({ id }) => (id === "a" ? failure(code) : {}));
      expect(shareOf("a", tried)).toBeGreaterThan(0.9);
    },
  );

  it("learns nothing from what was abandoned", () => {
    const bench = new LatencyBench({ a: 100, b: 300 });
    bench.run(5_000, 10);
    const abandoned = { ok: false, abandoned: true, error: new GatewayError("client_closed", "left") };
    expect(
      shareOf(
        "a",
        bench.run(9_000, 10, ({ id }) => (id === "a" ? abandoned : {})),
      ),
    ).toBeGreaterThan(0.99);
  });

  it("gives new deployments a bounded share, all together, until they are known", () => {
    const bench = new LatencyBench({ old: 300, new1: 100, new2: 1_000 }, { trialShare: 0.1 });
    const [old] = bench.order().filter(({ id }) => id === "old") as [Deployment];
    bench.models.replace([old]);
    bench.run(10_000, 20);
    bench.models.replace(["old", "new1", "new2"].map((id) => deployment(id)));
    const draws = counted(Array.from({ length: 20_000 }, () => bench.first().id));
    expectShares(draws, { old: 0.9, new1: 0.05, new2: 0.05 });
    // as long as it has not answered, each is tried once in ten seconds
    const unanswered = bench.traffic(450, 20, { latencyMs: ({ id }) => (id === "old" ? 300 : 60_000) });
    expect(counted(unanswered)).toEqual({ old: 448, new1: 1, new2: 1 });
    bench.clock.pass(11_000);
    const tried = bench.run(20_000, 20);
    expect(settlingMs("new1", tried, 20)).toBeLessThan(5_000);
    expect(shareOf("new2", tried)).toBeLessThan(0.02);
  });

  it("forgets figures after their time", () => {
    const bench = new LatencyBench({ a: 100, b: 300 }, { ttlMs: 60_000 });
    bench.run(5_000, 10);
    bench.clock.pass(50_000);
    // both may have changed meanwhile: the trials of 5 % are shared, all others go to the faster one
    expectShares(counted(Array.from({ length: 10_000 }, () => bench.first().id)), { a: 0.975, b: 0.025 });
    bench.clock.pass(20_000);
    expectShares(counted(Array.from({ length: 10_000 }, () => bench.first().id)), { a: 0.5, b: 0.5 });
  });

  it("compares streams by their first event, and whole replies by their time per token of output", () => {
    const bench = new LatencyBench({ early: 0, brisk: 0 }, { trialShare: 0 });
    const [early, brisk] = bench.order().toSorted((one, other) => (one.id > other.id ? -1 : 1)) as [
      Deployment,
      Deployment,
    ];
    expect([early.id, brisk.id]).toEqual(["early", "brisk"]);
    const tell = (to: Deployment, call: Call, firstEventMs: number, durationMs: number, outputTokens: number): void => {
      bench.strategy.begin?.(to, call);
      if (call === streamed) bench.strategy.answered?.(to, firstEventMs, call);
      const usage = { inputTokens: 5, outputTokens };
      bench.strategy.report?.(to, { ok: true, firstEventMs, durationMs, usage }, call);
    };
    const streamed = chatCall({ request: { stream: true } });
    const whole = chatCall();
    // early begins soon and writes slowly; brisk answers at greater length, so that its replies take longer
    tell(early, streamed, 100, 9_000, 100);
    tell(brisk, streamed, 900, 2_000, 100);
    tell(early, whole, 3_000, 3_000, 100);
    tell(brisk, whole, 6_000, 6_000, 600);
    expect(bench.first(streamed).id).toBe("early");
    expect(bench.first(whole).id).toBe("brisk");
    // beside a deployment that does not tell its usage, replies are compared as they are
    bench.models.replace(["early", "brisk", "silent"].map((id) => deployment(id)));
    const silent = bench.order().find(({ id }) => id === "silent") as Deployment;
    bench.strategy.begin?.(silent, whole);
    bench.strategy.report?.(silent, { ok: true, firstEventMs: 2_000, durationMs: 2_000 }, whole);
    expect(bench.order(whole).map(({ id }) => id)).toEqual(["silent", "brisk", "early"]);
  });

  it("learns of a stream at its first event, minutes before its end", () => {
    const bench = new LatencyBench({ a: 0, b: 0 }, { trialShare: 0 });
    const streamed = chatCall({ request: { stream: true } });
    const [one, other] = bench.order(streamed) as [Deployment, Deployment];
    for (const [deployment, firstEventMs] of [[one, 900] as const, [other, 300] as const]) {
      bench.strategy.begin?.(deployment, streamed);
      bench.strategy.answered?.(deployment, firstEventMs, streamed);
    }
    expect(bench.first(streamed).id).toBe(other.id);
    bench.strategy.begin?.(other, streamed);
    bench.strategy.answered?.(other, 9_000, streamed);
    expect(bench.first(streamed).id).toBe(one.id);
    // the end adds nothing to it
    const usage = { inputTokens: 5, outputTokens: 5 };
    bench.strategy.report?.(other, { ok: true, firstEventMs: 1, durationMs: 60_000, usage }, streamed);
    expect(bench.first(streamed).id).toBe(one.id);
  });

  it("finds the stream that begins first within two seconds, though all of them last for half a minute", () => {
    const bench = new LatencyBench({ a: 0, fast: 0, b: 0 });
    const begins: Readonly<Record<string, number>> = { a: 900, fast: 200, b: 400 };
    const tried = bench.traffic(6_000, 20, {
      call: chatCall({ request: { stream: true } }),
      firstEventMs: ({ id }) => begins[id] as number,
      latencyMs: () => 30_000,
    });
    expect(settlingMs("fast", tried, 20)).toBeLessThan(2_000);
    // 1,500 of them run at a time: that is usual here, and no burst
    expect(shareOf("fast", tried.slice(250))).toBeGreaterThan(0.98);
  });

  it("goes on with the next fastest, and with the unknown when nothing known is left", () => {
    const bench = new LatencyBench({ a: 300, b: 100, c: 200 });
    bench.run(3_000, 10);
    bench.models.replace(["a", "b", "c", "new"].map((id) => deployment(id)));
    const orders = new Set(
      Array.from({ length: 3 }, () =>
        bench
          .order()
          .map(({ id }) => id)
          .join(),
      ),
    );
    expect([...orders]).toContain("b,c,a,new");
  });

  it("survives outcomes without sense", () => {
    const bench = new LatencyBench({ a: 100, b: 300 });
    bench.run(2_000, 10);
    const call = chatCall();
    for (const odd of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      for (const each of bench.order()) {
        bench.strategy.begin?.(each, call);
        const usage = { inputTokens: odd, outputTokens: odd };
        bench.strategy.report?.(each, { ok: true, firstEventMs: odd, durationMs: odd, usage }, call);
        bench.strategy.begin?.(each, call);
        bench.strategy.report?.(each, { ok: true, firstEventMs: 200, durationMs: 200, usage }, call);
      }
    }
    expect(shareOf("a", bench.run(2_000, 10))).toBeGreaterThan(0.95);
  });
});
