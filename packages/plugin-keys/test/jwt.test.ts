import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Gateway, Principal } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { MemoryRecords } from "@signalbox/kernel/testkit";
import type { JwtOptions, KeysOptions } from "@signalbox/plugin-keys";
import { keys } from "@signalbox/plugin-keys";
import type { Collections } from "../src/records/collections.ts";
import { openCollections } from "../src/records/collections.ts";
import type { Issuer } from "./support/issuer.ts";
import { AUDIENCE, startIssuer } from "./support/issuer.ts";
import { MASTER, organizationRecord, PEPPER, teamRecord, userRecord } from "./support/records.ts";

const INVALID = {
  code: "invalid_api_key",
  status: 401,
  message: 'the API key is missing or not valid; send it as "Authorization: Bearer <key>"',
  param: undefined,
  details: undefined,
};

let issuer: Issuer;
let gateway: Gateway | undefined;
let collections: Collections;

beforeEach(async () => {
  issuer = await startIssuer();
});
afterEach(async () => {
  vi.useRealTimers();
  await gateway?.close();
  gateway = undefined;
  await issuer.close();
});

/** Starts a gateway that believes the issuer. */
async function trust(jwt: Partial<JwtOptions> = {}, options: Partial<KeysOptions> = {}): Promise<void> {
  const store = new MemoryRecords();
  collections = await openCollections(store);
  const all: JwtOptions = { issuers: [{ issuer: issuer.url, audience: AUDIENCE }], publicKeyCooldownMs: 100, ...jwt };
  gateway = await createGateway({
    plugins: [
      { name: "store", recordStore: store },
      keys({ masterKeys: [new Secret(MASTER)], pepper: PEPPER, jwt: all, ...options }),
    ],
  });
}

async function who(key: string): Promise<Principal> {
  return await (gateway as Gateway).authenticator.authenticate({ key, headers: {}, remoteAddress: undefined });
}

async function whoIs(claims: Readonly<Record<string, unknown>>): Promise<Principal> {
  return await who(await issuer.token(claims));
}

