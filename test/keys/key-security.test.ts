import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer, KeysGateway } from "./keys-gateway.ts";
import { keysGateway } from "./keys-gateway.ts";

let running: KeysGateway;
/** Keys of users. */
let admin: string;
let viewer: string;
let alice: string;
let bob: string;
let reader: string;
let lead: string;

beforeAll(async () => {
  running = await keysGateway();
  admin = await running.user("root", { user_role: "proxy_admin" });
  viewer = await running.user("viewer", { user_role: "proxy_admin_viewer" });
  alice = await running.user("alice", { models: ["small"] });
  bob = await running.user("bob");
  reader = await running.user("reader", { user_role: "internal_user_viewer" });
  lead = await running.user("lead");
  await running.api("POST /team/new", {
    team_id: "red",
    models: ["small", "large"],
    max_budget: 10,
    members_with_roles: [
      { user_id: "lead", role: "admin" },
      { user_id: "alice", role: "user" },
      { user_id: "root", role: "user" },
    ],
  });
});
afterAll(() => running.close());

const refusal = ({ status, body }: Answer): readonly unknown[] => [status, body.error?.code, body.error?.param];

async function keyCount(): Promise<number> {
  return (await running.api("GET /key/list?size=1")).body.total_count;
}

describe("a credential", () => {
  it("that is SQL, a prefix or a guess is refused like every other", async () => {
    const { key } = (await running.api("POST /key/generate", { models: ["small"] })).body;
    const wrong = [
      "' OR 1=1--",
      "sk-' OR '1'='1",
      '"; DROP TABLE keys; --',
      key.slice(0, -1),
      `${key}A`,
      key.slice(0, 40),
      key.toUpperCase(),
    ];
    const answers = await Promise.all(wrong.map((each) => running.chat(each)));
    for (const { status, body } of answers) {
      expect(status).toBe(401);
      expect(body).toEqual(answers[0]?.body);
    }
    expect((await running.chat(key)).status).toBe(200);
  });

  it("is not what is known of a key: its token, its name or its plain hash", async () => {
    const { key, token, key_name } = (await running.api("POST /key/generate", { models: ["small"] })).body;
    const sha256 = createHash("sha256").update(key).digest("hex");
    for (const wrong of [token, `sk-${token}`, key_name, sha256, `sk-${sha256}`]) {
      expect((await running.chat(wrong)).status).toBe(401);
    }
  });
});

describe("whoever makes a key", () => {
  it.each([
    [{ models: ["large"] }, "models"],
    [{ models: ["*"] }, "models"],
    [{ models: ["all-proxy-models"] }, "models"],
    [{ models: ["small"], user_id: "root" }, "user_id"],
    [{ models: ["small"], user_id: "bob" }, "user_id"],
    [{ models: ["small"], user_id: null }, "user_id"],
    [{ models: ["small"], team_id: "red" }, "team_id"],
    [{ models: ["small"], key: "sk-chosen-by-the-user-itself-0001" }, "key"],
  ])("cannot grant %j beyond the own rights", async (body, param) => {
    const before = await keyCount();
    const answer = await running.api("POST /key/generate", body, alice);
    expect(refusal(answer)).toEqual([403, "route_not_allowed", param]);
    expect(await keyCount()).toBe(before);
  });

  it("shares the budgets, limits, routes and time of the key it is made with", async () => {
    await running.api("POST /budget/new", { budget_id: "rich", max_budget: 1_000 });
    const { key } = (
      await running.api("POST /key/generate", {
        user_id: "bob",
        models: ["small"],
        max_budget: 5,
        rpm_limit: 10,
        model_tpm_limit: { small: 100 },
        duration: "1h",
        allowed_routes: ["/key/*", "llm_api_routes"],
      })
    ).body;
    const fits = { models: ["small"], duration: "30m", allowed_routes: ["llm_api_routes"] };
    const wider = [
      [{ models: ["small", "large"] }, "models"],
      [{ max_budget: 6 }, "max_budget"],
      [{ rpm_limit: 11 }, "rpm_limit"],
      [{ model_tpm_limit: { small: 101 } }, "model_tpm_limit"],
      [{ duration: "2h" }, "duration"],
      [{ duration: null }, "duration"],
      [{ allowed_routes: ["management_routes"] }, "allowed_routes"],
      [{ allowed_routes: null }, "allowed_routes"],
      [{ budget_id: "rich" }, "budget_id"],
    ] as const;
    const before = await keyCount();
    for (const [more, param] of wider) {
      const answer = await running.api("POST /key/generate", { ...fits, ...more }, key);
      expect([more, refusal(answer)]).toEqual([more, [403, "route_not_allowed", param]]);
    }
    expect(await keyCount()).toBe(before);

    const child = await running.api("POST /key/generate", { ...fits, max_budget: 5 }, key);
    expect(child.status).toBe(200);
    const { budgets, limits } = await running.gateway.authenticator.authenticate({
      key: child.body.key,
      headers: {},
      remoteAddress: undefined,
    });
    expect(budgets?.map(({ limit }) => limit)).toEqual([5_000_000_000n, 5_000_000_000n]);
    expect(limits?.map(({ requestsPerMinute }) => requestsPerMinute)).toContain(10);
  });
});

