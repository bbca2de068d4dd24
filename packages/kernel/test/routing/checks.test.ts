import "reflect-metadata";
import { container as root } from "tsyringe";
import { afterEach, describe, expect, it } from "vitest";
import type { Deployment, Gateway, GatewayOptions, Plugin, Router, SharedState, Strategy } from "@signalbox/kernel";
import { createGateway, MemoryState, ROUTER, SHARED_STATE, STRATEGY } from "@signalbox/kernel";
import { chat, outcomeOf, says } from "../support/driven-gateway.ts";
import { scripted } from "../support/scripted-provider.ts";

const open: Gateway[] = [];
afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

const shop = scripted("shop", says);

function deployment(fields: Partial<Deployment> = {}): Deployment {
  return { id: "1", model: "m", provider: "shop", upstreamModel: "m", ...fields };
}

async function gatewayOf(plugin: Partial<Plugin>, options: Partial<GatewayOptions> = {}): Promise<Gateway> {
  const gateway = await createGateway({
    plugins: [{ name: "p", providers: [shop], ...plugin }],
    deployments: [deployment()],
    ...options,
  });
  open.push(gateway);
  return gateway;
}

describe("values of deployments", () => {
  const wrong: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ weight: -1 }, "the weight -1; it must be a number of at least 0"],
    [{ weight: Number.NaN }, "the weight NaN; it must be a number of at least 0"],
    [{ weight: Number.POSITIVE_INFINITY }, "the weight Infinity; it must be a number of at least 0"],
    [{ weight: "2" }, 'the weight "2"; it must be a number of at least 0'],
    [{ order: 1.5 }, "the order 1.5; it must be a whole number"],
    [{ rpm: 0 }, "the rpm 0; it must be a whole number above 0; leave it out for no limit"],
    [{ rpm: 0.5 }, "the rpm 0.5; it must be a whole number above 0; leave it out for no limit"],
    [{ tpm: -100 }, "the tpm -100; it must be a whole number above 0; leave it out for no limit"],
    [
      { maxParallel: 2 ** 53 },
      "the maxParallel 9007199254740992; it must be a whole number above 0; leave it out for no limit",
    ],
    [{ maxRetries: -1 }, "the maxRetries -1; it must be a whole number of at least 0"],
    [{ timeoutMs: 0 }, "the timeoutMs 0; it must be a number of milliseconds above 0; leave it out for the gateway's"],
    [
      { streamTimeoutMs: "5s" },
      `the streamTimeoutMs "5s"; it must be a number of milliseconds above 0; leave it out for the gateway's`,
    ],
    [
      { idleTimeoutMs: null },
      "the idleTimeoutMs null; it must be a number of milliseconds above 0; leave it out for the gateway's",
    ],
    [{ teamId: "" }, 'the teamId ""; it must be a text that is not empty; leave it out for none'],
    [{ region: 7 }, "the region 7; it must be a text that is not empty; leave it out for none"],
    [{ tags: "eu" }, 'the tags "eu"; it must be a list of texts, none of them empty'],
    [{ tags: ["eu", ""] }, "the tags […]; it must be a list of texts, none of them empty"],
    [{ dropParams: "yes" }, 'the dropParams "yes"; it must be true or false'],
    [{ extraBody: ["secret"] }, "the extraBody […]; it must be an object"],
    [{ info: "cheap" }, 'the info "cheap"; it must be an object'],
  ];

  it.each(wrong)("%j is refused", async (fields, problem) => {
    await expect(gatewayOf({}, { deployments: [deployment(fields as Partial<Deployment>)] })).rejects.toMatchObject({
      code: "deployment_invalid",
      param: "deployments",
      message: `deployment "1" has ${problem}`,
    });
  });

  it("are accepted at their limits, and where they are left out", async () => {
    const gateway = await gatewayOf(
      {},
      {
        deployments: [
          deployment({
            weight: 0,
            order: -3,
            rpm: 1,
            tpm: 1,
            maxParallel: 1,
            maxRetries: 0,
            timeoutMs: 0.5,
            tags: [],
            info: {},
          }),
          { ...deployment({ id: "2" }), weight: undefined, tags: undefined } as unknown as Deployment,
        ],
      },
    );
    expect(await outcomeOf(chat(gateway))).toBe("1");
  });
});

