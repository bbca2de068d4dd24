import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Call, Deployment, Gateway, Plugin, Strategy } from "@signalbox/kernel";
import { createGateway } from "@signalbox/kernel";
import { mock } from "@signalbox/provider-mock";
import type { RoutingOptions, StrategyName } from "../src/index.ts";
import { routing } from "../src/index.ts";

const messages = [{ role: "user" as const, content: "Hello" }];

function deployment(id: string, more: Partial<Deployment> = {}): Deployment {
  return { id, model: "chat", provider: "mock", upstreamModel: "echo", ...more };
}

async function gatewayOf(
  options: RoutingOptions,
  deployments: readonly Deployment[],
  ...plugins: readonly Plugin[]
): Promise<Gateway> {
  const gateway = await createGateway({
    plugins: [{ name: "mock", providers: [mock()] }, routing(options), ...plugins],
    deployments,
  });
  onTestFinished(() => gateway.close());
  return gateway;
}

/** Which deployments a call would be tried at. */
async function orderOf(gateway: Gateway, model = "chat", more: object = {}): Promise<readonly string[]> {
  const request = {
    model,
    messages: [{ role: "user" as const, content: [{ type: "text" as const, text: "Hi" }] }],
    ...more,
  };
  const { attempts } = await gateway.explain({ operation: "chat", request });
  return attempts.map(({ deployment: id }) => id);
}

/** Listed order, turned around. */
function reversed(more: Partial<Strategy> = {}): Strategy {
  return { name: "reversed", order: (_call, candidates) => candidates.toReversed(), ...more };
}

