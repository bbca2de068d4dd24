import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Principal } from "@signalbox/kernel";
import type { KeysGateway } from "./keys-gateway.ts";
import { keysGateway } from "./keys-gateway.ts";

let running: KeysGateway;
/** A key that others have bounded in every way, and its token. */
let parent: string;
let token: string;

const BOUNDS = {
  models: ["small"],
  max_budget: 5,
  soft_budget: 4,
  budget_duration: "1d",
  max_parallel_requests: 2,
  tpm_limit: 100,
  rpm_limit: 10,
  model_max_budget: { small: { budget_limit: 1, time_period: "1d" } },
  model_rpm_limit: { small: 5 },
  model_tpm_limit: { small: 50 },
  budget_limits: [{ budget_duration: "1w", max_budget: 20 }],
  duration: "1h",
  tags: ["billed"],
  allowed_routes: ["/key/*", "llm_api_routes", "/v1/explain"],
} as const;

/** What fits, and is asked for besides the field in question. */
const FITS = { models: ["small"], duration: "30m", allowed_routes: ["llm_api_routes", "/v1/explain"] };

/** Made, but no wider: all that bounds the key bounds what is made with it. */
const SHARED = "shared";

/** For every field: what goes beyond the key, and what comes of it: the field that is refused, or `SHARED`. */
const WIDER: Readonly<Record<string, readonly (readonly [value: unknown, outcome: string])[]>> = {
  key: [["sk-chosen-by-the-user-itself-0001", "key"]],
  spend: [[1, "spend"]],
  key_alias: [["any", SHARED]],
  models: [
    [["large"], "models"],
    [["small", "large"], "models"],
    [["*"], "models"],
    [["s*"], "models"],
    [["all-proxy-models"], "models"],
    [["all-team-models"], "models"],
  ],
  access_group_ids: [[["everything"], "models"]],
  duration: [
    ["2h", "duration"],
    [null, "duration"],
  ],
  user_id: [
    ["root", "user_id"],
    ["bob", "user_id"],
    [null, "user_id"],
  ],
  team_id: [["red", "team_id"]],
  organization_id: [["acme", "organization_id"]],
  max_budget: [
    [6, "max_budget"],
    [null, SHARED],
  ],
  soft_budget: [[1_000, SHARED]],
  budget_duration: [["1s", SHARED]],
  max_parallel_requests: [
    [3, "max_parallel_requests"],
    [null, SHARED],
  ],
  tpm_limit: [
    [101, "tpm_limit"],
    [null, SHARED],
  ],
  rpm_limit: [
    [11, "rpm_limit"],
    [null, SHARED],
  ],
  model_max_budget: [
    [{ small: { budget_limit: 1_000 } }, SHARED],
    [{}, SHARED],
  ],
  model_rpm_limit: [
    [{ small: 6 }, "model_rpm_limit"],
    [{}, SHARED],
  ],
  model_tpm_limit: [
    [{ small: 51 }, "model_tpm_limit"],
    [{}, SHARED],
  ],
  budget_id: [["rich", "budget_id"]],
  budget_limits: [
    [[{ budget_duration: "1w", max_budget: 1_000 }], SHARED],
    [null, SHARED],
  ],
  metadata: [[{ tags: ["other"], user_role: "proxy_admin", models: ["*"], guardrails: [] }, SHARED]],
  tags: [
    [[], SHARED],
    [["other"], SHARED],
  ],
  aliases: [[{ other: "large" }, SHARED]],
  allowed_routes: [
    [["management_routes"], "allowed_routes"],
    [["/key/*", "/user/*"], "allowed_routes"],
    [["/*"], "allowed_routes"],
    [null, "allowed_routes"],
  ],
  key_type: [["management", SHARED]],
  blocked: [[false, SHARED]],
  router_settings: [[{ fallbacks: [{ small: ["large"] }], default_fallbacks: ["large"] }, SHARED]],
  budget_fallbacks: [[[{ small: ["large"] }], SHARED]],
  guardrails: [[["other"], "guardrails"]],
  disable_global_guardrails: [[true, "disable_global_guardrails"]],
  policies: [[["other"], "policies"]],
  permissions: [[{ modify_guardrails: true }, "permissions"]],
  prompts: [[["other"], "prompts"]],
  object_permission: [[{ mcp_servers: ["other"] }, "object_permission"]],
  allowed_cache_controls: [[["no-store"], "allowed_cache_controls"]],
  allowed_passthrough_routes: [[["/x"], "allowed_passthrough_routes"]],
  allowed_vector_store_indexes: [[[{ index_name: "x", index_permissions: ["read"] }], "allowed_vector_store_indexes"]],
  enforced_params: [[["x"], "enforced_params"]],
  config: [[{ a: 1 }, "config"]],
  auto_rotate: [[true, "auto_rotate"]],
  rotation_interval: [["1d", "rotation_interval"]],
  send_invite_email: [[true, "send_invite_email"]],
  tpm_limit_type: [
    ["best_effort_throughput", SHARED],
    ["guaranteed_throughput", "tpm_limit_type"],
    ["dynamic", "tpm_limit_type"],
  ],
  rpm_limit_type: [
    ["best_effort_throughput", SHARED],
    ["guaranteed_throughput", "rpm_limit_type"],
    ["dynamic", "rpm_limit_type"],
  ],
  priority: [[100, "priority"]],
};

