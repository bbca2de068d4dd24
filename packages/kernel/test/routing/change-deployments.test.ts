import { afterEach, describe, expect, it } from "vitest";
import type { Deployment, Gateway, GatewayOptions, ListedModel, Plugin } from "@signalbox/kernel";
import { APPLICATION, createGateway, GatewayError } from "@signalbox/kernel";
import type { ReplayServer } from "@signalbox/kernel/testkit";
import { replayServer } from "@signalbox/kernel/testkit";
import { chat, outcomeOf, pause, says, stalls } from "../support/driven-gateway.ts";
import { httpVendor } from "../support/http-vendor.ts";
import { scripted } from "../support/scripted-provider.ts";

const gateways: Gateway[] = [];
const servers: ReplayServer[] = [];
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close();
  for (const server of servers.splice(0)) await server.close();
});

function deployment(id: string, fields: Partial<Deployment> = {}): Deployment {
  return { id, model: "m", provider: "shop", upstreamModel: id, ...fields };
}

async function gatewayOf(options: Partial<GatewayOptions>, ...plugins: readonly Plugin[]): Promise<Gateway> {
  const gateway = await createGateway({
    plugins: [{ name: "vendors", providers: [scripted("shop", says), httpVendor] }, ...plugins],
    ...options,
  });
  gateways.push(gateway);
  return gateway;
}

const ids = (gateway: Gateway): readonly string[] => gateway.models.all().map(({ id }) => id);

