import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Secret } from "@signalbox/kernel";
import { loadConfig } from "@signalbox/plugin-config";
import { ANTHROPIC, KEYS, load, OLLAMA, OPENAI, problemsOf, report, vendors, withModel } from "./support/vendors.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

describe("a configuration that is right", () => {
  const config = loadConfig({
    file: fixture("small.yaml"),
    env: { ...KEYS, GATEWAY_KEY: "k-3f81c07ae52b4d96" },
    providers: vendors(),
  });

  test("gives the gateway's options", () => {
    expect(config.deployments).toEqual([
      {
        id: "3557bddc2dc7dbcd",
        model: "writer",
        provider: "anthropic",
        upstreamModel: "claude-opus-4-7",
        apiKey: new Secret("sk-ant-from-env"),
        timeoutMs: 30_000,
      },
      {
        id: "53b34b159cef49c7",
        model: "coder",
        provider: "openai",
        upstreamModel: "gpt-5",
        apiKey: new Secret("sk-openai-from-env"),
        timeoutMs: 60_000,
        dropParams: true,
      },
      {
        id: "local-1",
        model: "local",
        provider: "ollama",
        upstreamModel: "qwen3:32b",
        baseUrl: "http://localhost:11434",
        timeoutMs: 60_000,
      },
    ]);
    expect(config.fallbacks).toEqual({ writer: ["coder"], coder: ["writer", "local"] });
    expect(config.timeoutMs).toBe(120_000);
    expect(config.dropParams).toBe(false);
    expect(config.providers).toEqual([ANTHROPIC, OPENAI, OLLAMA]);
    expect(config.warnings).toEqual([]);
    expect(config.files).toEqual([fixture("small.yaml")]);
  });

  test("reads keys from variables and keeps them out of sight", () => {
    expect(config.deployments.map(({ apiKey }) => apiKey?.reveal())).toEqual([
      "sk-ant-from-env",
      "sk-openai-from-env",
      undefined,
    ]);
    expect(config.masterKey?.reveal()).toBe("k-3f81c07ae52b4d96");
    expect(config.masterKeyVariable).toBe("GATEWAY_KEY");
    const shown = JSON.stringify(config);
    for (const secret of ["sk-ant-from-env", "sk-openai-from-env", "k-3f81c07ae52b4d96"]) {
      expect(shown).not.toContain(secret);
    }
  });

  test("brings an authenticator that asks for the key", async () => {
    const [plugin] = config.plugins;
    expect(config.plugins).toHaveLength(1);
    expect(plugin?.name).toBe("config");
    const credentials = { headers: {}, remoteAddress: undefined };
    await expect(async () => plugin?.authenticator?.authenticate({ key: "no", ...credentials })).rejects.toMatchObject({
      code: "invalid_api_key",
    });
    expect(plugin?.authenticator?.authenticate({ key: "k-3f81c07ae52b4d96", ...credentials })).toMatchObject({
      kind: "master",
      admin: true,
    });
  });
});

describe("a configuration with keys of missing plugins", () => {
  test("is refused with a line for each", () => {
    const problems = problemsOf(() =>
      loadConfig({ file: fixture("everything.yaml"), env: KEYS, providers: vendors() }),
    );
    expect(problems.map(({ line, key, message, hint }) => [line, key, message, hint])).toEqual([
      [15, "general_settings.alerting", needs("alerts"), REMEDY],
      [
        16,
        "general_settings.use_redis_transaction_buffer",
        "is not a key of Signalbox",
        "the ledger's write-ahead spool replaces it",
      ],
      [20, "litellm_settings.cache_params.s3_bucket_name", needs("cache-s3"), REMEDY],
    ]);
  });

  test("never shows a value of such a key", () => {
    const text = JSON.stringify(
      problemsOf(() => loadConfig({ file: fixture("everything.yaml"), env: KEYS, providers: vendors() })),
    );
    expect(text).not.toContain("hidden-password");
  });

  test("still names unknown keys below them", () => {
    expect(report(withModel("compat:\n  litellm_heades: true\n"))).toEqual([
      `5:1 compat: ${needs("compatibility")}; ${REMEDY}`,
      '6:3 compat.litellm_heades: unknown key. Did you mean "litellm_headers"?',
    ]);
  });
});

const REMEDY = "remove the key, or add the plugin";

function needs(plugin: string): string {
  return `needs the plugin "${plugin}", which this gateway does not have`;
}