describe("strategies of a gateway", () => {
  it("shuffles without any options", async () => {
    const gateway = await gatewayOf({}, [deployment("a"), deployment("b")]);
    const orders = new Set<string>();
    for (let draw = 0; draw < 200; draw++) orders.add((await orderOf(gateway)).join());
    expect([...orders].sort()).toEqual(["a,b", "b,a"]);
  });

  it("takes one by name for all models, and others for some", async () => {
    const prices = { dear: 2, cheap: 1 };
    const deployments = ["one", "two", "wild/*"].flatMap((model) =>
      Object.entries(prices).map(([id, price]) =>
        deployment(`${model} ${id}`, { model, info: { inputCostPerToken: price, outputCostPerToken: price } }),
      ),
    );
    const models = { two: "priority", "wild/*": reversed() } as const;
    const gateway = await gatewayOf({ strategy: "cost-based-routing", models }, deployments);
    expect(await orderOf(gateway, "one")).toEqual(["one cheap", "one dear"]);
    expect(await orderOf(gateway, "two")).toEqual(["two dear", "two cheap"]);
    expect(await orderOf(gateway, "wild/echo")).toEqual(["wild/* cheap", "wild/* dear"]);
    // the name of a model that a wildcard serves is one, too
    const exact = await gatewayOf({ models: { "wild/echo": "cost-based-routing", "wild/*": "priority" } }, deployments);
    expect(await orderOf(exact, "wild/echo")).toEqual(["wild/* cheap", "wild/* dear"]);
    expect(await orderOf(exact, "wild/fixed")).toEqual(["wild/* dear", "wild/* cheap"]);
  });

  it("knows what wildcards became when deployments change", async () => {
    const gateway = await gatewayOf({ strategy: "priority", models: { "wild/*": reversed() } }, [
      deployment("a", { model: "wild/*" }),
    ]);
    expect(await orderOf(gateway, "wild/echo")).toEqual(["a"]);
    gateway.changeDeployments({ put: [deployment("b", { model: "wild/*" }), deployment("c", { model: "wild/*" })] });
    expect(await orderOf(gateway, "wild/echo")).toEqual(["c", "b", "a"]);
  });

  it.each<StrategyName | Strategy>([
    "simple-shuffle",
    "least-busy",
    "latency-based-routing",
    "cost-based-routing",
    "usage-based-routing",
    "priority",
    reversed(),
  ])("keeps to `order` under every strategy: %s", async (strategy) => {
    const orders = { a: 2, b: -1, c: 0, d: 2, e: undefined };
    const deployments = Object.entries(orders).map(([id, order]) =>
      deployment(id, order === undefined ? {} : { order }),
    );
    const gateway = await gatewayOf({ strategy }, deployments);
    const seen = new Set<string>();
    for (let draw = 0; draw < 20; draw++) {
      const order = await orderOf(gateway);
      expect(order[0]).toBe("b");
      expect(order.slice(1, 3).toSorted()).toEqual(["c", "e"]);
      expect(order.slice(3).toSorted()).toEqual(["a", "d"]);
      seen.add(order.join());
    }
    if (strategy === "priority") expect([...seen]).toEqual(["b,c,e,a,d"]);
    if (typeof strategy === "object") expect([...seen]).toEqual(["b,e,c,d,a"]);
  });

  it("goes on with the next deployment when one fails", async () => {
    const deployments = [deployment("broken", { upstreamModel: "fault-503" }), deployment("well")];
    const gateway = await gatewayOf({ strategy: "priority" }, deployments);
    const { choices } = await gateway.chat({ model: "chat", messages });
    expect(choices[0]?.content).toEqual([{ type: "text", text: "Hello" }]);
  });

  it("learns from attempts", async () => {
    const deployments = [deployment("slow", { upstreamModel: "slow-50ms" }), deployment("fast")];
    const gateway = await gatewayOf({ strategy: "latency-based-routing", latency: { trialShare: 0 } }, deployments);
    await Promise.all(Array.from({ length: 10 }, () => gateway.chat({ model: "chat", messages })));
    expect(await orderOf(gateway)).toEqual(["fast", "slow"]);
  });

  it("leaves out what a call cannot use, before the strategy is asked", async () => {
    const given: string[][] = [];
    const strategy = reversed({
      order(_call, candidates) {
        given.push(candidates.map(({ id }) => id));
        return candidates;
      },
    });
    const deployments = [deployment("blind", { info: { supportsVision: false } }), deployment("seeing")];
    const picture = [{ type: "image", source: { type: "url", url: "https://example.com/a.png" } }];
    const more = { messages: [{ role: "user", content: picture }] };
    expect(await orderOf(await gatewayOf({ strategy }, deployments), "chat", more)).toEqual(["seeing"]);
    expect(given).toEqual([["seeing"]]);
    const unchecked = await gatewayOf({ strategy, preCallChecks: false }, deployments);
    expect(await orderOf(unchecked, "chat", more)).toEqual(["blind", "seeing"]);
  });

  it("keeps a session at its deployment, but for those that come first by `order`", async () => {
    const all = Array.from({ length: 20 }, (_, index) => deployment(`d${index}`, { order: 1 }));
    const tried: string[] = [];
    const watch: Plugin = {
      name: "watch",
      on: { attemptStarted: (attempt) => void tried.push(attempt.deployment.id) },
    };
    const gateway = await gatewayOf({ sessionAffinity: true }, all, watch);
    const ask = (): Promise<unknown> => gateway.chat({ model: "chat", messages }, { sessionId: "s1" });
    for (let round = 0; round < 8; round++) await ask();
    expect(new Set(tried).size).toBe(1);
    gateway.changeDeployments({ put: [deployment("first")] });
    await ask();
    expect(tried.at(-1)).toBe("first");
  });
});

