import { describe, expect, it } from "vitest";
import type { ChatEvent, Deployment, Provider, ResourceRoute } from "@signalbox/kernel";
import { createGateway, GatewayError, NO_USAGE, resultEvents } from "@signalbox/kernel";
import type { FallbacksOptions } from "../src/index.ts";
import { fallbacks } from "../src/index.ts";
import { bench, deploymentsOf } from "./router/bench.ts";

function errorOf(run: () => unknown): GatewayError {
  try {
    run();
  } catch (thrown) {
    return thrown as GatewayError;
  }
  return new GatewayError("internal_error", "nothing was thrown");
}

describe("options", () => {
  it.each<[string, string, string]>([
    ["falbacks", "{}", 'there is no option "falbacks". Did you mean "fallbacks"'],
    ["defaultFallback", "[]", 'there is no option "defaultFallback". Did you mean "defaultFallbacks"'],
    ["retryPolicy", '{"rateLimits":1}', 'there is no option "retryPolicy.rateLimits". Did you mean "rateLimit"'],
    [
      "modelRetryPolicies",
      '{"a":{"timeouts":1}}',
      'there is no option "modelRetryPolicies.a.timeouts". Did you mean "timeout"',
    ],
    ["retryBudget", '{"rate":1}', 'there is no option "retryBudget.rate". Did you mean "ratio"'],
    ["cooldown", '{"time":1}', 'there is no option "cooldown.time"'],
    ["probes", '{"interval":1}', 'there is no option "probes.interval". Did you mean "intervalMs"'],
    ["hedge", '{"percentil":1}', 'there is no option "hedge.percentil". Did you mean "percentile"'],
    ["retries", "-1", '"retries": '],
    ["retries", "1.5", '"retries": '],
    ["retries", '"2"', '"retries": '],
    ["retries", "101", '"retries": '],
    ["maxFallbacks", "-1", '"maxFallbacks": '],
    ["retryAfterMs", "-1", '"retryAfterMs": '],
    ["retryPolicy", '{"timeout":-1}', '"retryPolicy.timeout": '],
    ["retryBudget", '{"ratio":1.1}', '"retryBudget.ratio": '],
    ["retryBudget", '{"minPerSecond":-1}', '"retryBudget.minPerSecond": '],
    ["retryBudget", '{"windowMs":10}', '"retryBudget.windowMs": '],
    ["cooldown", '{"maxEjectedShare":2}', '"cooldown.maxEjectedShare": '],
    ["fallbacks", '{"a":"b"}', '"fallbacks.a": '],
    ["fallbacks", '{"a":[""]}', '"fallbacks.a.0": '],
    ["defaultFallbacks", '["a",1]', '"defaultFallbacks.1": '],
    ["continueStreams", '"yes"', '"continueStreams": '],
  ])("%s: %s", (name, value, message) => {
    const error = errorOf(() => fallbacks({ [name]: JSON.parse(value) } as FallbacksOptions));
    expect(error.code).toBe("option_invalid");
    expect(error.source).toBe("fallbacks");
    expect(error.message).toContain(`fallbacks: ${message}`);
  });

  it("are all understood", () => {
    const plugin = fallbacks({
      fallbacks: { a: ["b"] },
      contextWindowFallbacks: {},
      contentPolicyFallbacks: {},
      budgetFallbacks: {},
      rateLimitFallbacks: {},
      defaultFallbacks: [],
      maxFallbacks: 0,
      retries: 0,
      retryAfterMs: 0,
      retryPolicy: { badRequest: 0, authentication: 1, timeout: 2, rateLimit: 3, contentPolicy: 0, internalServer: 4 },
      modelRetryPolicies: { a: { timeout: 1 } },
      retryBudget: { ratio: 0, minPerSecond: 0, windowMs: 1_000 },
      cooldown: { disabled: true },
      probes: { intervalMs: 60_000 },
      continueStreams: true,
      hedge: { percentile: 0.9 },
    });
    expect(plugin).toMatchObject({ name: "fallbacks", extensions: ["num_retries"] });
    expect(plugin.routes?.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /health",
      "POST /health/check",
      "GET /health/latest",
    ]);
  });

  it("change neither layers nor hedging where they are not given", async () => {
    expect(fallbacks().layers).toBeUndefined();
    const one = await bench(deploymentsOf("a1"), {});
    expect((await one.explain()).layers).toEqual([]);
    const other = await bench(deploymentsOf("a1"), {}, { continueStreams: true });
    expect((await other.explain()).layers).toMatchObject([{ stage: "cache", plugin: "fallbacks" }]);
  });

  it("a start that fails leaves no health check running", async () => {
    let asked = 0;
    const provider: Provider = {
      name: "wire",
      operations: {
        // biome-ignore lint/correctness/useYield: no event before the failure
        async *chat() {
          asked += 1;
          throw new GatewayError("provider_error", "down");
        },
      },
    };
    await expect(
      createGateway({
        plugins: [
          { name: "wire", providers: [provider] },
          fallbacks({ fallbacks: { a: ["nowhere"] }, probes: { intervalMs: 100 } }),
        ],
        deployments: deploymentsOf("a1"),
      }),
    ).rejects.toMatchObject({ code: "fallback_unknown" });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(asked).toBe(0);
  });
});