describe("deployments of a running gateway", () => {
  it("are added, replaced and removed", async () => {
    const gateway = await gatewayOf({ deployments: [deployment("a"), deployment("b")], dropParams: true });
    expect(await outcomeOf(chat(gateway))).toBe("a");
    gateway.changeDeployments({ put: [deployment("c", { model: "n" })], remove: ["a"] });
    expect(ids(gateway)).toEqual(["b", "c"]);
    expect(await outcomeOf(chat(gateway))).toBe("b");
    expect(await outcomeOf(chat(gateway, { model: "n" }))).toBe("c");
    gateway.changeDeployments({ put: [deployment("b", { model: "n", dropParams: false })] });
    expect(await outcomeOf(chat(gateway))).toBe("model_not_found");
    // The option of the gateway holds for new ones too.
    expect(gateway.models.all().map(({ dropParams }) => dropParams)).toEqual([false, true]);
    gateway.changeDeployments({});
    expect(gateway.models.version).toBe(3);
  });

  it("that are removed finish what they have begun, and get nothing new", async () => {
    const gateway = await createGateway({
      plugins: [
        {
          name: "vendors",
          providers: [scripted("shop", (attempt) => (attempt.deployment.id === "a" ? stalls : says)(attempt))],
        },
      ],
      deployments: [deployment("a")],
    });
    gateways.push(gateway);
    const running = chat(gateway);
    expect(await running.reply.next()).toMatchObject({ done: false });
    gateway.changeDeployments({ put: [deployment("b")], remove: ["a"] });
    expect(await outcomeOf(chat(gateway))).toBe("b");
    running.cancel();
    expect(await outcomeOf(running)).toBe("client_closed");
    expect(running.call.trace.attempts).toMatchObject([{ deployment: "a" }]);
  });

  const wrong: readonly (readonly [string, Parameters<Gateway["changeDeployments"]>[0], string, RegExp])[] = [
    [
      "an id that is not there",
      { put: [deployment("z")], remove: ["bb"] },
      "not_found",
      /no deployment "bb"\. Did you mean "b"/,
    ],
    [
      "an unknown provider",
      { put: [deployment("z"), deployment("y", { provider: "shp" })] },
      "provider_unknown",
      /"shp"/,
    ],
    [
      "a wrong number",
      { put: [deployment("z"), deployment("b", { rpm: 0 })] },
      "deployment_invalid",
      /"b" has the rpm 0/,
    ],
    ["an unknown member", { put: [{ ...deployment("z"), wieght: 2 } as Deployment] }, "deployment_invalid", /"weight"/],
    ["the last of an alias's model", { remove: ["f"] }, "fallback_unknown", /alias "fast" names the model "f"/],
    ["the last of a selector's target", { remove: ["s"] }, "fallback_unknown", /selector of plugin "choice".*"s"/],
    ["the last of a fallback", { remove: ["l"] }, "fallback_unknown", /fallbacks of "m" name the model "l"/],
    ["a name that an alias has", { put: [deployment("z", { model: "fast" })] }, "option_invalid", /alias "fast" hides/],
    ["what the strategy refuses", { put: [deployment("z", { weight: 13 })] }, "deployment_invalid", /no thirteen/],
    ["what the router refuses", { put: [deployment("z", { order: 13 })] }, "deployment_invalid", /no order thirteen/],
  ];

  it.each(wrong)("stay as they are after a change with %s", async (_name, change, code, message) => {
    const refuses = (text: string): never => {
      throw new GatewayError("deployment_invalid", text);
    };
    const gateway = await gatewayOf(
      {
        deployments: [deployment("a"), deployment("b"), ...["f", "s", "l"].map((id) => deployment(id, { model: id }))],
        aliases: { fast: "f" },
        fallbacks: { m: ["l"] },
      },
      {
        name: "choice",
        selectors: [{ model: "auto", targets: ["s"], select: () => "s" }],
        strategy: {
          name: "superstitious",
          order: (_call, candidates) => candidates,
          validate: (models) => void (models.all().some(({ weight }) => weight === 13) && refuses("no thirteen")),
        },
        router: (models, { strategy }) => ({
          route: (call) => strategy.order(call, models.deployments(call.model)),
          validate: (next) => void (next.all().some(({ order }) => order === 13) && refuses("no order thirteen")),
        }),
      },
    );
    const before = gateway.models.all();
    expect(() => gateway.changeDeployments(change)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
    expect(gateway.models.all()).toBe(before);
    expect(gateway.models.version).toBe(0);
    expect(await outcomeOf(chat(gateway))).toBe("a");
  });

  it("list their models anew when they have changed", async () => {
    const asked: (string | undefined)[] = [];
    const lab = {
      name: "lab",
      operations: {},
      listModels: async ({
        deployment: { baseUrl },
      }: {
        readonly deployment: Deployment;
      }): Promise<readonly ListedModel[]> => {
        asked.push(baseUrl);
        return [{ id: baseUrl ?? "" }];
      },
    };
    const wildcard = (baseUrl: string): Deployment => ({
      id: "lab",
      model: "lab/*",
      provider: "lab",
      upstreamModel: "*",
      baseUrl,
    });
    const gateway = await createGateway({
      plugins: [{ name: "vendors", providers: [lab] }],
      deployments: [wildcard("one")],
    });
    gateways.push(gateway);
    const names = async () => (await gateway.catalog(APPLICATION)).map(({ name }) => name);
    expect([await names(), await names()]).toEqual([["lab/one"], ["lab/one"]]);
    gateway.changeDeployments({ put: [wildcard("two")] });
    expect(await names()).toEqual(["lab/two"]);
    expect(asked).toEqual(["one", "two"]);
  });
});

describe("1,000 calls while deployments come and go", () => {
  it("all come to their end; what is removed gets no new call", async () => {
    for (let count = 0; count < 3; count++) {
      servers.push(
        await replayServer(({ path }) =>
          path === "/chat" ? { bodyText: "abcdefghij", delivery: 1, pauseMs: 2, contentType: "text/plain" } : {},
        ),
      );
    }
    const at = (id: string, index: number): Deployment =>
      deployment(id, { provider: "vendor", baseUrl: (servers[index % 3] as ReplayServer).url });
    const gateway = await gatewayOf({ deployments: [at("d0", 0), at("d1", 1)] });
    const removals = new Map<string, number>();
    let changes = 0;
    let changing = true;
    const churn = (async () => {
      while (changing) {
        changes += 1;
        const removed = ids(gateway)[0] as string;
        gateway.changeDeployments({ put: [at(`d${changes + 1}`, changes + 1)], remove: [removed] });
        removals.set(removed, performance.now());
        await pause(3);
      }
    })();

    const late: string[] = [];
    const results = await Promise.all(
      Array.from({ length: 1_000 }, async (_, index) => {
        await pause((index % 100) * 4);
        const opened = chat(gateway, { stream: true });
        const outcome = await outcomeOf(opened);
        for (const { deployment: id, startedMs } of opened.call.trace.attempts) {
          const removedAt = removals.get(id);
          if (removedAt !== undefined && opened.call.trace.startedAt + startedMs > removedAt) late.push(id);
        }
        return outcome;
      }),
    );
    changing = false;
    await churn;
    expect(results.filter((result) => result !== "abcdefghij")).toEqual([]);
    expect(late).toEqual([]);
    expect(changes).toBeGreaterThan(50);
    expect(ids(gateway)).toHaveLength(2);
    expect(gateway.activeCalls).toBe(0);
  });
});
