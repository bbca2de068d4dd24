import { afterEach, describe, expect, it, vi } from "vitest";
import type { Cache, Call, ChatRequest, Principal, Recording } from "@signalbox/kernel";
import { testCache, testCall } from "@signalbox/kernel/testkit";
import { memoryCache } from "@signalbox/plugin-cache-memory";

function cacheOf(options?: Parameters<typeof memoryCache>[0]): Cache {
  return memoryCache(options).cache as Cache;
}

afterEach(() => void vi.restoreAllMocks());

describe("the cache in memory", () => {
  testCache({
    runner: { describe, it },
    cache: () => cacheOf(),
    expire: () => void vi.spyOn(Date, "now").mockReturnValue(Date.now() + 3_600_001),
    capabilities: { outage: false },
  });
});

const TEAM: Principal = { id: "k", kind: "key", admin: false, models: ["*"], teamId: "t" };

function call(text: string): Call<"chat"> {
  const request: ChatRequest = { model: "m", messages: [{ role: "user", content: [{ type: "text", text }] }] };
  return testCall({ operation: "chat", request, principal: TEAM });
}

function recording(text: string, fields: Partial<Recording> = {}): Recording<"chat"> {
  return {
    operation: "chat",
    result: {
      id: "r",
      model: "m",
      createdAt: 1,
      choices: [{ index: 0, content: [{ type: "text", text }], finishReason: "stop" }],
      usage: { inputTokens: 1, outputTokens: 1 },
    },
    storedAt: Date.now(),
    ...(fields as Partial<Recording<"chat">>),
  };
}

describe("bounds", () => {
  it("let what was asked for longest ago go first", async () => {
    const cache = cacheOf({ maxEntries: 2 });
    await cache.keep(call("a"), recording("a"));
    await cache.keep(call("b"), recording("b"));
    await cache.find(call("a"));
    await cache.keep(call("c"), recording("c"));
    const found = await Promise.all(["a", "b", "c"].map((text) => cache.find(call(text))));
    expect(found.map((each) => each !== undefined)).toEqual([true, false, true]);
  });

  it("hold for all bytes together, and for one answer", async () => {
    const cache = cacheOf({ maxBytes: 30_000, maxEntryBytes: 15_000 });
    for (const text of ["a", "b", "c", "d"]) await cache.keep(call(text), recording(text.repeat(5_000)));
    const { entries, bytes = 0 } = (await cache.stats?.()) ?? {};
    expect(entries).toBe(2);
    expect(bytes).toBeGreaterThan(20_000);
    expect(bytes).toBeLessThan(30_000);
    await cache.keep(call("d"), recording("x".repeat(10_000)));
    expect(await cache.find(call("d"))).toBeUndefined();
    expect(await cache.stats?.()).toMatchObject({ kept: 4, refused: 1, entries: 1 });
  });
});

describe("clearing", () => {
  it("takes all, a namespace, or what bears a tag, and counts", async () => {
    const cache = cacheOf();
    await cache.keep(call("a"), recording("a", { namespace: "one", tags: ["x"] }));
    await cache.keep(call("b"), recording("b", { namespace: "one" }));
    await cache.keep(call("c"), recording("c", { tags: ["x", "y"] }));
    await cache.keep(call("d"), recording("d"));
    expect(await cache.clear?.({ tag: "y" })).toBe(1);
    expect(await cache.clear?.({ namespace: "one", tag: "x" })).toBe(1);
    expect(await cache.clear?.({ keys: ["unknown"] })).toBe(0);
    expect(await cache.find(call("b"))).toBeDefined();
    expect(await cache.clear?.({})).toBe(2);
    expect(await cache.stats?.()).toMatchObject({ entries: 0, bytes: 0 });
  });
});

it.each([
  [{ maxByte: 1 }, 'there is no option "maxByte". Did you mean "maxBytes"'],
  [{ maxBytes: 0 }, '"maxBytes"'],
])("the options %j are refused", (options, message) => {
  expect(() => memoryCache(options as never)).toThrow(message);
});
