import { describe, expect, test } from "vitest";
import { load, report, withModel } from "./support/vendors.ts";

const entry = (name: string, model: string, more = ""): string =>
  `  - model_name: "${name}"\n    litellm_params: {model: "${model}"${more === "" ? "" : `, ${more}`}}\n`;

const list = (...entries: readonly string[]): string => `model_list:\n${entries.join("")}`;

describe("model strings", () => {
  test.each([
    ["openai/gpt-5", "openai", "gpt-5"],
    ["gpt-5", "openai", "gpt-5"],
    ["claude-opus-4-7", "anthropic", "claude-opus-4-7"],
    ["ollama/qwen3:32b", "ollama", "qwen3:32b"],
    ["ollama_chat/qwen3:32b", "ollama", "qwen3:32b"],
    ["openai/org/model", "openai", "org/model"],
  ])("%s is served by %s as %s", (model, provider, upstreamModel) => {
    expect(load(list(entry("m", model))).deployments[0]).toMatchObject({ provider, upstreamModel });
  });

  test.each([
    ["opnai/x", 'names an unknown provider "opnai". Did you mean "openai"?'],
    ["bedrock/x", 'needs the provider "bedrock", which this gateway does not have'],
    ["qwen3", 'names no provider, and "qwen3" is not a known vendor\'s; write "<provider>/qwen3"'],
    ["openai/", 'names no model: "openai/"; write "openai/<model>"'],
  ])("%s is refused", (model, message) => {
    expect(report(list(entry("m", model)))).toEqual([`3:29 model_list[0].litellm_params.model: ${message}`]);
  });

  test("custom_llm_provider decides where the name does not", () => {
    const served = (model: string): unknown =>
      load(list(entry("m", model, "custom_llm_provider: ollama"))).deployments[0];
    expect(served("qwen3")).toMatchObject({ provider: "ollama", upstreamModel: "qwen3" });
    expect(served("ollama/qwen3")).toMatchObject({ provider: "ollama", upstreamModel: "qwen3" });
    expect(served("org/qwen3")).toMatchObject({ provider: "ollama", upstreamModel: "org/qwen3" });
    expect(report(list(entry("m", "x", "custom_llm_provider: olama")))).toEqual([
      '3:55 model_list[0].litellm_params.custom_llm_provider: names an unknown provider "olama". Did you mean "ollama"?',
    ]);
  });

  test("wildcards stand at the end, on both sides", () => {
    expect(load(list(entry("openai/*", "openai/*"))).deployments[0]).toMatchObject({
      model: "openai/*",
      upstreamModel: "*",
    });
    expect(report(list(entry("a*b", "openai/x"), entry("m", "openai/*")))).toEqual([
      '2:17 model_list[0].model_name: has a wildcard in the middle; it stands at the end only, as in "openai/*"',
      '5:29 model_list[1].litellm_params.model: has a wildcard, but the model_name "m" has none; name one model',
    ]);
  });
});

describe("ids", () => {
  const ids = (text: string): readonly string[] => load(text).deployments.map(({ id }) => id);

  test("do not depend on secrets, and do on name, provider, model and address", () => {
    const [id] = ids(list(entry("a", "openai/x", "api_key: sk-one")));
    expect(id).toMatch(/^[0-9a-f]{16}$/);
    expect(ids(list(entry("a", "openai/x", "api_key: sk-two, timeout: 3")))).toEqual([id]);
    for (const other of [
      entry("b", "openai/x"),
      entry("a", "openai/y"),
      entry("a", "ollama/x"),
      entry("a", "openai/x", "api_base: https://x.example/v1"),
    ]) {
      expect(ids(list(other))).not.toEqual([id]);
    }
  });

  test("equal entries of a group are counted", () => {
    const [id] = ids(list(entry("a", "openai/x")));
    const three = list(
      entry("a", "openai/x", "api_key: sk-one"),
      entry("a", "openai/x", "api_key: sk-two"),
      entry("a", "openai/x"),
    );
    expect(ids(three)).toEqual([id, `${id}-2`, `${id}-3`]);
  });

  test("that are given twice are refused", () => {
    const twice = `model_list:
  - {model_name: a, litellm_params: {model: openai/x}, model_info: {id: one}}
  - {model_name: b, litellm_params: {model: openai/y}, model_info: {id: one}}
`;
    expect(report(twice)).toEqual(["3:73 model_list[1].model_info.id: is the id of model_list[0] too"]);
  });
});

