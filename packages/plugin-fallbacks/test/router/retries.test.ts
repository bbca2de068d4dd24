import { describe, expect, it } from "vitest";
import type { Principal, Strategy } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { FallbacksOptions } from "../../src/index.ts";
import type { Answer } from "./bench.ts";
import { bench, deploymentsOf } from "./bench.ts";

const KEY: Principal = { id: "key-1", kind: "key", admin: false, models: ["*"] };

/** Back-offs would take the first half of a second and more: the deployments have asked for less. */
const SOON = { "retry-after-ms": "1" };
const OVERLOADED = { status: 503, headers: SOON, body: {} };
const LIMITED = { status: 429, headers: SOON, body: {} };
const after = (status: number, ms: number): Answer => ({ status, headers: { "retry-after-ms": String(ms) }, body: {} });

describe("within one model", () => {
  it("each deployment is tried once before any is tried again", async () => {
    const one = await bench(deploymentsOf("a1 a2 a3"), { a1: OVERLOADED, a2: OVERLOADED, a3: OVERLOADED });
    const { error, trace } = await one.ask();
    expect(one.tried()).toBe("a1 a2 a3 a1 a2");
    expect(error?.code).toBe("provider_overloaded");
    expect(trace.attempts.map(({ ordinal, deployment }) => `${ordinal} ${deployment}`)).toEqual([
      "1 a1",
      "2 a2",
      "3 a3",
      "4 a1",
      "5 a2",
    ]);
  });

  it("moving on costs no wait and no retry", async () => {
    const one = await bench(
      deploymentsOf("a1 a2 a3"),
      { a1: 503, a2: 503 },
      {
        retries: 0,
        retryAfterMs: 10_000,
        retryBudget: { ratio: 0, minPerSecond: 0 },
      },
    );
    const { result, tookMs, notes } = await one.ask();
    expect(result).toBeDefined();
    expect(one.tried()).toBe("a1 a2 a3");
    expect(tookMs).toBeLessThan(400);
    expect(notes).toEqual([]);
  });

  it("those that fail are tried after the others, the first choice stays the strategy's", async () => {
    const one = await bench(deploymentsOf("a1 a2 a3"), { a1: 503, a2: [503, 503, 200] }, { retries: 0 });
    await one.ask();
    expect(one.tried()).toBe("a1 a2 a3");
    // a2 has failed last, a3 has answered
    await one.ask();
    expect(one.tried()).toBe("a1 a3");
  });

  it("a try at one that is failing is a retry: without budget it is not made", async () => {
    const options: FallbacksOptions = { retries: 0, retryBudget: { ratio: 0, minPerSecond: 0 } };
    const one = await bench(deploymentsOf("a1 a2 b1"), { a1: 503, a2: 503 }, { ...options, fallbacks: { a: ["b"] } });
    await one.ask();
    expect(one.tried()).toBe("a1 a2 b1");
    const { notes } = await one.ask();
    expect(one.tried()).toBe("a1 b1");
    expect(notes).toEqual([
      'no retry at "a2": too many tries were retries lately',
      'fallback to "b" after provider_overloaded',
    ]);
  });

  it("a deployment that was left out meanwhile is not tried", async () => {
    const one = await bench(
      deploymentsOf("a1 a2"),
      { a1: [{ ...OVERLOADED, headersDelayMs: 200 }, 503], a2: 429 },
      {
        retries: 0,
      },
    );
    const slow = one.ask();
    await one.upstream.received(0);
    await one.ask({ model: "a" });
    const { trace, error } = await slow;
    expect(error?.code).toBe("provider_overloaded");
    expect(trace.attempts.map(({ deployment }) => deployment)).not.toContain("a2");
    expect(trace.skipped?.map(({ deployment }) => deployment)).toContain("a2");
  });

  it("a queue that refuses counts as a failure", async () => {
    const full: Strategy = {
      name: "full",
      *order(_call, [first]) {
        yield Promise.reject(new GatewayError("concurrency_limit_exceeded", "the queue is full"));
        if (first !== undefined) yield Promise.resolve(first);
      },
    };
    const one = await bench(
      deploymentsOf("a1 b1"),
      { a1: 503 },
      {
        retries: 0,
        fallbacks: { a: ["b"] },
        plugins: [{ name: "full", strategy: full }],
      },
    );
    const { result } = await one.ask();
    expect(one.tried()).toBe("a1 b1");
    expect(result).toBeDefined();
  });
});