describe("an administrator's key that is bound to some routes", () => {
  it("makes no key for others", async () => {
    const { key } = (await running.api("POST /key/generate", { user_id: "root", allowed_routes: ["/key/*"] })).body;
    const wider = await running.api("POST /key/generate", { models: ["small"], user_id: "root" }, key);
    expect(refusal(wider)).toEqual([403, "route_not_allowed", "allowed_routes"]);
    const same = await running.api("POST /key/generate", { user_id: "root", allowed_routes: ["/key/info"] }, key);
    expect(same.status).toBe(200);
    expect((await running.api("GET /user/list", undefined, key)).status).toBe(403);
  });
});

describe("nobody promotes themselves", () => {
  it.each([
    ["the role", "POST /user/update", { user_id: "alice", user_role: "proxy_admin" }],
    ["the models", "POST /user/update", { user_id: "alice", models: ["*"] }],
    ["the budget", "POST /user/update", { user_id: "alice", max_budget: 1_000 }],
    ["the block", "POST /user/update", { user_id: "alice", blocked: false }],
    ["a new user", "POST /user/new", { user_id: "mallory", user_role: "proxy_admin" }],
    ["a new team", "POST /team/new", { team_id: "mine", members_with_roles: [{ user_id: "alice", role: "admin" }] }],
    ["a place", "POST /team/member_update", { team_id: "red", user_id: "alice", role: "admin" }],
    ["a team's models", "POST /team/update", { team_id: "red", models: ["*"] }],
    ["a team", "POST /team/delete", { team_ids: ["red"] }],
    ["the log", "GET /audit", undefined],
    ["the users", "GET /user/list", undefined],
  ])("%s", async (_, route, body) => {
    expect(refusal(await running.api(route, body, alice)).at(1)).toBe("route_not_allowed");
    const { user_info: info } = (await running.api("GET /user/info?user_id=alice")).body;
    expect(info).toMatchObject({ user_role: "internal_user", models: ["small"], blocked: false });
    expect(info.max_budget).toBeNull();
  });

  it("not even an administrator changes the own role", async () => {
    const answer = await running.api("POST /user/update", { user_id: "root", user_role: "internal_user" }, admin);
    expect(refusal(answer)).toEqual([403, "route_not_allowed", "user_role"]);
  });

  it("by a key of one's own that others have bounded", async () => {
    const { token } = (
      await running.api("POST /key/generate", {
        user_id: "alice",
        models: ["small"],
        max_budget: 1,
        duration: "1h",
        tags: ["billed"],
      })
    ).body;
    const wider = [
      [{ max_budget: 2 }, "max_budget"],
      [{ max_budget: null }, "max_budget"],
      [{ budget_duration: "1s" }, "budget_duration"],
      [{ models: ["small", "large"] }, "models"],
      [{ duration: "2h" }, "duration"],
      [{ user_id: "root" }, "user_id"],
      [{ tags: [] }, "tags"],
      [{ temp_budget_increase: 5, temp_budget_expiry: "2030-01-01T00:00:00Z" }, "temp_budget_increase"],
    ] as const;
    for (const [more, param] of wider) {
      const answer = await running.api("POST /key/update", { key: token, ...more }, alice);
      expect([more, refusal(answer)]).toEqual([more, [403, "route_not_allowed", param]]);
    }
    expect((await running.api("POST /key/update", { key: token, max_budget: 0.5 }, alice)).body.max_budget).toBe(0.5);
    await running.api("POST /key/block", { key: token });
    expect((await running.api("POST /key/unblock", { key: token }, alice)).status).toBe(403);
  });
});

