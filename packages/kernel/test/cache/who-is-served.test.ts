import { describe, expect, it } from "vitest";
import type { CacheClaim, EmbedResult } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { memoryCache } from "@signalbox/kernel/testkit";
import { chat, drivenGateway, fails, pause, says } from "../support/driven-gateway.ts";
import { textResult } from "../support/scripted-provider.ts";
import { ask, cachingGateway, headerOf, TEAM } from "./caching-gateway.ts";

describe("an answer in the cache", () => {
  it("is not given to a caller of the team who may not use the model", async () => {
    const { gateway, asked } = await cachingGateway();
    await ask(gateway);
    const outsider = { ...TEAM, id: "key-2", models: ["shop/other"] };
    await expect(ask(gateway, {}, { principal: outsider })).rejects.toMatchObject({ code: "model_not_allowed" });
    expect(asked).toHaveLength(1);
  });

  it("says who has given it", async () => {
    const { gateway } = await cachingGateway();
    await ask(gateway);
    const open = gateway.open({
      operation: "chat",
      request: { model: "shop/m", messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }] },
      principal: TEAM,
    });
    while ((await open.reply.next()).done !== true);
    expect(open.call.trace.cached).toEqual({
      outcome: "hit",
      servedBy: { model: "shop/m", deployment: "shop/*", provider: "shop" },
    });
  });

  it("is never that of a fallback", async () => {
    const deployments = ["m", "spare"].map((model) => ({ id: model, model, provider: "shop", upstreamModel: "x" }));
    const { gateway, asked } = await drivenGateway({
      scripts: { m: fails(), spare: says },
      route: () => deployments,
      plugins: [{ name: "cache", cache: memoryCache() }],
    });
    for (let at = 0; at < 2; at++) {
      const open = chat(gateway);
      while ((await open.reply.next()).done !== true);
      expect(open.call.trace.notes).toContainEqual({ stage: "cache", text: "not kept: a fallback had a part in it" });
    }
    expect(asked).toEqual(["m", "spare", "m", "spare"]);
  });
});

describe("a failure for all", () => {
  it("is not for those that bring fallbacks of their own", async () => {
    let calls = 0;
    const { gateway } = await cachingGateway({
      // biome-ignore lint/correctness/useYield: a reply without events
      script: async function* () {
        const own = ++calls;
        await pause(20);
        if (own === 1) throw new GatewayError("provider_error", "down");
        return textResult(`call ${own}`);
      },
    });
    const first = ask(gateway);
    await pause(5);
    const second = ask(gateway, {}, { fallbacks: ["shop/other"] });
    await expect(first).rejects.toMatchObject({ code: "provider_error" });
    expect((await second).text).toBe("call 2");
  });
});

