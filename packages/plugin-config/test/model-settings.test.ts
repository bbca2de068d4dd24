import { describe, expect, test } from "vitest";
import { load, report } from "./support/vendors.ts";

const one = (params: string, info = ""): string =>
  `model_list:\n  - model_name: a\n    litellm_params: {model: openai/x, ${params}}\n${info === "" ? "" : `    model_info: {${info}}\n`}`;

const entries = (...params: readonly string[]): string =>
  `model_list:\n${params.map((each) => `  - {model_name: a, litellm_params: {model: openai/x, ${each}}}\n`).join("")}`;

const keyed = (text: string): readonly string[] => report(text).map((line) => line.replace(/^\S+ /, ""));

describe("limits, shares and places", () => {
  test("reach the deployment", () => {
    const params =
      "rpm: 500, tpm: 300000, weight: 0.5, max_parallel_requests: 4, num_retries: 0, tags: [blue, default], region_name: eu, order: 1";
    expect(load(one(params), { env: {} }).deployments[0]).toMatchObject({
      rpm: 500,
      tpm: 300_000,
      weight: 0.5,
      maxParallel: 4,
      maxRetries: 0,
      tags: ["blue", "default"],
      region: "eu",
      order: 1,
    });
    expect(load(one("max_retries: 3")).deployments[0]).toMatchObject({ maxRetries: 3 });
  });

  test("default_max_parallel_requests is for those that do not say", () => {
    const text = `${entries("max_parallel_requests: 4", "order: 1")}router_settings: {default_max_parallel_requests: 9}\n`;
    expect(load(text).deployments.map(({ maxParallel }) => maxParallel)).toEqual([4, 9]);
  });

  test.each([
    ["rpm: 0", "rpm: must be 1 or more"],
    ["tpm: many", 'tpm: must be a whole number, not the text "many"'],
    ["weight: -1", "weight: must be 0 or more"],
    ["max_parallel_requests: 0", "max_parallel_requests: must be 1 or more"],
    ["num_retries: 2.5", "num_retries: must be a whole number, not 2.5"],
    ["num_retries: 1, max_retries: 1", "max_retries: means the same as num_retries; keep one of the two"],
    ["tags: blue", 'tags: must be a list of names, not the text "blue"'],
    ["region_name: ''", "region_name: must be text that is not empty"],
    ["input_cost_per_token: -1", "input_cost_per_token: must be 0 US dollars or more"],
    ["regoin_name: eu", 'regoin_name: unknown key. Did you mean "region_name"?'],
  ])("%s is refused", (params, message) => {
    expect(keyed(one(params))).toEqual([`model_list[0].litellm_params.${message}`]);
  });
});

describe("shares of one model", () => {
  test.each([
    ["weight: 1", "weight: 3"],
    ["weight: 0", "weight: 3"],
    ["weight: 1, rpm: 5", "weight: 1"],
    ["rpm: 1", "rpm: 5, tpm: 9"],
    ["order: 1", "order: 2"],
  ])("%s and %s are right", (...params) => {
    expect(load(entries(...params)).deployments).toHaveLength(2);
  });

  test.each([
    [
      ["weight: 1", "order: 0"],
      [
        "model_list[1].litellm_params: has no weight, and model_list[0] of the same model has one; give all of them weight, or none",
      ],
    ],
    [
      ["rpm: 5", "tpm: 5", "rpm: 6"],
      [
        "model_list[1].litellm_params: has no rpm, and model_list[0] of the same model has one; give all of them rpm, or none, or give all of them a weight",
      ],
    ],
    [
      ["weight: 0", "weight: 0"],
      [
        "model_list[0].litellm_params.weight: leaves nothing to share: all entries of the model say 0; give one of them more",
      ],
    ],
    [
      ["weight: 1, order: 1", "weight: 0, order: 2"],
      [
        "model_list[1].litellm_params.weight: leaves nothing to share: all entries of the model say 0; give one of them more",
      ],
    ],
  ])("%j are refused", (params, expected) => {
    expect(keyed(entries(...params))).toEqual(expected);
  });

  test("say nothing where calls are not shuffled", () => {
    const text = `${entries("rpm: 5", "order: 0")}router_settings: {routing_strategy: least-busy}\n`;
    expect(load(text).deployments).toHaveLength(2);
    expect(
      load(text.replace("routing_strategy: least-busy", "model_strategies: {a: priority}")).deployments,
    ).toHaveLength(2);
  });

  test("are another team's business", () => {
    const text = `model_list:
  - {model_name: a, litellm_params: {model: openai/x, weight: 1}}
  - {model_name: a, litellm_params: {model: openai/x}, model_info: {team_id: blue}}
`;
    expect(load(text).deployments).toHaveLength(2);
  });
});