const seconds = (): number => Math.floor(Date.now() / 1000);
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("a token", () => {
  it("is its user's, with what the user may do", async () => {
    await trust();
    await collections.users.insert(userRecord("alice", { models: ["small"], max_budget: 2, rpm_limit: 9 }));
    expect(await whoIs({})).toEqual({
      id: `jwt:${issuer.url}#alice`,
      kind: "user",
      admin: false,
      models: ["small"],
      userId: "alice",
      budgets: [{ scope: { kind: "user", id: "alice" }, limit: 2_000_000_000n }],
      limits: [{ scope: { kind: "user", id: "alice" }, requestsPerMinute: 9 }],
      metadata: {},
    });
  });

  it("is refused in the same words whatever is wrong with it", async () => {
    await trust({ claims: { userId: "sub" } });
    await collections.users.insert(userRecord("alice"));
    const now = seconds();
    const good = await issuer.token();
    const [header = "", payload = "", signature = ""] = good.split(".");
    const jwk = await issuer.publicJwk();
    const forged = `${part({ alg: "HS256", kid: "first" })}.${payload}`;
    const secrets = [JSON.stringify(jwk), String(jwk.x), String(jwk.y)];
    const wrong = {
      "no signature": `${part({ alg: "none" })}.${payload}.`,
      "none with a signature": `${part({ alg: "none" })}.${payload}.${signature}`,
      "None in other letters": `${part({ alg: "nOnE", kid: "first" })}.${payload}.${signature}`,
      "another signature": `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      "another payload": `${header}.${part({ iss: issuer.url, aud: AUDIENCE, sub: "root", exp: now + 60 })}.${signature}`,
      "two parts": `${header}.${payload}`,
      "another issuer": await issuer.token({ iss: "https://issuer.example" }),
      "the issuer with a slash": await issuer.token({ iss: `${issuer.url}/` }),
      "no issuer": await issuer.token({ iss: undefined }),
      "another audience": await issuer.token({ aud: "another-service" }),
      "no audience": await issuer.token({ aud: undefined }),
      expired: await issuer.token({ exp: now - 31 }),
      "no end": await issuer.token({ exp: undefined }),
      "not yet good": await issuer.token({ nbf: now + 60 }),
      "an unknown user": await issuer.token({ sub: "mallory" }),
      "no user": await issuer.token({ sub: undefined }),
      "a user that is no text": await issuer.token({ sub: { $ne: null } }),
      "a key that nobody has": await issuer.token({}, { kid: "unknown" }),
    };
    for (const [what, token] of Object.entries(wrong)) {
      await expect(who(token), what).rejects.toMatchObject(INVALID);
    }
    for (const secret of secrets) {
      const hmac = createHmac("sha256", secret).update(forged).digest("base64url");
      await expect(who(`${forged}.${hmac}`)).rejects.toMatchObject(INVALID);
    }
    expect((await who(good)).userId).toBe("alice");
  });

  it("is good within the tolerance of clocks, and not a second longer", async () => {
    vi.useFakeTimers({ now: Date.parse("2026-11-10T00:00:00.000Z"), toFake: ["Date"] });
    await trust();
    await collections.users.insert(userRecord("alice"));
    const token = await issuer.token({ exp: seconds() + 10 });
    expect((await who(token)).userId).toBe("alice");
    vi.setSystemTime(Date.now() + 39_999);
    expect((await who(token)).userId).toBe("alice");
    vi.setSystemTime(Date.now() + 1);
    await expect(who(token)).rejects.toMatchObject(INVALID);
    await expect(who(token)).rejects.toMatchObject(INVALID);
  });

  it("is told from others with the same first forty characters", async () => {
    await trust();
    await collections.users.insert(userRecord("alice"));
    await collections.users.insert(userRecord("bob"));
    const [one, other] = [await issuer.token({ sub: "alice" }), await issuer.token({ sub: "bob" })];
    expect(one.slice(0, 40)).toBe(other.slice(0, 40));
    const found = await Promise.all(
      Array.from({ length: 200 }, async (_, at) => [at % 2, (await who(at % 2 === 0 ? one : other)).userId]),
    );
    for (const [odd, id] of found) expect(id).toBe(odd === 0 ? "alice" : "bob");
  });

  it("is nothing to a gateway that knows no issuer", async () => {
    await trust();
    await gateway?.close();
    const store = new MemoryRecords();
    gateway = await createGateway({
      plugins: [{ name: "store", recordStore: store }, keys({ masterKeys: [new Secret(MASTER)], pepper: PEPPER })],
    });
    await expect(who(await issuer.token())).rejects.toMatchObject(INVALID);
  });

  it("ends with its user: blocked is 403, gone is 401", async () => {
    await trust();
    await collections.users.insert(userRecord("alice"));
    const token = await issuer.token();
    await who(token);
    await collections.users.update("alice", (user) => ({ ...user, blocked: true }));
    await expect(who(token)).rejects.toMatchObject({ code: "account_blocked", status: 403 });
    await collections.users.delete("alice");
    await expect(who(token)).rejects.toMatchObject(INVALID);
  });
});

describe("claims", () => {
  it("name the team, whose models, budgets and limits hold; an unknown one is refused", async () => {
    await trust({ claims: { teamId: "groups.main", organizationId: "tenant", endUserId: "customer" } });
    await collections.organizations.insert(organizationRecord("acme", { models: ["small", "large"] }));
    await collections.organizations.insert(organizationRecord("other"));
    await collections.teams.insert(
      teamRecord("red", { organization_id: "acme", models: ["small", "x"], max_budget: 0, tags: ["t"] }),
    );
    expect(await whoIs({ sub: "nobody", groups: { main: "red" }, tenant: "acme", customer: "c-1" })).toMatchObject({
      models: ["small"],
      teamId: "red",
      userId: "nobody",
      organizationId: "acme",
      endUserId: "c-1",
      tags: ["t"],
      budgets: [{ scope: { kind: "team", id: "red" }, limit: 0n }],
    });
    for (const claims of [
      { groups: { main: "blue" } },
      { groups: { main: "red" }, tenant: "other" },
      { groups: { main: "red" }, tenant: "unknown" },
      { groups: { main: ["red"] } },
      { groups: { main: "red\u0000" } },
      { "groups.main": "blue", groups: { main: "red" } },
    ]) {
      await expect(whoIs({ sub: "nobody", ...claims }), JSON.stringify(claims)).rejects.toMatchObject(INVALID);
    }
    await collections.teams.update("red", (team) => ({ ...team, blocked: true }));
    await expect(whoIs({ sub: "nobody", groups: { main: "red" } })).rejects.toMatchObject({ code: "account_blocked" });
  });

  it("may list teams: the first that is known counts", async () => {
    await trust({ claims: { teamIds: "groups" } });
    await collections.teams.insert(teamRecord("red", { models: ["small"] }));
    expect(await whoIs({ groups: ["blue", "red"] })).toMatchObject({ teamId: "red", models: ["small"] });
    await expect(whoIs({ groups: ["blue", "green"] })).rejects.toMatchObject(INVALID);
  });

  it("find a user by an address only if the issuer has checked it", async () => {
    await trust({ claims: { email: "email" }, userIdUpsert: true });
    await collections.users.insert(userRecord("root", { user_email: "root@example.com", user_role: "proxy_admin" }));
    const claims = { sub: "s-1", email: "root@example.com" };
    for (const verified of [undefined, false, "true", 1]) {
      await expect(whoIs({ ...claims, email_verified: verified })).rejects.toMatchObject(INVALID);
    }
    expect((await collections.users.list()).total).toBe(1);
    expect(await whoIs({ ...claims, email_verified: true })).toMatchObject({ userId: "root", admin: true });
  });

  it("must name a checked address of the domain, where one is asked for", async () => {
    await trust({ claims: { email: "email" }, allowedEmailDomain: "Example.com" });
    await collections.users.insert(userRecord("alice"));
    expect((await whoIs({ email: "a@example.com", email_verified: true })).userId).toBe("alice");
    for (const claims of [
      {},
      { email: "a@example.com" },
      { email: "a@example.com.evil.org", email_verified: true },
      { email: "a@evil-example.com", email_verified: true },
      { email: "a@sub.example.com", email_verified: true },
      { email: "example.com@evil.org", email_verified: true },
    ]) {
      await expect(whoIs(claims), JSON.stringify(claims)).rejects.toMatchObject(INVALID);
    }
  });

  it("open models where they list them: what is not named is not granted", async () => {
    await trust({ claims: { models: "models" } });
    await collections.users.insert(userRecord("alice", { models: ["small", "large"] }));
    expect((await whoIs({ models: ["small", "x"] })).models).toEqual(["small"]);
    expect((await whoIs({})).models).toEqual([]);
  });
});

describe("roles and scopes", () => {
  const claims = { roles: "realm_access.roles" };
  const roleMappings = [
    { role: "llm-admin", internalRole: "proxy_admin" },
    { role: "llm-viewer", internalRole: "internal_user_viewer" },
    { role: "llm-user", internalRole: "internal_user" },
  ] as const;
  const roles = (...names: string[]): Readonly<Record<string, unknown>> => ({ realm_access: { roles: names } });

  it("count as they were mapped, and not by their own names", async () => {
    await trust({ claims, roleMappings });
    await collections.users.insert(userRecord("alice", { user_role: "proxy_admin" }));
    expect(await whoIs(roles("llm-admin", "llm-user"))).toMatchObject({ admin: true, models: ["*"], userId: "alice" });
    // what the issuer says is less than the record: it is less
    expect(await whoIs(roles("llm-user", "offline_access"))).toMatchObject({ admin: false });
    for (const wrong of [roles("proxy_admin"), roles("LLM-ADMIN"), roles(), {}, { roles: ["llm-admin"] }]) {
      await expect(whoIs(wrong), JSON.stringify(wrong)).rejects.toMatchObject(INVALID);
    }
  });

  it("do not make an administrator of who signs up with them", async () => {
    await trust(
      { claims: { roles: "roles", email: "email" }, requireRole: false, userIdUpsert: true },
      { defaultInternalUserParams: { user_role: "proxy_admin", models: ["small"], max_budget: 1 } },
    );
    const found = await whoIs({
      sub: "eve",
      roles: ["proxy_admin", "admin"],
      user_role: "proxy_admin",
      email: "e@x.org",
    });
    expect(found).toMatchObject({ userId: "eve", admin: false, models: ["small"] });
    expect(await collections.users.get("eve")).toMatchObject({
      user_role: "internal_user",
      user_email: null,
      models: ["small"],
      max_budget: 1,
      created_by: "jwt",
    });
    const { items } = await collections.audit.list();
    expect(items).toMatchObject([{ action: "created", table_name: "users", object_id: "eve", changed_by: "jwt" }]);
  });

  it("make an administrator by the one scope that was named", async () => {
    await trust({ adminScope: "llm:admin", adminAllowedRoutes: ["/key/*", "info_routes"] });
    expect(await whoIs({ sub: "ops", scope: "openid llm:admin" })).toEqual({
      id: `jwt:${issuer.url}#ops`,
      kind: "user",
      admin: true,
      models: ["*"],
      routes: ["/key/*", "reads"],
    });
    for (const scope of ["openid", "llm:administrator", "LLM:ADMIN", ["llm", "admin"]]) {
      await expect(whoIs({ sub: "ops", scope })).rejects.toMatchObject(INVALID);
    }
  });

  it("open models and routes where scopes are mapped", async () => {
    await trust({
      scopeMappings: [
        { scope: "small", models: ["small"], routes: ["/v1/chat/completions"] },
        { scope: "large", models: ["large"], routes: ["llm_api_routes"] },
      ],
    });
    await collections.users.insert(userRecord("alice"));
    expect(await whoIs({ scope: "small" })).toMatchObject({ models: ["small"], routes: ["/v1/chat/completions"] });
    expect(await whoIs({ scp: ["small", "large"] })).toMatchObject({
      models: ["small", "large"],
      routes: ["/v1/chat/completions", "calls"],
    });
    expect(await whoIs({ scope: "other" })).toMatchObject({ models: [], routes: [] });
  });

  it("bound teams and users", async () => {
    await trust({
      claims: { teamId: "team", roles: "roles" },
      roleMappings: [{ role: "machine", internalRole: "team" }],
      requireRole: false,
      rolePermissions: [{ role: "team", models: ["small"] }],
    });
    await collections.teams.insert(teamRecord("red", { models: ["small", "large"] }));
    const machine = await whoIs({ sub: "ci", team: "red", roles: ["machine"] });
    expect(machine).toMatchObject({ models: ["small"], teamId: "red", routes: ["calls", "reads"] });
    expect(machine).not.toHaveProperty("userId");
    await expect(whoIs({ sub: "ci", roles: ["machine"] })).rejects.toMatchObject(INVALID);
  });
});

