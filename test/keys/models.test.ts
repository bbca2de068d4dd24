import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "@signalbox/kernel";
import type { KeysGateway } from "./keys-gateway.ts";
import { keysGateway } from "./keys-gateway.ts";

let running: KeysGateway;

beforeAll(async () => {
  running = await keysGateway();
  running.gateway.changeDeployments({
    put: [
      {
        id: "paid",
        model: "paid",
        provider: "mock",
        upstreamModel: "echo",
        apiKey: new Secret("sk-of-the-provider"),
        baseUrl: "https://models.example.com/v1?token=hidden",
        headers: { "x-secret": "hidden" },
        rpm: 60,
        info: { maxInputTokens: 8_192, inputCostPerToken: 0.000_002, supportsVision: true },
      },
      {
        id: "paid-2",
        model: "paid",
        provider: "mock",
        upstreamModel: "echo",
        rpm: 40,
        info: { maxInputTokens: 4_096 },
      },
    ],
  });
});
afterAll(() => running.close());

const names = (body: { data: { model_name: string }[] }): readonly string[] => body.data.map((row) => row.model_name);

describe("what the gateway serves", () => {
  it("is shown with limits and prices, and without secrets", async () => {
    const { body } = await running.api("GET /model/info");
    expect(names(body)).toEqual(["small", "large", "gpt-4o", "claude-sonnet", "paid", "paid"]);
    expect(body.data[4]).toMatchObject({
      model_name: "paid",
      litellm_params: {
        model: "mock/echo",
        custom_llm_provider: "mock",
        api_base: "https://models.example.com",
        rpm: 60,
      },
      model_info: {
        id: "paid",
        db_model: false,
        litellm_provider: "mock",
        max_input_tokens: 8_192,
        input_cost_per_token: 0.000_002,
        output_cost_per_token: null,
        supports_vision: true,
      },
    });
    const everything = JSON.stringify([
      body,
      (await running.api("GET /v1/model/info")).body,
      (await running.api("GET /v2/model/info")).body,
      (await running.api("GET /model_group/info")).body,
    ]);
    expect(everything).not.toContain("sk-of-the-provider");
    expect(everything).not.toContain("hidden");
  });

  it("is shown to others as far as they may use it", async () => {
    const { body: made } = await running.api("POST /key/generate", { models: ["paid"] });
    const { body } = await running.api("GET /model/info", undefined, made.key);
    expect(names(body)).toEqual(["paid", "paid"]);
    expect(body.data[0].litellm_params).toEqual({ model: "mock/echo", custom_llm_provider: "mock", rpm: 60 });
    const hidden = await running.api("GET /model/info?litellm_model_id=small", undefined, made.key);
    expect([hidden.status, hidden.body.error.code]).toEqual([404, "not_found"]);
    const { body: nothing } = await running.api("POST /key/generate", {});
    expect((await running.api("GET /model_group/info", undefined, nothing.key)).body).toEqual({ data: [] });
  });

  it("comes page by page, and one row for each model", async () => {
    const { body } = await running.api("GET /v2/model/info?size=4&page=2");
    expect([names(body), body.total_count, body.current_page, body.total_pages, body.size]).toEqual([
      ["paid", "paid"],
      6,
      2,
      2,
      4,
    ]);
    expect(names((await running.api("GET /v2/model/info?search=CLAUDE")).body)).toEqual(["claude-sonnet"]);
    const group = await running.api("GET /model_group/info?model_group=paid");
    expect(group.body.data).toMatchObject([
      {
        model_group: "paid",
        providers: ["mock"],
        max_input_tokens: 8_192,
        input_cost_per_token: 0.000_002,
        supports_vision: true,
        rpm: 100,
        tpm: null,
      },
    ]);
  });
});

