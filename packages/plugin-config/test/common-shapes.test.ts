import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { load, report } from "./support/vendors.ts";

// Files as teams have them: each does what it says, whole.

describe("bare names, an own model, limits and fallbacks beside the model", () => {
  const config = load(`
model_list:
  - model_name: prose
    litellm_params:
      model: claude-opus-4-7
      timeout: 25
      fallbacks: [reserve]
  - model_name: reserve
    litellm_params:
      model: gpt-5-mini
  - model_name: house
    litellm_params:
      model: ollama/mistral-small:24b
      api_base: http://localhost:11434
`);

  test("names its models", () => {
    expect(
      config.deployments.map(({ model, provider, upstreamModel, timeoutMs }) => [
        model,
        provider,
        upstreamModel,
        timeoutMs,
      ]),
    ).toEqual([
      ["prose", "anthropic", "claude-opus-4-7", 25_000],
      ["reserve", "openai", "gpt-5-mini", undefined],
      ["house", "ollama", "mistral-small:24b", undefined],
    ]);
  });

  test("leaves everything else as it is by default", () => {
    const { fallbacks, aliases, routing, resilience, timeoutMs, warnings } = config;
    expect({ fallbacks, aliases, routing, resilience, timeoutMs, warnings }).toEqual({
      fallbacks: { prose: ["reserve"] },
      aliases: {},
      routing: {},
      resilience: {},
      timeoutMs: 600_000,
      warnings: [],
    });
  });
});

test("one name, two vendors", () => {
  const config = load(`
model_list:
  - {model_name: main, litellm_params: {model: claude-opus-4-7, api_key: os.environ/ANTHROPIC_API_KEY}}
  - {model_name: main, litellm_params: {model: gpt-5, api_key: os.environ/OPENAI_API_KEY}}
`);
  expect(config.deployments.map(({ model, provider }) => [model, provider])).toEqual([
    ["main", "anthropic"],
    ["main", "openai"],
  ]);
  expect([config.fallbacks, config.routing, config.resilience]).toEqual([{}, {}, {}]);
});

test("prefixed models, keys in the file, a chain, a short key of the gateway", () => {
  const config = load(`
model_list:
  - model_name: "gpt"
    litellm_params:
      model: "openai/gpt-5"
      api_key: "sk-in-the-file"
  - model_name: "opus"
    litellm_params:
      model: "anthropic/claude-opus-4-7"
      api_key: "sk-ant-in-the-file"
router_settings:
  fallbacks:
    - gpt: [opus]
general_settings:
  master_key: "sk-please-change-me"
`);
  expect(config.fallbacks).toEqual({ gpt: ["opus"] });
  expect(config.deployments.map(({ apiKey }) => apiKey?.reveal())).toEqual(["sk-in-the-file", "sk-ant-in-the-file"]);
  expect(config.masterKey?.reveal()).toBe("sk-please-change-me");
});

describe("limits, chains that name each other, a retry policy in the other spelling", () => {
  const text = `
model_list:
  - model_name: "gpt"
    litellm_params:
      model: "openai/gpt-5"
      api_key: os.environ/OPENAI_API_KEY
      rpm: 400
      tpm: 200000
  - model_name: "opus"
    litellm_params:
      model: "anthropic/claude-opus-4-7"
      api_key: os.environ/ANTHROPIC_API_KEY
  - model_name: "house"
    litellm_params:
      model: "ollama/qwen3:32b"
      api_base: "http://ollama:11434"
router_settings:
  fallbacks:
    - gpt: [opus, house]
    - opus: [gpt, house]
  retry_policy:
    num_retries: 1
    retry_after: 3
litellm_settings:
  drop_params: true
`;

  test("is read whole", () => {
    const { deployments, fallbacks, routing, resilience, dropParams } = load(text);
    expect(deployments[0]).toMatchObject({ rpm: 400, tpm: 200_000 });
    expect({ fallbacks, routing, resilience, dropParams }).toEqual({
      fallbacks: { gpt: ["opus", "house"], opus: ["gpt", "house"] },
      routing: {},
      resilience: { retries: 1, retryAfterMs: 3_000 },
      dropParams: true,
    });
  });

  test("is refused for what other plugins do, and for nothing else", () => {
    const more = `general_settings:
  database_url: "postgresql://app:password@db/app"
  alerting: ["slack"]
  max_budget: 500
`;
    expect(
      report(text + more).map((line) => line.replace(/^\S+ ([^:]*): (needs the plugin "[^"]*").*/, "$1 $2")),
    ).toEqual(['general_settings.alerting needs the plugin "alerts"']);
  });
});

const routingFixture = (): string => readFileSync(new URL("./fixtures/routing.yaml", import.meta.url), "utf8");

test("the fixture with every kind of key gives the options of both plugins", () => {
  const config = load(routingFixture());
  expect(config.routing).toEqual({
    strategy: "simple-shuffle",
    models: { local: "latency-based-routing" },
    latency: { ttlMs: 60_000, lowestLatencyBuffer: 0.2 },
    tags: { enabled: true, matchAny: false },
    preCallChecks: true,
    sessionAffinity: { ttlMs: 600_000 },
    promptCacheAffinity: true,
    queue: { maxWaiting: 100, maxWaitMs: 10_000 },
    contentRouters: {
      pictures: { rules: [{ name: "any", when: { images: true }, use: "writer" }], defaultModel: "local" },
      auto: {
        tiers: { simple: "local", reasoning: "writer" },
        thresholds: { medium: 0.3125, complex: 0.5, reasoning: 0.75 },
        defaultModel: "local",
      },
    },
    splits: {
      mixed: {
        arms: [
          { model: "writer", percent: 20 },
          { model: "local", percent: 80 },
        ],
        salt: "june",
      },
    },
    mirrors: { writer: { to: "local", percent: 100 } },
  });
  expect(config.resilience).toEqual({
    contextWindowFallbacks: { local: ["writer"] },
    defaultFallbacks: ["local"],
    maxFallbacks: 3,
    retries: 2,
    retryAfterMs: 1_000,
    retryPolicy: { rateLimit: 3 },
    modelRetryPolicies: { local: { timeout: 0 } },
    retryBudget: { minPerSecond: 5 },
    cooldown: { ms: 30_000, allowedFails: 3, allowedFailsPolicy: { internalServer: 5 } },
    probes: { intervalMs: 120_000, concurrency: 4 },
    continueStreams: true,
    hedge: { percentile: 0.9, maxMs: 5_000 },
  });
  expect(config.aliases).toEqual({ opus: { model: "writer", hidden: true } });
  expect(config.deployments.map(({ maxParallel }) => maxParallel)).toEqual([20, 50, 50]);
});
