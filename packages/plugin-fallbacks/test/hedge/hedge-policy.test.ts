import { describe, expect, it } from "vitest";
import type { Call, Deployment, OperationName, Outcome } from "@signalbox/kernel";
import { APPLICATION, GatewayError, Trace } from "@signalbox/kernel";
import type { HedgeOptions } from "../../src/hedge/hedge-options.ts";
import { hedgeSchema } from "../../src/hedge/hedge-options.ts";
import type { HedgePolicy } from "../../src/hedge/hedge-policy.ts";
import { hedgePolicy } from "../../src/hedge/hedge-policy.ts";

const A: Deployment = { id: "a", model: "gpt", provider: "p", upstreamModel: "gpt" };
const OTHER: Deployment = { id: "o", model: "other", provider: "p", upstreamModel: "other" };

function callOf(request: object = {}, operation: OperationName = "chat"): Call {
  return {
    id: "1",
    operation,
    request: { model: "gpt", messages: [], ...request } as unknown as Call["request"],
    model: "gpt",
    principal: APPLICATION,
    signal: new AbortController().signal,
    deadline: 1_000_000,
    options: {},
    state: new Map(),
    trace: new Trace(0),
  };
}

const STREAM = { stream: true };

function answered(firstEventMs: number): Outcome {
  return { ok: true, firstEventMs, durationMs: firstEventMs + 1_000 };
}

/** One whole call, as the driver tells of it. */
function serve(policy: HedgePolicy, outcome: Outcome, request: object = STREAM, deployment: Deployment = A): void {
  const call = callOf(request);
  call.trace.attempts.push({} as never);
  policy.begin(deployment, call);
  if (outcome.firstEventMs < outcome.durationMs) policy.answered(deployment, outcome.firstEventMs, call);
  policy.report(deployment, outcome, call);
}

function trained(options: HedgeOptions = {}, count: number = 200): HedgePolicy {
  const policy = hedgePolicy({ minMs: 1, ...options }, { now: () => 0 });
  // 1 … 100 ms
  for (let at = 0; at < count; at++) serve(policy, answered(1 + (at % 100)));
  return policy;
}

describe("when a call is late", () => {
  it("is not known before 50 calls", () => {
    const policy = hedgePolicy({ minMs: 1 }, { now: () => 0 });
    for (let at = 0; at < 49; at++) serve(policy, answered(100));
    expect(policy.afterMs(A, callOf(STREAM))).toBeUndefined();
    serve(policy, answered(100));
    expect(policy.afterMs(A, callOf(STREAM))).toBeGreaterThanOrEqual(100);
    expect(policy.afterMs(A, callOf(STREAM))).toBeLessThan(108.1);
  });

  it("is a percentile of the time to the first event: 95 unless another is asked for", () => {
    const usual = trained().afterMs(A, callOf(STREAM)) ?? 0;
    expect(usual).toBeGreaterThanOrEqual(95);
    expect(usual).toBeLessThan(95 * 1.081);
    const median = trained({ percentile: 0.5 }).afterMs(A, callOf(STREAM)) ?? 0;
    expect(median).toBeGreaterThanOrEqual(50);
    expect(median).toBeLessThan(50 * 1.081);
  });

  it("is within the bounds that are set", () => {
    expect(trained({ minMs: 400 }).afterMs(A, callOf(STREAM))).toBe(400);
    expect(trained({ maxMs: 20 }).afterMs(A, callOf(STREAM))).toBe(20);
    expect(hedgePolicy({ maxMs: 20 }).afterMs(A, callOf(STREAM))).toBeUndefined();
  });

  it("is by default never before 100 ms, nor after 30 s", () => {
    const fast = hedgePolicy({}, { now: () => 0 });
    const slow = hedgePolicy({}, { now: () => 0 });
    for (let at = 0; at < 60; at++) {
      serve(fast, answered(3));
      serve(slow, answered(90_000));
    }
    expect(fast.afterMs(A, callOf(STREAM))).toBe(100);
    expect(slow.afterMs(A, callOf(STREAM))).toBe(30_000);
  });

  it("is learned when a stream begins, and counted once", () => {
    const policy = hedgePolicy({ minMs: 1 }, { now: () => 0 });
    for (let at = 0; at < 50; at++) policy.answered(A, 100, callOf(STREAM));
    expect(policy.afterMs(A, callOf(STREAM))).toBeDefined();
    const twice = hedgePolicy({ minMs: 1 }, { now: () => 0 });
    for (let at = 0; at < 49; at++) serve(twice, answered(100));
    expect(twice.afterMs(A, callOf(STREAM))).toBeUndefined();
  });

  it("is another time for whole replies, other operations and other models", () => {
    const policy = trained();
    expect(policy.afterMs(A, callOf())).toBeUndefined();
    expect(policy.afterMs(A, callOf(STREAM, "complete"))).toBeUndefined();
    expect(policy.afterMs(OTHER, callOf(STREAM))).toBeUndefined();
    for (let at = 0; at < 60; at++) serve(policy, { ok: true, firstEventMs: 5_000, durationMs: 5_000 }, {});
    expect(policy.afterMs(A, callOf())).toBeGreaterThanOrEqual(5_000);
    expect(policy.afterMs(A, callOf(STREAM))).toBeLessThan(110);
  });

  it("is forgotten when nothing happens for long", () => {
    let now = 0;
    const policy = hedgePolicy({ minMs: 1 }, { now: () => now });
    for (let at = 0; at < 60; at++) serve(policy, answered(100));
    expect(policy.afterMs(A, callOf(STREAM))).toBeDefined();
    now = 600_000;
    expect(policy.afterMs(A, callOf(STREAM))).toBeUndefined();
  });

  it("is asked for the models that are named only", () => {
    for (const models of [["other"], ["openai/*"], []]) {
      expect(trained({ models }).afterMs(A, callOf(STREAM))).toBeUndefined();
    }
    for (const models of [["gpt"], ["g*"], ["other", "*"]]) {
      expect(trained({ models }).afterMs(A, callOf(STREAM))).toBeGreaterThan(90);
    }
  });
});