describe("parameters", () => {
  test("reach the deployment", () => {
    const text = withModel(`      api_base: http://localhost:8000/v1/
      timeout: 0.25
      stream_timeout: 5
      order: 2
      drop_params: true
      additional_drop_params: [logit_bias]
      allowed_openai_params: [seed]
      extra_headers: {X-Team: blue}
      extra_body: {top_k: 5, nested: {a: [1, null]}}
`);
    expect(load(text, { env: {} }).deployments).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{16}$/),
        model: "fast",
        provider: "openai",
        upstreamModel: "gpt-5",
        baseUrl: "http://localhost:8000/v1",
        timeoutMs: 250,
        streamTimeoutMs: 5_000,
        order: 2,
        dropParams: true,
        additionalDropParams: ["logit_bias"],
        allowedParams: ["seed"],
        headers: { "X-Team": "blue" },
        extraBody: { top_k: 5, nested: { a: [1, null] } },
      },
    ]);
  });

  test("places for prompt-cache breakpoints are facts about the deployment", () => {
    const text = withModel(`      cache_control_injection_points:
        - {location: message, role: system}
        - {location: message, index: -1, control: {type: ephemeral, ttl: 1h}}
        - {location: tool_config}
`);
    expect(load(text).deployments[0]?.info).toEqual({
      cacheControlInjectionPoints: [
        { location: "message", role: "system" },
        { location: "message", index: -1, ttl: "1h" },
        { location: "tools" },
      ],
    });
  });

  test("a list of organisations makes one deployment for each", () => {
    const text = withModel("      organization: [org-1, org-2]\n    model_info: {id: acme}\n");
    expect(load(text).deployments.map(({ id, headers }) => [id, headers])).toEqual([
      ["acme-1", { "openai-organization": "org-1" }],
      ["acme-2", { "openai-organization": "org-2" }],
    ]);
    expect(load(withModel("      organization: org-1\n")).deployments[0]?.headers).toEqual({
      "openai-organization": "org-1",
    });
    expect(report(list(entry("a", "ollama/x", "organization: org-1")))).toEqual([
      "3:55 model_list[0].litellm_params.organization: is a setting of openai, not of ollama",
    ]);
  });

  test("lower orders come first within their group, others stay", () => {
    const text = list(
      entry("a", "openai/third", "order: 2"),
      entry("a", "openai/first"),
      entry("a", "openai/second", "order: 1"),
    );
    expect(load(text).deployments.map(({ upstreamModel }) => upstreamModel)).toEqual(["first", "second", "third"]);
  });

  test.each([
    ["api_key: 5", "5:16", "api_key: must be text"],
    ['api_key: "sk with space"', "5:16", "api_key: must be a key: printable characters without spaces"],
    ['api_key: "sk-\\r\\nx: y"', "5:16", "api_key: must be a key: printable characters without spaces"],
    ["api_base: localhost:8000", "5:17", "api_base: must begin with https:// or http://"],
    ["api_base: localhost", "5:17", 'api_base: must be a whole address, as in "https://api.example.com/v1"'],
    ["api_base: file:///etc/passwd", "5:17", "api_base: must begin with https:// or http://"],
    ["api_base: https://u:pw@h.example", "5:17", "api_base: must not hold a user name or password; use api_key"],
    ["api_base: https://h.example/v1?a=b", "5:17", "api_base: must end with the path, without ? and #"],
    ["timeout: -1", "5:16", "timeout: must be a number of seconds greater than 0"],
    ["timeout: .inf", "5:16", "timeout: must be a number of seconds, not Infinity"],
    ["timeout: 90000", "5:16", "timeout: must be at most 86400 seconds"],
    ["timeout:", "5:15", "timeout: must be a number of seconds, not nothing"],
    ["order: 1.5", "5:14", "order: must be a whole number, not 1.5"],
    ['drop_params: "true"', "5:20", 'drop_params: must be true or false, without quotes, not the text "true"'],
    ["drop_params: yes", "5:20", 'drop_params: must be true or false, without quotes, not the text "yes"'],
    ["allowed_openai_params: seed", "5:30", 'allowed_openai_params: must be a list of names, not the text "seed"'],
    ["additional_drop_params: [1]", "5:32", "additional_drop_params[0]: must be text, not 1"],
    ["extra_headers: {x: 1}", "5:26", "extra_headers.x: must be text; put it in quotes"],
    ["extra_headers: {'a b': x}", "5:30", 'extra_headers["a b"]: is not a header name'],
    [
      'extra_headers: {x: "a\\r\\nb: c"}',
      "5:26",
      "extra_headers.x: must be text without line breaks and control characters",
    ],
    [
      "extra_headers: {Transfer-Encoding: x}",
      "5:42",
      "extra_headers.Transfer-Encoding: belongs to the connection and cannot be set",
    ],
    ["extra_headers: {Authorization: x}", "5:38", "extra_headers.Authorization: carries a credential; use api_key"],
    ["extra_body: [1]", "5:19", "extra_body: must be a map of names and values, not a list"],
    [
      "extra_body: {stream: true}",
      "5:28",
      "extra_body.stream: cannot be set here: it would no longer be what the gateway routes and reads",
    ],
    [
      "cache_control_injection_points: {location: message}",
      "5:39",
      'cache_control_injection_points: must be a list of places, as in [{"location": "message", "role": "system"}], not a map',
    ],
    [
      "cache_control_injection_points: [{location: system}]",
      "5:51",
      'cache_control_injection_points[0].location: must be "message" or "tools"',
    ],
    [
      "cache_control_injection_points: [{location: message}]",
      "5:40",
      "cache_control_injection_points[0]: needs role or index, to say which message",
    ],
    [
      "cache_control_injection_points: [{location: tools, index: 1}]",
      "5:40",
      "cache_control_injection_points[0]: takes role and index for messages only",
    ],
    ["fallbacks: []", "5:18", "fallbacks: must be a list with at least one model name"],
    ["fallbacks: [{a: b}]", "5:19", "fallbacks[0]: must be the name of a model, not a map"],
    [
      "temperature: 1",
      "5:7",
      "temperature: is not a key of Signalbox; defaults for a request's parameters go under extra_body",
    ],
  ])("%s is refused", (line, place, message) => {
    expect(report(withModel(`      ${line}\n`))).toEqual([`${place} model_list[0].litellm_params.${message}`]);
  });

  test("what the provider itself refuses is reported at the entry, once the entry is otherwise right", () => {
    const text = list(entry("a", "anthropic/x"), entry("b", "anthropic/x", "timeuot: 3"));
    expect(report(text, { env: {} })).toEqual([
      "3:21 model_list[0].litellm_params: anthropic needs an api_key; set api_key, or the variable ANTHROPIC_API_KEY",
      '5:44 model_list[1].litellm_params.timeuot: unknown key. Did you mean "timeout"?',
    ]);
  });
});