describe("how often", () => {
  const policy = (retryPolicy: FallbacksOptions["retryPolicy"]): FallbacksOptions => ({
    ...(retryPolicy !== undefined && { retryPolicy }),
  });

  it.each<[Answer, FallbacksOptions, number]>([
    // by default: two repetitions where time may help
    [OVERLOADED, {}, 3],
    [after(500, 1), {}, 3],
    [LIMITED, {}, 3],
    [401, {}, 1],
    [400, {}, 1],
    [404, {}, 1],
    ["context_length_exceeded", {}, 1],
    ["content_policy_violation", {}, 1],
    ["budget_exceeded", {}, 1],
    ["unsupported_operation", {}, 1],
    // as the options say
    [OVERLOADED, { retries: 0 }, 1],
    [OVERLOADED, { retries: 3 }, 4],
    [OVERLOADED, { retries: 0, retryPolicy: { internalServer: 1 } }, 2],
    [OVERLOADED, policy({ internalServer: 0, rateLimit: 5 }), 1],
    [LIMITED, policy({ internalServer: 5, rateLimit: 1 }), 2],
    [LIMITED, { retryPolicy: { rateLimit: 5 }, modelRetryPolicies: { a: { rateLimit: 1 } } }, 2],
    [LIMITED, { retryPolicy: { rateLimit: 1 }, modelRetryPolicies: { a: { timeout: 0 } } }, 2],
    [LIMITED, { modelRetryPolicies: { b: { rateLimit: 0 } } }, 3],
    // never, whatever they say
    [401, policy({ authentication: 5 }), 1],
    [400, policy({ badRequest: 5 }), 1],
    [404, policy({ badRequest: 5 }), 1],
    ["context_length_exceeded", policy({ badRequest: 5 }), 1],
  ])("%j with %j: %i tries", async (answer, options, tries) => {
    const one = await bench(deploymentsOf("a1 b1"), { a1: answer }, options);
    const { error } = await one.ask();
    expect(error).toBeDefined();
    expect(one.tried().split(" ")).toHaveLength(tries);
  });

  it("timeouts as their class says", async () => {
    const slow = { status: 200, headersDelayMs: 2_000, body: { text: "late" } };
    const more = { a1: { timeoutMs: 60 } };
    const one = await bench(deploymentsOf("a1", more), { a1: slow }, { retryPolicy: { timeout: 0 } });
    expect((await one.ask()).error?.code).toBe("timeout");
    expect(one.tried()).toBe("a1");
    const two = await bench(deploymentsOf("a1", more), { a1: slow }, { retries: 0, retryPolicy: { timeout: 1 } });
    await two.ask();
    expect(two.tried()).toBe("a1 a1");
  });

  it("a policy violation only where the policy names its class", async () => {
    const answers = { a1: ["content_policy_violation", 200] } as const;
    const one = await bench(deploymentsOf("a1 a2 b1"), answers, {
      retryPolicy: { contentPolicy: 1 },
      contentPolicyFallbacks: { a: ["b"] },
    });
    const { result } = await one.ask();
    expect(result).toBeDefined();
    expect(one.tried()).toBe("a1 a1");
  });

  it("a policy violation that is repeated without a chain leading on", async () => {
    const answers = { a1: "content_policy_violation" } as const;
    const one = await bench(deploymentsOf("a1"), answers, { retryPolicy: { contentPolicy: 1 } });
    expect((await one.ask()).error?.code).toBe("content_policy_violation");
    expect(one.tried()).toBe("a1 a1");
  });

  it("as many other deployments after a refused credential as the policy says", async () => {
    const answers = { a1: 401, a2: 401, a3: 401 } as const;
    const all = await bench(deploymentsOf("a1 a2 a3"), answers);
    await all.ask();
    expect(all.tried()).toBe("a1 a2 a3");
    const one = await bench(deploymentsOf("a1 a2 a3"), answers, { retryPolicy: { authentication: 1 } });
    await one.ask();
    expect(one.tried()).toBe("a1 a2");
    const none = await bench(deploymentsOf("a1 a2 a3"), answers, { modelRetryPolicies: { a: { authentication: 0 } } });
    await none.ask();
    expect(none.tried()).toBe("a1");
  });

  it("as the deployment says, else the policies", async () => {
    const deployments = deploymentsOf("a1", { a1: { maxRetries: 1 } });
    const one = await bench(deployments, { a1: LIMITED }, { retryPolicy: { rateLimit: 4 } });
    await one.ask();
    expect(one.tried()).toBe("a1 a1");
  });

  it("as the key says", async () => {
    const one = await bench(deploymentsOf("a1", { a1: { maxRetries: 1 } }), { a1: LIMITED });
    await one.ask({ principal: { ...KEY, routing: { retries: 0 } } });
    expect(one.tried()).toBe("a1");
    await one.ask({ principal: { ...KEY, routing: { retries: 3 } } });
    expect(one.tried()).toBe("a1 a1 a1 a1");
  });

  it("a request can only lower it", async () => {
    const one = await bench(deploymentsOf("a1"), { a1: LIMITED });
    await one.ask({ extensions: { num_retries: 0 } });
    expect(one.tried()).toBe("a1");
    await one.ask({ extensions: { num_retries: 1 } });
    expect(one.tried()).toBe("a1 a1");
    const { trace } = await one.ask({ extensions: { num_retries: 50 } });
    expect(one.tried()).toBe("a1 a1 a1");
    expect(trace.droppedParams).toBeUndefined();
  });

  it.each(["2", 1.5, -1, true, [1], {}, Number.NaN])("num_retries %j is refused", async (wrong) => {
    const one = await bench(deploymentsOf("a1"), {});
    const { error } = await one.ask({ extensions: { num_retries: wrong } });
    expect(error).toMatchObject({ code: "invalid_request", status: 400, param: "num_retries" });
    expect(one.tried()).toBe("");
  });
});

