import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Cache, Call, ChatRequest, Gateway, Plugin, Recording } from "@signalbox/kernel";
import { createGateway, replyOf } from "@signalbox/kernel";
import { testCache, testCall } from "@signalbox/kernel/testkit";
import { redisCache } from "@signalbox/plugin-cache-redis";
import { ownNamespace } from "../redis/own-namespace.ts";
import { OwnRedis } from "../redis/own-redis.ts";
import { redisUrl } from "../services/index.ts";
import { freePort } from "../services/service.ts";

const ended: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

/** Set up as a gateway does it; closed after the test. */
async function opened(options: Parameters<typeof redisCache>[0]): Promise<Plugin & { readonly cache: Cache }> {
  const plugin = redisCache({ timeoutMs: 1_000, ...options }) as Plugin & { readonly cache: Cache };
  await plugin.setup?.(undefined as never);
  ended.push(() => plugin.close?.());
  return plugin;
}

async function shared(options: Parameters<typeof redisCache>[0] = {}): Promise<Plugin & { readonly cache: Cache }> {
  return await opened({ url: await redisUrl(), namespace: ownNamespace(), ...options });
}

function call(text: string): Call {
  const request: ChatRequest = { model: "m", messages: [{ role: "user", content: [{ type: "text", text }] }] };
  return testCall({ operation: "chat", request }) as unknown as Call;
}

function recording(text: string, fields: Partial<Recording> = {}): Recording {
  const choices = [{ index: 0, content: [{ type: "text", text }], finishReason: "stop" }];
  const result = { id: "r", model: "m", createdAt: 1, choices, usage: { inputTokens: 1, outputTokens: 1 } };
  return { operation: "chat", result: result as never, storedAt: Date.now(), ...fields };
}

describe("the cache in Redis", () => {
  let namespace = "";
  testCache({
    runner: { describe, it },
    cache: async () => {
      namespace = ownNamespace();
      return (await shared({ namespace })).cache;
    },
    expire: async () => {
      const client = new Redis(await redisUrl());
      const keys = await client.keys(`${namespace}:cache:a:*`);
      await Promise.all(keys.map((key) => client.pexpire(key, 1)));
      await new Promise((resolve) => setTimeout(resolve, 10));
      client.disconnect();
    },
    unreachable: async () => (await opened({ port: await freePort(), onUnreachable: "skip" })).cache,
  });
});

describe("an answer in Redis", () => {
  it("is found by another process, and ends when it says", async () => {
    const namespace = ownNamespace();
    const [one, other] = [await shared({ namespace }), await shared({ namespace })];
    const kept = recording("Paris", { expiresAt: Date.now() + 200 });
    await one.cache.keep(call("q"), kept);
    expect(await other.cache.find(call("q"))).toEqual(kept);
    await expect.poll(() => other.cache.find(call("q")), { timeout: 2_000 }).toBeUndefined();
  });

  it("is compressed from a size on, and comes back whole", async () => {
    const namespace = ownNamespace();
    const { cache } = await shared({ namespace });
    const text = "All work and no play makes Jack a dull boy. ".repeat(2_000);
    await cache.keep(call("q"), recording(text));
    expect((await cache.find(call("q")))?.result).toMatchObject({ choices: [{ content: [{ text }] }] });
    const client = new Redis(await redisUrl());
    const [key = ""] = await client.keys(`${namespace}:cache:a:*`);
    expect(await client.strlen(key)).toBeLessThan(text.length / 20);
    client.disconnect();
  });

  it("is not kept when it is too large, and counted", async () => {
    const { cache } = await shared({ maxEntryBytes: 300, compressFromBytes: 1_000_000 });
    await cache.keep(call("q"), recording("x".repeat(1_000)));
    expect(await cache.find(call("q"))).toBeUndefined();
    expect(await cache.stats?.()).toEqual({ hits: 0, misses: 1, kept: 0, refused: 1 });
  });

  it("that somebody else has damaged is as good as none", async () => {
    const namespace = ownNamespace();
    const { cache } = await shared({ namespace });
    const client = new Redis(await redisUrl());
    for (const bytes of [Buffer.from([7, 1]), Buffer.from([1, 255]), Buffer.from([0, 123]), Buffer.alloc(0)]) {
      await cache.keep(call("q"), recording("Paris"));
      const [key = ""] = await client.keys(`${namespace}:cache:a:*`);
      await client.set(key, bytes);
      expect(await cache.find(call("q"))).toBeUndefined();
      expect(await client.exists(key)).toBe(0);
    }
    client.disconnect();
  });
});

describe("clearing", () => {
  it("takes keys, a namespace, what bears a tag, and all of this gateway's", async () => {
    const [{ cache }, others] = [await shared(), await shared()];
    await others.cache.keep(call("a"), recording("other"));
    await cache.keep(call("a"), recording("a", { namespace: "one", tags: ["x"] }));
    await cache.keep(call("b"), recording("b", { namespace: "one" }));
    await cache.keep(call("c"), recording("c", { tags: ["x"] }));
    expect(await cache.clear?.({ namespace: "one", tag: "x" })).toBe(1);
    expect(await cache.find(call("a"))).toBeUndefined();
    expect(await cache.clear?.({ tag: "x" })).toBe(1);
    expect(await cache.clear?.({ keys: ["unknown"] })).toBe(0);
    expect(await cache.clear?.({})).toBe(1);
    expect(await cache.find(call("b"))).toBeUndefined();
    expect(await others.cache.find(call("a"))).toBeDefined();
  });
});

interface Asking {
  readonly gateway: Gateway;
  readonly asked: () => number;
}