describe("fallbacks", () => {
  const three = list(entry("a", "openai/a"), entry("b", "openai/b"), entry("openai/*", "openai/*"));

  test("of models, router and settings are joined without repetitions", () => {
    const text = `${list(
      entry("a", "openai/a", "fallbacks: [b]"),
      entry("a", "openai/a2", "fallbacks: [c, b]"),
      entry("b", "openai/b"),
      entry("c", "openai/c"),
    )}router_settings: {fallbacks: [{a: [b]}, {b: [c]}]}
litellm_settings: {fallbacks: [{c: [a, b]}]}
`;
    expect(load(text).fallbacks).toEqual({ a: ["b", "c"], b: ["c"], c: ["a", "b"] });
  });

  test("may name what a wildcard serves", () => {
    expect(load(`${three}router_settings: {fallbacks: [{a: [openai/x]}, {openai/y: [b]}]}\n`).fallbacks).toEqual({
      a: ["openai/x"],
      "openai/y": ["b"],
    });
  });

  test("that name no model are refused, on both sides", () => {
    expect(
      report(
        `${list(entry("alpha", "openai/a"), entry("beta", "openai/b"))}router_settings: {fallbacks: [{alpa: [beta]}, {alpha: [bta, alpha]}]}\n`,
      ),
    ).toEqual([
      '6:38 router_settings.fallbacks[0].alpa: no model is named "alpa". Did you mean "alpha"?',
      '6:56 router_settings.fallbacks[1].alpha[0]: no model is named "bta". Did you mean "beta"?',
      "6:61 router_settings.fallbacks[1].alpha[1]: names the model itself",
    ]);
  });

  test("to a model with a problem of its own are not reported again", () => {
    const text = `${list(entry("a", "openai/a", "fallbacks: [b]"), entry("b", "nobody/b"))}`;
    expect(report(text)).toEqual([
      '5:29 model_list[1].litellm_params.model: names an unknown provider "nobody"; begin with a provider of this gateway, as in "openai/gpt-5"',
    ]);
  });

  test("of a wildcard entry are refused", () => {
    expect(report(list(entry("b", "openai/b"), entry("x/*", "openai/*", "fallbacks: [b]")))).toEqual([
      "5:52 model_list[1].litellm_params.fallbacks: belongs to a single model, and this entry is a wildcard; list each model in router_settings",
    ]);
  });

  test("must be a list of maps in the settings", () => {
    expect(report(`${three}router_settings: {fallbacks: {a: [b]}}\n`)).toEqual([
      '8:30 router_settings.fallbacks: must be a list of maps, as in [{"gpt-4o": ["claude-opus"]}], not a map',
    ]);
    expect(report(`${three}router_settings: {fallbacks: [{a: b}]}\n`)).toEqual([
      '8:35 router_settings.fallbacks[0].a: must be a list of model names, as in ["a", "b"], not the text "b"',
    ]);
  });
});

