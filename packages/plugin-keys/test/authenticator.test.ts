import { createHash } from "node:crypto";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Gateway, Principal } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { MemoryRecords } from "@signalbox/kernel/testkit";
import type { KeysOptions } from "@signalbox/plugin-keys";
import { keys } from "@signalbox/plugin-keys";
import type { Collections } from "../src/records/collections.ts";
import { openCollections } from "../src/records/collections.ts";
import { hasher, keyRecord, MASTER, organizationRecord, PEPPER, teamRecord, userRecord } from "./support/records.ts";

const KEY = "sk-Kz3xVtWq8yB2nM5pR7sT9uX1aC4dE6fG";

interface Setup {
  readonly gateway: Gateway;
  readonly collections: Collections;
  readonly store: MemoryRecords;
  readonly reads: () => number;
  /** Makes every read of the store fail. */
  cut(broken: boolean): void;
  /** Tells everyone that changes may have been missed. */
  tellAll(): void;
  who(key: string | undefined): Promise<Principal>;
}

let open: Gateway[] = [];

async function setup(options: Partial<KeysOptions> = {}): Promise<Setup> {
  const store = new MemoryRecords();
  const listeners: ((id: string) => void)[] = [];
  let reads = 0;
  let broken = false;
  const opened = store.open.bind(store);
  store.open = async (definition) => {
    const collection = await opened<never>(definition);
    return new Proxy(collection, {
      get(target, name) {
        if (name === "watch") {
          return (listener: (id: string) => void) => {
            listeners.push(listener);
            return target.watch(listener);
          };
        }
        const member = Reflect.get(target, name) as unknown;
        if (typeof member !== "function") return member;
        return (...values: readonly unknown[]) => {
          if (name === "get" || name === "find") {
            reads++;
            if (broken) return Promise.reject(new Error("connection refused"));
          }
          return member.apply(target, values) as unknown;
        };
      },
    }) as never;
  };
  const collections = await openCollections(store);
  const gateway = await createGateway({
    plugins: [
      { name: "store", recordStore: store },
      keys({ masterKeys: [new Secret(MASTER)], pepper: PEPPER, ...options }),
    ],
  });
  open.push(gateway);
  // what the start has read does not count
  reads = 0;
  return {
    gateway,
    collections,
    store,
    reads: () => reads,
    cut: (next) => {
      broken = next;
    },
    tellAll: () => {
      for (const listener of listeners) listener("*");
    },
    who: async (key) => await gateway.authenticator.authenticate({ key, headers: {}, remoteAddress: undefined }),
  };
}

afterEach(async () => {
  vi.useRealTimers();
  for (const gateway of open) await gateway.close();
  open = [];
});

const INVALID = {
  code: "invalid_api_key",
  status: 401,
  message: 'the API key is missing or not valid; send it as "Authorization: Bearer <key>"',
};