describe("custom strategies", () => {
  it("are told about attempts; what they throw is published once, and hurts nobody", async () => {
    const told: string[] = [];
    const careless = reversed({
      name: "careless",
      begin: () => {
        throw new Error("begin failed");
      },
      answered: () => {
        throw new Error("answered failed");
      },
      report: () => {
        throw new Error("report failed");
      },
    });
    const careful = reversed({
      name: "careful",
      begin: (each: Deployment) => void told.push(`begin ${each.id}`),
      answered: (each: Deployment) => void told.push(`answered ${each.id}`),
      report: (each: Deployment, { ok }: { readonly ok: boolean }, _call: Call) =>
        void told.push(`report ${each.id} ${ok}`),
    });
    const deployments = [deployment("a"), deployment("b", { model: "other" })];
    const gateway = await gatewayOf({ strategy: careless, models: { other: careful } }, deployments);
    const published: unknown[] = [];
    const listen = (message: unknown): void => void published.push(message);
    subscribe("signalbox:observer-error", listen);
    onTestFinished(() => void unsubscribe("signalbox:observer-error", listen));
    for (const model of ["chat", "chat", "other"]) await gateway.chat({ model, messages });
    for await (const _ of gateway.chat.stream({ model: "other", messages }));
    expect(told.splice(-3)).toEqual(["begin b", "answered b", "report b true"]);
    expect(told).toEqual(["begin a", "report a true", "begin a", "report a true", "begin b", "report b true"]);
    expect(published).toEqual([
      { plugin: "routing", watcher: "careless", moment: "begin", error: new Error("begin failed") },
      { plugin: "routing", watcher: "careless", moment: "report", error: new Error("report failed") },
      { plugin: "routing", watcher: "careless", moment: "answered", error: new Error("answered failed") },
    ]);
  });

  it("may refuse deployments", async () => {
    const validate = (): void => {
      throw Object.assign(new Error("not these"));
    };
    await expect(gatewayOf({ strategy: reversed({ validate }) }, [deployment("a")])).rejects.toThrow("not these");
  });
});

describe("the plugin", () => {
  it("has what its options ask for, and nothing else", () => {
    expect(Object.keys(routing())).toEqual(["name", "strategy"]);
    const full = routing({
      queue: {},
      splits: { canary: { arms: [{ model: "chat", percent: 100 }] } },
      contentRouters: { auto: { tiers: { simple: "chat" } } },
      mirrors: { chat: { to: "other", percent: 1 } },
    });
    expect(full.extensions).toEqual(["priority"]);
    expect(full.selectors?.map(({ model }) => model)).toEqual(["auto", "canary"]);
    expect(Object.keys(full.layers ?? {})).toEqual(["cache"]);
  });

  it("works with everything switched on", async () => {
    const options: RoutingOptions = {
      strategy: "least-busy",
      tags: { enabled: true },
      sessionAffinity: { ttlMs: 1_000 },
      promptCacheAffinity: { ttlMs: 1_000, minTokens: 10 },
      queue: { maxWaiting: 10, maxWaitMs: 100 },
      contentRouters: { auto: { tiers: { simple: "chat", complex: "other" } } },
      splits: {
        canary: {
          arms: [
            { model: "chat", percent: 50 },
            { model: "other", percent: 50 },
          ],
        },
      },
      mirrors: { chat: { to: "other", percent: 100 } },
    };
    const gateway = await gatewayOf(options, [deployment("a"), deployment("b", { model: "other" })]);
    for (const model of ["chat", "auto", "canary"]) {
      const { choices } = await gateway.chat({ model, messages });
      expect(choices[0]?.content).toEqual([{ type: "text", text: "Hello" }]);
    }
  });

  it("makes a strategy of its own for every gateway", async () => {
    const shared = routing({ strategy: "least-busy" });
    const { strategy } = shared;
    if (typeof strategy !== "function") throw new Error("the strategy is not made by a function");
    for (let round = 0; round < 2; round++) {
      const gateway = await createGateway({
        plugins: [{ name: "mock", providers: [mock()] }, shared],
        deployments: [deployment("a")],
      });
      await gateway.chat({ model: "chat", messages });
      await gateway.close();
    }
  });
});