describe("the wait before a repetition", () => {
  it("is what the provider asked for", async () => {
    const one = await bench(deploymentsOf("a1"), { a1: [after(429, 300), 200] });
    const { result, tookMs } = await one.ask();
    expect(result).toBeDefined();
    expect(tookMs).toBeGreaterThan(295);
    expect(tookMs).toBeLessThan(1_500);
  });

  it("is an eighth to half a second without such a wish", async () => {
    const one = await bench(deploymentsOf("a1"), { a1: [503, 200] });
    const { result, tookMs } = await one.ask();
    expect(result).toBeDefined();
    expect(tookMs).toBeGreaterThan(120);
    expect(tookMs).toBeLessThan(1_500);
  });

  it("is never below the option", async () => {
    const one = await bench(deploymentsOf("a1"), { a1: [after(503, 10), 200] }, { retryAfterMs: 700 });
    const { tookMs } = await one.ask();
    expect(tookMs).toBeGreaterThan(695);
    expect(tookMs).toBeLessThan(2_500);
  });

  it("is none where another deployment has come back meanwhile", async () => {
    const one = await bench(
      deploymentsOf("a1 a2"),
      { a1: [503, 200], a2: { ...OVERLOADED, headersDelayMs: 200 } },
      {
        retries: 1,
        retryAfterMs: 5_000,
      },
    );
    const first = one.ask();
    await one.upstream.received(1);
    expect((await one.ask()).result).toBeDefined();
    const { result, tookMs } = await first;
    expect(one.tried()).toBe("a1 a2 a1 a1");
    expect(result).toBeDefined();
    expect(tookMs).toBeLessThan(3_000);
  });

  it("is not begun when it is longer than a minute", async () => {
    const one = await bench(deploymentsOf("a1 b1"), { a1: after(429, 60_500) });
    const { error, tookMs } = await one.ask();
    expect(one.tried()).toBe("a1");
    expect(tookMs).toBeLessThan(1_000);
    expect(error?.retryAfterMs).toBe(60_500);
  });

  it("is not begun when it would outlast the deadline", async () => {
    const one = await bench(deploymentsOf("a1"), { a1: after(429, 3_000) });
    const { error, tookMs, notes } = await one.ask({ timeoutMs: 2_000 });
    expect(one.tried()).toBe("a1");
    expect(error?.code).toBe("provider_rate_limited");
    expect(tookMs).toBeLessThan(1_000);
    expect(notes).toEqual(['no retry at "a1": the wait for it would outlast the deadline']);
  });

  it("is left to the fallbacks when it is longer than a back-off", async () => {
    const one = await bench(deploymentsOf("a1 b1"), { a1: after(429, 20_000) }, { fallbacks: { a: ["b"] } });
    const { result, tookMs } = await one.ask();
    expect(one.tried()).toBe("a1 b1");
    expect(result).toBeDefined();
    expect(tookMs).toBeLessThan(1_000);
  });

  it("goes to the deployment that is there the soonest", async () => {
    const one = await bench(
      deploymentsOf("a1 a2"),
      { a1: after(503, 5_000), a2: [after(503, 50), 200] },
      { cooldown: { disabled: true } },
    );
    const { tookMs } = await one.ask();
    expect(one.tried()).toBe("a1 a2 a2");
    expect(tookMs).toBeLessThan(2_000);
  });

  it("ends with the call, at once", async () => {
    const one = await bench(deploymentsOf("a1"), { a1: after(429, 20_000) });
    const leaving = new AbortController();
    const asked = one.ask({ signal: leaving.signal });
    await (await one.upstream.received(0)).ended;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(one.gateway.activeCalls).toBe(1);
    const leftAt = performance.now();
    leaving.abort();
    const { error } = await asked;
    expect(performance.now() - leftAt).toBeLessThan(50);
    expect(error?.code).toBe("client_closed");
    expect(one.gateway.activeCalls).toBe(0);
    expect(one.tried()).toBe("a1");
  });

  it("never lets a call outlast its deadline", async () => {
    const one = await bench(
      deploymentsOf("a1 a2 b1"),
      { a1: 503, a2: after(429, 200), b1: 500 },
      {
        retries: 100,
        fallbacks: { a: ["b"] },
      },
    );
    const { tookMs, error } = await one.ask({ timeoutMs: 900 });
    expect(error).toBeDefined();
    expect(tookMs).toBeLessThan(1_100);
  });
});