describe("a presented key", () => {
  it("is known by its keyed hash, with what its record says", async () => {
    const { who, collections } = await setup();
    await collections.keys.insert(
      keyRecord("tok_1", KEY, { models: ["gpt-5"], key_alias: "ci", tags: ["blue"], aliases: { fast: "gpt-5" } }),
    );
    expect(await who(KEY)).toEqual({
      id: "tok_1",
      kind: "key",
      admin: false,
      models: ["gpt-5"],
      alias: "ci",
      tags: ["blue"],
      aliases: { fast: "gpt-5" },
      metadata: {},
    });
  });

  it("is a master key, of several", async () => {
    const { who } = await setup({ masterKeys: [new Secret(MASTER), new Secret("second-master")] });
    expect(await who(MASTER)).toMatchObject({ id: "master", kind: "master", admin: true });
    expect(await who("second-master")).toMatchObject({ id: "master-2", kind: "master", admin: true });
    await expect(who("second-maste")).rejects.toMatchObject(INVALID);
  });

  it("is refused in the same words whatever is wrong with it", async () => {
    const { who, collections } = await setup();
    await collections.keys.insert(keyRecord("tok_b", `${KEY}b`, { blocked: true }));
    await collections.keys.insert(keyRecord("tok_e", `${KEY}e`, { expires: "2026-01-01T00:00:00.000Z" }));
    for (const wrong of [undefined, "", "nonsense", KEY, `${KEY}b`, `${KEY}e`]) {
      await expect(who(wrong)).rejects.toMatchObject({ ...INVALID, details: undefined, param: undefined });
    }
  });

  it("is not its stored hash, not its SHA-256 and not its id", async () => {
    const { who, collections } = await setup();
    await collections.keys.insert(keyRecord("tok_1", KEY));
    const sha256 = createHash("sha256").update(KEY).digest("hex");
    for (const wrong of [hasher.hash(KEY), sha256, "tok_1", `sk-${hasher.hash(KEY)}`, `sk-${sha256}`, "sk-tok_1"]) {
      await expect(who(wrong)).rejects.toMatchObject(INVALID);
    }
    expect((await who(KEY)).id).toBe("tok_1");
  });

  it("can be one whose plain SHA-256 was imported", async () => {
    const { who, collections } = await setup();
    const sha256 = createHash("sha256").update(KEY).digest("hex");
    await collections.keys.insert(keyRecord("tok_i", "sk-other", { hash: hasher.hashImported(sha256) }));
    expect((await who(KEY)).id).toBe("tok_i");
  });

  it("never reaches the store when it is malformed", async () => {
    const { who, reads } = await setup();
    const wrong = [
      "' OR 1=1--",
      "sk-' OR '1'='1",
      "sk-",
      "sk-a b",
      "sk-ä",
      `sk-${"x".repeat(253)}`,
      "SK-abcdefgh",
      "sk-%00",
    ];
    for (const key of wrong) await expect(who(key)).rejects.toMatchObject(INVALID);
    expect(reads()).toBe(0);
  });

  it("is told from others with the same first forty characters", async () => {
    const { who, collections } = await setup();
    const long = `${KEY}0123456789`;
    await collections.keys.insert(keyRecord("tok_1", `${long}-one`));
    await collections.keys.insert(keyRecord("tok_2", `${long}-two`));
    const found = await Promise.all(
      Array.from({ length: 200 }, async (_, at) => [at % 2, (await who(`${long}-${at % 2 === 0 ? "one" : "two"}`)).id]),
    );
    for (const [odd, id] of found) expect(id).toBe(odd === 0 ? "tok_1" : "tok_2");
    await expect(who(`${long}-onf`)).rejects.toMatchObject(INVALID);
    await expect(who(long)).rejects.toMatchObject(INVALID);
  });

  it("lasts until it expires, to the millisecond", async () => {
    vi.useFakeTimers({ now: Date.parse("2026-11-10T00:00:00.000Z"), toFake: ["Date"] });
    const { who, collections } = await setup();
    await collections.keys.insert(keyRecord("tok_1", KEY, { expires: "2026-11-10T00:00:00.500Z" }));
    vi.setSystemTime(Date.parse("2026-11-10T00:00:00.499Z"));
    expect((await who(KEY)).id).toBe("tok_1");
    vi.setSystemTime(Date.parse("2026-11-10T00:00:00.500Z"));
    await expect(who(KEY)).rejects.toMatchObject(INVALID);
  });
});

