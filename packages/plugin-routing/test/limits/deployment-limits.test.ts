import { describe, expect, test } from "vitest";
import type { Deployment, Outcome, Strategy } from "@signalbox/kernel";
import { createModelTable, GatewayError, MemoryState } from "@signalbox/kernel";
import { chatCall, deployment } from "../calls.ts";
import { ANSWERED, Clock, DrivenCall, LISTED, limits, pulled } from "./limited-calls.ts";

const a = deployment("a", { maxParallel: 2 });
const b = deployment("b", { maxParallel: 1 });
const free = deployment("free");

const failed = (code: "provider_error" | "timeout", more: Partial<Outcome> = {}): Outcome => ({
  ok: false,
  error: new GatewayError(code, "it failed"),
  firstEventMs: 5,
  durationMs: 5,
  ...more,
});

describe("without limits", () => {
  test("the strategy's own iterable is handed on", () => {
    const own = [free];
    const strategy: Strategy = { name: "own", order: () => own };
    expect(limits({}, undefined, strategy).order(chatCall(), [free])).toBe(own);
    expect(limits({ defaultMaxParallel: 1 }, undefined, strategy).order(chatCall(), [free])).not.toBe(own);
  });

  test("the strategy is told of attempts, and validates", () => {
    const told: string[] = [];
    const strategy: Strategy = {
      ...LISTED,
      begin: ({ id }) => void told.push(`begin ${id}`),
      report: ({ id }) => void told.push(`report ${id}`),
      validate: () => void told.push("validate"),
    };
    const limited = limits({}, undefined, strategy);
    for (const each of [free, a]) {
      limited.begin?.(each, chatCall());
      limited.report?.(each, ANSWERED, chatCall());
    }
    limited.validate?.(createModelTable([], []));
    expect(limited.name).toBe("listed");
    expect(told).toEqual(["begin free", "report free", "begin a", "report a", "validate"]);
  });
});