describe("groups of models", () => {
  it("are granted by name, and mean what they mean at the time", async () => {
    const { api, chat } = running;
    const made = await api("POST /access_group/new", { access_group: "beta", model_names: ["small", "paid"] });
    expect(made.body).toMatchObject({ access_group: "beta", model_names: ["small", "paid"], deployment_count: 3 });
    const { body } = await api("POST /key/generate", { models: ["beta"] });
    expect([(await chat(body.key, "small")).status, (await chat(body.key, "large")).status]).toEqual([200, 403]);
    expect((await chat(body.key, "beta")).status).toBe(404);
    await api("PUT /access_group/beta/update", { model_names: ["large"] });
    expect([(await chat(body.key, "small")).status, (await chat(body.key, "large")).status]).toEqual([403, 200]);
    const { body: byId } = await api("POST /key/generate", { models: ["small"], access_group_ids: ["beta"] });
    expect([(await chat(byId.key, "small")).status, (await chat(byId.key, "large")).status]).toEqual([200, 200]);
    await api("DELETE /access_group/beta/delete");
    expect([(await chat(body.key, "large")).status, (await chat(byId.key, "large")).status]).toEqual([403, 403]);
    expect((await api("GET /access_group/beta/info")).status).toBe(404);
    const { body: log } = await api("GET /audit?table_name=access_groups");
    expect(log.audit_logs.map((one: { action: string }) => one.action)).toEqual(["deleted", "updated", "created"]);
  });

  it("bound teams, and are nobody's to grant who does not have them", async () => {
    const { api, chat } = running;
    await api("POST /v1/access_group", {
      access_group_name: "gold",
      access_model_names: ["large"],
      description: "best",
    });
    expect((await api("GET /v1/access_group/gold")).body).toMatchObject({
      access_group_id: "gold",
      access_group_name: "gold",
      access_model_names: ["large"],
      description: "best",
    });
    await api("POST /user/new", { user_id: "of-gold", auto_create_key: false });
    await api("POST /team/new", {
      team_id: "golden",
      models: ["gold"],
      team_member_permissions: ["/key/generate"],
      members_with_roles: [{ user_id: "of-gold", role: "user" }],
    });
    const { body: key } = await api("POST /key/generate", { team_id: "golden", user_id: "of-gold" });
    expect([(await chat(key.key, "large")).status, (await chat(key.key, "small")).status]).toEqual([200, 403]);
    const own = await api("POST /key/generate", { team_id: "golden", models: ["gold"] }, key.key);
    expect(own.status, JSON.stringify(own.body)).toBe(200);
    await api("POST /access_group/new", { access_group: "platinum", model_names: ["large"] });
    const others = await api("POST /key/generate", { team_id: "golden", models: ["platinum"] }, key.key);
    expect([others.status, others.body.error.param]).toEqual([403, "models"]);
    const byId = await api("POST /key/generate", { team_id: "golden", access_group_ids: ["platinum"] }, key.key);
    expect(byId.status).toBe(403);
  });

  it("are made by administrators, under names of their own", async () => {
    const { api, user } = running;
    const key = await user("no-admin");
    const group = { access_group: "mine", model_names: ["large"] };
    expect((await api("POST /access_group/new", group, key)).status).toBe(403);
    expect((await api("GET /access_group/list", undefined, key)).status).toBe(403);
    expect((await api("POST /access_group/new", { ...group, access_group: "small" })).body.error.code).toBe("conflict");
    expect((await api("POST /access_group/new", { ...group, access_group: "all-team-models" })).status).toBe(409);
    expect((await api("POST /access_group/new", { ...group, model_names: ["all-proxy-models"] })).status).toBe(400);
    expect((await api("POST /access_group/new", { ...group, access_group: "gold" })).status).toBe(409);
    const { body } = await api("GET /access_group/list");
    expect(body.access_groups.map((one: { access_group: string }) => one.access_group)).toEqual(["gold", "platinum"]);
  });
});

describe("the description of the routes", () => {
  it("has every one of them", async () => {
    const { body } = await running.api("GET /openapi.json");
    for (const path of [
      "/key/{key}/reset_spend",
      "/key/reset_spend",
      "/user/bulk_update",
      "/v2/team/list",
      "/team/bulk_member_add",
      "/team/model/add",
      "/team/model/delete",
      "/team/permissions_list",
      "/team/permissions_update",
      "/team/{team_id}/callback",
      "/team/{team_id}/disable_logging",
      "/team/available",
      "/budget/settings",
      "/tag/distinct",
      "/tag/summary",
      "/tag/dau",
      "/tag/wau",
      "/tag/mau",
      "/access_group/new",
      "/v1/access_group/{name}",
      "/model/info",
      "/v1/model/info",
      "/v2/model/info",
      "/model_group/info",
    ]) {
      expect(Object.keys(body.paths), path).toContain(path);
    }
  });
});
