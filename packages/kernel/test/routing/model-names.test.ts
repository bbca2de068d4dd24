import { afterEach, describe, expect, it } from "vitest";
import type { Call, Gateway, GatewayOptions, ModelSelector, Plugin, Principal } from "@signalbox/kernel";
import { createGateway, GatewayError } from "@signalbox/kernel";
import { says, untilAborted } from "../support/driven-gateway.ts";
import { scripted } from "../support/scripted-provider.ts";

const open: Gateway[] = [];
afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

/** Models `small`, `large` and `lab/*`, each a deployment of the same name. */
async function gatewayOf(options: Partial<GatewayOptions> = {}, plugin: Partial<Plugin> = {}): Promise<Gateway> {
  const gateway = await createGateway({
    plugins: [{ name: "vendors", providers: [scripted("shop", says)], ...plugin }],
    deployments: ["small", "large", "lab/*"].map((model) => ({
      id: model,
      model,
      provider: "shop",
      upstreamModel: model.endsWith("*") ? "*" : model,
    })),
    ...options,
  });
  open.push(gateway);
  return gateway;
}

const caller = (models: readonly string[], fields: Partial<Principal> = {}): Principal => ({
  id: "k",
  kind: "key",
  admin: false,
  models,
  ...fields,
});

/** The deployment that answers, or the error's code. */
async function answerer(gateway: Gateway, model: string, principal?: Principal): Promise<string> {
  const opened = gateway.open({
    operation: "chat",
    request: { model, messages: [] },
    ...(principal !== undefined && { principal }),
  });
  try {
    await opened.reply.next();
    return opened.call.trace.attempts.at(-1)?.deployment ?? "nobody";
  } catch (thrown) {
    return (thrown as GatewayError).code;
  }
}

const selector = (fields: Partial<ModelSelector> = {}): ModelSelector => ({
  model: "auto",
  targets: ["small", "large"],
  select: () => "large",
  ...fields,
});

