import { describe, expect, it } from "vitest";
import type { Cache, Call, OperationName } from "@signalbox/kernel";
import type { CacheKit } from "@signalbox/kernel/testkit";
import { memoryCache, testCache } from "@signalbox/kernel/testkit";
import { failuresOf, fakeRunner } from "./fake-runner.ts";

const DAY_MS = 86_400_000;

function expiring(): Pick<CacheKit, "cache" | "expire"> {
  let skippedMs = 0;
  return {
    cache: () => memoryCache({ now: () => Date.now() + skippedMs }),
    expire: () => {
      skippedMs += DAY_MS;
    },
  };
}

describe("testCache on the memory cache", () => {
  testCache({ runner: { describe, it }, ...expiring(), capabilities: { outage: false } });
});

/** A right cache that sees every call through `view`. */
function seeing(view: <Name extends OperationName>(call: Call<Name>) => Call<Name>): () => Cache {
  return () => {
    const inner = memoryCache();
    return {
      find: (call) => inner.find(view(call)),
      keep: (call, recording) => inner.keep(view(call), recording),
      forget: (call) => inner.forget(view(call)),
    };
  };
}

/** Sees the request without one of its fields. */
function blindTo(field: string): () => Cache {
  return seeing((call) => ({ ...call, request: { ...call.request, [field]: undefined } }));
}

describe("testCache on caches that are wrong", () => {
  const wrong: Readonly<Record<string, readonly [() => Cache, RegExp]>> = {
    "shares between tenants": [
      seeing((call) => ({ ...call, principal: { ...call.principal, organizationId: "all", teamId: "all" } })),
      /tenants/,
    ],
    "looks at the team alone": [
      seeing((call) => ({ ...call, principal: { ...call.principal, organizationId: "all" } })),
      /tenants/,
    ],
    "joins organisation and team with a colon": [
      seeing((call) => {
        const { id, organizationId, teamId } = call.principal;
        return {
          ...call,
          principal: { ...call.principal, teamId: `${organizationId ?? id}:${teamId ?? ""}`, organizationId: "" },
        };
      }),
      /tenants/,
    ],
    "ignores temperature": [blindTo("temperature"), /other parameters/],
    "ignores tools": [blindTo("tools"), /other parameters/],
    "ignores fields it does not know": [blindTo("extra"), /other parameters/],
    "ignores the conversation": [blindTo("messages"), /other words/],
    "keeps streams apart": [
      seeing((call) => {
        const { stream } = call.request as { stream?: boolean };
        return { ...call, request: { ...call.request, seed: stream === true ? 1 : 0 } };
      }),
      /serves streams/,
    ],
    "mixes operations": [
      seeing((call) => ({ ...call, operation: "chat" as never, request: { model: "m" } as never })),
      /keeps operations apart/,
    ],
    "loses bytes on the way through JSON": [
      () => {
        const inner = memoryCache();
        const text = (_name: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
        return {
          ...inner,
          keep: (call, recording) => inner.keep(call, JSON.parse(JSON.stringify(recording, text)) as typeof recording),
        };
      },
      /bytes and numbers whole/,
    ],
    "keeps nothing": [() => ({ ...memoryCache(), keep: async () => {} }), /finds what was kept/],
    "finds something always": [
      () => {
        const inner = memoryCache();
        const found = { operation: "chat", result: {}, storedAt: 0 };
        return { ...inner, find: async () => found as never };
      },
      /finds nothing that was not kept/,
    ],
    "keeps the first answer": [
      () => {
        const inner = memoryCache();
        return {
          ...inner,
          async keep(call, recording) {
            if ((await inner.find(call)) === undefined) await inner.keep(call, recording);
          },
        };
      },
      /newest/,
    ],
    "does not forget": [() => ({ ...memoryCache(), forget: async () => {} }), /^forgets$/],
    "depends on the order of words": [
      seeing((call) => ({ ...call, request: { ...call.request, user: JSON.stringify(call.request) } })),
      /another order of words/,
    ],
    "has one place for all": [
      () => {
        const inner = memoryCache();
        let last: Awaited<ReturnType<Cache["find"]>>;
        return {
          ...inner,
          find: async () => last as never,
          keep: async (_call, recording) => {
            last = recording as unknown as typeof last;
          },
        };
      },
      /many at once/,
    ],
  };

  it.each(Object.entries(wrong))("catches one that %s", async (_name, [cache, match]) => {
    const runner = fakeRunner();
    testCache({ runner, cache });
    expect(await failuresOf(runner.cases, match)).toHaveLength(1);
  });

  async function failures(kit: Partial<CacheKit>, match: RegExp): Promise<readonly string[]> {
    const runner = fakeRunner();
    testCache({ runner, cache: () => memoryCache(), ...kit });
    return await failuresOf(runner.cases, match);
  }

  it("catches one whose recordings never expire", async () => {
    expect(await failures({ expire: () => {} }, /expired/)).toHaveLength(1);
    expect(await failures(expiring(), /expired/)).toEqual([]);
    expect(await failures({}, /expired/)).toEqual([
      "forgets what has expired: give expire, or declare capabilities.expiry: false",
    ]);
  });

  it("catches one that fails a call when it is down", async () => {
    const down = () => Promise.reject(new Error("connect ECONNREFUSED"));
    const quiet: Cache = { find: async () => undefined, keep: async () => {}, forget: async () => {} };
    expect(await failures({ unreachable: () => ({ ...quiet, find: down }) }, /is down/)).toHaveLength(1);
    expect(await failures({ unreachable: () => ({ ...quiet, keep: down }) }, /is down/)).toHaveLength(1);
    expect(await failures({ unreachable: () => quiet }, /is down/)).toEqual([]);
    expect(await failures({}, /is down/)).toHaveLength(1);
  });
});