describe("time limits", () => {
  const limits = (more: string): unknown => {
    const { timeoutMs, deployments, warnings } = load(withModel(more));
    const { timeoutMs: tryMs, streamTimeoutMs: streamMs } = deployments[0] ?? {};
    return { timeoutMs, tryMs, streamMs, warnings };
  };

  test.each([
    ["", { timeoutMs: 600_000, tryMs: undefined, streamMs: undefined, warnings: [] }],
    ["router_settings: {timeout: 90}\n", { timeoutMs: 90_000, tryMs: undefined, streamMs: undefined, warnings: [] }],
    ["router_settings: {stream_timeout: 9}\n", { timeoutMs: 600_000, tryMs: undefined, streamMs: 9_000, warnings: [] }],
    [
      "litellm_settings: {request_timeout: 20}\n",
      { timeoutMs: 600_000, tryMs: 20_000, streamMs: undefined, warnings: [] },
    ],
    [
      "litellm_settings: {request_timeout: 900}\n",
      { timeoutMs: 900_000, tryMs: 900_000, streamMs: undefined, warnings: [] },
    ],
    ["      timeout: 1200\n", { timeoutMs: 1_200_000, tryMs: 1_200_000, streamMs: undefined, warnings: [] }],
    [
      "      timeout: 100\n      stream_timeout: 4\nrouter_settings: {timeout: 60, stream_timeout: 8}\nlitellm_settings: {request_timeout: 20}\n",
      {
        timeoutMs: 60_000,
        tryMs: 100_000,
        streamMs: 4_000,
        warnings: ["router_settings.timeout ends every call after 60 s, before a try of 100 s"],
      },
    ],
  ])("%j", (more, expected) => {
    expect(limits(more)).toEqual(expected);
  });

  test("and a model from elsewhere gets the defaults too", () => {
    const config = load("litellm_settings: {request_timeout: 20}\n", {
      deployments: [{ id: "cli", model: "x", provider: "openai", upstreamModel: "x" }],
    });
    expect(config.deployments).toEqual([
      { id: "cli", model: "x", provider: "openai", upstreamModel: "x", timeoutMs: 20_000 },
    ]);
  });
});