describe("users and teams without a record", () => {
  it("get one once, with nothing that was not said, however many calls come in", async () => {
    await trust({ userIdUpsert: true, teamIdUpsert: true, claims: { teamId: "team" } });
    const tokens = await Promise.all(Array.from({ length: 8 }, (_, at) => issuer.token({ sub: "new", team: "t", at })));
    for (const found of await Promise.all(tokens.map(who))) {
      expect(found).toMatchObject({ userId: "new", teamId: "t", models: [] });
    }
    expect((await collections.users.list()).items).toMatchObject([
      { id: "new", models: [], user_role: "internal_user" },
    ]);
    expect((await collections.teams.list()).items).toMatchObject([{ id: "t", models: [] }]);
    expect((await collections.audit.list()).total).toBe(2);
  });
});

describe("an issuer", () => {
  it("that signs with a new key is asked again, at most once per cool-down", async () => {
    vi.useFakeTimers({ now: Date.parse("2026-11-10T00:00:00.000Z"), toFake: ["Date"] });
    await trust({ publicKeyCooldownMs: 30_000 });
    await collections.users.insert(userRecord("alice"));
    expect(issuer.asked()).toBe(1);
    const old = await issuer.token();
    await who(old);
    await issuer.rotate("second");
    const fresh = await issuer.token();
    await expect(who(fresh)).rejects.toMatchObject(INVALID);
    vi.setSystemTime(Date.now() + 30_000);
    expect((await who(fresh)).userId).toBe("alice");
    expect(issuer.asked()).toBe(2);
    for (let at = 0; at < 20; at++) {
      await expect(who(await issuer.token({ at }, { kid: `k-${at}` }))).rejects.toMatchObject(INVALID);
    }
    expect(issuer.asked()).toBe(2);
    // a withdrawn key takes its tokens along once they are checked again
    const again = await issuer.token({ exp: seconds() + 3_600 });
    await who(again);
    await issuer.rotate("third");
    vi.setSystemTime(Date.now() + 600_000);
    await expect(who(again)).rejects.toMatchObject(INVALID);
  });

  it("that is down at the start shows, and is asked later", async () => {
    issuer.down = true;
    await trust({ publicKeyCooldownMs: 100 });
    await collections.users.insert(userRecord("alice"));
    expect((await (gateway as Gateway).health()).components).toContainEqual({
      name: "keys",
      ok: false,
      detail: `the keys of ${issuer.url} cannot be had: it answered 503`,
    });
    await expect(whoIs({})).rejects.toMatchObject({ code: "auth_unavailable", status: 503, retryAfterMs: 1_000 });
    issuer.down = false;
    await vi.waitFor(async () => expect((await whoIs({})).userId).toBe("alice"));
    expect((await (gateway as Gateway).health()).components).toContainEqual({ name: "keys", ok: true });
  });

  it("that is down later leaves its keys good for a while; new ones cannot be decided about", async () => {
    vi.useFakeTimers({ now: Date.parse("2026-11-10T00:00:00.000Z"), toFake: ["Date"] });
    await trust({ publicKeyTtlMs: 60_000, publicKeyMaxAgeMs: 600_000 });
    await collections.users.insert(userRecord("alice"));
    const long = { exp: seconds() + 86_400 };
    issuer.down = true;
    vi.setSystemTime(Date.now() + 599_999);
    expect((await whoIs(long)).userId).toBe("alice");
    await issuer.rotate("second");
    await expect(whoIs(long)).rejects.toMatchObject({ code: "auth_unavailable" });
    vi.setSystemTime(Date.now() + 1);
    await expect(whoIs(long)).rejects.toMatchObject({ code: "auth_unavailable" });
  });

  it.each([
    ["another issuer", { issuer: "https://issuer.example" }, "its discovery document names another issuer"],
    ["a file", { jwks_uri: "file:///etc/passwd" }, "its discovery document names no usable keys"],
    ["plain http elsewhere", { jwks_uri: "http://127.0.0.1:9/keys" }, "its discovery document names no usable keys"],
    ["no keys", { jwks_uri: undefined }, "its discovery document names no usable keys"],
  ])("whose discovery document names %s is not believed", async (_, document, reason) => {
    issuer.document = document;
    await trust();
    const { components } = await (gateway as Gateway).health();
    expect(components).toContainEqual({
      name: "keys",
      ok: false,
      detail: `the keys of ${issuer.url} cannot be had: ${reason}`,
    });
  });

  it("is no other's: equal ids of two issuers are two bearers", async () => {
    const second = await startIssuer();
    try {
      await trust({
        issuers: [
          { issuer: issuer.url, audience: AUDIENCE, jwksUrl: `${issuer.url}/keys` },
          { issuer: second.url, audience: [AUDIENCE, "more"] },
        ],
      });
      await collections.users.insert(userRecord("alice"));
      expect((await who(await issuer.token())).id).toBe(`jwt:${issuer.url}#alice`);
      expect((await who(await second.token({ aud: "more" }))).id).toBe(`jwt:${second.url}#alice`);
      await expect(who(await issuer.token({ aud: "more" }))).rejects.toMatchObject(INVALID);
      await expect(who(await issuer.token({ iss: second.url }))).rejects.toMatchObject(INVALID);
    } finally {
      await second.close();
    }
  });
});

describe("the option jwt", () => {
  const good = { issuer: "https://issuer.example", audience: AUDIENCE };

  it.each([
    [{ issuers: [] }, /jwt\.issuers/],
    [{ issuers: [{ ...good, issuer: "http://issuer.example" }] }, /must be an https address/],
    [{ issuers: [{ ...good, jwksUrl: "https://user:pass@issuer.example" }] }, /must be an https address/],
    [{ issuers: [{ ...good, algorithms: ["HS256"] }] }, /algorithms/],
    [{ issuers: [{ ...good, algorithms: ["none"] }] }, /algorithms/],
    [{ issuers: [{ ...good, audience: [] }] }, /audience/],
    [{ issuers: [good, good] }, /must not name an issuer twice/],
    [{ issuers: [good], teamAllowedRoutes: ["chat"] }, /must begin with \/ or be a word/],
    [{ issuers: [good], claim: {} } as never, /there is no option "jwt.claim"/],
  ])("%j is refused", (jwt, message) => {
    const options = { masterKeys: [new Secret(MASTER)], pepper: PEPPER, jwt: jwt as JwtOptions };
    expect(() => keys(options)).toThrow(message);
  });
});
