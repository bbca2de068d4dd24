import { describe, expect, test } from "vitest";
import { load, report, withModel } from "./support/vendors.ts";

describe("where things are kept", () => {
  test("a database and a Redis", () => {
    const { stores } = load(
      withModel(`
general_settings:
  database_url: postgresql://app:hush@db:5433/app
  database_connection_pool_limit: 20
  database_connection_timeout: 2.5
  maximum_spend_logs_retention_period: 2w
router_settings: {redis_host: cache, redis_port: 6380, redis_password: hush, redis_db: 3}
`),
    );
    expect(stores.databaseUrl?.reveal()).toBe("postgresql://app:hush@db:5433/app");
    expect(stores.redis?.password?.reveal()).toBe("hush");
    expect(stores).toMatchObject({
      databasePool: 20,
      databaseTimeoutMs: 2_500,
      retentionDays: 14,
      redis: { host: "cache", port: 6_380, db: 3 },
    });
    expect(JSON.stringify(stores)).not.toContain("hush");
  });

  test.each([
    [
      "general_settings: {database_url: mysql://app:hush@db/app}",
      "5:34 general_settings.database_url: must be postgres://user:password@host:5432/database, or sqlite:///absolute/path of a file",
    ],
    ["router_settings: {redis_port: 6380}", "5:19 router_settings.redis_port: has no effect alone; add redis_host"],
    [
      "router_settings: {redis_url: redis://cache, redis_db: 3}",
      "5:45 router_settings.redis_db: belongs into redis_url; keep one of the two",
    ],
    [
      "general_settings: {maximum_spend_logs_retention_period: 12h}",
      "5:57 general_settings.maximum_spend_logs_retention_period: must be a duration of days, as in 90d, 12w or 6mo",
    ],
  ])("%s is refused, and shows no secret", (text, line) => {
    const lines = report(withModel(text));
    expect(lines).toHaveLength(1);
    expect(lines[0]?.replace(/^\d+:\d+ /, "")).toBe(line.replace(/^\d+:\d+ /, ""));
    expect(lines[0]).not.toContain("hush");
  });
});

describe("budgets", () => {
  test("of the gateway, of every key, of customers, providers and deployments", () => {
    const { budgets } = load(`
model_list:
  - model_name: fast
    litellm_params: {model: openai/gpt-5, max_budget: 12.5, budget_duration: 1d}
    model_info: {id: fast-1}
general_settings: {master_key: sk-8f2d91c64e0b7a35, master_keys: [sk-2b7e151628aed2a6], max_budget: 500, budget_duration: 30d}
litellm_settings: {max_budget: 10000, budget_duration: 1mo, timezone: Africa/Johannesburg, max_end_user_budget: 0}
router_settings: {provider_budget_config: {openai: {budget_limit: 0.000000001, time_period: 7d}}}
`);
    expect(budgets).toEqual({
      timezone: "Africa/Johannesburg",
      budgets: [
        { scope: { kind: "gateway", id: "gateway" }, limit: 10_000_000_000_000n, duration: "1mo" },
        { scope: { kind: "key", id: "*" }, limit: 500_000_000_000n, duration: "30d" },
        { scope: { kind: "key", id: "master" }, limit: null },
        { scope: { kind: "key", id: "master-2" }, limit: null },
        { scope: { kind: "customer", id: "*" }, limit: 0n },
        { scope: { kind: "provider", id: "openai" }, limit: 1n, duration: "7d" },
        { scope: { kind: "deployment", id: "fast-1" }, limit: 12_500_000_000n, duration: "1d" },
      ],
    });
  });

  test.each([
    [
      "general_settings: {budget_duration: 1d}",
      "general_settings.budget_duration: has no effect alone; add max_budget",
    ],
    [
      "litellm_settings: {budget_duration: 1d}",
      "litellm_settings.budget_duration: has no effect alone; add max_budget",
    ],
    ["litellm_settings: {max_budget: -1}", "litellm_settings.max_budget: must be 0 US dollars or more"],
    [
      "litellm_settings: {timezone: Mars/Olympus}",
      "litellm_settings.timezone: must be a time zone, as in Africa/Johannesburg",
    ],
    [
      "router_settings: {provider_budget_config: {opnai: {budget_limit: 1}}}",
      'router_settings.provider_budget_config.opnai: is not a provider of this gateway. Did you mean "openai"?',
    ],
    [
      "router_settings: {provider_budget_config: {openai: {time_period: 1d}}}",
      "router_settings.provider_budget_config.openai.budget_limit: is missing",
    ],
    [
      "general_settings: {store_audit_logs: false}",
      "general_settings.store_audit_logs: must be true: it cannot be switched off",
    ],
  ])("%s is refused", (text, line) => {
    expect(report(withModel(text)).map((one) => one.replace(/^\d+:\d+ /, ""))).toEqual([line]);
  });

  test("are always on: the check for them changes nothing", () => {
    const { warnings } = load(withModel("router_settings: {optional_pre_call_checks: [router_budget_limiting]}"));
    expect(warnings).toEqual([
      'router_settings.optional_pre_call_checks: "router_budget_limiting" changes nothing, budgets are always kept to',
    ]);
  });
});