describe("options that cannot be", () => {
  const problemOf = (options: unknown): string => {
    try {
      routing(options as RoutingOptions);
    } catch (thrown) {
      const { code, message, param } = thrown as {
        readonly code: string;
        readonly message: string;
        readonly param?: string;
      };
      return `${code} ${param}: ${message}`;
    }
    return "fine";
  };

  it.each([
    [null, "option_invalid undefined: routing takes an object: routing({ strategy: … })"],
    [
      { strategie: "priority" },
      'option_invalid strategie: routing: "strategie" is not an option. Did you mean "strategy"?',
    ],
    [
      { strategy: "least-bussy" },
      'option_invalid strategy: routing: "strategy" names the strategy "least-bussy", which does not exist. Did you mean "least-busy"?',
    ],
    [
      { models: { m: "zzzzzzz" } },
      'option_invalid models.m: routing: "models.m" names the strategy "zzzzzzz", which does not exist. The strategies are ' +
        "simple-shuffle, least-busy, latency-based-routing, cost-based-routing, usage-based-routing, usage-based-routing-v2, priority.",
    ],
    [
      { strategy: { name: "x" } },
      'option_invalid strategy: routing: "strategy" must be the name of a strategy, or a strategy: an object with a name and a function `order`',
    ],
    [
      { models: { m: { ...reversed(), reprot: () => undefined } } },
      'option_invalid models.m: routing: "models.m" has a member "reprot", which has no effect. Did you mean "report"?',
    ],
    [{ models: [] }, 'option_invalid models: routing: "models" must be an object whose keys are public model names'],
    [{ preCallChecks: "yes" }, 'option_invalid preCallChecks: routing: "preCallChecks" must be true or false'],
    [{ tags: true }, 'option_invalid tags: routing: "tags" must be an object'],
    [
      { sessionAffinity: 5 },
      'option_invalid sessionAffinity: routing: "sessionAffinity" must be true, false or an object',
    ],
  ])("%j", (options, problem) => {
    expect(problemOf(options)).toBe(problem);
  });

  it.each([
    [{ latency: { lowestLatencyBufer: 1 } }, "latency.lowestLatencyBufer", 'Did you mean "lowestLatencyBuffer"?'],
    [{ latency: { trialShare: 2 } }, "latency.trialShare", "invalid"],
    [{ latency: { ttlMs: 0 } }, "latency.ttlMs", "invalid"],
    [{ usage: { windowMs: "60s" } }, "usage.windowMs", "invalid"],
    [{ tags: { enabled: "true" } }, "tags.enabled", "invalid"],
    [{ queue: { maxWaiting: 0 } }, "queue.maxWaiting", "invalid"],
    [{ promptCacheAffinity: { minToken: 1 } }, "promptCacheAffinity.minToken", 'Did you mean "minTokens"?'],
    [{ splits: { s: { arms: [] } } }, "splits.s.arms", "invalid"],
    [{ contentRouters: { c: {} } }, "contentRouters.c", "tiers"],
    [{ mirrors: { m: { to: "m", percent: 1 } } }, "mirrors.m.to", "itself"],
  ])("%j", (options, param, words) => {
    expect(problemOf(options)).toMatch(`option_invalid ${param}: `);
    expect(problemOf(options)).toContain(words);
  });

  it("refuses a strategy for a model that no deployment serves", async () => {
    await expect(gatewayOf({ models: { chta: "priority" } }, [deployment("a")])).rejects.toMatchObject({
      code: "option_invalid",
      param: "models.chta",
      message:
        'routing(models): there is a strategy for the model "chta", which no deployment serves. Did you mean "chat"?',
    });
  });

  it("refuses shares that cannot be, at start and when deployments change", async () => {
    const weighted = deployment("a", { weight: 1 });
    await expect(gatewayOf({}, [weighted, deployment("b")])).rejects.toMatchObject({ code: "deployment_invalid" });
    const gateway = await gatewayOf({}, [weighted]);
    expect(() => gateway.changeDeployments({ put: [deployment("b")] })).toThrow(
      'model "chat": deployment "a" has weight, deployment "b" does not',
    );
    expect(await orderOf(gateway)).toEqual(["a"]);
  });
});