describe("what is hedged", () => {
  const operations: readonly OperationName[] = [
    "chat",
    "complete",
    "countTokens",
    "embed",
    "rerank",
    "moderate",
    "generateImage",
    "editImage",
    "speak",
    "transcribe",
    "translate",
  ];

  it("operations that cost little to repeat, and change nothing", () => {
    const policy = hedgePolicy({ minMs: 1 }, { now: () => 0 });
    for (const operation of operations) {
      for (let at = 0; at < 60; at++) policy.answered(A, 100, callOf({}, operation));
    }
    const hedged = operations.filter((operation) => policy.afterMs(A, callOf({}, operation)) !== undefined);
    expect(hedged).toEqual(["chat", "complete", "countTokens", "embed", "rerank", "moderate"]);
  });

  it("no chat that is stored, or whose tools the provider runs", () => {
    const policy = trained();
    const tool = { type: "function", name: "f" };
    expect(policy.afterMs(A, callOf({ ...STREAM, tools: [tool], store: false }))).toBeDefined();
    expect(policy.afterMs(A, callOf({ ...STREAM, store: true }))).toBeUndefined();
    const server = { type: "server", origin: "anthropic", value: {} };
    expect(policy.afterMs(A, callOf({ ...STREAM, tools: [tool, server] }))).toBeUndefined();
  });
});

describe("what counts as an answer", () => {
  const late = (policy: HedgePolicy): number => policy.afterMs(A, callOf(STREAM)) as number;
  const error = new GatewayError("provider_error", "broke");

  it("not a failure that came fast, nor a caller who left at once", () => {
    const policy = trained();
    const before = late(policy);
    for (let at = 0; at < 5_000; at++) {
      serve(policy, { ok: false, error, firstEventMs: 2, durationMs: 2 });
      serve(policy, { ok: false, error, abandoned: true, firstEventMs: 3, durationMs: 3 });
    }
    expect(late(policy)).toBe(before);
  });

  it("a stream that began and broke later", () => {
    const policy = hedgePolicy({ minMs: 1 }, { now: () => 0 });
    for (let at = 0; at < 60; at++) serve(policy, { ok: false, error, firstEventMs: 200, durationMs: 900 });
    expect(late(policy)).toBeGreaterThanOrEqual(200);
  });

  it("one that lost a race counts as at least as slow as it was", () => {
    const policy = trained();
    const before = late(policy);
    const lost = new GatewayError("client_closed", "another deployment answered first");
    for (let at = 0; at < 200; at++) {
      serve(policy, { ok: false, error: lost, abandoned: true, firstEventMs: 500, durationMs: 500 });
    }
    expect(late(policy)).toBeGreaterThan(before);
    expect(late(policy)).toBeGreaterThanOrEqual(500);
  });

  it("so the share of late calls stays what was asked for, although late ones lose", () => {
    const policy = hedgePolicy({ minMs: 1 }, { now: () => 0 });
    let seed = 1;
    const random = (): number => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    // 50 ms … 5 s on a logarithmic scale, and a second deployment that always answers within 50 ms
    let hedged = 0;
    for (let at = 0; at < 20_000; at++) {
      const takes = 50 * 100 ** random();
      const after = policy.afterMs(A, callOf(STREAM));
      if (after === undefined || takes <= after) serve(policy, answered(takes));
      else {
        hedged++;
        serve(policy, { ok: false, abandoned: true, firstEventMs: after + 50, durationMs: after + 50 });
      }
    }
    expect(hedged / 20_000).toBeGreaterThan(0.03);
    expect(hedged / 20_000).toBeLessThan(0.06);
  });
});