describe("keys", () => {
  test("an unknown key is named with its place and the nearest key", () => {
    expect(report(withModel("general_settings:\n  master_kee: sk-x\n"))).toEqual([
      '6:3 general_settings.master_kee: unknown key. Did you mean "master_key" or "master_keys"?',
    ]);
  });

  test("a key in the wrong section is sent to the right one", () => {
    expect(report(withModel("master_key: sk-x\n"))).toEqual([
      '5:1 master_key: unknown key. Did you mean "general_settings.master_key"?',
    ]);
  });

  test("all problems are reported together, in the order of the file", () => {
    const text = `model_list:
  - model_name: fast
    litellm_params:
      model: openai/gpt-5
      tiemout: 3
  - model_name: slow
    litellm_params:
      model: opnai/gpt-5
general_settings:
  master_key: os.environ/MISSING
router_settings:
  timeout: "30"
`;
    expect(report(text)).toEqual([
      '5:7 model_list[0].litellm_params.tiemout: unknown key. Did you mean "timeout"?',
      '8:14 model_list[1].litellm_params.model: names an unknown provider "opnai". Did you mean "openai"?',
      "10:15 general_settings.master_key: the environment variable MISSING is not set or empty; set it before the start",
      '12:12 router_settings.timeout: must be a number of seconds, not the text "30"',
    ]);
  });

  test("the error's message has one line per problem", () => {
    expect(() => load(withModel("router_settings:\n  timeout: 0\nlitellm_settings:\n  drop_params: 'true'\n"))).toThrow(
      [
        "the configuration has 2 problems",
        "config.yaml:6:12  router_settings.timeout: must be a number of seconds greater than 0",
        'config.yaml:8:16  litellm_settings.drop_params: must be true or false, without quotes, not the text "true"',
      ].join("\n"),
    );
  });

  test("missing keys are named, unless they were just misspelt", () => {
    expect(
      report(
        "model_list:\n  - litellm_params: {api_key: sk-x}\n  - modelname: a\n    litellm_params: {model: openai/b}\n",
      ),
    ).toEqual([
      "2:5 model_list[0].model_name: is missing",
      "2:21 model_list[0].litellm_params.model: is missing",
      '3:5 model_list[1].modelname: unknown key. Did you mean "model_name"?',
    ]);
    expect(report("general_settings: {}\n")).toEqual(["1:1 model_list: is missing"]);
    expect(report("model_list: []\n")).toEqual(["1:13 model_list: lists no model; name at least one"]);
    expect(report("model_list:\n")).toEqual(["1:12 model_list: lists no model; name at least one"]);
    expect(report("model_lists: []\n")).toEqual(['1:1 model_lists: unknown key. Did you mean "model_list"?']);
  });

  test("sections without content are as good as missing", () => {
    expect(load(withModel("general_settings:\nrouter_settings:\n")).deployments).toHaveLength(1);
  });

  test("sections of the wrong shape are refused", () => {
    expect(report("model_list: {a: 1}\ngeneral_settings: [1]\nrouter_settings: yes\n")).toEqual([
      "1:13 model_list: must be a list, not a map",
      "2:19 general_settings: must be a map of keys, not a list",
      '3:18 router_settings: must be a map of keys, not the text "yes"',
    ]);
  });
});

