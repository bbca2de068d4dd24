import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Call, ErrorCode, GatewayErrorOptions } from "@signalbox/kernel";
import type { HealthState } from "../../src/health/deployment-state.ts";
import { deployment, failure, HealthBench, newCall } from "./health-bench.ts";

type Step =
  | { readonly kind: "begin"; readonly pick: number }
  | { readonly kind: "end"; readonly pick: number; readonly outcome: string }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "probe"; readonly pick: number; readonly ok: boolean };

const ERRORS: Readonly<Record<string, readonly [ErrorCode, GatewayErrorOptions]>> = {
  broken: ["provider_error", {}],
  late: ["timeout", {}],
  limited: ["provider_rate_limited", { retryAfterMs: 2_000 }],
  limitedLong: ["provider_rate_limited", { retryAfterMs: 50_000 }],
  spent: ["provider_rate_limited", { type: "insufficient_quota" }],
  refused: ["provider_auth_failed", { upstreamStatus: 401 }],
  unknown: ["model_not_found", { upstreamStatus: 404, param: "model" }],
  malformed: ["invalid_request", {}],
  denied: ["budget_exceeded", {}],
};

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("begin" as const), pick: fc.nat(99) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      pick: fc.nat(99),
      outcome: fc.constantFrom("ok", "broken", "broken", "abandoned", ...Object.keys(ERRORS)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 70_000 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("probe" as const), pick: fc.nat(99), ok: fc.boolean() }) },
);

/** Groups of one, two and five; half of all is the most that failures may leave out. */
const DEPLOYMENTS = [
  deployment("lone", { model: "one" }),
  ...["a", "b"].map((id) => deployment(id, { model: "two" })),
  ...["c", "d", "e", "f", "g"].map((id) => deployment(id, { model: "five" })),
];
const MODELS = ["one", "two", "five"];
const INFERRED_REASONS = /failed|fail/;

function isOut(state: HealthState): boolean {
  return state === "cooling" || state === "ejected" || state === "probing";
}

class Walk {
  readonly bench: HealthBench;
  readonly running: { readonly id: string; readonly call: Call; readonly probing: boolean; readonly since: number }[] =
    [];

  constructor(maxEjectedShare: number) {
    this.bench = new HealthBench(DEPLOYMENTS, { maxEjectedShare });
  }

  take(next: Step): void {
    const { bench, running } = this;
    switch (next.kind) {
      case "pass":
        bench.pass(next.ms);
        return;
      case "begin": {
        // as a router does: only what may be tried
        const model = MODELS[next.pick % MODELS.length] as string;
        const usable = bench.board.usable(newCall(), bench.models.deployments(model));
        const chosen = usable[next.pick % Math.max(1, usable.length)];
        if (chosen === undefined) return;
        const call = bench.begin(chosen.id);
        const since = bench.clock.time;
        running.push({ id: chosen.id, call, probing: bench.state(chosen.id) === "probing", since });
        return;
      }
      case "end": {
        const [ended] = running.splice(next.pick % Math.max(1, running.length), 1);
        if (ended === undefined) return;
        if (next.outcome === "ok") bench.end(ended.id, ended.call, { ok: true });
        else if (next.outcome === "abandoned") {
          bench.end(ended.id, ended.call, { ok: false, abandoned: true, error: failure("client_closed") });
        } else {
          const [code, options] = ERRORS[next.outcome] as readonly [ErrorCode, GatewayErrorOptions];
          bench.end(ended.id, ended.call, { error: failure(code, options) });
        }
        // whoever was asked to find out and got an answer is back
        if (next.outcome === "ok" && ended.probing && bench.clock.time - ended.since < 60_000) {
          expect(isOut(bench.state(ended.id) as HealthState)).toBe(false);
        }
        return;
      }
      case "probe": {
        const { id } = DEPLOYMENTS[next.pick % DEPLOYMENTS.length] as { readonly id: string };
        bench.board.probed(id, 1, next.ok ? undefined : failure("provider_error"));
        return;
      }
    }
  }