describe("places", () => {
  test("are claimed when the deployment is yielded, and a full one is passed over", () => {
    const strategy = limits();
    const candidates = [a, b];
    const calls = [1, 2, 3, 4].map(() => new DrivenCall(strategy, chatCall(), candidates));
    expect(calls.map(({ id }) => id)).toEqual(["a", "a", "b", undefined]);
    expect(calls[3]?.call.trace.skipped).toEqual([
      {
        deployment: "a",
        reason: "it takes no more than 2 calls at the same time",
        code: "concurrency_limit_exceeded",
        retryAfterMs: 1_000,
        type: "requests",
      },
      {
        deployment: "b",
        reason: "it takes no more than 1 calls at the same time",
        code: "concurrency_limit_exceeded",
        retryAfterMs: 1_000,
        type: "requests",
      },
    ]);
    calls[1]?.end();
    expect(new DrivenCall(strategy, chatCall(), candidates).id).toBe("a");
  });

  test("what nobody tries is given back when the list goes on, and when it is closed", async () => {
    const state = new MemoryState();
    const strategy = limits({}, state);
    const candidates = [a, b];
    expect(pulled(strategy, chatCall(), candidates)).toEqual(["a", "b"]);
    expect(state.sum("limits/running/a")).toBe(0);
    expect(state.sum("limits/running/b")).toBe(0);
    expect(pulled(strategy, chatCall(), candidates, 1)).toEqual(["a"]);
    await Promise.resolve();
    expect(state.sum("limits/running/a")).toBe(0);
  });

  test("who closes the list and begins at once keeps the claim", async () => {
    const state = new MemoryState();
    const strategy = limits({}, state);
    const call = chatCall();
    for (const item of strategy.order(call, [b])) {
      expect(item).toBe(b);
      break;
    }
    strategy.begin?.(b, call);
    await Promise.resolve();
    expect(state.sum("limits/running/b")).toBe(1);
    strategy.report?.(b, ANSWERED, call);
    expect(state.sum("limits/running/b")).toBe(0);
  });

  test("a hedged call holds one at each deployment, and each report gives back its own", () => {
    const state = new MemoryState();
    const strategy = limits({}, state);
    const call = chatCall();
    const offers = strategy.order(call, [a, b])[Symbol.iterator]();
    offers.next();
    strategy.begin?.(a, call);
    offers.next();
    strategy.begin?.(b, call);
    expect([state.sum("limits/running/a"), state.sum("limits/running/b")]).toEqual([1, 1]);
    strategy.report?.(b, ANSWERED, call);
    expect([state.sum("limits/running/a"), state.sum("limits/running/b")]).toEqual([1, 0]);
    strategy.report?.(a, failed("provider_error", { abandoned: true }), call);
    offers.return?.();
    expect([state.sum("limits/running/a"), state.sum("limits/running/b")]).toEqual([0, 0]);
  });

  test("an attempt that a router repeats on its own counts as well", () => {
    const state = new MemoryState();
    const strategy = limits({}, state);
    const call = chatCall();
    strategy.begin?.(b, call);
    expect(new DrivenCall(strategy, chatCall(), [b]).id).toBeUndefined();
    strategy.report?.(b, ANSWERED, call);
    strategy.report?.(b, ANSWERED, call);
    expect(state.sum("limits/running/b")).toBe(0);
    expect(new DrivenCall(strategy, chatCall(), [b]).id).toBe("b");
  });

  test("a deployment is one, whatever name it is asked for by, and whatever its limits become", () => {
    const strategy = limits();
    const first = new DrivenCall(strategy, chatCall(), [{ ...b, model: "x/1", upstreamModel: "1" }]);
    expect(first.id).toBe("b");
    expect(new DrivenCall(strategy, chatCall(), [{ ...b, model: "x/2", upstreamModel: "2" }]).id).toBeUndefined();
    expect(new DrivenCall(strategy, chatCall(), [{ ...b, maxParallel: 2 }]).id).toBe("b");
    expect(new DrivenCall(strategy, chatCall(), [{ ...b, maxParallel: 2 }]).id).toBeUndefined();
  });

  test("a default holds for those that say nothing", () => {
    const strategy = limits({ defaultMaxParallel: 1 });
    const candidates = [free, a];
    const ids = [1, 2, 3, 4].map(() => new DrivenCall(strategy, chatCall(), candidates).id);
    expect(ids).toEqual(["free", "a", "a", undefined]);
  });

  test("other processes hold places too", () => {
    const state = new MemoryState();
    const there = limits({}, state);
    const here = limits({}, state);
    const call = new DrivenCall(there, chatCall(), [b]);
    expect(new DrivenCall(here, chatCall(), [b]).id).toBeUndefined();
    call.end();
  });

  test("what a removed deployment knew is forgotten once its calls have ended", () => {
    const strategy = limits();
    const running = new DrivenCall(strategy, chatCall(), [b]);
    strategy.validate?.(createModelTable([a], []));
    expect(new DrivenCall(strategy, chatCall(), [{ ...b }]).id).toBeUndefined();
    running.end();
    strategy.validate?.(createModelTable([a], []));
    expect(new DrivenCall(strategy, chatCall(), [{ ...b }]).id).toBe("b");
  });
});

