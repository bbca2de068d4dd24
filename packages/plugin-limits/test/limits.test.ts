import { afterEach, describe, expect, it } from "vitest";
import type { Gateway, Plugin, Principal, StageLayers } from "@signalbox/kernel";
import { createGateway, GatewayError, MemoryLimits, replyOf, resultOf } from "@signalbox/kernel";
import type { LimitsOptions } from "../src/index.ts";
import { limits } from "../src/index.ts";
import type { Vendor } from "./vendor.ts";
import { DEPLOYMENTS, key, request, vendor } from "./vendor.ts";

const running: Gateway[] = [];
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.close();
});

interface Limited {
  readonly gateway: Gateway;
  readonly vendor: Vendor;
  /** Lets the store's clock go on. */
  readonly pass: (milliseconds: number) => void;
  /** The headers of a call that went well, or its error. */
  readonly ask: (principal: Principal, model?: string, endUserId?: string) => Promise<Answer>;
}

interface Answer {
  readonly error?: GatewayError;
  readonly headers: Readonly<Record<string, string>>;
}

async function limited(options: LimitsOptions, delayMs = 0): Promise<Limited> {
  let now = 0;
  const upstream = vendor(delayMs);
  const store = new MemoryLimits({ now: () => now });
  const gateway = await createGateway({
    plugins: [upstream.plugin, limits({ store, ...options })],
    deployments: DEPLOYMENTS,
  });
  running.push(gateway);
  return {
    gateway,
    vendor: upstream,
    pass: (milliseconds) => {
      now += milliseconds;
    },
    async ask(principal, model = "answer", endUserId) {
      const { call, reply } = gateway.open({
        operation: "chat",
        request: request(model),
        principal,
        ...(endUserId !== undefined && { options: { endUserId } }),
      });
      const headers = () => Object.fromEntries(pairs(call.trace.headers ?? []));
      try {
        await resultOf(reply);
        return { headers: headers() };
      } catch (error) {
        return { error: error as GatewayError, headers: headers() };
      }
    },
  };
}

function pairs(list: readonly string[]): [string, string][] {
  return list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] as string] as [string, string]] : []));
}

const ANNA = key("anna");

describe("requests", () => {
  it("are let through up to the limit, and again after exactly the wait", async () => {
    const { ask, pass } = await limited({ keys: { requestsPerMinute: 2 } });
    expect(await ask(ANNA)).toEqual({
      headers: {
        "x-ratelimit-limit-requests": "2",
        "x-ratelimit-remaining-requests": "1",
        "x-ratelimit-reset-requests": "30s",
      },
    });
    await ask(ANNA);
    pass(500);
    const { error, headers } = await ask(ANNA);
    expect(error).toMatchObject({
      code: "rate_limit_exceeded",
      status: 429,
      type: "requests",
      source: "limits",
      retryAfterMs: 29_500,
      details: { scope: "key", limit: 2, remaining: 0 },
      message: "the limit of 2 requests per minute of this key is used up: there is room again in 29.5 s",
    });
    expect(headers).toEqual({
      "x-ratelimit-limit-requests": "2",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "59.5s",
    });
    pass(28_500);
    expect((await ask(ANNA)).error?.retryAfterMs).toBe(1_000);
    pass(1_000);
    expect((await ask(ANNA)).error).toBeUndefined();
    expect((await ask(key("ben"))).error).toBeUndefined();
  });

  it("count when they fail, and not when a limit or a budget behind refuses them", async () => {
    const { ask } = await limited({ keys: { requestsPerMinute: 2 } });
    expect((await ask(ANNA, "fail")).error?.code).toBe("provider_error");
    expect((await ask(ANNA)).headers["x-ratelimit-remaining-requests"]).toBe("0");
    const behind: Plugin = {
      name: "behind",
      layers: {
        cache: () =>
          replyOf(() => {
            throw new GatewayError("budget_exceeded", "no money is left");
          }),
      },
    };
    const gateway = await createGateway({
      plugins: [vendor().plugin, behind, limits({ keys: { requestsPerMinute: 1, tokensPerMinute: 200 } })],
      deployments: DEPLOYMENTS,
    });
    running.push(gateway);
    for (let time = 1; time <= 3; time++) {
      const { reply } = gateway.open({ operation: "chat", request: request("answer"), principal: ANNA });
      await expect(resultOf(reply)).rejects.toMatchObject({ code: "budget_exceeded" });
    }
  });

  it("are refused for ever by a limit of 0", async () => {
    const { ask, vendor: upstream } = await limited({ keys: { requestsPerMinute: 0 } });
    const { error, headers } = await ask(ANNA);
    expect(error).toMatchObject({ code: "rate_limit_exceeded", retryAfterMs: undefined });
    expect(error?.details).toEqual({ scope: "key", limit: 0, remaining: 0, reason: "exceeds_limit" });
    expect(headers["x-should-retry"]).toBe("false");
    expect(upstream.running.total).toBe(0);
  });
});

