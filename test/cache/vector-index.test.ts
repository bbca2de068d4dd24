import { Redis } from "ioredis";
import { afterEach, describe, expect, it } from "vitest";
import type { Cache, Plugin, Provider } from "@signalbox/kernel";
import { createGateway, replyOf } from "@signalbox/kernel";
import { testCache } from "@signalbox/kernel/testkit";
import { MemoryIndex, semanticCache } from "@signalbox/plugin-cache-semantic";
import type { RedisIndexOptions } from "@signalbox/plugin-cache-semantic/redis";
import { RedisIndex } from "@signalbox/plugin-cache-semantic/redis";
import { ownNamespace } from "../redis/own-namespace.ts";
import { OwnRedis } from "../redis/own-redis.ts";
import { redisUrl } from "../services/index.ts";
import { freePort } from "../services/service.ts";
import { answered, direction, testVectorIndex } from "./vector-index-kit.ts";

const ended: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function redisIndex(options: RedisIndexOptions = {}): Promise<RedisIndex> {
  const made = new RedisIndex({ url: await redisUrl(), namespace: ownNamespace(), timeoutMs: 1_000, ...options });
  await made.open();
  ended.push(() => made.close());
  return made;
}

describe("an index in memory", () => {
  testVectorIndex({ index: async (most) => new MemoryIndex(most) });
});

describe("an index in Redis", () => {
  testVectorIndex({ index: (perBucket) => redisIndex(perBucket === undefined ? {} : { perBucket }) });

  it("is shared by processes, and lets go of everything in time", async () => {
    const namespace = ownNamespace();
    const [one, other] = [await redisIndex({ namespace }), await redisIndex({ namespace })];
    await one.add("b", direction(1), answered("shared", { expiresAt: Date.now() + 300, namespace: "n", tags: ["t"] }));
    expect((await other.nearest("b", direction(1, 0.01)))?.similarity).toBeGreaterThan(0.99);
    const client = new Redis(await redisUrl());
    ended.push(() => client.disconnect());
    expect(await client.keys(`${namespace}:*`)).toHaveLength(4);
    await expect.poll(() => client.keys(`${namespace}:*`), { timeout: 2_000 }).toEqual([]);
  });

  it("passes over an answer that Redis has let go, or somebody has damaged", async () => {
    const namespace = ownNamespace();
    const made = await redisIndex({ namespace });
    const client = new Redis(await redisUrl());
    ended.push(() => client.disconnect());
    await made.add("b", direction(1), answered("far"));
    await made.add("b", direction(1, 0.2), answered("near"));
    const near = await made.nearest("b", direction(1, 0.2));
    await client.set(`${namespace}:semantic:a:${near?.id}`, Buffer.from([9, 0, 0, 0, 1]));
    expect((await made.nearest("b", direction(1, 0.2)))?.recording.result).toMatchObject({
      choices: [{ content: [{ text: "far" }] }],
    });
    expect(await client.hlen(`${namespace}:semantic:v:b`)).toBe(1);
  });

  it("that is away stops the start, or is said by its ping", async () => {
    const port = await freePort();
    const strict = new RedisIndex({ port });
    await expect(strict.open()).rejects.toThrow("cache-semantic: Redis cannot be used: nothing listens there");
    const patient = new RedisIndex({ port, onUnreachable: "skip" });
    ended.push(() => patient.close());
    await patient.open();
    expect(await patient.nearest("b", direction(1))).toBeUndefined();
    expect(await patient.ping()).toMatchObject({ ok: false });
  });

  it("that stands still costs its time limit, and then nothing", async () => {
    const own = await OwnRedis.start();
    ended.push(() => own.stop());
    const made = new RedisIndex({ port: own.port, timeoutMs: 50 });
    await made.open();
    ended.push(() => made.close());
    own.pause();
    ended.push(() => own.resume());
    const times: number[] = [];
    for (let at = 0; at < 10; at++) {
      const startedAt = performance.now();
      expect(await made.nearest("b", direction(1))).toBeUndefined();
      times.push(performance.now() - startedAt);
    }
    expect(Math.max(...times.slice(0, 5))).toBeLessThan(200);
    expect(Math.max(...times.slice(5))).toBeLessThan(20);
  });

  it("refuses options that it does not know", () => {
    expect(() => new RedisIndex({ perBuckets: 3 } as never)).toThrow(/cache-semantic: .*perBuckets/);
  });
});

const usage = { inputTokens: 1, outputTokens: 1 };

/** Questions with the same words in them mean the same. */
const shop: Provider = {
  name: "shop",
  operations: {
    embed: ({ request }) =>
      replyOf<"embed">(() => ({
        model: "words",
        embeddings: request.inputs.map((text) => [/capital/i.test(String(text)) ? 1 : 0, 0.1]),
        usage,
      })),
  },
};

async function semantic(options: RedisIndexOptions): Promise<Plugin & { readonly cache: Cache }> {
  const index = new RedisIndex({ timeoutMs: 1_000, ...options });
  const plugin = semanticCache({ embeddingModel: "shop/words", threshold: 0.95, index });
  const gateway = await createGateway({ plugins: [{ name: "vendors", providers: [shop] }, plugin] });
  ended.push(() => gateway.close());
  return plugin as Plugin & { readonly cache: Cache };
}

describe("the semantic cache over Redis", () => {
  testCache({
    runner: { describe, it },
    cache: async () => (await semantic({ url: await redisUrl(), namespace: ownNamespace() })).cache,
    expire: (cache) => cache.clear?.({}).then(() => undefined),
    unreachable: async () => (await semantic({ port: await freePort(), onUnreachable: "skip" })).cache,
    capabilities: { exact: false },
  });

  it("says in readiness that its Redis is away, and goes on", async () => {
    const plugin = await semantic({ port: await freePort(), onUnreachable: "skip" });
    expect(await plugin.check?.()).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/^nothing is found: Redis/),
    });
    expect(await plugin.cache.ping?.()).toMatchObject({ ok: false });
  });
});