describe("what a key may do", () => {
  it("is bounded by its team and the team's organisation", async () => {
    const { who, collections } = await setup();
    await collections.organizations.insert(organizationRecord("o", { models: ["openai/*", "claude"] }));
    await collections.teams.insert(teamRecord("t", { organization_id: "o", models: ["openai/gpt-5", "claude", "x"] }));
    await collections.keys.insert(keyRecord("tok_1", KEY, { team_id: "t", models: ["all-team-models"] }));
    expect(await who(KEY)).toMatchObject({ models: ["openai/gpt-5", "claude"], teamId: "t", organizationId: "o" });
  });

  it("is nothing when nothing was granted", async () => {
    const { who, collections } = await setup();
    await collections.keys.insert(keyRecord("tok_1", `${KEY}1`, { models: [] }));
    await collections.keys.insert(keyRecord("tok_2", `${KEY}2`, { models: ["no-default-models"] }));
    await collections.teams.insert(teamRecord("t", { models: [] }));
    await collections.keys.insert(keyRecord("tok_3", `${KEY}3`, { team_id: "t" }));
    for (const end of ["1", "2", "3"]) expect((await who(KEY + end)).models).toEqual([]);
  });

  it("has the budgets and limits of every level", async () => {
    const { who, collections } = await setup();
    await collections.budgets.insert({
      id: "b",
      max_budget: 5,
      budget_duration: "1mo",
      rpm_limit: 7,
      created_at: "",
      created_by: "",
      updated_at: "",
      updated_by: "",
    });
    await collections.organizations.insert(organizationRecord("o", { max_budget: 0 }));
    await collections.users.insert(userRecord("u", { max_budget: 2.5, budget_duration: "30d" }));
    await collections.teams.insert(
      teamRecord("t", {
        organization_id: "o",
        tpm_limit: 1_000,
        members_with_roles: [{ user_id: "u", role: "user", max_budget_in_team: 0.000000001 }],
      }),
    );
    await collections.keys.insert(
      keyRecord("tok_1", KEY, {
        user_id: "u",
        team_id: "t",
        budget_id: "b",
        rpm_limit: 3,
        model_max_budget: { "gpt-5": { budget_limit: 1, time_period: "1d" } },
      }),
    );
    const { budgets, limits } = await who(KEY);
    expect(budgets).toEqual([
      { scope: { kind: "key", id: "tok_1" }, limit: 5_000_000_000n, duration: "1mo" },
      { scope: { kind: "key", id: "tok_1", model: "gpt-5" }, limit: 1_000_000_000n, duration: "1d" },
      { scope: { kind: "user", id: "u" }, limit: 2_500_000_000n, duration: "30d" },
      { scope: { kind: "teamMember", id: "t/u" }, limit: 1n },
      { scope: { kind: "organization", id: "o" }, limit: 0n },
    ]);
    expect(limits).toEqual([
      { scope: { kind: "key", id: "tok_1" }, requestsPerMinute: 3 },
      { scope: { kind: "team", id: "t" }, tokensPerMinute: 1_000 },
    ]);
  });

  it.each([
    ["team", { team_id: "t" }],
    ["organisation", { organization_id: "o" }],
    ["user", { user_id: "u" }],
  ])("is nothing while its %s is blocked, and when it is gone", async (level, member) => {
    const { who, collections } = await setup();
    await collections.teams.insert(teamRecord("t", { blocked: true }));
    await collections.organizations.insert(organizationRecord("o", { blocked: true }));
    await collections.users.insert(userRecord("u", { blocked: true }));
    await collections.keys.insert(keyRecord("tok_1", KEY, member));
    await expect(who(KEY)).rejects.toMatchObject({
      code: "account_blocked",
      status: 403,
      message: `the ${level} of this key is blocked`,
    });
    for (const each of [collections.teams, collections.organizations, collections.users]) {
      for (const id of ["t", "o", "u"]) await each.delete(id);
    }
    await expect(who(KEY)).rejects.toMatchObject(INVALID);
  });

  it("ends with the key that made it", async () => {
    const { who, collections } = await setup();
    await collections.keys.insert(keyRecord("tok_p", `${KEY}p`, { max_budget: 1 }));
    await collections.keys.insert(keyRecord("tok_c", KEY, { ancestor_ids: ["tok_p"] }));
    expect((await who(KEY)).budgets).toEqual([{ scope: { kind: "key", id: "tok_p" }, limit: 1_000_000_000n }]);
    await collections.keys.delete("tok_p");
    await expect(who(KEY)).rejects.toMatchObject(INVALID);
  });
});