describe("aliases", () => {
  const aliases = { fast: "small", hidden: { model: "large", hidden: true }, wild: "lab/x" };

  it("stand for their models", async () => {
    const gateway = await gatewayOf({ aliases });
    expect(await answerer(gateway, "fast")).toBe("small");
    expect(await answerer(gateway, "hidden")).toBe("large");
    expect(await answerer(gateway, "wild")).toBe("lab/*");
    const { call } = gateway.open({ operation: "chat", request: { model: "fast", messages: [] } });
    expect([call.model, call.request.model]).toEqual(["small", "fast"]);
  });

  it("are granted by either name", async () => {
    const gateway = await gatewayOf({ aliases });
    expect(await answerer(gateway, "fast", caller(["fast"]))).toBe("small");
    expect(await answerer(gateway, "fast", caller(["small"]))).toBe("small");
    expect(await answerer(gateway, "fast", caller(["large"]))).toBe("model_not_allowed");
    expect(await answerer(gateway, "small", caller(["fast"]))).toBe("model_not_allowed");
  });

  it("of a caller win over the gateway's, and grant nothing", async () => {
    const gateway = await gatewayOf({ aliases });
    const own = { fast: "large", mine: "small" };
    expect(await answerer(gateway, "fast", caller(["*"], { aliases: own }))).toBe("large");
    expect(await answerer(gateway, "mine", caller(["small"], { aliases: own }))).toBe("small");
    expect(await answerer(gateway, "mine", caller(["mine"], { aliases: own }))).toBe("model_not_allowed");
    expect(await answerer(gateway, "fast", caller(["fast"], { aliases: own }))).toBe("model_not_allowed");
    expect(await answerer(gateway, "mine", caller(["*"]))).toBe("model_not_found");
  });

  it("are followed once", async () => {
    const gateway = await gatewayOf({ aliases });
    const twice = caller(["*"], { aliases: { mine: "fast" } });
    expect(await answerer(gateway, "mine", twice)).toBe("model_not_found");
    await expect(gatewayOf({ aliases: { one: "two", two: "small" } })).rejects.toMatchObject({
      code: "option_invalid",
      message: 'the alias "one" stands for "two", which is an alias itself; name its model',
    });
  });

  it("of names that objects have of themselves are none", async () => {
    const gateway = await gatewayOf({ aliases });
    for (const name of ["constructor", "toString", "__proto__"]) {
      expect(await answerer(gateway, name, caller(["*"], { aliases: {} }))).toBe("model_not_found");
    }
  });

  it("are listed to those who may use them, but the hidden ones", async () => {
    const gateway = await gatewayOf({
      aliases,
      deployments: [
        { id: "small", model: "small", provider: "shop", upstreamModel: "x" },
        { id: "large", model: "large", provider: "shop", upstreamModel: "x" },
        { id: "lab", model: "lab/x", provider: "shop", upstreamModel: "x" },
      ],
    });
    const names = async (principal: Principal) => (await gateway.catalog(principal)).map(({ name }) => name);
    expect(await names(caller(["*"]))).toEqual(["small", "large", "lab/x", "fast", "wild"]);
    expect(await names(caller(["small"]))).toEqual(["small", "fast"]);
    expect(await names(caller(["fast"]))).toEqual(["fast"]);
    expect(await names(caller(["large"], { aliases: { mine: "large", no: "small" } }))).toEqual(["large", "mine"]);
  });

  it.each([
    [{ small: "large" }, "option_invalid", 'the alias "small" hides the model of the same name; give it another name'],
    [
      { fast: "smal" },
      "fallback_unknown",
      'the alias "fast" names the model "smal", which no deployment serves. Did you mean "small"?',
    ],
  ])("that lead nowhere stop the start: %j", async (wrong, code, message) => {
    await expect(gatewayOf({ aliases: wrong })).rejects.toMatchObject({ code, message });
  });

  it("may have fallbacks of their own", async () => {
    const gateway = await gatewayOf(
      { aliases, fallbacks: { fast: ["large"] } },
      {
        providers: [
          scripted("shop", (attempt) => {
            if (attempt.deployment.id === "small") throw new GatewayError("provider_error", "down");
            return says(attempt);
          }),
        ],
      },
    );
    expect(await answerer(gateway, "fast")).toBe("large");
    expect(await answerer(gateway, "small")).toBe("provider_error");
  });
});