describe("health", () => {
  const overview = async (routes: readonly ResourceRoute[]): Promise<unknown> => {
    const route = routes.find(({ path }) => path === "/health");
    const reply = await route?.handle({ query: new URLSearchParams() } as never, {} as never);
    return JSON.parse(String(reply?.body));
  };

  it("a provider that is down takes nobody out of service, and is told", async () => {
    const one = await bench(deploymentsOf("a1 a2 b1"), { a1: 500, a2: 500 }, { retries: 0 });
    expect(await one.gateway.health()).toEqual({ ok: true, components: [{ name: "fallbacks", ok: true }] });
    await one.ask();
    expect(await one.gateway.health()).toEqual({
      ok: true,
      components: [{ name: "fallbacks", ok: true, detail: "1 of 2 models have no healthy deployment; see /health" }],
    });
    expect(await overview(one.gateway.routes)).toMatchObject({
      healthy_count: 1,
      unhealthy_count: 2,
      healthy_endpoints: [{ model_id: "b1" }],
    });
    expect(one.upstream.sent).toHaveLength(2);
  });

  it("no deployment left: 503 with the soonest recovery, and the reasons in the trace", async () => {
    const overloaded = { status: 429, headers: { "retry-after": "30" }, body: {} };
    const one = await bench(
      deploymentsOf("a1 a2"),
      { a1: overloaded, a2: 401 },
      { retries: 0, cooldown: { maxEjectedShare: 1 } },
    );
    await one.ask();
    one.tried();
    const { error, trace } = await one.ask();
    expect(one.tried()).toBe("");
    expect(error).toMatchObject({ code: "no_healthy_deployment", status: 503 });
    expect(error?.retryAfterMs).toBeGreaterThan(0);
    expect(error?.retryAfterMs).toBeLessThanOrEqual(30_000);
    expect(trace.skipped?.map(({ deployment }) => deployment)).toEqual(["a1", "a2"]);
  });
});