test("discounts and margins are parts of a cost", () => {
  const { pricing } = load(
    withModel(`
litellm_settings:
  cost_discount_config: {openai: 0.07, global: 0.1}
  cost_margin_config: {anthropic: 0.05, openai: {percentage: 1.5, fixed_amount: 0.0005}}
`),
  );
  expect(pricing).toEqual({
    discounts: { openai: "7", global: "10" },
    margins: { anthropic: { percent: "5" }, openai: { percent: "150", fixed: 0.0005 } },
  });
});

test("prices of a deployment and the model that it is come into its facts", () => {
  const { deployments } = load(`
model_list:
  - model_name: fast
    litellm_params: {model: openai/mine, input_cost_per_token: 0.000001, cache_read_input_token_cost: 1e-7}
    model_info: {base_model: gpt-5, output_cost_per_token_batches: 0.000002}
`);
  expect(deployments[0]?.info).toEqual({
    inputCostPerToken: 0.000001,
    cache_read_input_token_cost: 1e-7,
    output_cost_per_token_batches: 0.000002,
    baseModel: "gpt-5",
  });
  expect(
    report(`
model_list:
  - model_name: fast
    litellm_params: {model: openai/mine, cache_read_input_token_cost: 1e-7}
    model_info: {cache_read_input_token_cost: 1e-7}
`),
  ).toEqual([
    "5:47 model_list[0].model_info.cache_read_input_token_cost: is given in litellm_params too; keep one of the two",
  ]);
});

test("how long answers may be that budgets are to cover", () => {
  const { budgets } = load(
    withModel("general_settings: {default_max_output_tokens: 4096, clamp_max_tokens: true, fit_max_tokens: false}"),
  );
  expect(budgets).toEqual({ defaultMaxOutputTokens: 4_096, clampOutputTokens: true, fitOutputTokens: false });
});

test("what responses tell of costs and keys", () => {
  const { budgets, limits } = load(
    withModel("general_settings: {stream_response_cost: true, key_response_headers: true}"),
  );
  expect(budgets).toEqual({ streamCost: true, keyHeaders: true });
  expect(limits).toEqual({ keyHeaders: true });
});

describe("keys", () => {
  test("what new ones are like, and how long they are remembered", () => {
    const { keys, limits, masterKeys } = load(
      withModel(`
general_settings:
  master_key: sk-8f2d91c64e0b7a35
  master_keys: [sk-2b7e151628aed2a6]
  user_api_key_cache_ttl: 600
  max_parallel_requests: 5
  global_max_parallel_requests: 100
  token_rate_limit_type: output
  fail_closed_rate_limit_enforcement: true
litellm_settings:
  max_internal_user_budget: 10
  internal_user_budget_duration: 1mo
  default_internal_user_params: {max_budget: 20}
  upperbound_key_generate_params: {max_budget: 100, duration: 30d}
`),
    );
    expect(masterKeys.map((key) => key.reveal())).toEqual(["sk-8f2d91c64e0b7a35", "sk-2b7e151628aed2a6"]);
    expect(keys).toEqual({
      cacheTtlMs: 600_000,
      cacheMaxAgeMs: 600_000,
      defaultInternalUserParams: { max_budget: 20, budget_duration: "1mo" },
      upperboundKeyGenerateParams: { max_budget: 100, duration: "30d" },
    });
    expect(limits).toEqual({
      gateway: { parallel: 100 },
      keys: { parallel: 5 },
      tokens: "output",
      onStoreFailure: "closed",
    });
  });

  test("are not remembered for longer than the longest", () => {
    expect(report(withModel("general_settings: {auth_cache_max_age: 10}"))).toEqual([
      "5:40 general_settings.auth_cache_max_age: is shorter than user_api_key_cache_ttl, 60",
    ]);
  });
});

test("variables of the file may be what the application reads", () => {
  const text = withModel("environment_variables: {REDIS_URL: 'redis://cache', OTHER: x}");
  const { variables, warnings } = load(text, { reads: ["REDIS_URL"] });
  expect(variables).toEqual({ REDIS_URL: "redis://cache", OTHER: "x" });
  expect(warnings).toEqual(["environment_variables.OTHER: nothing in this configuration reads it"]);
});