describe("a role", () => {
  it("of a viewer sees everything and changes nothing", async () => {
    expect((await running.api("GET /key/list", undefined, viewer)).status).toBe(200);
    expect((await running.api("GET /audit", undefined, viewer)).status).toBe(200);
    expect((await running.api("POST /key/generate", { models: [] }, viewer)).status).toBe(403);
    expect((await running.api("POST /user/update", { user_id: "bob", user_alias: "x" }, viewer)).status).toBe(403);
    expect((await running.api("POST /team/block", { team_id: "red" }, viewer)).status).toBe(403);
    expect((await running.api("POST /user/delete", { user_ids: ["bob"] }, viewer)).status).toBe(403);
  });

  it("of an internal viewer sees its own and changes nothing", async () => {
    expect((await running.api("GET /key/list", undefined, reader)).body.total_count).toBe(1);
    expect((await running.api("POST /key/generate", { models: [] }, reader)).status).toBe(403);
    const own = (await running.api("GET /key/info", undefined, reader)).body.key;
    expect((await running.api("POST /key/delete", { keys: [own] }, reader)).status).toBe(403);
  });

  it("of a user does not see others' keys: they look like none", async () => {
    const { key: token } = (await running.api("GET /key/info", undefined, bob)).body;
    for (const each of [token, "tok_none"]) {
      const answers = [
        await running.api(`GET /key/info?key=${each}`, undefined, alice),
        await running.api("POST /key/update", { key: each, models: [] }, alice),
        await running.api("POST /key/delete", { keys: [each] }, alice),
        await running.api("POST /key/block", { key: each }, alice),
        await running.api(`POST /key/${each}/regenerate`, {}, alice),
      ];
      for (const answer of answers)
        expect([answer.status, answer.body.error.message]).toEqual([404, "there is no such key"]);
    }
    expect((await running.chat(bob)).status).toBe(200);
    expect((await running.api("GET /key/list?user_id=bob", undefined, alice)).status).toBe(403);
  });

  it("of nobody looks at itself only", async () => {
    const { key, token } = (await running.api("POST /key/generate", { models: ["small"] })).body;
    expect((await running.api("GET /key/info", undefined, key)).body.key).toBe(token);
    for (const [route, body] of [
      ["GET /key/list", undefined],
      ["POST /key/generate", { models: ["small"] }],
      ["POST /key/update", { key: token, models: ["*"] }],
      ["GET /user/list", undefined],
    ] as const) {
      expect((await running.api(route, body, key)).status).toBe(403);
    }
  });

  it("of a team's administrator ends at the team, and below those above", async () => {
    const own = await running.api("POST /key/generate", { team_id: "red", user_id: "alice", models: ["small"] }, lead);
    expect(own.status).toBe(200);
    // a key of a proxy administrator would be one
    const rooted = await running.api(
      "POST /key/generate",
      { team_id: "red", user_id: "root", models: ["small"] },
      lead,
    );
    expect(refusal(rooted)).toEqual([403, "route_not_allowed", "user_id"]);
    const above = (await running.api("POST /key/generate", { team_id: "red", user_id: "root", models: ["small"] }))
      .body;
    expect((await running.api(`POST /key/${above.token}/regenerate`, {}, lead)).status).toBe(404);
    expect((await running.api("POST /team/update", { team_id: "red", max_budget: 100 }, lead)).status).toBe(403);
    expect((await running.api("POST /team/update", { team_id: "red", team_alias: "reds" }, lead)).status).toBe(200);
    expect(
      (await running.api("POST /team/member_update", { team_id: "red", user_id: "lead", max_budget_in_team: 9 }, lead))
        .status,
    ).toBe(403);
  });
});