describe("stale answers", () => {
  it("are asked for anew by one of those that share the cache, and not by one that comes after it", async () => {
    const cache = memoryCache();
    let held = false;
    const claim = async (): Promise<CacheClaim> => {
      if (held) return { mine: false, settled: async () => undefined };
      held = true;
      return {
        mine: true,
        release: async () => {
          held = false;
        },
      };
    };
    const options = { policy: { ttlMs: 50, staleMs: 60_000 }, cache: { ...cache, claim } };
    const gateways = await Promise.all([1, 2, 3].map(() => cachingGateway(options)));
    await ask((gateways[0] as (typeof gateways)[0]).gateway);
    await pause(60);
    const outcomes = await Promise.all(gateways.flatMap(({ gateway }) => [ask(gateway), ask(gateway)]));
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(["stale"]));
    await expect.poll(() => gateways.map(({ asked }) => asked.length).reduce((a, b) => a + b)).toBe(2);
    await pause(20);
    expect(gateways.reduce((sum, { asked }) => sum + asked.length, 0)).toBe(2);
  });

  it("are passed by where a later cache has a fresh one, which the earlier one then keeps", async () => {
    const [near, far] = [memoryCache(), memoryCache()];
    const plugins = [
      { name: "near", cache: near },
      { name: "far", cache: far },
    ];
    const { gateway, asked } = await drivenGateway({
      scripts: { m: says },
      plugins,
      options: { caching: { ttlMs: 30, staleMs: 60_000 } },
    });
    const drain = async () => {
      const open = chat(gateway);
      while ((await open.reply.next()).done !== true);
      return open;
    };
    const { call } = await drain();
    await expect.poll(() => near.find(call)).toBeDefined();
    const kept = await near.find(call);
    if (kept === undefined) throw new Error("it was kept");
    await pause(40);
    await far.keep(call, { ...kept, storedAt: Date.now(), staleAt: Date.now() + 60_000 });
    expect((await drain()).call.trace.cached?.outcome).toBe("hit");
    expect((await near.find(call))?.staleAt).toBeGreaterThan(Date.now());
    expect(asked).toHaveLength(1);
  });

  it("and a cache that fails leaves it to the others", async () => {
    const far = memoryCache();
    const broken = { ...memoryCache(), find: () => Promise.reject(new Error("broken")) };
    const { gateway, asked } = await drivenGateway({
      scripts: { m: says },
      plugins: [
        { name: "near", cache: { ...broken, keep: () => Promise.reject(new Error("broken")) } },
        { name: "far", cache: far },
      ],
    });
    for (const outcome of ["miss", "hit"]) {
      const open = chat(gateway);
      while ((await open.reply.next()).done !== true);
      expect(open.call.trace.cached?.outcome).toBe(outcome);
      await pause(5);
    }
    expect(asked).toHaveLength(1);
  });
});

describe("vectors that are asked for at the same time", () => {
  const embed = (gateway: Awaited<ReturnType<typeof cachingGateway>>["gateway"], inputs: readonly string[]) =>
    gateway.open({ operation: "embed", request: { model: "shop/m", inputs }, principal: TEAM });
  const read = async (open: ReturnType<typeof embed>): Promise<EmbedResult & { outcome: string | undefined }> => {
    const step = await open.reply.next();
    if (step.done !== true) throw new Error("an embed reply has no events");
    return { ...step.value, outcome: headerOf(open)("x-signalbox-cache") };
  };

  it("are asked for once each, whoever needs them, and come in their places", async () => {
    const { gateway, asked } = await cachingGateway();
    const [one, two, three, single] = await Promise.all([
      read(embed(gateway, ["a", "bb", "a"])),
      read(embed(gateway, ["ccc", "bb"])),
      read(embed(gateway, ["bb", "a"])),
      read(embed(gateway, ["ccc"])),
    ]);
    expect(one.embeddings.map(([, length]) => length)).toEqual([1, 2, 1]);
    expect(two.embeddings.map(([, length]) => length)).toEqual([3, 2]);
    expect(three.embeddings.map(([, length]) => length)).toEqual([2, 1]);
    expect(single.embeddings.map(([, length]) => length)).toEqual([3]);
    expect(asked.map((request) => (request as { inputs: unknown }).inputs)).toEqual([["a", "bb"], ["ccc"]]);
    expect([one.outcome, two.outcome, three.outcome, single.outcome]).toEqual([
      "partial",
      "partial",
      "shared",
      "shared",
    ]);
    expect([one, two, three].map(({ usage }) => usage.inputTokens)).toEqual([20, 10, 0]);
  });

  it("are asked for again by those that waited for one that left or failed", async () => {
    const { gateway, asked } = await cachingGateway();
    const leaving = embed(gateway, ["a", "bb"]);
    const waiting = embed(gateway, ["bb", "ccc"]);
    const left = leaving.reply.next();
    const answered = read(waiting);
    leaving.cancel();
    await expect(left).rejects.toMatchObject({ code: "client_closed" });
    expect((await answered).embeddings.map(([, length]) => length)).toEqual([2, 3]);
    expect(asked.length).toBeLessThanOrEqual(3);
    expect((await read(embed(gateway, ["bb", "ccc"]))).outcome).toBe("hit");
  });
});