describe("tokens", () => {
  it("are taken before by estimate and corrected after", async () => {
    const { ask } = await limited({ keys: { tokensPerMinute: 250 } });
    expect((await ask(ANNA)).headers).toEqual({
      "x-ratelimit-limit-tokens": "250",
      "x-ratelimit-remaining-tokens": "146",
      "x-ratelimit-reset-tokens": "24.96s",
    });
    // 50 of 250 were used
    expect((await ask(ANNA)).headers["x-ratelimit-remaining-tokens"]).toBe("96");
    expect((await ask(ANNA)).headers["x-ratelimit-remaining-tokens"]).toBe("46");
    const { error } = await ask(ANNA);
    expect(error).toMatchObject({ code: "rate_limit_exceeded", type: "tokens", retryAfterMs: 960 });
    expect(error?.details).toEqual({ scope: "key", limit: 250, remaining: 100 });
  });

  it.each([
    ["total", 104, 50],
    ["input", 4, 30],
    ["output", 100, 20],
  ] as const)("count as %s", async (tokens, taken, used) => {
    const { ask } = await limited({ keys: { tokensPerMinute: 1_000 }, tokens });
    expect((await ask(ANNA)).headers["x-ratelimit-remaining-tokens"]).toBe(String(1_000 - taken));
    expect((await ask(ANNA)).headers["x-ratelimit-remaining-tokens"]).toBe(String(1_000 - used - taken));
  });

  it("no wait helps a call that may need more than the limit", async () => {
    const { ask, vendor: upstream } = await limited({ keys: { tokensPerMinute: 100 } });
    const { error, headers } = await ask(ANNA);
    expect(error).toMatchObject({ code: "rate_limit_exceeded", type: "tokens", retryAfterMs: undefined });
    expect(error?.details).toEqual({ scope: "key", limit: 100, remaining: 100, reason: "exceeds_limit" });
    expect(error?.message).toBe(
      "the limit of 100 tokens per minute of this key is less than this call alone may need (104)",
    );
    expect(headers["x-ratelimit-remaining-tokens"]).toBe("100");
    expect(upstream.running.total).toBe(0);
  });

  it("are given back by failures, and kept as estimated where an answer broke off", async () => {
    const { ask } = await limited({ keys: { tokensPerMinute: 1_000 } });
    const left = async () => (await ask(ANNA)).headers["x-ratelimit-remaining-tokens"];
    expect(await left()).toBe("896");
    expect((await ask(ANNA, "fail")).error?.code).toBe("provider_error");
    expect(await left()).toBe("846");
    expect((await ask(ANNA, "fail-late")).error?.code).toBe("provider_error");
    expect(await left()).toBe("692");
  });

  it("are given back by an answer from a cache", async () => {
    const usage = { inputTokens: 30, outputTokens: 20 };
    const kept = { id: "r", model: "m", createdAt: 0, choices: [], usage };
    const plugins = [
      vendor().plugin,
      {
        name: "kept",
        layers: { cache: { layer: () => replyOf(() => kept as never), events: "pass" } },
      } satisfies Plugin,
      limits({ keys: { tokensPerMinute: 104 } }),
    ];
    const gateway = await createGateway({ plugins, deployments: DEPLOYMENTS });
    running.push(gateway);
    for (let time = 1; time <= 3; time++) {
      const { reply } = gateway.open({ operation: "chat", request: request("answer"), principal: ANNA });
      expect((await resultOf(reply)).usage).toEqual(usage);
    }
  });
});