async function asking(plugin: Plugin, answerMs: number = 0): Promise<Asking> {
  let asked = 0;
  const vendor = {
    name: "shop",
    operations: {
      chat: () =>
        replyOf<"chat">(async () => {
          asked += 1;
          await new Promise((resolve) => setTimeout(resolve, answerMs));
          return recording(`answer ${asked}`).result as never;
        }),
    },
  };
  const gateway = await createGateway({ plugins: [{ name: "vendors", providers: [vendor] }, plugin] });
  ended.push(() => gateway.close());
  return { gateway, asked: () => asked };
}

async function ask({ gateway }: Asking, content: string = "Hi"): Promise<string> {
  const { choices } = await gateway.chat({ model: "shop/m", messages: [{ role: "user", content }] });
  const [part] = choices[0]?.content ?? [];
  return part?.type === "text" ? part.text : "";
}

describe("several processes", () => {
  it("ask upstream once for what all of them miss", async () => {
    const options = { url: await redisUrl(), namespace: ownNamespace(), timeoutMs: 1_000 };
    const gateways = await Promise.all([1, 2, 3, 4].map(() => asking(redisCache(options), 100)));
    const answers = await Promise.all(gateways.flatMap((each) => Array.from({ length: 25 }, () => ask(each))));
    expect(new Set(answers)).toEqual(new Set(["answer 1"]));
    expect(gateways.reduce((sum, each) => sum + each.asked(), 0)).toBe(1);
  });

  it("do not wait for ever for one that died with its claim", async () => {
    const namespace = ownNamespace();
    const { cache } = await shared({ namespace });
    expect(await cache.claim?.(call("q"), 150)).toMatchObject({ mine: true });
    const other = await shared({ namespace });
    const claim = await other.cache.claim?.(call("q"), 150);
    if (claim?.mine !== false) throw new Error("the claim is another's");
    const startedAt = performance.now();
    await claim.settled(new AbortController().signal);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(await other.cache.claim?.(call("q"), 150)).toMatchObject({ mine: true });
  });
});

const POLL = { timeout: 15_000, interval: 200 };

async function hitsAfterAsking(caching: Asking): Promise<number | undefined> {
  await ask(caching);
  return (await caching.gateway.caches.get("cache-redis")?.stats?.())?.hits;
}

describe("a Redis in trouble", () => {
  let own: OwnRedis;

  beforeAll(async () => {
    own = await OwnRedis.start();
  });
  afterAll(() => own.stop());

  it("that stands still costs some calls its time limit, then none anything, and hits come back", async () => {
    const plugin = redisCache({ port: own.port, namespace: randomUUID(), timeoutMs: 50 });
    const caching = await asking(plugin);
    expect(await ask(caching)).toBe("answer 1");
    await expect.poll(async () => (await caching.gateway.caches.get("cache-redis")?.stats?.())?.kept).toBe(1);
    own.pause();
    try {
      for (let at = 0; at < 5; at++) {
        const startedAt = performance.now();
        await ask(caching, `cold ${at}`);
        expect(performance.now() - startedAt).toBeLessThan(500);
      }
      const startedAt = performance.now();
      for (let at = 0; at < 100; at++) await ask(caching, `skipped ${at}`);
      expect(performance.now() - startedAt).toBeLessThan(1_000);
      expect((await caching.gateway.health()).components).toContainEqual({
        name: "cache-redis",
        ok: true,
        detail: "answers are not cached: Redis cannot be used: it does not answer",
      });
      expect(await plugin.cache?.ping?.()).toMatchObject({ ok: false });
    } finally {
      own.resume();
    }
    await expect.poll(() => hitsAfterAsking(caching), POLL).toBeGreaterThan(0);
  });

  it("whose memory is full keeps nothing, counts it, and goes on finding", async () => {
    const full = await OwnRedis.start("--maxmemory", "3mb", "--maxmemory-policy", "noeviction");
    ended.push(() => full.stop());
    const { cache } = await opened({ port: full.port, namespace: randomUUID() });
    await cache.keep(call("first"), recording("first"));
    for (let at = 0; at < 80; at++) await cache.keep(call(`q ${at}`), recording(incompressible(100_000)));
    const { refused = 0 } = (await cache.stats?.()) ?? {};
    expect(refused).toBeGreaterThan(5);
    expect(await cache.find(call("first"))).toBeDefined();
    await cache.clear?.({});
    await cache.keep(call("again"), recording("again"));
    expect(await cache.find(call("again"))).toBeDefined();
  });

  it("that is away stops the start", async () => {
    await expect(asking(redisCache({ port: await freePort() }))).rejects.toThrow(
      /^cache-redis: Redis cannot be used: nothing listens there$/,
    );
  });

  it("with a wrong password stops the start, without telling it", async () => {
    const locked = await OwnRedis.start("--requirepass", "right-password");
    ended.push(() => locked.stop());
    await expect(asking(redisCache({ port: locked.port, password: "wrong-password" }))).rejects.toThrow(
      /^cache-redis: Redis cannot be used: the username or password is wrong$/,
    );
  });

  it("that comes later is used from then on", async () => {
    const late = await OwnRedis.away();
    ended.push(() => late.stop());
    const plugin = redisCache({ port: late.port, onUnreachable: "skip" });
    const caching = await asking(plugin);
    expect(await ask(caching)).toBe("answer 1");
    await late.start();
    await expect.poll(() => hitsAfterAsking(caching), POLL).toBeGreaterThan(0);
  });
});

function incompressible(length: number): string {
  let text = "";
  while (text.length < length) text += randomUUID();
  return text;
}