describe("a dry run", () => {
  it("lists the order, waits for nothing and takes nothing from the budget", async () => {
    const one = await bench(
      deploymentsOf("a1 a2 b1 c1"),
      { a2: 503 },
      {
        fallbacks: { a: ["b", "c"] },
        retryBudget: { ratio: 0, minPerSecond: 0 },
        plugins: [{ name: "second", strategy: { name: "second", order: (_call, all) => [...all].reverse() } }],
      },
    );
    await one.ask();
    expect(one.tried()).toBe("a2 a1");
    const startedAt = performance.now();
    const explained = await one.explain();
    expect(explained.attempts.map(({ deployment }) => deployment)).toEqual(["a2", "a1", "b1", "c1"]);
    expect(explained.notes).toEqual([
      { stage: "route", text: 'fallback to "b"' },
      { stage: "route", text: 'fallback to "c"' },
    ]);
    expect(performance.now() - startedAt).toBeLessThan(200);
    expect(one.tried()).toBe("");
  });

  it("lists failing deployments too", async () => {
    const one = await bench(
      deploymentsOf("a1 a2"),
      { a1: 503, a2: 503 },
      {
        retries: 0,
        retryBudget: { ratio: 0, minPerSecond: 0 },
      },
    );
    await one.ask();
    const explained = await one.explain();
    expect(explained.attempts.map(({ deployment }) => deployment)).toEqual(["a1", "a2"]);
  });
});