describe("places", () => {
  it("are as many as may run at the same time", async () => {
    const { ask, vendor: upstream } = await limited({ keys: { parallel: 3 } }, 30);
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(ANNA)));
    const errors = answers.flatMap(({ error }) => (error === undefined ? [] : [error]));
    expect(errors).toHaveLength(7);
    expect(errors[0]).toMatchObject({
      code: "concurrency_limit_exceeded",
      status: 429,
      type: "requests",
      retryAfterMs: 1_000,
      details: { scope: "key", limit: 3, remaining: 0 },
      message: "the limit of 3 calls at the same time of this key is reached",
    });
    expect(upstream.running.most).toBe(3);
    expect((await ask(ANNA)).error).toBeUndefined();
  });

  it.each(["answer", "stream", "fail", "fail-late"])("come back after %s", async (model) => {
    const { ask } = await limited({ keys: { parallel: 1 } });
    for (let time = 1; time <= 3; time++) {
      expect((await ask(ANNA, model)).error?.code).not.toBe("concurrency_limit_exceeded");
    }
  });

  it.each([
    ["before it is read", "answer", 0],
    ["before the first event", "silent", 1],
    ["in mid-stream", "stall", 3],
    ["in mid-stream, by closing the reply", "stream", 2],
  ])("come back when the caller leaves %s", async (_when, model, steps) => {
    const { gateway, ask, vendor: upstream } = await limited({ keys: { parallel: 1 } });
    const { call, reply, cancel } = gateway.open({ operation: "chat", request: request(model), principal: ANNA });
    if (model === "silent") {
      const first = reply.next();
      await tick();
      expect(upstream.running.now).toBe(1);
      expect((await ask(ANNA)).error?.code).toBe("concurrency_limit_exceeded");
      cancel();
      await expect(first).rejects.toMatchObject({ code: "client_closed" });
    } else {
      for (let step = 0; step < steps; step++) await reply.next();
      if (steps > 0) expect((await ask(ANNA)).error?.code).toBe("concurrency_limit_exceeded");
      await reply.return(undefined as never);
    }
    await tick();
    expect(upstream.running.now).toBe(0);
    expect((await ask(ANNA)).error).toBeUndefined();
    expect(call.signal.aborted).toBe(steps > 0);
  });

  it("of long streams are renewed, and those of calls that were left behind are not", async () => {
    const store = new MemoryLimits();
    const { gateway, ask } = await limited({ keys: { parallel: 2 }, leaseMs: 200, store });
    const { reply } = gateway.open({ operation: "chat", request: request("stall"), principal: ANNA });
    await reply.next();
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(store.take("probe", [place("key/anna/parallel")], 1_000)).toMatchObject({ states: [{ remaining: 0 }] });
    expect((await ask(ANNA)).error?.code).toBe("concurrency_limit_exceeded");
    await reply.return(undefined as never);
    store.release("probe", [place("key/anna/parallel")], []);
    expect((await ask(ANNA)).error).toBeUndefined();
  });
});

