import { describe, expect, test } from "vitest";
import type { RoutingSettings } from "@signalbox/plugin-config";
import { load, report } from "./support/vendors.ts";

const MODELS = `model_list:
  - {model_name: big, litellm_params: {model: openai/gpt-5}}
  - {model_name: small, litellm_params: {model: ollama/qwen3}}
  - {model_name: "openai/*", litellm_params: {model: "openai/*"}}
router_settings:
`;

const indented = (lines: string): string => lines.replace(/^/gm, "  ");
const routing = (lines: string): RoutingSettings => load(`${MODELS}${indented(lines)}\n`).routing;
/** Lines are counted from the first line of `router_settings`. */
const problems = (lines: string): readonly string[] =>
  report(`${MODELS}${indented(lines)}\n`).map((line) =>
    line.replace(/^(\d+):\d+ (router_settings\.)?/, (_, at) => `${Number(at) - 5} `),
  );

test("without any key nothing is said", () => {
  expect(load(MODELS).routing).toEqual({});
});

describe("strategies", () => {
  test.each([
    ["routing_strategy: least-busy", { strategy: "least-busy" }],
    ["routing_strategy: usage-based-routing-v2", { strategy: "usage-based-routing-v2" }],
    [
      "routing_strategy: latency-based-routing\nrouting_strategy_args: {ttl: 60, lowest_latency_buffer: 0.5}",
      { strategy: "latency-based-routing", latency: { ttlMs: 60_000, lowestLatencyBuffer: 0.5 } },
    ],
    [
      "model_strategies: {big: priority, openai/*: cost-based-routing}",
      { models: { big: "priority", "openai/*": "cost-based-routing" } },
    ],
    [
      "routing_groups:\n  - {group_name: fast, models: [big, openai/x], routing_strategy: latency-based-routing}\nrouting_strategy_args: {ttl: 5}",
      { models: { big: "latency-based-routing", "openai/x": "latency-based-routing" }, latency: { ttlMs: 5_000 } },
    ],
  ])("%j", (lines, expected) => {
    expect(routing(lines)).toEqual(expected);
  });

  test.each([
    ["routing_strategy: least-bsy", '1 routing_strategy: is not the name of a strategy. Did you mean "least-busy"?'],
    [
      "routing_strategy: fastest",
      "1 routing_strategy: is not the name of a strategy. It is one of simple-shuffle, least-busy, latency-based-routing, cost-based-routing, usage-based-routing, usage-based-routing-v2, priority.",
    ],
    ["routing_strategy: 1", "1 routing_strategy: must be the name of a strategy, not 1"],
    [
      "routing_strategy_args: {ttl: 60}",
      "1 routing_strategy_args.ttl: has an effect on latency-based-routing only, and no model uses that",
    ],
    [
      "routing_strategy_args: {lowest_latency_buffer: 2}",
      "1 routing_strategy_args.lowest_latency_buffer: must be a number from 0 to 1",
    ],
    [
      "routing_strategy_args: {rolling_window_size: 10}",
      "1 routing_strategy_args.rolling_window_size: is not a key of Signalbox; latencies fade with time, and no number of them is kept; set ttl",
    ],
    ["routing_strategy_args: {tll: 60}", '1 routing_strategy_args.tll: unknown key. Did you mean "ttl"?'],
    ["model_strategies: {bg: priority}", '1 model_strategies.bg: no model is named "bg". Did you mean "big"?'],
    [
      "model_strategies: {big: prioritty}",
      '1 model_strategies.big: is not the name of a strategy. Did you mean "priority"?',
    ],
    [
      "model_strategies: {big: priority}\nrouting_groups:\n  - {group_name: g, models: [big], routing_strategy: least-busy}",
      "3 routing_groups[0].models[0]: has its strategy from model_strategies already; keep one of the two",
    ],
    [
      "routing_groups:\n  - {group_name: g, models: [big], routing_strategy: least-busy}\n  - {group_name: g, models: [small, big], routing_strategy: priority}",
      '3 routing_groups[1].group_name: is the name of two groups|3 routing_groups[1].models[1]: has its strategy from the group "g" already; keep one of the two',
    ],
    [
      "routing_groups:\n  - {models: [big]}",
      "2 routing_groups[0].group_name: is missing|2 routing_groups[0].routing_strategy: is missing",
    ],
    ["routing_groups: {g: [big]}", "1 routing_groups: must be a list, not a map"],
  ])("%j is refused", (lines, expected) => {
    expect(problems(lines).join("|")).toBe(expected);
  });
});