describe("the copies of keys", () => {
  it("are asked for once, however many calls come in", async () => {
    const { who, collections, reads } = await setup();
    await collections.keys.insert(keyRecord("tok_1", KEY));
    await Promise.all(Array.from({ length: 100 }, () => who(KEY)));
    expect(reads()).toBe(1);
    const unknown = `${KEY}-unknown`;
    await Promise.allSettled(Array.from({ length: 100 }, () => who(unknown)));
    // once as a key, once as one that was regenerated
    expect(reads()).toBe(3);
  });

  it("are dropped as soon as anything above or in them changes", async () => {
    const { who, collections } = await setup();
    await collections.teams.insert(teamRecord("t"));
    await collections.keys.insert(keyRecord("tok_1", KEY, { team_id: "t" }));
    expect((await who(KEY)).models).toEqual(["*"]);
    await collections.teams.update("t", (team) => ({ ...team, models: ["small"] }));
    expect((await who(KEY)).models).toEqual(["small"]);
    await collections.keys.update("tok_1", (key) => ({ ...key, blocked: true }));
    await expect(who(KEY)).rejects.toMatchObject(INVALID);
  });

  it("of keys that were not there do not outlive their creation", async () => {
    const { who, collections } = await setup();
    await expect(who(KEY)).rejects.toMatchObject(INVALID);
    await collections.keys.insert(keyRecord("tok_1", KEY));
    expect((await who(KEY)).id).toBe("tok_1");
  });

  it("let a known key keep its own rights while the store is silent, for a while; others get 503", async () => {
    vi.useFakeTimers({ now: Date.parse("2026-11-10T00:00:00.000Z"), toFake: ["Date"] });
    const { who, collections, cut, gateway } = await setup();
    await collections.keys.insert(keyRecord("tok_1", KEY, { models: ["small"] }));
    await who(KEY);
    cut(true);
    vi.setSystemTime(Date.now() + 299_000);
    expect(await who(KEY)).toMatchObject({ id: "tok_1", admin: false, models: ["small"] });
    await expect(who(`${KEY}x`)).rejects.toMatchObject({ code: "auth_unavailable", status: 503, retryAfterMs: 1_000 });
    await expect(who("nonsense")).rejects.toMatchObject(INVALID);
    expect((await who(MASTER)).id).toBe("master");
    expect((await gateway.health()).components).toContainEqual({
      name: "keys",
      ok: false,
      detail: "the store of keys does not answer",
    });
    vi.setSystemTime(Date.now() + 2_000);
    await expect(who(KEY)).rejects.toMatchObject({ code: "auth_unavailable" });
    cut(false);
    vi.setSystemTime(Date.now() + 1_001);
    expect((await who(KEY)).id).toBe("tok_1");
  });

  it("are worth little once changes may have been missed: the next call asks again", async () => {
    const { who, collections, reads, tellAll, cut } = await setup();
    await collections.users.insert(userRecord("u"));
    await collections.keys.insert(keyRecord("tok_1", KEY, { user_id: "u" }));
    await who(KEY);
    await who(KEY);
    expect(reads()).toBe(2);
    tellAll();
    await who(KEY);
    expect(reads()).toBe(4);
    // what is known is still better than nothing while nobody can be asked
    cut(true);
    tellAll();
    expect((await who(KEY)).userId).toBe("u");
  });

  it("are not what a blocked key lives on", async () => {
    const { who, collections, cut } = await setup();
    await collections.keys.insert(keyRecord("tok_1", KEY));
    await who(KEY);
    await collections.keys.update("tok_1", (key) => ({ ...key, blocked: true }));
    cut(true);
    await expect(who(KEY)).rejects.toMatchObject({ code: "auth_unavailable" });
  });
});

describe("options", () => {
  it.each([
    [{ pepper: new Secret("short") }, /"pepper" must have at least 32 bytes/],
    [{ masterKeys: [] }, /masterKeys/],
    [{ cacheTTL: 1 } as never, /there is no option "cacheTTL". Did you mean "cacheTtlMs"/],
    [{ cacheTtlMs: 10, cacheMaxAgeMs: 5 }, /cacheMaxAgeMs/],
  ])("%j is refused", (options, message) => {
    const all = { masterKeys: [new Secret(MASTER)], pepper: PEPPER, ...options } as KeysOptions;
    expect(() => keys(all)).toThrow(message);
  });

  it("need a record store beside them", async () => {
    const plugin = keys({ masterKeys: [new Secret(MASTER)], pepper: PEPPER });
    await expect(createGateway({ plugins: [plugin] })).rejects.toMatchObject({ code: "plugin_requirement_missing" });
  });
});
