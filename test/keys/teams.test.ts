import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KeysGateway } from "./keys-gateway.ts";
import { keysGateway } from "./keys-gateway.ts";

let running: KeysGateway;
/** Keys: of a team's administrator, of a plain member, of somebody outside. */
let lead: string;
let plain: string;
let outsider: string;

beforeAll(async () => {
  running = await keysGateway();
  const { api, user } = running;
  [lead, plain, outsider] = [await user("lead"), await user("plain"), await user("outsider")];
  await api("POST /organization/new", { organization_id: "acme", organization_alias: "Acme" });
  await api("POST /team/new", {
    team_id: "blue",
    team_alias: "Blue team",
    models: ["small"],
    members_with_roles: [
      { user_id: "lead", role: "admin" },
      { user_id: "plain", role: "user" },
    ],
  });
  for (const id of ["red", "green"]) {
    await api("POST /team/new", { team_id: id, team_alias: `The ${id}`, organization_id: "acme" });
  }
});
afterAll(() => running.close());

describe("lists of teams", () => {
  it("show who sees all everything, page by page", async () => {
    const { body } = await running.api("GET /v2/team/list?page_size=2&sort_by=team_id");
    expect(body).toMatchObject({ total: 3, page: 1, page_size: 2, total_pages: 2 });
    expect(body.teams.map((team: { team_id: string }) => team.team_id)).toEqual(["blue", "green"]);
    const second = await running.api("GET /v2/team/list?page_size=2&page=2&sort_by=team_id");
    expect(second.body.teams.map((team: { team_id: string }) => team.team_id)).toEqual(["red"]);
    const search = await running.api("GET /v2/team/list?team_alias=the%20&sort_by=team_alias&sort_order=desc");
    expect(search.body.teams.map((team: { team_id: string }) => team.team_id)).toEqual(["red", "green"]);
    expect((await running.api("GET /v2/team/list?organization_id=acme")).body.total).toBe(2);
    expect((await running.api("GET /v2/team/list?user_id=plain")).body.teams).toMatchObject([{ team_id: "blue" }]);
  });

  it("show others what is theirs", async () => {
    expect((await running.api("GET /v2/team/list", undefined, plain)).body).toMatchObject({
      total: 1,
      teams: [{ team_id: "blue", spend: null, budget_reset_at: null, max_budget: null }],
    });
    expect((await running.api("GET /v2/team/list", undefined, outsider)).body).toMatchObject({ total: 0, teams: [] });
    expect((await running.api("GET /v2/team/list?team_id=blue", undefined, outsider)).body.total).toBe(0);
    const other = await running.api("GET /v2/team/list?user_id=lead", undefined, outsider);
    expect([other.status, other.body.error.code]).toEqual([404, "not_found"]);
  });

  it("that are bare arrays tell in headers how much there is", async () => {
    const { body, headers } = await running.api("GET /team/list?size=2");
    expect(body).toHaveLength(2);
    expect([headers.get("x-total-count"), headers.get("x-page-size"), headers.get("x-total-pages")]).toEqual([
      "3",
      "2",
      "2",
    ]);
    expect((await running.api("GET /team/list?size=2&page=2")).body).toHaveLength(1);
    expect((await running.api("GET /team/list?size=1001")).status).toBe(400);
    for (const path of ["/customer/list", "/budget/list", "/organization/list", "/tag/list"]) {
      const answer = await running.api(`GET ${path}?size=1`);
      expect([path, answer.headers.get("x-page-size")]).toEqual([path, "1"]);
    }
  });
});

describe("models of a team", () => {
  it("are added and taken by who is above it", async () => {
    const added = await running.api("POST /team/model/add", { team_id: "blue", models: ["large", "small"] });
    expect(added.body).toMatchObject({ team_id: "blue", models: ["small", "large"] });
    const { body } = await running.api("POST /team/model/delete", { team_id: "blue", models: ["large"] });
    expect(body.models).toEqual(["small"]);
    const refused = await running.api("POST /team/model/add", { team_id: "blue", models: ["large"] }, lead);
    expect([refused.status, refused.body.error.code]).toEqual([403, "route_not_allowed"]);
    const hidden = await running.api("POST /team/model/add", { team_id: "blue", models: ["large"] }, outsider);
    expect([hidden.status, hidden.body.error.code]).toEqual([404, "not_found"]);
    const unbound = await running.api("POST /team/model/add", { team_id: "red", models: ["large"] });
    expect([unbound.status, unbound.body.error.param]).toEqual([400, "models"]);
  });
});