describe("members of routing contracts", () => {
  const strategy: Strategy = { name: "s", order: (_call, candidates) => candidates };
  const router: Router = { route: () => [deployment()] };
  const wrong: readonly (readonly [string, Record<string, unknown>, string])[] = [
    [
      "a misspelt member of a strategy",
      { strategy: { ...strategy, reprot: () => undefined } },
      'the strategy of "p" has a member "reprot", which has no effect. Did you mean "report"?',
    ],
    [
      "a strategy that orders under another name",
      { strategy: { name: "s", oder: strategy.order } },
      'the strategy of "p" has a member "oder", which has no effect. Did you mean "order"?',
    ],
    [
      "a strategy that orders nothing",
      { strategy: { name: "s" } },
      'the strategy of "p" has no fitting "order"; it must be a function',
    ],
    [
      "a strategy without a name",
      { strategy: () => ({ ...strategy, name: "" }) },
      'the strategy of "p" has no fitting "name"; it must be a text that is not empty',
    ],
    [
      "the name of a strategy",
      { strategy: "least-busy" },
      'the strategy of "p" is a string; it must be an object with name, order, validate, begin, answered, report',
    ],
    [
      "a factory that makes nothing",
      { strategy: () => undefined },
      'the strategy of "p" is undefined; it must be an object with name, order, validate, begin, answered, report',
    ],
    [
      "a misspelt member of a router",
      { router: () => ({ ...router, hedgeAfterMS: () => 5 }) },
      'the router of "p" has a member "hedgeAfterMS", which has no effect. Did you mean "hedgeAfterMs"?',
    ],
    ["a router that routes nothing", { router: {} }, 'the router of "p" has no fitting "route"; it must be a function'],
    [
      "a router whose watcher is no function",
      { router: { ...router, report: true } },
      'the router of "p" has no fitting "report"; it must be a function, or nothing',
    ],
    [
      "a shared state that cannot add up",
      { sharedState: { get() {}, set() {}, delete() {}, sum() {}, watch() {} } },
      'the shared state of "p" has no fitting "add"; it must be a function',
    ],
  ];

  it.each(wrong)("%s stops the start", async (_name, plugin, message) => {
    await expect(gatewayOf(plugin as Partial<Plugin>)).rejects.toMatchObject({
      code: "option_invalid",
      source: "p",
      message,
    });
  });

  it("may be methods of a class, with members of its own", async () => {
    class Turns implements Strategy {
      readonly name = "turns";
      readonly seed: number = 7;
      #calls = 0;
      order(_call: unknown, candidates: readonly Deployment[]): readonly Deployment[] {
        this.#calls += 1;
        return this.#calls % 2 === 0 ? [...candidates].reverse() : candidates;
      }
    }
    const gateway = await gatewayOf(
      { strategy: new Turns() },
      { deployments: [deployment(), deployment({ id: "2" })] },
    );
    expect([await outcomeOf(chat(gateway)), await outcomeOf(chat(gateway))]).toEqual(["1", "2"]);
  });

  it("are checked in the application's container too", async () => {
    const container = root.createChildContainer();
    container.register<Partial<Strategy>>(STRATEGY, { useValue: { name: "s" } });
    await expect(gatewayOf({}, { container })).rejects.toMatchObject({
      message: `the strategy of "the application's container" has no fitting "order"; it must be a function`,
    });
  });
});

describe("what a router is not told", () => {
  const router: Router = { route: () => [deployment()] };

  it("is refused with a router that is an object", async () => {
    await expect(gatewayOf({ router }, { fallbacks: { m: ["m"] } })).rejects.toMatchObject({
      code: "option_invalid",
      message:
        '"fallbacks" would have no effect: the router of p is an object and is not told; ' +
        "make it a function `(models, parts) => Router`, or leave one of the two out",
    });
    const strategy: Strategy = { name: "s", order: (_call, candidates) => candidates };
    await expect(gatewayOf({ router, strategy })).rejects.toThrow(/^the strategy of p would have no effect/);
    const container = root.createChildContainer();
    container.register<Router>(ROUTER, { useValue: router });
    await expect(gatewayOf({ strategy }, { container })).rejects.toThrow(/the router of the application's container/);
  });

  it("is handed to a function that makes one, with the strategy and the state", async () => {
    const parts: unknown[] = [];
    const strategy: Strategy = { name: "s", order: (_call, candidates) => candidates };
    const gateway = await gatewayOf(
      {
        strategy,
        router(models, given) {
          parts.push(given.strategy, given.fallbacks, given.state instanceof MemoryState, given.facts(deployment()));
          return { route: ({ model }) => models.deployments(model) };
        },
      },
      { fallbacks: { m: ["m"] } },
    );
    expect(await outcomeOf(chat(gateway))).toBe("1");
    expect(parts).toEqual([strategy, { m: ["m"] }, true, {}]);
  });
});

it("a strategy validates the deployments at start", async () => {
  const strategy: Strategy = {
    name: "s",
    order: (_call, candidates) => candidates,
    validate(models) {
      throw new TypeError(`${models.all().length} are too few`);
    },
  };
  await expect(gatewayOf({ strategy })).rejects.toThrow("1 are too few");
});

it("a probe asks one deployment outside of any call, and is refused what it does not offer", async () => {
  const answers: unknown[] = [];
  const stages: string[] = [];
  const gateway = await gatewayOf({
    router(models, { probe }) {
      return {
        async *route({ model, signal }) {
          const [first] = models.deployments(model) as [Deployment];
          const request = { model: "m", messages: [] };
          answers.push((await probe(first, { operation: "chat", request }, signal)).model);
          answers.push(
            await probe(first, { operation: "embed", request: { model: "m", inputs: [] } }, signal).catch(
              ({ code }) => code,
            ),
          );
          yield first;
        },
        begin: () => void stages.push("begin"),
      };
    },
    layers: {
      attempt(attempt, next) {
        stages.push(attempt.principal.id);
        return next(attempt);
      },
    },
  });
  expect(await outcomeOf(chat(gateway))).toBe("1");
  expect(answers).toEqual(["m", "unsupported_operation"]);
  expect(stages).toEqual(["health-check", "begin", "application"]);
});

it("the gateway closes the shared state", async () => {
  const closed: string[] = [];
  const state: SharedState = Object.assign(new MemoryState(), { close: () => void closed.push("state") });
  const container = root.createChildContainer();
  container.register(SHARED_STATE, { useValue: state });
  const gateway = await createGateway({ plugins: [{ name: "p", providers: [shop] }], container });
  await gateway.close();
  expect(closed).toEqual(["state"]);
});
