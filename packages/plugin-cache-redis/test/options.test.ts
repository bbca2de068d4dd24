import { describe, expect, it } from "vitest";
import { Secret } from "@signalbox/kernel";
import { redisCache } from "@signalbox/plugin-cache-redis";

describe("options", () => {
  it.each([
    [{ maxEntryByte: 1 }, 'there is no option "maxEntryByte". Did you mean "maxEntryBytes"'],
    [{ maxEntryBytes: 0 }, '"maxEntryBytes"'],
    [{ namespace: "a{b}" }, '"namespace": a name without spaces and braces'],
    [{ onUnreachable: "never" }, '"onUnreachable"'],
    [{ url: "http://localhost" }, '"url" must begin with redis: or rediss:'],
    [{ url: "redis://localhost", host: "localhost" }, '"url" and "host" both say where Redis is: leave one out'],
    [{ cluster: [{ host: "a" }], db: 1 }, 'a cluster has no "db" but 0'],
  ])("%j are refused", (options, message) => {
    expect(() => redisCache(options as never)).toThrow(message);
  });

  it("are refused without their values", () => {
    const url = new Secret("redis://user:hidden-password@localhost/x");
    expect(() => redisCache({ url })).toThrow(/^cache-redis: the path of "url" is the number of a database$/);
  });

  it("name a plugin with a cache and a route", () => {
    const { name, cache, routes } = redisCache();
    expect(name).toBe("cache-redis");
    expect(cache).toBeDefined();
    expect(routes?.map(({ method, path, access }) => [method, path, access])).toEqual([
      ["GET", "/cache/redis/info", "admin"],
    ]);
  });
});
