import { afterEach, describe, expect, it } from "vitest";
import type { KeysOptions } from "@signalbox/plugin-keys";
import type { KeysGateway } from "./keys-gateway.ts";
import { keysGateway } from "./keys-gateway.ts";

let running: KeysGateway | undefined;

afterEach(() => running?.close());

async function start(options: Partial<KeysOptions>): Promise<KeysGateway> {
  running = await keysGateway(undefined, [], options);
  return running;
}

describe("defaults", () => {
  it("fill in what a request leaves out, and nothing that it says", async () => {
    const { api, chat } = await start({
      defaultKeyGenerateParams: { models: ["small"], max_budget: 5, metadata: { by: "default" } },
    });
    const plain = await api("POST /key/generate", {});
    expect(plain.body).toMatchObject({ models: ["small"], max_budget: 5, metadata: { by: "default" } });
    expect((await chat(plain.body.key)).status).toBe(200);
    const own = await api("POST /key/generate", { models: ["large"], max_budget: null });
    expect(own.body).toMatchObject({ models: ["large"], max_budget: null });
  });

  it("of users and teams hold for those alone", async () => {
    const { api } = await start({
      defaultTeamParams: { models: ["small"], max_budget: 100 },
      defaultInternalUserParams: { user_role: "internal_user_viewer", max_budget: 1 },
    });
    const user = await api("POST /user/new", { user_id: "ada", auto_create_key: false });
    expect(user.body).toMatchObject({ user_role: "internal_user_viewer", max_budget: 1 });
    const team = await api("POST /team/new", { team_id: "blue", max_budget: 7 });
    expect(team.body).toMatchObject({ models: ["small"], max_budget: 7 });
    expect((await api("POST /key/generate", {})).body.max_budget).toBeNull();
  });
});

describe("the most that a key can have", () => {
  const bounds = { max_budget: 10, rpm_limit: 60, duration: "1d", budget_duration: "30d" };

  it("is what a key gets that asks for nothing, and no key gets more", async () => {
    const { api } = await start({ upperboundKeyGenerateParams: bounds });
    const { body } = await api("POST /key/generate", { models: ["small"] });
    expect(body).toMatchObject({ max_budget: 10, rpm_limit: 60, budget_duration: "30d" });
    const left = Date.parse(body.expires) - Date.now();
    expect(left).toBeGreaterThan(86_000_000);
    expect(left).toBeLessThanOrEqual(86_400_000);
    for (const [field, value] of [
      ["max_budget", 11],
      ["rpm_limit", 61],
      ["duration", "2d"],
      ["budget_duration", "31d"],
    ] as const) {
      const made = await api("POST /key/generate", { [field]: value });
      expect([field, made.status, made.body.error.param, made.body.error.code]).toEqual([
        field,
        400,
        field,
        "invalid_request",
      ]);
      const changed = await api("POST /key/update", { key: body.token, [field]: value });
      expect([field, changed.status]).toEqual([field, 400]);
    }
  });

  it("does not stand in the way of what has nothing to do with it", async () => {
    const { api } = await start({ upperboundKeyGenerateParams: bounds });
    const { body } = await api("POST /key/generate", { max_budget: 3 });
    const cleared = await api("POST /key/update", { key: body.token, max_budget: null });
    expect(cleared.body.max_budget).toBe(10);
    expect((await api("POST /key/block", { key: body.token })).body.blocked).toBe(true);
  });
});

describe("who may make keys", () => {
  it("is told by role, for keys of teams and for one's own", async () => {
    const { api, user } = await start({
      keyGenerationSettings: {
        team_key_generation: { allowed_team_member_roles: ["admin"], required_params: ["tags"] },
        personal_key_generation: { allowed_user_roles: ["proxy_admin"] },
      },
    });
    await api("POST /user/new", { user_id: "lead", auto_create_key: false });
    const team = { team_id: "blue", team_member_permissions: ["/key/generate"] };
    await api("POST /team/new", { ...team, members_with_roles: [{ user_id: "lead", role: "admin" }] });
    const lead = (await api("POST /key/generate", { user_id: "lead", models: ["all-proxy-models"] })).body.key;
    const own = await api("POST /key/generate", {}, lead);
    expect([own.status, own.body.error.code]).toEqual([403, "route_not_allowed"]);
    const silent = await api("POST /key/generate", { team_id: "blue" }, lead);
    expect([silent.status, silent.body.error.param]).toEqual([400, "tags"]);
    expect((await api("POST /key/generate", { team_id: "blue", tags: ["a"] }, lead)).status).toBe(200);
    const plain = await user("member").catch((thrown: unknown) => thrown);
    expect(typeof plain).toBe("string");
    await api("POST /team/member_add", { team_id: "blue", member: { user_id: "member", role: "user" } });
    const made = await api("POST /key/generate", { team_id: "blue", tags: ["a"] }, plain as string);
    expect(made.status).toBe(403);
  });
});