describe("checks, tags, affinities and the queue", () => {
  test.each([
    ["enable_pre_call_checks: false", { preCallChecks: false }],
    ["enable_tag_filtering: true\ntag_filtering_match_any: false", { tags: { enabled: true, matchAny: false } }],
    ["optional_pre_call_checks: []", {}],
    ["optional_pre_call_checks: [prompt_caching]", { promptCacheAffinity: true }],
    ["optional_pre_call_checks: [session_affinity, deployment_affinity]", { sessionAffinity: true }],
    [
      "optional_pre_call_checks: [deployment_affinity]\ndeployment_affinity_ttl_seconds: 90",
      { sessionAffinity: { ttlMs: 90_000 } },
    ],
    ["session_affinity: true", { sessionAffinity: true }],
    ["session_affinity: false", { sessionAffinity: false }],
    ["session_affinity: {ttl: 90}", { sessionAffinity: { ttlMs: 90_000 } }],
    ["session_affinity: {}", { sessionAffinity: true }],
    [
      "prompt_cache_affinity: {ttl: 600, min_tokens: 2048}",
      { promptCacheAffinity: { ttlMs: 600_000, minTokens: 2_048 } },
    ],
    ["queue: true", { queue: {} }],
    ["queue: false", {}],
    ["queue: {max_waiting: 5, max_wait: 0.5}", { queue: { maxWaiting: 5, maxWaitMs: 500 } }],
  ])("%j", (lines, expected) => {
    expect(routing(lines)).toEqual(expected);
  });

  test("what is always on is said at the start", () => {
    const config = load(`${MODELS}  optional_pre_call_checks: [enforce_model_rate_limits]\n`);
    expect(config.routing).toEqual({});
    expect(config.warnings).toEqual([
      'router_settings.optional_pre_call_checks: "enforce_model_rate_limits" changes nothing, rpm and tpm are always kept to',
    ]);
  });

  test.each([
    [
      "optional_pre_call_checks: [prompt_cacheing, forward_client_headers_by_model_group]",
      '1 optional_pre_call_checks[0]: is not the name of a check. Did you mean "prompt_caching"?|1 optional_pre_call_checks[1]: needs the plugin "forward-headers", which this gateway does not have; remove it',
    ],
    [
      "optional_pre_call_checks: prompt_caching",
      '1 optional_pre_call_checks: must be a list of names of checks, not the text "prompt_caching"',
    ],
    [
      "tag_filtering_match_any: false",
      "1 tag_filtering_match_any: has no effect alone; add enable_tag_filtering: true",
    ],
    [
      "deployment_affinity_ttl_seconds: 5",
      '1 deployment_affinity_ttl_seconds: has no effect alone; add "session_affinity" to optional_pre_call_checks',
    ],
    [
      "session_affinity: true\noptional_pre_call_checks: [session_affinity]",
      "2 optional_pre_call_checks[0]: is decided by session_affinity already; keep one of the two",
    ],
    ["session_affinity: 5", "1 session_affinity: must be true or false, without quotes, not 5"],
    ["session_affinity: {tll: 5}", '1 session_affinity.tll: unknown key. Did you mean "ttl"?'],
    ["queue: {max_waiting: 0}", "1 queue.max_waiting: must be 1 or more"],
    ["queue: {max_wait: 0}", "1 queue.max_wait: must be a number of seconds greater than 0"],
    [
      "model_group_affinity_config: {big: [session_affinity]}",
      "1 model_group_affinity_config: is not a key of Signalbox; session_affinity holds for all models",
    ],
  ])("%j is refused", (lines, expected) => {
    expect(problems(lines).join("|")).toBe(expected);
  });
});

describe("aliases", () => {
  const aliases = (lines: string): unknown => load(`${MODELS}${indented(lines)}\n`).aliases;

  test("are names, or names and how they are shown", () => {
    expect(aliases("model_group_alias: {gpt-4: big, secret: {model: openai/x, hidden: true}}")).toEqual({
      "gpt-4": { model: "big" },
      secret: { model: "openai/x", hidden: true },
    });
    expect(load(MODELS).aliases).toEqual({});
  });

  test("of splits and content routers are aliases too", () => {
    expect(
      aliases("model_group_alias: {a: mixed}\ntraffic_splits: {mixed: {arms: [{model: big, percent: 100}]}}"),
    ).toEqual({ a: { model: "mixed" } });
  });

  test.each([
    ["model_group_alias: {a: bog}", '1 model_group_alias.a: no model is named "bog". Did you mean "big"?'],
    [
      "model_group_alias: {a: {model: bog}}",
      '1 model_group_alias.a.model: no model is named "bog". Did you mean "big"?',
    ],
    ["model_group_alias: {a: {hidden: true}}", "1 model_group_alias.a.model: is missing"],
    ["model_group_alias: {a: b, b: big}", '1 model_group_alias.a: names "b", which is an alias itself; name its model'],
    [
      "model_group_alias: {big: small}",
      "1 model_group_alias.big: hides the model of the same name; give it another name",
    ],
    ["model_group_alias: {b*: big}", "1 model_group_alias.b*: has a wildcard; an alias is one name"],
    ["model_group_alias: {a: 4}", "1 model_group_alias.a: must be text, not 4"],
    ["model_group_alias: {a: {modle: big}}", '1 model_group_alias.a.modle: unknown key. Did you mean "model"?'],
  ])("%j is refused", (lines, expected) => {
    expect(problems(lines).join("|")).toBe(expected);
  });
});