beforeAll(async () => {
  running = await keysGateway();
  const { api, user } = running;
  await user("root", { user_role: "proxy_admin" });
  await user("alice", { models: ["small", "large"] });
  await user("bob");
  await api("POST /budget/new", { budget_id: "rich", max_budget: 1_000 });
  await api("POST /tag/new", { name: "billed", max_budget: 3 });
  await api("POST /organization/new", { organization_id: "acme", organization_alias: "Acme" });
  await api("POST /team/new", { team_id: "red", models: ["large"] });
  const made = await api("POST /key/generate", { user_id: "alice", ...BOUNDS });
  expect(made.status).toBe(200);
  ({ key: parent, token } = made.body);
});
afterAll(() => running.close());

async function who(key: string): Promise<Principal> {
  return await running.gateway.authenticator.authenticate({ key, headers: {}, remoteAddress: undefined });
}

async function keyCount(): Promise<number> {
  return (await running.api("GET /key/list?size=1")).body.total_count;
}

const shown = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? String(each) : each));

/** Everything that bounds the parent bounds this one. */
async function expectNoWider(key: string): Promise<void> {
  const [above, own] = [await who(parent), await who(key)];
  expect(own.admin).toBe(false);
  expect(own.models).toEqual(["small"]);
  for (const name of ["budgets", "limits", "tags"] as const) {
    const held = (own[name] ?? []).map(shown);
    for (const bound of above[name] ?? []) expect(held).toContain(shown(bound));
  }
  for (const model of ["large", "other"]) expect((await running.chat(key, model)).status).toBeGreaterThanOrEqual(403);
  for (const route of ["GET /user/list", "POST /user/new", "GET /team/list", "GET /audit"]) {
    expect((await running.api(route, undefined, key)).status).toBe(403);
  }
}

describe("a key that is made with a bounded one", () => {
  it("has a case for every field", async () => {
    const { paths } = (await running.api("GET /openapi.json")).body;
    const { properties } = paths["/key/generate"].post.requestBody.content["application/json"].schema;
    expect(Object.keys(WIDER).toSorted()).toEqual(Object.keys(properties).toSorted());
  });

  it.each(Object.entries(WIDER).flatMap(([field, cases]) => cases.map((each) => [field, ...each] as const)))(
    "%s: %j is %s",
    async (field, value, outcome) => {
      const before = await keyCount();
      const { status, body } = await running.api("POST /key/generate", { ...FITS, [field]: value }, parent);
      if (outcome !== SHARED) {
        expect(status).toBeGreaterThanOrEqual(400);
        expect(body.error.param).toBe(outcome);
        expect(await keyCount()).toBe(before);
        return;
      }
      expect([status, body.error?.message]).toEqual([200, undefined]);
      await expectNoWider(body.key);
      const explained = await running.api(
        "POST /v1/explain",
        { model: "small", messages: [{ role: "user", content: "ping" }] },
        body.key,
      );
      const used = (explained.body.attempts as { deployment: string }[] | undefined) ?? [];
      expect(used.every(({ deployment }) => deployment === "small")).toBe(true);
    },
  );

  it("cannot be widened afterwards, nor make the one above wider", async () => {
    const child = (await running.api("POST /key/generate", { ...FITS, max_budget: 2 }, parent)).body;
    const before = (await running.api(`GET /key/info?key=${token}`)).body;
    const wider = [
      ["models", ["small", "large"]],
      ["max_budget", 6],
      ["max_budget", null],
      ["tags", []],
      ["duration", "2h"],
      ["allowed_routes", null],
      ["allowed_routes", ["management_routes"]],
      ["user_id", "root"],
      ["team_id", "red"],
      ["rpm_limit", 11],
      ["model_max_budget", {}],
      ["budget_limits", null],
      ["budget_duration", "1s"],
    ] as const;
    // the child has none of the last three of its own: those above it hold
    for (const [each, cases] of [
      [token, wider],
      [child.token as string, wider.slice(0, -3)],
    ] as const) {
      for (const [field, value] of cases) {
        for (const route of ["POST /key/update", "POST /key/regenerate"]) {
          const { status, body } = await running.api(route, { key: each, [field]: value }, parent);
          expect([route, field, status, body.error?.code]).toEqual([route, field, 403, "route_not_allowed"]);
        }
      }
    }
    expect((await running.api(`GET /key/info?key=${token}`)).body).toEqual(before);
    expect((await running.chat(child.key)).status).toBe(200);
    expect((await running.chat(parent)).status).toBe(200);
  });
});