describe("an organisation", () => {
  let boss: string;

  beforeAll(async () => {
    boss = await running.user("boss");
    await running.api("POST /organization/new", {
      organization_id: "acme",
      organization_alias: "Acme",
      models: ["small"],
      max_budget: 100,
    });
    await running.api("POST /organization/new", { organization_id: "other", organization_alias: "Other" });
    const member = { user_id: "boss", role: "org_admin" };
    await running.api("POST /organization/member_add", { organization_id: "acme", member });
  });

  it("is managed by its administrator, and no other is", async () => {
    const user = { user_id: "ann", organizations: ["acme"], auto_create_key: false };
    expect((await running.api("POST /user/new", user, boss)).status).toBe(200);
    expect((await running.api("POST /team/new", { team_id: "acme-1", organization_id: "acme" }, boss)).status).toBe(
      200,
    );
    const key = await running.api("POST /key/generate", { team_id: "acme-1", user_id: "ann" }, boss);
    expect((await running.chat(key.body.key, "small")).status).toBe(200);
    expect((await running.chat(key.body.key, "large")).status).toBe(403);
    for (const [route, body] of [
      ["POST /user/new", { user_id: "eve", organizations: ["other"] }],
      ["POST /user/new", { user_id: "eve", organizations: ["acme"], user_role: "proxy_admin_viewer" }],
      ["POST /user/new", { user_id: "eve" }],
      ["POST /user/update", { user_id: "ann", user_role: "proxy_admin" }],
      ["POST /team/new", { team_id: "eves", organization_id: "other" }],
      ["POST /team/update", { team_id: "acme-1", organization_id: "other" }],
      ["PATCH /organization/update", { organization_id: "acme", max_budget: 1_000 }],
      [
        "POST /organization/member_add",
        { organization_id: "acme", member: { user_id: "root", role: "internal_user" } },
      ],
      ["POST /key/generate", { organization_id: "other", user_id: "boss", models: ["small"] }],
    ] as const) {
      expect([route, body, (await running.api(route, body, boss)).body.error?.code]).toEqual([
        route,
        body,
        "route_not_allowed",
      ]);
    }
    expect(
      (await running.api("PATCH /organization/update", { organization_id: "other", metadata: {} }, boss)).status,
    ).toBe(404);
    expect((await running.api("GET /organization/info?organization_id=other", undefined, boss)).status).toBe(404);
    expect((await running.api("GET /organization/list", undefined, boss)).body).toHaveLength(1);
  });

  it("bounds keys of its members that do not name it", async () => {
    const key = (await running.api("POST /key/generate", { user_id: "ann", models: ["all-proxy-models"] })).body.key;
    expect((await running.chat(key, "small")).status).toBe(200);
    expect((await running.chat(key, "large")).status).toBe(403);
  });

  it("is deleted with its teams, keys and memberships", async () => {
    const { key } = (await running.api("POST /key/generate", { team_id: "acme-1" })).body;
    const deleted = await running.api("DELETE /organization/delete", { organization_ids: ["acme"] });
    expect(deleted.body).toMatchObject([{ organization_id: "acme" }]);
    expect((await running.chat(key)).status).toBe(401);
    expect((await running.api("GET /team/info?team_id=acme-1")).status).toBe(404);
    expect((await running.api("GET /user/info?user_id=ann")).body.user_info.organizations).toEqual([]);
  });
});