describe("permissions of members", () => {
  it("are told to members, and changed by administrators", async () => {
    const told = await running.api("GET /team/permissions_list?team_id=blue", undefined, plain);
    expect(told.body).toEqual({
      team_id: "blue",
      team_member_permissions: ["/key/info", "/key/list"],
      all_available_permissions: [
        "/key/info",
        "/key/list",
        "/key/generate",
        "/key/update",
        "/key/delete",
        "/key/regenerate",
      ],
    });
    const change = { team_id: "blue", team_member_permissions: ["/key/info", "/key/generate"] };
    expect((await running.api("POST /team/permissions_update", change, plain)).status).toBe(403);
    const changed = await running.api("POST /team/permissions_update", change, lead);
    expect(changed.body.team_member_permissions).toEqual(["/key/info", "/key/generate"]);
    const made = await running.api("POST /key/generate", { team_id: "blue", models: ["small"] }, plain);
    expect(made.body).toMatchObject({ team_id: "blue", user_id: "plain", models: ["small"] });
    const { body: log } = await running.api("GET /audit?object_id=blue&page_size=1");
    expect(log.audit_logs[0]).toMatchObject({ action: "updated", changed_by: "lead" });
    expect((await running.api("GET /team/permissions_list?team_id=blue", undefined, outsider)).status).toBe(404);
    const wrong = { team_id: "blue", team_member_permissions: ["/team/delete"] };
    expect((await running.api("POST /team/permissions_update", wrong, lead)).status).toBe(400);
  });
});