describe("facts", () => {
  test("override what is known of a model", () => {
    const info =
      "max_input_tokens: 8000, max_output_tokens: 800, supports_vision: false, supports_audio_input: false, supports_pdf_input: true, supports_function_calling: true, supports_response_schema: false, supports_reasoning: false, supports_prompt_caching: true, supports_assistant_prefill: false, input_cost_per_token: 0.000001, output_cost_per_token: 0";
    expect(load(one("timeout: 5", info)).deployments[0]?.info).toEqual({
      maxInputTokens: 8_000,
      maxOutputTokens: 800,
      supportsVision: false,
      supportsAudioInput: false,
      supportsPdfInput: true,
      supportsFunctionCalling: true,
      supportsResponseSchema: false,
      supportsReasoning: false,
      supportsPromptCaching: true,
      supportsAssistantPrefill: false,
      inputCostPerToken: 0.000001,
      outputCostPerToken: 0,
    });
    expect(load(one("input_cost_per_token: 3.0e-06, output_cost_per_token: 0")).deployments[0]?.info).toEqual({
      inputCostPerToken: 0.000003,
      outputCostPerToken: 0,
    });
    expect(load(one("timeout: 5")).deployments[0]).not.toHaveProperty("info");
  });

  test("say how health is checked", () => {
    const info = "mode: embedding, health_check_model: gpt-5-mini, health_check_timeout: 2.5";
    expect(load(one("timeout: 5", info)).deployments[0]?.info).toEqual({
      mode: "embedding",
      healthCheckModel: "gpt-5-mini",
      healthCheckTimeoutMs: 2_500,
    });
  });

  test.each([
    ["mode: chats", 'mode: is not the name of a mode. Did you mean "chat"?'],
    ["max_input_tokens: 8k", 'max_input_tokens: must be a whole number, not the text "8k"'],
    ['supports_vision: "false"', 'supports_vision: must be true or false, without quotes, not the text "false"'],
    [
      "supports_web_search: true",
      'supports_web_search: needs the plugin "model-info", which this gateway does not have; remove the key, or add the plugin',
    ],
    [
      "team_public_model_name: x",
      "team_public_model_name: is the name that a team uses, and team_id says of which; add team_id",
    ],
  ])("%s is refused", (info, message) => {
    expect(keyed(one("timeout: 5", info))).toEqual([`model_list[0].model_info.${message}`]);
  });

  test("a price is given once", () => {
    expect(keyed(one("input_cost_per_token: 1", "input_cost_per_token: 1"))).toEqual([
      "model_list[0].model_info.input_cost_per_token: is given in litellm_params too; keep one of the two",
    ]);
  });
});

describe("a team's own model", () => {
  test("bears the name that the team uses", () => {
    const text = `model_list:
  - {model_name: common, litellm_params: {model: openai/x}}
  - {model_name: internal-1, litellm_params: {model: openai/y}, model_info: {team_id: blue, team_public_model_name: best}}
  - {model_name: common, litellm_params: {model: openai/z}, model_info: {team_id: blue}}
router_settings: {fallbacks: [{best: [common]}]}
`;
    const config = load(text);
    expect(config.deployments.map(({ model, teamId }) => [model, teamId])).toEqual([
      ["common", undefined],
      ["best", "blue"],
      ["common", "blue"],
    ]);
    expect(config.fallbacks).toEqual({ best: ["common"] });
    expect(keyed(text.replace("{best: [common]}", "{internal-1: [common]}"))).toEqual([
      'router_settings.fallbacks[0].internal-1: no model is named "internal-1"',
    ]);
  });
});

describe("ignore_invalid_deployments", () => {
  const text = `model_list:
  - {model_name: a, litellm_params: {model: nobody/x, fallbacks: [c]}}
  - {model_name: b, litellm_params: {model: anthropic/x}}
  - {model_name: b, litellm_params: {model: openai/x}}
  - {model_name: c, litellm_params: {model: openai/y}}
router_settings:
  ignore_invalid_deployments: true
  fallbacks: [{c: [a, b]}]
  default_fallbacks: [a]
`;

  test("starts without them and says so; what leads to them is left out", () => {
    const config = load(text, { env: {} });
    expect(config.deployments.map(({ model, upstreamModel }) => [model, upstreamModel])).toEqual([
      ["b", "x"],
      ["c", "y"],
    ]);
    expect(config.fallbacks).toEqual({ c: ["b"] });
    expect(config.resilience).toEqual({ defaultFallbacks: [] });
    expect(config.warnings).toEqual([
      'config.yaml:2:45 model_list[0].litellm_params.model: names an unknown provider "nobody"; begin with a provider of this gateway, as in "openai/gpt-5"; the entry is left out',
      "config.yaml:3:37 model_list[1].litellm_params: anthropic needs an api_key; the entry is left out",
    ]);
  });

  test("does not pass over what cannot do without them", () => {
    const more =
      "  traffic_splits: {m: {arms: [{model: a, percent: 100}]}}\n  content_routers: {auto: {default_model: a}}\n";
    expect(keyed(text + more)).toEqual([
      'router_settings.traffic_splits.m.arms[0].model: names "a", of which no entry is valid',
      'router_settings.content_routers.auto.default_model: names "a", of which no entry is valid',
    ]);
  });

  test("does not pass over misspelt keys, nor over a file of which nothing is left", () => {
    expect(keyed(text.replace("fallbacks: [c]", "fallbakcs: [c]"))).toContain(
      'model_list[0].litellm_params.fallbakcs: unknown key. Did you mean "fallbacks"?',
    );
    expect(
      keyed(
        "model_list: [{model_name: a, litellm_params: {model: nobody/x}}]\nrouter_settings: {ignore_invalid_deployments: true}\n",
      ),
    ).toEqual([
      'model_list: has no valid entry: config.yaml:1:54 model_list[0].litellm_params.model: names an unknown provider "nobody"; begin with a provider of this gateway, as in "openai/gpt-5"; the entry is left out',
    ]);
  });
});