describe("a second try beside a slow one", () => {
  /** Answers after a time of its own; counts its tries. */
  function slowProvider(times: Readonly<Record<string, number>>): Provider & { readonly tried: string[] } {
    const tried: string[] = [];
    return {
      name: "wire",
      tried,
      operations: {
        async *chat({ deployment, signal }) {
          tried.push(deployment.id);
          await new Promise((resolve, reject) => {
            setTimeout(resolve, times[deployment.id] ?? 0);
            signal.addEventListener("abort", () => reject(signal.reason), { once: true });
          });
          return { id: "r", model: "m", createdAt: 0, choices: [], usage: NO_USAGE };
        },
      },
    };
  }

  async function warmed(
    deployments: readonly Deployment[],
    times: Record<string, number>,
    options: FallbacksOptions,
  ): Promise<{ tried: string[]; ask(): Promise<unknown>; close(): Promise<void> }> {
    const provider = slowProvider(times);
    const gateway = await createGateway({
      plugins: [{ name: "wire", providers: [provider] }, fallbacks(options)],
      deployments,
    });
    const ask = (): Promise<unknown> => gateway.chat({ model: "a", messages: [] });
    for (let call = 0; call < 60; call++) await ask();
    provider.tried.length = 0;
    return { tried: provider.tried, ask, close: () => gateway.close() };
  }

  it("goes to another healthy deployment, and the first answer wins", async () => {
    const times: Record<string, number> = {};
    const one = await warmed(deploymentsOf("a1 a2 a3"), times, { hedge: { minMs: 20, maxMs: 40 } });
    times["a1"] = 2_000;
    const startedAt = performance.now();
    await one.ask();
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(one.tried).toEqual(["a1", "a2"]);
    await one.close();
  });

  it("is not made where there is nobody else to ask: neither twice nor at another model", async () => {
    const times: Record<string, number> = {};
    const one = await warmed(deploymentsOf("a1 b1"), times, {
      hedge: { minMs: 20, maxMs: 40 },
      fallbacks: { a: ["b"] },
    });
    times["a1"] = 200;
    await one.ask();
    expect(one.tried).toEqual(["a1"]);
    await one.close();
  });
});

describe("a stream that breaks", () => {
  const DEPLOYMENTS: readonly Deployment[] = deploymentsOf("a1 a2 b1");

  /** Breaks after its first words at the deployments that are named. */
  function breaking(broken: readonly string[]): Provider & { readonly tried: string[] } {
    const tried: string[] = [];
    return {
      name: "wire",
      tried,
      facts: () => ({ supportsAssistantPrefill: true }),
      operations: {
        async *chat(attempt) {
          const { id } = attempt.deployment;
          tried.push(`${id}:${attempt.request.messages.at(-1)?.role}`);
          const result = {
            id: "r",
            model: id,
            createdAt: 0,
            choices: [
              {
                index: 0,
                content: [{ type: "text" as const, text: `[${id}]` }],
                finishReason: "stop" as const,
              },
            ],
            usage: NO_USAGE,
          };
          for (const event of resultEvents(result)) {
            if (event.type === "partEnd" && broken.includes(id)) throw new GatewayError("provider_error", "reset");
            yield event;
          }
          return result;
        },
      },
    };
  }

  async function read(
    options: FallbacksOptions,
    broken: readonly string[],
  ): Promise<{ text: string; tried: string[] }> {
    const provider = breaking(broken);
    const gateway = await createGateway({
      plugins: [{ name: "wire", providers: [provider] }, fallbacks({ fallbacks: { a: ["b"] }, ...options })],
      deployments: DEPLOYMENTS,
    });
    const stream = gateway.chat.stream({ model: "a", messages: [{ role: "user", content: "Go." }] });
    stream.result.catch(() => undefined);
    let text = "";
    try {
      for await (const event of stream as AsyncIterable<ChatEvent>) {
        if (event.type === "partDelta" && event.delta.type === "text") text += event.delta.text;
      }
    } catch (thrown) {
      text += `[${(thrown as GatewayError).code}]`;
    } finally {
      await gateway.close();
    }
    return { text, tried: provider.tried };
  }

  it("goes on where nobody was tried yet: the model's others, then its chain", async () => {
    const { text, tried } = await read({ continueStreams: true }, ["a1", "a2"]);
    expect(tried).toEqual(["a1:user", "a2:assistant", "b1:assistant"]);
    expect(text).toBe("[a1][a2][b1]");
  });

  it("ends with the first break where nobody is left", async () => {
    const { text, tried } = await read({ continueStreams: true }, ["a1", "a2", "b1"]);
    expect(tried).toHaveLength(3);
    expect(text).toBe("[a1][a2][b1][provider_error]");
  });

  it("ends there without the option", async () => {
    const { text, tried } = await read({}, ["a1"]);
    expect(tried).toEqual(["a1:user"]);
    expect(text).toBe("[a1][provider_error]");
  });
});
