import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { isGatewayError, Secret } from "@signalbox/kernel";
import type { RedisOptions } from "../src/index.ts";
import { redis } from "../src/index.ts";

/** The error, as someone sees who prints all of it. */
function refusal(options: object): { message: string; param: string | undefined; printed: string } {
  try {
    redis(options as RedisOptions);
  } catch (error) {
    if (isGatewayError(error) && error.code === "option_invalid") {
      return { message: error.message, param: error.param, printed: inspect(error, { depth: 9 }) };
    }
    throw error;
  }
  throw new Error(`${JSON.stringify(options)} was taken`);
}

describe("options", () => {
  it.each([
    [{ hots: "a" }, 'redis: there is no option "hots". Did you mean "host"?', "hots"],
    [
      { sentinel: { name: "m", nodes: [{ host: "a" }], db: 1 } },
      'redis: there is no option "sentinel.db"',
      "sentinel.db",
    ],
    [{ port: 0 }, 'redis: "port":', "port"],
    [{ port: "6379" }, 'redis: "port":', "port"],
    [{ cluster: [] }, 'redis: "cluster":', "cluster"],
    [{ timeoutMs: 0 }, 'redis: "timeoutMs":', "timeoutMs"],
    [{ onUnreachable: "ignore" }, 'redis: "onUnreachable":', "onUnreachable"],
    [{ namespace: "a{b}" }, 'redis: "namespace": a name without spaces and braces', "namespace"],
    [{ settledForMs: 1_000 }, 'redis: "settledForMs":', "settledForMs"],
    [{ host: "a", cluster: [{ host: "b" }] }, 'redis: "host" and "cluster" both say where Redis is', "cluster"],
    [{ url: "redis://a", port: 1 }, 'redis: "url" and "host" both say where Redis is', "host"],
    [{ url: "redis://a", password: "b" }, 'redis: "password" belongs into "url"', "password"],
    [{ cluster: [{ host: "a" }], db: 3 }, 'redis: a cluster has no "db" but 0', "db"],
    [{ url: "http://a" }, 'redis: "url" must begin with redis: or rediss:', "url"],
    [{ url: "redis://a/name" }, 'redis: the path of "url" is the number of a database', "url"],
    [{ url: "redis://a/?tls=true" }, 'redis: "url" has a query', "url"],
  ])("refuses %j", (options, message, param) => {
    const refused = refusal(options);
    expect(refused.message.slice(0, message.length)).toBe(message);
    expect(refused.param).toBe(param);
  });

  it("never repeats a credential", () => {
    for (const url of ["redis//:hunter2@a", "http://:hunter2@a", "redis://:hunter2@a/x", new Secret("hunter2")]) {
      expect(refusal({ url }).printed).not.toContain("hunter2");
    }
    expect(refusal({ password: { value: "hunter2" } }).printed).not.toContain("hunter2");
  });

  it.each([
    {},
    { url: "rediss://user:pass@a:1/3" },
    { url: new Secret("redis://a") },
    { host: "a", port: 1, username: "u", password: new Secret("p"), db: 3, tls: false },
    { cluster: [{ host: "a" }, { host: "b", port: 1 }], tls: { rejectUnauthorized: true } },
    { sentinel: { name: "main", nodes: [{ host: "a" }], password: "p" }, password: "q", db: 1 },
    { namespace: "team-a:prod", timeoutMs: 20, connectTimeoutMs: 100, onUnreachable: "wait", settledForMs: 86_400_000 },
  ] satisfies readonly RedisOptions[])("takes %j, and connects to nothing yet", async (options) => {
    const plugin = redis(options);
    expect(Object.keys(plugin).sort()).toEqual([
      "check",
      "close",
      "limitStore",
      "name",
      "reservationStore",
      "setup",
      "sharedState",
      "start",
    ]);
    await plugin.close?.();
  });
});