describe("a customer", () => {
  it("that is blocked is refused, under whatever key; others are served", async () => {
    await running.api("POST /customer/new", { user_id: "c-1", max_budget: 3 });
    expect((await running.chat(bob, "small", { user: "c-1" })).status).toBe(200);
    await running.api("POST /customer/block", { user_ids: ["c-1"] });
    expect(refusal(await running.chat(bob, "small", { user: "c-1" }))).toEqual([403, "account_blocked", null]);
    expect((await running.chat(bob, "small", { user: "c-2" })).status).toBe(200);
    await running.api("POST /end_user/unblock", { user_ids: ["c-1"] });
    expect((await running.chat(bob, "small", { user: "c-1" })).status).toBe(200);
    expect((await running.api("GET /customer/info?end_user_id=c-1")).body).toMatchObject({
      max_budget: 3,
      blocked: false,
    });
    expect((await running.api("POST /customer/block", { user_ids: ["c-1"] }, bob)).status).toBe(403);
  });
});

describe("a budget", () => {
  it("is referred to, and stays as long as it is", async () => {
    await running.api("POST /budget/new", { budget_id: "shared", max_budget: 7, budget_duration: "1mo" });
    const { key, token } = (await running.api("POST /key/generate", { models: ["small"], budget_id: "shared" })).body;
    const who = async () =>
      (await running.gateway.authenticator.authenticate({ key, headers: {}, remoteAddress: undefined })).budgets;
    expect(await who()).toEqual([{ scope: { kind: "key", id: token }, limit: 7_000_000_000n, duration: "1mo" }]);
    await running.api("POST /budget/update", { budget_id: "shared", max_budget: 0 });
    expect(await who()).toEqual([{ scope: { kind: "key", id: token }, limit: 0n, duration: "1mo" }]);
    expect((await running.api("POST /budget/delete", { id: "shared" })).status).toBe(409);
    await running.api("POST /key/delete", { keys: [token] });
    expect((await running.api("POST /budget/delete", { id: "shared" })).status).toBe(200);
    expect((await running.api("GET /budget/list", undefined, alice)).status).toBe(403);
  });
});

describe("a team", () => {
  it("that is blocked answers 403 to its keys, and not to others", async () => {
    const { key } = (await running.api("POST /key/generate", { team_id: "red" })).body;
    expect((await running.chat(key, "large")).status).toBe(200);
    await running.api("POST /team/block", { team_id: "red" });
    expect(refusal(await running.chat(key))).toEqual([403, "account_blocked", null]);
    expect((await running.chat(bob)).status).toBe(200);
    await running.api("POST /team/unblock", { team_id: "red" });
    expect((await running.chat(key)).status).toBe(200);
  });

  it("takes members' keys with it when they leave, and all when it goes", async () => {
    await running.api("POST /team/new", { team_id: "blue", members_with_roles: [{ user_id: "bob", role: "user" }] });
    const bobs = (await running.api("POST /key/generate", { team_id: "blue", user_id: "bob", models: ["small"] })).body;
    const shared = (await running.api("POST /key/service-account/generate", { team_id: "blue", models: ["small"] }))
      .body;
    await running.api("POST /team/member_delete", { team_id: "blue", user_id: "bob" });
    expect((await running.chat(bobs.key)).status).toBe(401);
    expect((await running.chat(shared.key)).status).toBe(200);
    expect((await running.api("POST /team/delete", { team_ids: ["blue"] })).body).toEqual({ deleted_teams: ["blue"] });
    expect((await running.chat(shared.key)).status).toBe(401);
    expect((await running.api("GET /user/info?user_id=bob")).body.teams).toEqual([]);
  });
});