describe("rates", () => {
  const slow = deployment("slow", { rpm: 3 });
  const spare = deployment("spare", { rpm: 1_000 });

  test("requests of the minute run out, and the wait is named", () => {
    const clock = new Clock();
    const strategy = limits({ now: clock.now });
    clock.ms += 20_000;
    const ids: (string | undefined)[] = [];
    for (let at = 0; at < 4; at++) {
      const call = new DrivenCall(strategy, chatCall(), [slow, spare]);
      ids.push(call.id);
      call.end();
    }
    expect(ids).toEqual(["slow", "slow", "slow", "spare"]);
    const refused = new DrivenCall(strategy, chatCall(), [slow]);
    expect(refused.id).toBeUndefined();
    expect(refused.call.trace.skipped).toEqual([
      {
        deployment: "slow",
        reason: "it has had its 3 requests of this minute",
        code: "rate_limit_exceeded",
        retryAfterMs: 40_001,
        type: "requests",
      },
    ]);
    clock.ms += 40_001;
    expect(new DrivenCall(strategy, chatCall(), [slow]).id).toBe("slow");
  });

  test("failed requests count, those that were never made do not", async () => {
    const clock = new Clock();
    const strategy = limits({ now: clock.now });
    for (let at = 0; at < 10; at++) pulled(strategy, chatCall(), [slow]);
    for (let at = 0; at < 10; at++) {
      pulled(strategy, chatCall(), [slow], 1);
      await Promise.resolve();
    }
    for (let at = 0; at < 3; at++) new DrivenCall(strategy, chatCall(), [slow]).end(failed("provider_error"));
    expect(new DrivenCall(strategy, chatCall(), [slow]).id).toBeUndefined();
  });

  describe("of tokens", () => {
    const metered = deployment("metered", { tpm: 1_000 });
    /** 100 tokens of output at most; of input 4 for the message and 36 for its 144 characters. */
    const input = { text: "x".repeat(144), request: { maxOutputTokens: 100 } };

    function roomFor(strategy: Strategy): number {
      let count = 0;
      while (new DrivenCall(strategy, chatCall(input), [metered]).id !== undefined) count += 1;
      return count;
    }

    test("are claimed by estimate", () => {
      const clock = new Clock();
      const strategy = limits({ now: clock.now });
      expect(roomFor(strategy)).toBe(7);
      const refused = new DrivenCall(strategy, chatCall(input), [metered]);
      expect(refused.call.trace.skipped).toEqual([
        {
          deployment: "metered",
          reason: "it has had its 1000 tokens of this minute",
          code: "rate_limit_exceeded",
          retryAfterMs: 60_000,
          type: "tokens",
        },
      ]);
    });

    const endings: readonly [string, Outcome, number][] = [
      ["corrected by what was used", { ...ANSWERED, usage: { inputTokens: 10, outputTokens: 10 } }, 7],
      ["also where it was more", { ...ANSWERED, usage: { inputTokens: 300, outputTokens: 200 } }, 3],
      ["kept where nobody says", ANSWERED, 6],
      [
        "kept where what is said makes no sense",
        { ...ANSWERED, usage: { inputTokens: Number.NaN, outputTokens: 1 } },
        6,
      ],
      ["given back where it failed before it answered", failed("provider_error"), 7],
      ["kept where it failed later", failed("provider_error", { durationMs: 6 }), 6],
      ["kept after a timeout: the model may have worked", failed("timeout"), 6],
      ["kept where the caller left", failed("provider_error", { abandoned: true }), 6],
    ];
    test.each(endings)("are %s", (_name, outcome, room) => {
      const strategy = limits({ now: new Clock().now });
      const call = new DrivenCall(strategy, chatCall(input), [metered]);
      expect(call.id).toBe("metered");
      call.end(outcome);
      expect(roomFor(strategy)).toBe(room);
    });

    test("a call that needs more than there is takes a whole minute", () => {
      const clock = new Clock();
      const strategy = limits({ now: clock.now });
      const large = chatCall({ request: { maxOutputTokens: 50_000 } });
      expect(new DrivenCall(strategy, large, [metered]).id).toBe("metered");
      expect(roomFor(strategy)).toBe(0);
      clock.ms += 120_000;
      expect(roomFor(strategy)).toBe(7);
      expect(new DrivenCall(strategy, large, [metered]).id).toBeUndefined();
    });
  });
});