describe("YAML", () => {
  test("duplicate keys are problems with both places", () => {
    expect(report(withModel("router_settings:\n  timeout: 3\n  timeout: 4\n"))).toEqual([
      "7:3 router_settings.timeout: the key is given twice (first in line 6); keep one of the two",
    ]);
  });

  test.each([
    [
      "a: [1, 2",
      "1:9 : not valid YAML: flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
    ["model_list:\n\t- a", "2:1 : a tab is used for indentation; use spaces"],
    ["", "1:1 : the file is empty; it must be a map with keys such as model_list"],
    ["- a", "1:1 : the file must be a map with keys such as model_list"],
    ["a: 1\n---\nb: 2", "2:1 : the file holds several YAML documents; keep one"],
    ["a: *x", '1:4 a: the anchor "x" is not defined above'],
    ["__proto__: {}\nmodel_list: []", "1:1 __proto__: this word cannot be a key"],
  ])("%j is refused", (text, first) => {
    expect(report(text)).toContain(first);
  });

  test("anchors and merge keys work, and an alias that repeats itself does not", () => {
    const text = `model_list:
  - model_name: one
    litellm_params: &openai
      model: openai/gpt-5
      timeout: 5
  - model_name: two
    litellm_params:
      <<: *openai
      timeout: 7
`;
    expect(
      load(text).deployments.map(({ model, upstreamModel, timeoutMs }) => [model, upstreamModel, timeoutMs]),
    ).toEqual([
      ["one", "gpt-5", 5_000],
      ["two", "gpt-5", 7_000],
    ]);
    const bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"];
    for (let level = 1; level < 9; level++) {
      bomb.push(
        `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(", ")}]`,
      );
    }
    const startedAt = performance.now();
    expect(report(bomb.join("\n")).join("\n")).toContain("nested too deeply, or an alias that repeats itself");
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(report("a: &a [*a]\n").join("\n")).toContain("nested too deeply");
  });

  test("keys that look like numbers are names", () => {
    const text =
      "model_list:\n  - {model_name: '4.10', litellm_params: {model: openai/gpt-5}}\n  - {model_name: b, litellm_params: {model: openai/gpt-5}}\nrouter_settings: {fallbacks: [{4.10: [b]}]}\n";
    expect(load(text).fallbacks).toEqual({ "4.10": ["b"] });
  });
});

describe("references to the environment", () => {
  const key = (value: string): string => withModel(`      api_key: ${value}\n`);

  test("are whole values", () => {
    expect(load(key("os.environ/OPENAI_API_KEY")).deployments[0]?.apiKey?.reveal()).toBe("sk-openai-from-env");
    const whole = "5:16 model_list[0].litellm_params.api_key: a reference is the whole value: os.environ/NAME";
    expect(report(key("sk-os.environ/OPENAI_API_KEY"))).toEqual([whole]);
    expect(report(key("os.environ/OPENAI API KEY"))).toEqual([whole]);
  });

  test("that are missing or empty name key and variable", () => {
    const missing = (name: string): string =>
      `5:16 model_list[0].litellm_params.api_key: the environment variable ${name} is not set or empty; set it before the start`;
    expect(report(key("os.environ/NOPE"))).toEqual([missing("NOPE")]);
    expect(report(key("os.environ/EMPTY"), { env: { EMPTY: "" } })).toEqual([missing("EMPTY")]);
  });

  test("work at any depth", () => {
    const text = withModel("      extra_body: {a: [{b: os.environ/DEEP}]}\n");
    expect(load(text, { env: { DEEP: "down" } }).deployments[0]?.extraBody).toEqual({ a: [{ b: "down" }] });
  });

  test("give numbers and flags where those are wanted", () => {
    const text = withModel("router_settings: {timeout: os.environ/T}\nlitellm_settings: {drop_params: os.environ/D}\n");
    expect(load(text, { env: { T: "1.5", D: "true" } })).toMatchObject({ timeoutMs: 1_500, dropParams: true });
    expect(report(text, { env: { T: "soon", D: "yes" } })).toEqual([
      "5:28 router_settings.timeout: must be a number of seconds, not the text in T",
      "6:33 litellm_settings.drop_params: must be true or false, without quotes, not the text in D",
    ]);
  });

  test("a provider's usual variable is the default of api_key", () => {
    expect(load(withModel("")).deployments[0]?.apiKey?.reveal()).toBe("sk-openai-from-env");
    expect(load(withModel(""), { env: {} }).deployments[0]?.apiKey).toBeUndefined();
  });

  test("environment_variables declares more, and says what nothing reads", () => {
    const text = withModel("environment_variables:\n  OPENAI_API_KEY: os.environ/OTHER\n  SPARE: text\n");
    const config = load(text, { env: { OTHER: "sk-other", OPENAI_API_KEY: "sk-real" } });
    expect(config.deployments[0]?.apiKey?.reveal()).toBe("sk-other");
    expect(config.warnings).toEqual(["environment_variables.SPARE: nothing in this configuration reads it"]);
  });

  test("environment_variables does not steer the process", () => {
    expect(
      report(withModel("environment_variables: {NODE_OPTIONS: --require x, LD_PRELOAD: x, path: x, a-b: x, N: 1}\n")),
    ).toEqual([
      "5:39 environment_variables.NODE_OPTIONS: steers the process itself and cannot be set here",
      "5:64 environment_variables.LD_PRELOAD: steers the process itself and cannot be set here",
      "5:73 environment_variables.path: steers the process itself and cannot be set here",
      "5:81 environment_variables.a-b: is not the name of a variable",
      "5:87 environment_variables.N: must be text; put it in quotes",
    ]);
  });
});