describe("how many are hedged", () => {
  it("at most one in ten calls, however many are late", () => {
    const policy = trained({}, 60);
    let second = 0;
    for (let at = 0; at < 10_000; at++) {
      const call = callOf(STREAM);
      call.trace.attempts.push({} as never);
      policy.begin(A, call);
      if (policy.mayHedge(A, call)) second++;
      else expect(call.trace.notes).toHaveLength(1);
    }
    expect(second).toBeGreaterThan(995);
    expect(second).toBeLessThanOrEqual(1_010);
  });

  it("or another share, and none at 0", () => {
    for (const maxShare of [0, 0.02, 1]) {
      const policy = trained({ maxShare }, 60);
      let second = 0;
      for (let at = 0; at < 1_000; at++) {
        const call = callOf(STREAM);
        call.trace.attempts.push({} as never);
        policy.begin(A, call);
        if (policy.mayHedge(A, call)) second++;
      }
      expect(second).toBeGreaterThanOrEqual(Math.floor(1_000 * maxShare) - 1);
      expect(second).toBeLessThanOrEqual(1_000 * maxShare + 10);
    }
  });

  it("saves up ten at most for a moment in which all are late", () => {
    const policy = trained({}, 100_000);
    let second = 0;
    for (let at = 0; at < 1_000; at++) if (policy.mayHedge(A, callOf(STREAM))) second++;
    expect(second).toBe(10);
  });

  it("retries and second tries earn nothing", () => {
    const policy = trained({}, 60);
    while (policy.mayHedge(A, callOf(STREAM)));
    const call = callOf(STREAM);
    call.trace.attempts.push({} as never, {} as never);
    for (let at = 0; at < 1_000; at++) policy.begin(A, call);
    expect(policy.mayHedge(A, callOf(STREAM))).toBe(false);
  });

  it("each model has its own share", () => {
    const policy = trained();
    expect(policy.mayHedge(OTHER, callOf(STREAM))).toBe(false);
    expect(policy.mayHedge(A, callOf(STREAM))).toBe(true);
  });
});

describe("the memory of a policy", () => {
  it("holds the last 1,000 models, whatever names clients invent", () => {
    const policy = hedgePolicy({ minMs: 1 }, { now: () => 0 });
    const named = (at: number): Deployment => ({ ...A, model: `openai/${at}` });
    for (let at = 0; at < 3_000; at++) {
      for (let times = 0; times < 50; times++) serve(policy, answered(100), STREAM, named(at));
    }
    expect(policy.afterMs(named(0), callOf(STREAM))).toBeUndefined();
    expect(policy.afterMs(named(1_999), callOf(STREAM))).toBeUndefined();
    expect(policy.afterMs(named(2_000), callOf(STREAM))).toBeDefined();
    expect(policy.afterMs(named(2_999), callOf(STREAM))).toBeDefined();
  });

  it("keeps nothing for names that never answered", () => {
    const policy = trained();
    const error = new GatewayError("model_not_found", "no such model");
    for (let at = 0; at < 3_000; at++) {
      const outcome = { ok: false, error, firstEventMs: 500, durationMs: 500 };
      serve(policy, outcome, STREAM, { ...A, model: `openai/${at}` });
    }
    expect(policy.afterMs(A, callOf(STREAM))).toBeDefined();
  });

  it("costs little to ask and to tell", () => {
    const policy = trained();
    const call = callOf(STREAM);
    call.trace.attempts.push({} as never);
    const outcome = answered(50);
    const rounds = 200_000;
    const startedAt = performance.now();
    for (let at = 0; at < rounds; at++) {
      policy.afterMs(A, call);
      policy.begin(A, call);
      policy.answered(A, outcome.firstEventMs, call);
      policy.report(A, outcome, call);
    }
    const microseconds = ((performance.now() - startedAt) * 1_000) / rounds;
    // about 1 µs; the bound leaves room for a loaded machine
    expect(microseconds).toBeLessThan(10);
  });
});

describe("options of hedging", () => {
  it.each([
    [{}, true],
    [{ percentile: 0.99, minMs: 10, maxMs: 10, models: ["a"], maxShare: 0.2 }, true],
    [{ percentile: 95 }, false],
    [{ percentile: 0.2 }, false],
    [{ minMs: 0 }, false],
    [{ minMs: 100, maxMs: 50 }, false],
    [{ models: "gpt" }, false],
    [{ maxShare: 2 }, false],
    [{ after: 5 }, false],
  ])("%j: %s", (options, ok) => {
    expect(hedgeSchema.safeParse(options).success).toBe(ok);
  });
});