describe("members", () => {
  it("are taken in by e-mail too, and many at once, each by itself", async () => {
    await running.api("POST /user/new", { user_id: "eve", user_email: "eve@example.com", auto_create_key: false });
    const { body } = await running.api(
      "POST /team/bulk_member_add",
      {
        team_id: "blue",
        members: [
          { user_email: "eve@example.com", role: "user" },
          { user_id: "plain", role: "user" },
          { user_id: "nobody", role: "user" },
        ],
        max_budget_in_team: 3,
      },
      lead,
    );
    expect(body).toMatchObject({
      team_id: "blue",
      total_requested: 3,
      successful_additions: 1,
      failed_additions: 2,
      results: [
        { user_id: "eve", success: true, error: null },
        { user_id: "plain", success: false, error: "this user is in the team already" },
        { user_id: "nobody", success: false, error: "there is no such user" },
      ],
    });
    expect(body.updated_team.members_with_roles).toContainEqual({
      user_id: "eve",
      role: "user",
      max_budget_in_team: 3,
    });
    expect((await running.api("GET /user/info?user_id=eve")).body.user_info.teams).toEqual(["blue"]);
    const put = await running.api("POST /team/member_delete", { team_id: "blue", user_email: "eve@example.com" }, lead);
    expect(put.status).toBe(200);
    const all = await running.api("POST /team/bulk_member_add", { team_id: "blue", all_users: true }, lead);
    expect(all.status).toBe(403);
    expect((await running.api("POST /team/bulk_member_add", { team_id: "blue" })).body.error.param).toBe("members");
  });

  it("that join twice at once are in once", async () => {
    await running.api("POST /user/new", { user_id: "twin", auto_create_key: false });
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        running.api("POST /team/member_add", { team_id: "green", member: { user_id: "twin", role: "user" } }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const { body } = await running.api("GET /team/info?team_id=green");
    expect(body.team_memberships).toEqual([{ user_id: "twin", role: "user" }]);
  });

  it("have the budget that the team gives each of them", async () => {
    await running.api("POST /team/new", {
      team_id: "frugal",
      team_member_rpm_limit: 1,
      team_member_budget: 0,
      team_member_key_duration: "1d",
      members_with_roles: [{ user_id: "plain", role: "admin" }],
    });
    const { body } = await running.api("POST /key/generate", { team_id: "frugal", user_id: "plain" });
    expect(Date.parse(body.expires) - Date.now()).toBeLessThanOrEqual(86_400_000);
    const principal = await running.gateway.authenticator.authenticate({
      key: body.key,
      headers: {},
      remoteAddress: undefined,
    });
    expect(principal.budgets).toEqual([{ scope: { kind: "teamMember", id: "frugal/plain" }, limit: 0n }]);
    expect(principal.limits).toEqual([{ scope: { kind: "teamMember", id: "frugal/plain" }, requestsPerMinute: 1 }]);
  });
});

describe("logging of a team", () => {
  it("is refused where no plugin does it, and can always be switched off", async () => {
    const callback = { callback_name: "langfuse", callback_vars: { langfuse_secret_key: "sk-lf-hidden" } };
    const refused = await running.api("POST /team/blue/callback", callback);
    expect([refused.status, refused.body.error.code, refused.body.error.param]).toEqual([
      400,
      "unsupported_parameter",
      "logging",
    ]);
    const none = { team_id: "blue", success_callbacks: [], failure_callbacks: [], callback_vars: {} };
    expect((await running.api("GET /team/blue/callback", undefined, lead)).body).toEqual({
      status: "success",
      data: none,
    });
    expect((await running.api("POST /team/blue/disable_logging")).body.data).toEqual(none);
    expect((await running.api("POST /team/blue/disable_logging", undefined, lead)).status).toBe(403);
    expect((await running.api("GET /team/blue/callback", undefined, outsider)).status).toBe(404);
    expect((await running.api("GET /team/available", undefined, plain)).body).toEqual([]);
  });
});

describe("duplicates", () => {
  it("of ids are one object, whoever comes first", async () => {
    for (const [route, body] of [
      ["POST /team/new", { team_id: "same" }],
      ["POST /user/new", { user_id: "same" }],
      ["POST /customer/new", { user_id: "same" }],
      ["POST /budget/new", { budget_id: "same" }],
      ["POST /key/generate", { key_alias: "same" }],
    ] as const) {
      const answers = await Promise.all(Array.from({ length: 6 }, () => running.api(route, body)));
      const statuses = answers.map(({ status }) => status).sort();
      expect([route, statuses]).toEqual([route, [200, 409, 409, 409, 409, 409]]);
      expect(answers.find(({ status }) => status === 409)?.body.error.code).toBe("conflict");
    }
    const { body } = await running.api("GET /user/info?user_id=same");
    expect(body.keys).toHaveLength(1);
  });
});

describe("users in bulk", () => {
  it("are changed each by itself, by id or by e-mail", async () => {
    await running.api("POST /user/new", { user_id: "b-1", user_email: "b1@example.com", auto_create_key: false });
    const { body } = await running.api("POST /user/bulk_update", {
      users: [
        { user_email: "b1@example.com", max_budget: 5 },
        { user_id: "nobody", max_budget: 5 },
      ],
    });
    expect(body).toMatchObject({
      total_requested: 2,
      successful_updates: 1,
      failed_updates: 1,
      results: [
        { user_id: "b-1", user_email: "b1@example.com", success: true, error: null, updated_user: { max_budget: 5 } },
        { user_id: "nobody", success: false, error: "there is no such user", updated_user: null },
      ],
    });
    const own = await running.api(
      "POST /user/bulk_update",
      { users: [{ user_id: "outsider", max_budget: 9 }] },
      outsider,
    );
    expect(own.body).toMatchObject({ failed_updates: 1 });
    const all = { all_users: true, user_updates: { user_alias: "everybody" } };
    expect((await running.api("POST /user/bulk_update", all, outsider)).status).toBe(403);
    const done = await running.api("POST /user/bulk_update", all);
    expect(done.body.failed_updates).toBe(0);
    expect((await running.api("GET /user/info?user_id=b-1")).body.user_info.user_alias).toBe("everybody");
  });

  it("are listed by what was asked for", async () => {
    const ids = async (query: string): Promise<unknown> =>
      (await running.api(`GET /user/list?sort_by=user_id&sort_order=asc&${query}`)).body.users.map(
        (user: { user_id: string }) => user.user_id,
      );
    expect(await ids("user_ids=lead,plain,none")).toEqual(["lead", "plain"]);
    expect(await ids("team=frugal")).toEqual(["plain"]);
    expect(await ids("team=nowhere")).toEqual([]);
    expect(await ids("user_email=B1@")).toEqual(["b-1"]);
  });

  it("start in the teams that are named", async () => {
    const { body } = await running.api("POST /user/new", {
      user_id: "starter",
      teams: ["blue", { team_id: "green", user_role: "admin", max_budget_in_team: 2 }],
    });
    expect(body.teams).toEqual(["blue", "green"]);
    const { body: green } = await running.api("GET /team/info?team_id=green");
    expect(green.team_memberships).toContainEqual({ user_id: "starter", role: "admin", max_budget_in_team: 2 });
    const failed = await running.api("POST /user/new", { user_id: "lost", teams: ["nowhere"] });
    expect(failed.status).toBe(404);
    expect((await running.api("GET /user/info?user_id=lost")).status).toBe(404);
  });
});