describe("several limits", () => {
  const team = { teamId: "red", userId: "u-1", organizationId: "acme" };

  it("hold together, and a refused call takes nothing of any", async () => {
    const { ask } = await limited({
      gateway: { requestsPerMinute: 100 },
      teams: { requestsPerMinute: 3, parallel: 5 },
      keys: { requestsPerMinute: 2, tokensPerMinute: 1_000 },
    });
    const [one, two] = [key("one", team), key("two", team)];
    await ask(one);
    await ask(one);
    for (let time = 1; time <= 5; time++) {
      expect((await ask(one)).error?.details).toEqual({ scope: "key", limit: 2, remaining: 0 });
    }
    // the tightest of three
    expect((await ask(two)).headers).toMatchObject({
      "x-ratelimit-limit-requests": "3",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-limit-tokens": "1000",
      "x-ratelimit-remaining-tokens": "896",
    });
    expect((await ask(two)).error?.details).toEqual({ scope: "team", limit: 3, remaining: 0 });
    expect((await ask(key("three"))).headers["x-ratelimit-remaining-requests"]).toBe("1");
  });

  it("of a caller go before those for every caller", async () => {
    const { ask } = await limited({ keys: { requestsPerMinute: 1, parallel: 1 }, users: { requestsPerMinute: 7 } });
    const own = key("rich", {
      userId: "u-1",
      limits: [{ scope: { kind: "key", id: "rich" }, requestsPerMinute: 5 }],
    });
    expect((await ask(own)).headers["x-ratelimit-limit-requests"]).toBe("5");
    expect((await ask(ANNA)).headers["x-ratelimit-limit-requests"]).toBe("1");
    expect((await ask(key("ben", { userId: "u-1" }))).headers["x-ratelimit-limit-requests"]).toBe("1");
  });

  it("hold for a key at a model, for a model, for an end user", async () => {
    const { ask } = await limited({
      models: { "str*": { requestsPerMinute: 1 } },
      keyModels: { answer: { requestsPerMinute: 1 } },
      customers: { requestsPerMinute: 1 },
    });
    expect((await ask(ANNA, "stream")).error).toBeUndefined();
    expect((await ask(key("ben"), "stream")).error?.details).toEqual({ scope: "model", limit: 1, remaining: 0 });
    expect((await ask(ANNA)).error).toBeUndefined();
    expect((await ask(ANNA)).error?.details).toEqual({ scope: "key", model: "answer", limit: 1, remaining: 0 });
    expect((await ask(key("ben"))).error).toBeUndefined();
    expect((await ask(key("cleo"), "fail", "customer 1")).error?.code).toBe("provider_error");
    expect((await ask(key("dora"), "fail", "customer 1")).error?.details).toEqual({
      scope: "customer",
      limit: 1,
      remaining: 0,
    });
    expect((await ask(key("dora"), "fail", "customer 2")).error?.code).toBe("provider_error");
  });

  it("may come from a function", async () => {
    const { ask } = await limited({
      customers: { requestsPerMinute: 1 },
      rules: ({ options }) =>
        options.endUserId === "big" ? [{ scope: { kind: "customer", id: "big" }, requestsPerMinute: 9 }] : undefined,
    });
    expect((await ask(ANNA, "answer", "big")).headers["x-ratelimit-limit-requests"]).toBe("9");
    expect((await ask(ANNA, "answer", "small")).headers["x-ratelimit-limit-requests"]).toBe("1");
    expect((await ask(ANNA)).headers).toEqual({});
  });
});

describe("calls that nothing limits", () => {
  it("pass by: the reply is the inner one itself", async () => {
    const plugin = limits({ teams: { requestsPerMinute: 1 } });
    const { layer } = (plugin.layers as StageLayers).admit as unknown as {
      layer: (call: unknown, next: () => unknown) => unknown;
    };
    const inner = {};
    expect(layer({ principal: ANNA, options: {}, model: "m" }, () => inner)).toBe(inner);
  });
});

describe("the stress of many calls", () => {
  it.each([1, 8, 64, 500])("never lets more through than there is, %i at a time", async (parallel) => {
    const { ask, pass, vendor: upstream } = await limited({ keys: { requestsPerMinute: 300, parallel: 50 } });
    let left = 10_000;
    let admitted = 0;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        if (left % 100 === 0) pass(600);
        if ((await ask(ANNA)).error === undefined) admitted += 1;
      }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    // a minute has gone by: the limit, and a burst; of the last three units one call is left to take one
    expect(admitted).toBe(598);
    expect(upstream.running.total).toBe(598);
    expect(upstream.running.most).toBeLessThanOrEqual(50);
  });

  it("lets none starve: each of two eager callers gets its own share", async () => {
    const { ask, pass } = await limited({ keys: { requestsPerMinute: 60 } });
    const admitted = new Map<string, number>();
    for (let second = 0; second < 60; second++) {
      for (const [id, times] of [
        ["eager", 50],
        ["calm", 1],
      ] as const) {
        for (let time = 0; time < times; time++) {
          if ((await ask(key(id))).error === undefined) admitted.set(id, (admitted.get(id) ?? 0) + 1);
        }
      }
      pass(1_000);
    }
    expect(Object.fromEntries(admitted)).toEqual({ eager: 119, calm: 60 });
  });
});

function place(name: string) {
  return { key: name, kind: "parallel" as const, limit: 2, periodMs: 0, cost: 1 };
}

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