describe("splits", () => {
  test("divide a model's calls", () => {
    expect(
      routing(
        "traffic_splits:\n  mixed: {arms: [{model: big, percent: 99.5}, {model: small, percent: 0.5}], by: user, salt: june}",
      ),
    ).toEqual({
      splits: {
        mixed: {
          arms: [
            { model: "big", percent: 99.5 },
            { model: "small", percent: 0.5 },
          ],
          by: "user",
          salt: "june",
        },
      },
    });
  });

  test.each([
    [
      "traffic_splits: {m: {arms: [{model: big, percent: 60}, {model: small, percent: 30}]}}",
      "1 traffic_splits.m.arms: must sum to 100 percent, and sum to 90",
    ],
    [
      "traffic_splits: {m: {arms: [{model: big, percent: 0}]}}",
      "1 traffic_splits.m.arms: must sum to 100 percent, and sum to 0",
    ],
    [
      "traffic_splits: {m: {arms: [{model: big, percent: 50}, {model: bog, percent: 50}]}}",
      '1 traffic_splits.m.arms[1].model: no model is named "bog". Did you mean "big"?',
    ],
    [
      "traffic_splits: {m: {arms: [{model: big, percent: 50}, {model: big, percent: 50}]}}",
      "1 traffic_splits.m.arms[1].model: is named by another arm too",
    ],
    [
      "traffic_splits: {m: {arms: [{model: m, percent: 100}]}}",
      '1 traffic_splits.m.arms[0].model: names "m", which stands for other models; name one of those',
    ],
    ["traffic_splits: {m: {arms: [{model: big}]}}", "1 traffic_splits.m.arms[0].percent: is missing"],
    ["traffic_splits: {m: {by: user}}", "1 traffic_splits.m.arms: is missing"],
    [
      "traffic_splits: {m: {arms: [{model: big, percent: 100}], by: usr}}",
      '1 traffic_splits.m.by: is not the name of a subject of a split. Did you mean "user"?',
    ],
    [
      "traffic_splits: {m: {arms: [{model: big, percent: 101}]}}",
      "1 traffic_splits.m.arms[0].percent: must be a number from 0 to 100",
    ],
  ])("%j is refused", (lines, expected) => {
    expect(problems(lines).join("|")).toBe(expected);
  });
});

describe("mirrors", () => {
  test("of the settings, and of a silent_model", () => {
    expect(
      routing("mirrors: {big: {to: small, percent: 5, max_parallel: 2, timeout: 9}, openai/x: {to: big}}"),
    ).toEqual({
      mirrors: {
        big: { to: "small", percent: 5, maxParallel: 2, timeoutMs: 9_000 },
        "openai/x": { to: "big", percent: 100 },
      },
    });
    const silent = `model_list:
  - {model_name: a, litellm_params: {model: openai/one, silent_model: b}}
  - {model_name: a, litellm_params: {model: openai/two, silent_model: b}}
  - {model_name: b, litellm_params: {model: openai/three}}
`;
    expect(load(silent).routing).toEqual({ mirrors: { a: { to: "b", percent: 100 } } });
    expect(report(silent.replace("two, silent_model: b", "two"))).toEqual([
      "3:37 model_list[1].litellm_params: silent_model differs from that of model_list[0], an entry of the same model; give both the same",
    ]);
    expect(report(silent.replaceAll("silent_model: b", "silent_model: c"))).toEqual([
      '2:71 model_list[0].litellm_params.silent_model: no model is named "c". Did you mean "a" or "b"?',
    ]);
    expect(report(`${silent}router_settings: {mirrors: {a: {to: b}}}\n`)).toEqual([
      "5:32 router_settings.mirrors.a: has a silent_model too; keep one of the two",
    ]);
  });

  test.each([
    ["mirrors: {big: {to: bog}}", '1 mirrors.big.to: no model is named "bog". Did you mean "big"?'],
    ["mirrors: {bog: {to: big}}", '1 mirrors.bog: no model is named "bog". Did you mean "big"?'],
    ["mirrors: {big: {to: big}}", "1 mirrors.big.to: names the model itself"],
    ["mirrors: {big: {percent: 5}}", "1 mirrors.big.to: is missing"],
    ["mirrors: {big: small}", '1 mirrors.big: must be a map of keys, not the text "small"'],
  ])("%j is refused", (lines, expected) => {
    expect(problems(lines).join("|")).toBe(expected);
  });
});