  check(share: number): void {
    const { bench, running } = this;
    const states = bench.board.states();
    expect(states.map(({ id }) => id)).toEqual(DEPLOYMENTS.map(({ id }) => id));
    for (const model of MODELS) {
      const group = states.filter((state) => state.model === model);
      const inferred = group.filter(({ state, reason = "" }) => isOut(state) && INFERRED_REASONS.test(reason));
      expect(inferred.length).toBeLessThanOrEqual(Math.floor(group.length * share));
      if (group.length === 1) expect(isOut(group[0]?.state as HealthState)).toBe(false);
      const listed = bench.models.deployments(model);
      const call = newCall();
      const usable = bench.board.usable(call, listed);
      // everyone is either usable or explained, and a look changes nothing
      expect(usable.length + (call.trace.skipped?.length ?? 0)).toBe(listed.length);
      for (const { code, retryAfterMs } of call.trace.skipped ?? []) {
        expect(["provider_rate_limited", "no_healthy_deployment"]).toContain(code);
        expect(retryAfterMs).toBeGreaterThan(0);
        expect(retryAfterMs).toBeLessThanOrEqual(600_000);
      }
      expect(bench.board.usable(newCall(), listed)).toBe(usable);
      expect(usable.every((each) => bench.board.mayTry(each))).toBe(true);
    }
    for (const state of states) {
      const mine = running.filter(({ id }) => id === state.id);
      expect(state.inFlight).toBe(mine.length);
      expect(state.failuresLastMinute).toBeLessThanOrEqual(state.requestsLastMinute);
      // one call finds out, and while it does nobody else is let through
      const probing = mine.filter((each) => each.probing && bench.clock.time - each.since < 60_000);
      if (state.state === "probing") expect(probing.length).toBeLessThanOrEqual(1);
    }
  }
}

describe("whatever happens", () => {
  it.each([0.5, 0.34, 1])("the board keeps its promises with a share of %f", (share) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const walk = new Walk(share);
        for (const next of steps) {
          walk.take(next);
          walk.check(share);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("a deployment that answers again is always found again", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const walk = new Walk(0.5);
        for (const next of steps) walk.take(next);
        const { bench } = walk;
        bench.pass(600_001);
        for (const { id } of DEPLOYMENTS) bench.succeed(id);
        expect(bench.board.states().map(({ state }) => state)).toEqual(DEPLOYMENTS.map(() => "healthy"));
        for (const model of MODELS) {
          expect(bench.board.usable(newCall(), bench.models.deployments(model))).toBe(bench.models.deployments(model));
        }
      }),
      { numRuns: 150 },
    );
  });
});

/** The same numbers every time. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("10,000 calls over flapping upstreams", () => {
  it("all find an answer, and few ask those that are down", () => {
    const random = numbers(7);
    const bench = new HealthBench("abcdef".split("").map((id) => deployment(id)));
    const listed = bench.models.deployments("m");
    // a and b are up for 20 s and down for 20 s in turn, c answers half the time; the others are well
    const down = (id: string): boolean => {
      if (id === "a") return Math.floor(bench.clock.time / 20_000) % 2 === 0;
      if (id === "b") return Math.floor(bench.clock.time / 20_000) % 2 === 1;
      return id === "c" && random() < 0.5;
    };
    let served = 0;
    let wasted = 0;
    const asked = new Map<string, number>();
    for (let count = 0; count < 10_000; count++) {
      bench.pass(30);
      const call = newCall();
      const candidates = [...bench.board.usable(call, listed)].sort(() => random() - 0.5);
      for (const candidate of candidates) {
        if (!bench.board.mayTry(candidate)) continue;
        asked.set(candidate.id, (asked.get(candidate.id) ?? 0) + 1);
        const fails = down(candidate.id);
        bench.begin(candidate.id, call);
        bench.end(candidate.id, call, fails ? { error: failure("provider_error") } : { ok: true });
        if (fails) wasted += 1;
        else {
          served += 1;
          break;
        }
      }
    }
    expect(served).toBe(10_000);
    // without the board a sixth of the calls would begin at each of a and b, half of them in vain, and c's besides
    expect(wasted).toBeLessThan(200);
    for (const id of ["d", "e", "f"]) expect(asked.get(id)).toBeGreaterThan(1_500);
    expect(bench.board.states().map(({ inFlight }) => inFlight)).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