describe("selectors", () => {
  it("choose the model of a call, at once or later", async () => {
    const gateway = await gatewayOf(
      {},
      { selectors: [selector(), selector({ model: "later", select: async () => "small" })] },
    );
    expect(await answerer(gateway, "auto")).toBe("large");
    expect(await answerer(gateway, "later")).toBe("small");
  });

  it("may stand behind a model's own name, and behind an alias", async () => {
    const asked: string[] = [];
    const own = selector({
      model: "small",
      select(call) {
        asked.push(call.model);
        return asked.length > 1 ? "large" : "small";
      },
    });
    const gateway = await gatewayOf({ aliases: { fast: "small" } }, { selectors: [own] });
    expect(await answerer(gateway, "small")).toBe("small");
    expect(await answerer(gateway, "fast")).toBe("large");
    expect(asked).toEqual(["small", "small"]);
  });

  it("grant their targets with their own name", async () => {
    const gateway = await gatewayOf({}, { selectors: [selector()] });
    expect(await answerer(gateway, "auto", caller(["auto"]))).toBe("large");
    expect(await answerer(gateway, "large", caller(["auto"]))).toBe("model_not_allowed");
    expect(await answerer(gateway, "auto", caller(["large"]))).toBe("model_not_allowed");
  });

  it("grant nothing but their targets", async () => {
    const gateway = await gatewayOf({}, { selectors: [selector({ targets: ["small"], select: () => "large" })] });
    const opened = gateway.open({ operation: "chat", request: { model: "auto", messages: [] } });
    await expect(opened.reply.next()).rejects.toMatchObject({
      code: "internal_error",
      message: 'the selector for model "auto" answered "large", which is none of its targets',
    });
  });

  it("choose once, also for a call that a layer runs again", async () => {
    let chosen = 0;
    const models: string[] = [];
    const gateway = await gatewayOf(
      {},
      {
        selectors: [
          selector({
            select() {
              chosen += 1;
              return chosen % 2 === 0 ? "small" : "large";
            },
          }),
        ],
        layers: {
          async *cache(call, next) {
            yield* next(call);
            return yield* next(call);
          },
        },
        on: { attemptStarted: ({ deployment }) => void models.push(deployment.id) },
      },
    );
    await answerer(gateway, "auto");
    expect([chosen, models]).toEqual([1, ["large", "large"]]);
  });

  it("fail the call with their error, and are not asked for one that ends before", async () => {
    const gateway = await gatewayOf(
      {},
      {
        selectors: [
          selector({
            model: "strict",
            select: () => Promise.reject(new GatewayError("no_matching_deployment", "no rule fits")),
          }),
          selector({ model: "slow", select: ({ signal }) => untilAborted(signal) }),
        ],
      },
    );
    expect(await answerer(gateway, "strict")).toBe("no_matching_deployment");
    const opened = gateway.open({ operation: "chat", request: { model: "slow", messages: [] } });
    setTimeout(() => opened.cancel(), 5);
    await expect(opened.reply.next()).rejects.toMatchObject({ code: "client_closed" });
  });

  it("are listed with the provider of their first target, to those who may use them", async () => {
    const gateway = await gatewayOf({ aliases: { chosen: "auto" } }, { selectors: [selector()] });
    const names = async (principal: Principal) => (await gateway.catalog(principal)).map(({ name }) => name);
    expect(await names(caller(["auto"]))).toEqual(["auto", "chosen"]);
    expect(await names(caller(["small"]))).toEqual(["small"]);
  });

  it("show in explanations what they chose, and why", async () => {
    const noting = selector({
      select(call: Call) {
        call.trace.note("route", "a hard question goes to a large model");
        return "large";
      },
    });
    const gateway = await gatewayOf({}, { selectors: [noting] });
    const explained = await gateway.explain({ operation: "chat", request: { model: "auto", messages: [] } });
    expect(explained).toMatchObject({
      model: "large",
      attempts: [{ deployment: "large" }],
      notes: [{ stage: "route", text: "a hard question goes to a large model" }],
    });
  });

  it.each([
    [[selector({ targets: ["nowhere"] })], "fallback_unknown", /for "auto" names the model "nowhere"/],
    [[selector(), selector()], "contract_duplicate", /is the second one for this model; remove one/],
    [[selector({ targets: [] })], "option_invalid", /no fitting "targets"; it must be a list of texts/],
    [[{ ...selector(), model: "" }], "option_invalid", /no fitting "model"/],
    [[{ ...selector(), selct: () => "small" } as ModelSelector], "option_invalid", /has a member "selct".*"select"/],
  ])("that are wrong stop the start", async (selectors, code, message) => {
    const refused = gatewayOf({}, { selectors });
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

it("names of a team's models and wildcards are not told to others", async () => {
  const gateway = await createGateway({
    plugins: [
      {
        name: "vendors",
        providers: [scripted("shop", says)],
      },
    ],
    deployments: [
      { id: "1", model: "redwood/*", provider: "shop", upstreamModel: "*", teamId: "red" },
      { id: "2", model: "redwood", provider: "shop", upstreamModel: "x", teamId: "red" },
    ],
  });
  open.push(gateway);
  const ask = (teamId: string) =>
    gateway.chat({ model: "redwod/x", messages: [] }, { principal: caller(["*"], { teamId }) });
  await expect(ask("blue")).rejects.toThrow(/^model "redwod\/x" does not exist$/);
  await expect(ask("red")).rejects.toThrow('the nearest names are "redwood/*"');
});