describe("simulations of 10,000 calls", () => {
  /** Deterministic, 0 to 1. */
  function randomFrom(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state * 16_807) % 2_147_483_647;
      return state / 2_147_483_647;
    };
  }

  test.each([1, 7, 60, 600])("%i requests per minute are never exceeded, and used", (rpm) => {
    const clock = new Clock();
    const strategy = limits({ now: clock.now });
    const candidates = [deployment("one", { rpm })];
    const random = randomFrom(rpm);
    const minutes = new Map<number, number>();
    const began = clock.ms;
    // three times as many calls as may pass
    const gapMs = 60_000 / rpm / 3;
    for (let at = 0; at < 10_000; at++) {
      clock.ms = Math.floor(began + at * gapMs + random() * gapMs);
      const call = new DrivenCall(strategy, chatCall(), candidates);
      if (call.id !== undefined) {
        const minute = Math.floor(clock.ms / 60_000);
        minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
      }
      call.end();
    }
    const counts = [...minutes.values()];
    expect(Math.max(...counts)).toBeLessThanOrEqual(rpm);
    const whole = counts.slice(0, -1);
    const used = whole.reduce((sum, count) => sum + count, 0) / (whole.length * rpm);
    expect(whole.length).toBeGreaterThan(4);
    expect(used).toBeGreaterThanOrEqual(0.95);
  });

  test("tokens per minute are never exceeded where estimates are bounds, and used", () => {
    const clock = new Clock();
    const tpm = 60_000;
    const strategy = limits({ now: clock.now });
    const candidates = [deployment("one", { tpm })];
    const random = randomFrom(5);
    const minutes = new Map<number, number>();
    const running: { readonly call: DrivenCall; readonly until: number; readonly output: number }[] = [];
    const began = clock.ms;
    for (let at = 0; at < 10_000; at++) {
      clock.ms = Math.floor(began + at * 120 + random() * 120);
      for (const ended of running.filter(({ until }) => until <= clock.ms)) {
        running.splice(running.indexOf(ended), 1);
        ended.call.end({ ...ANSWERED, usage: { inputTokens: 40, outputTokens: ended.output } });
      }
      const most = 50 + Math.floor(random() * 400);
      const call = new DrivenCall(
        strategy,
        chatCall({ text: "x".repeat(144), request: { maxOutputTokens: most } }),
        candidates,
      );
      if (call.id === undefined) continue;
      const output = Math.floor(random() * most);
      const minute = Math.floor(clock.ms / 60_000);
      minutes.set(minute, (minutes.get(minute) ?? 0) + 40 + output);
      running.push({ call, until: clock.ms + 200 + random() * 600, output });
    }
    const counts = [...minutes.values()];
    expect(Math.max(...counts)).toBeLessThanOrEqual(tpm);
    const whole = counts.slice(0, -1);
    expect(whole.length).toBeGreaterThan(15);
    expect(whole.reduce((sum, count) => sum + count, 0) / (whole.length * tpm)).toBeGreaterThanOrEqual(0.95);
  });

  test("places are never exceeded, whatever becomes of the calls, and none is lost", async () => {
    const state = new MemoryState();
    const strategy = limits({}, state);
    const candidates = [deployment("x", { maxParallel: 7 }), deployment("y", { maxParallel: 3 })];
    const random = randomFrom(11);
    const running: DrivenCall[] = [];
    let refused = 0;
    for (let at = 0; at < 10_000; at++) {
      if (random() < 0.3) pulled(strategy, chatCall(), candidates, random() < 0.5 ? 1 : 2);
      else {
        const call = new DrivenCall(strategy, chatCall(), candidates);
        if (call.id === undefined) refused += 1;
        else running.push(call);
      }
      if (random() < 0.3) await Promise.resolve();
      const byId = (id: string): number => running.filter((call) => call.id === id).length;
      expect(byId("x")).toBeLessThanOrEqual(7);
      expect(byId("y")).toBeLessThanOrEqual(3);
      while (running.length > 0 && random() < 0.5) {
        const [ended] = running.splice(Math.floor(random() * running.length), 1);
        ended?.end(random() < 0.5 ? ANSWERED : failed("provider_error", { abandoned: random() < 0.5 }));
      }
    }
    for (const call of running) call.end();
    await Promise.resolve();
    expect(refused).toBeGreaterThan(0);
    expect([state.sum("limits/running/x"), state.sum("limits/running/y")]).toEqual([0, 0]);
    const last: readonly Deployment[] = candidates;
    const filled = Array.from({ length: 11 }, () => new DrivenCall(strategy, chatCall(), last).id);
    expect(filled.filter((id) => id === "x")).toHaveLength(7);
    expect(filled.filter((id) => id === "y")).toHaveLength(3);
  });
});
