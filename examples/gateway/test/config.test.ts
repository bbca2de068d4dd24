import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bash, GatewayProcess, runToEnd } from "./support/gateway-process.ts";

let folder: string;
let gateway: GatewayProcess | undefined;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "signalbox-gateway-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

afterEach(async () => {
  gateway?.child.kill("SIGKILL");
  await gateway?.ended;
  gateway = undefined;
});

function file(text: string): string {
  const path = join(folder, "config.yaml");
  writeFileSync(path, text);
  return path;
}

async function start(text: string, env: Readonly<Record<string, string>> = {}): Promise<GatewayProcess> {
  gateway = new GatewayProcess(["--port", "0", "--config", file(text)], env);
  return await gateway.ready();
}

const SMALL = `
model_list:
  - model_name: helper
    litellm_params:
      model: mock/fault-500
      fallbacks: [reserve]
  - model_name: reserve
    litellm_params:
      model: mock/fixed
general_settings:
  master_key: os.environ/GATEWAY_KEY
  max_request_size_mb: 0.001
`;
const KEY = "k-3f81c07ae52b4d96";

describe("a configuration", () => {
  test("does what it says", async () => {
    const { url, stdout, curl } = await start(SMALL, { GATEWAY_KEY: KEY });
    expect(stdout).toContain("  models   helper, reserve\n");
    expect(stdout).toContain(
      "  on       master key and virtual keys (POST /key/generate): every request needs one, prices, limits and budgets, strategy simple-shuffle, 2 retries, fallbacks for 1 model, cooldown, configuration from ",
    );
    expect(curl).toContain('"authorization: Bearer $GATEWAY_KEY"');
    expect(curl).toContain('"model":"helper"');
    // The model always fails: what comes back is its fallback's.
    const answer = JSON.parse(await bash(curl, { GATEWAY_KEY: KEY })) as {
      choices: { message: { content: string } }[];
    };
    expect(answer.choices[0]?.message.content).toContain("fixed answer");

    const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };
    const large = JSON.stringify({ model: "reserve", messages: [{ role: "user", content: "x".repeat(2_000) }] });
    const refused = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body: large });
    expect(refused.status).toBe(413);
    expect((await fetch(`${url}/v1/models`)).status).toBe(401);
    const models = (await (await fetch(`${url}/v1/models`, { headers })).json()) as { data: { id: string }[] };
    expect(models.data.map(({ id }) => id)).toEqual(["helper", "reserve"]);
  });

  test("says what is on and off of routing and fallbacks", async () => {
    const { stdout } = await start(`
model_list:
  - {model_name: large, litellm_params: {model: mock/echo, weight: 3, tags: [blue]}}
  - {model_name: small, litellm_params: {model: mock/fixed}}
router_settings:
  routing_strategy: latency-based-routing
  model_strategies: {small: priority}
  enable_tag_filtering: true
  optional_pre_call_checks: [prompt_caching, session_affinity, enforce_model_rate_limits]
  model_group_alias: {big: large, secret: {model: small, hidden: true}}
  traffic_splits: {mixed: {arms: [{model: large, percent: 90}, {model: small, percent: 10}]}}
  content_routers: {auto: {tiers: {simple: small, complex: large}}}
  mirrors: {large: {to: small, percent: 1}}
  queue: true
  num_retries: 0
  default_fallbacks: [small]
  disable_cooldowns: true
  hedging: true
  continue_streams: true
general_settings:
  background_health_checks: true
  health_check_interval: 600
`);
    expect(stdout).toContain("  models   large, small, auto, mixed, big\n");
    const on = [
      "strategy latency-based-routing (1 model has another)",
      "routing by tags, session affinity, prompt cache affinity, queue, 1 content router, 1 split, 1 mirror",
      "default fallbacks, health checks, hedging, continued streams, configuration from ",
    ];
    expect(stdout).toContain(`  on       prices, limits and budgets, ${on.join(", ")}`);
    expect(stdout).toContain("retries (num_retries is 0), cooldown (disable_cooldowns is true), keeping of spend");
    expect(stdout).toContain(
      '  warning  router_settings.optional_pre_call_checks: "enforce_model_rate_limits" changes nothing, rpm and tpm are always kept to\n',
    );
  });

  test("with a key in the file is told where the key is", async () => {
    const { stdout, curl } = await start(SMALL.replace("os.environ/GATEWAY_KEY", KEY));
    expect(stdout).toContain(
      `Try it (with SIGNALBOX_MASTER_KEY set to the master_key of ${join(folder, "config.yaml")}):`,
    );
    expect(stdout).not.toContain(KEY);
    expect(await bash(curl, { SIGNALBOX_MASTER_KEY: KEY })).toContain("fixed answer");
  });

  test("without a key takes the one of the environment", async () => {
    const text = "model_list: [{model_name: a, litellm_params: {model: mock/echo}}]";
    const { url } = await start(text, { SIGNALBOX_MASTER_KEY: KEY });
    expect((await fetch(`${url}/v1/models`)).status).toBe(401);
  });

  test("may allow a weak key, which is still warned of", async () => {
    const text =
      "model_list: [{model_name: a, litellm_params: {model: mock/echo}}]\ngeneral_settings: {master_key: sk-1234, allow_weak_master_key: true}";
    gateway = new GatewayProcess(["--port", "0", "--host", "0.0.0.0", "--config", file(text)]);
    await gateway.ready();
    expect(gateway.stdout).toContain("  warning  the master key is shorter than 16 characters");
  });
});

describe("a configuration with problems", () => {
  test.each([
    ["model_lsit: []", ':1:1  model_lsit: unknown key. Did you mean "model_list"?'],
    ["model_list: []", ":1:13  model_list: lists no model; name at least one"],
    [
      `${SMALL}  alerting: [slack]`,
      ':13:3  general_settings.alerting: needs the plugin "alerts", which this gateway does not have; remove the key, or add the plugin',
    ],
    [
      SMALL.replace("[reserve]", "[resreve]"),
      ':6:19  model_list[0].litellm_params.fallbacks[0]: no model is named "resreve". Did you mean "reserve"?',
    ],
    [SMALL.replace("mock/fixed", "mock/fixt"), ":9:7  model_list[1].litellm_params: "],
    [
      SMALL.replace("0.001", "'1'"),
      ':12:24  general_settings.max_request_size_mb: must be a number of megabytes, not the text "1"',
    ],
    [
      SMALL.replace("GATEWAY_KEY", "NOBODY"),
      ":11:15  general_settings.master_key: the environment variable NOBODY is not set or empty; set it before the start",
    ],
  ])("%j", async (text, line) => {
    const path = file(text);
    const { code, stdout, stderr } = await runToEnd(["--port", "0", "--config", path], { GATEWAY_KEY: KEY });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    const [first, second = "", ...rest] = stderr.trimEnd().split("\n");
    expect(first).toBe("signalbox: the configuration has 1 problem");
    expect(second.slice(0, path.length + line.length)).toBe(`${path}${line}`);
    expect(rest).toEqual([]);
  });
});

test("groups of models in the file are what keys may be granted", async () => {
  const { url } = await start(`
model_list:
  - {model_name: one, litellm_params: {model: mock/fixed}, model_info: {access_groups: [small-models]}}
  - {model_name: two, litellm_params: {model: mock/fixed}, model_info: {access_groups: [small-models, all-models]}}
  - {model_name: three, litellm_params: {model: mock/fixed}, model_info: {access_groups: [all-models]}}
general_settings: {master_key: ${KEY}}
`);
  const post = async (path: string, key: string, body: object): Promise<Response> =>
    await fetch(`${url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const { key } = (await (await post("/key/generate", KEY, { models: ["small-models"] })).json()) as { key: string };
  const status = async (model: string): Promise<number> =>
    (await post("/v1/chat/completions", key, { model, messages: [{ role: "user", content: "Hello" }] })).status;
  expect([await status("one"), await status("two"), await status("three")]).toEqual([200, 200, 403]);
});

test("guardrails of the file check what goes in", async () => {
  const { stdout, url } = await start(`
model_list: [{model_name: parrot, litellm_params: {model: mock/echo}}]
guardrails:
  - {guardrail_name: secrets, litellm_params: {guardrail: hide-secrets, mode: pre_call, default_on: true}}
  - guardrail_name: filter
    litellm_params:
      guardrail: litellm_content_filter
      patterns:
        - {pattern_type: prebuilt, pattern_name: email, action: MASK}
        - {pattern_type: regex, name: project, pattern: "PRJ-[0-9]+", action: BLOCK}
      blocked_words: [{keyword: falcon, action: BLOCK}]
`);
  expect(stdout).toContain("guardrails secrets, filter (where asked for), strategy");
  const ask = async (content: string, more: object = {}): Promise<string> => {
    const body = JSON.stringify({ model: "parrot", messages: [{ role: "user", content }], ...more });
    const headers = { "content-type": "application/json" };
    return await (await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body })).text();
  };
  const chosen = { guardrails: ["filter"] };
  expect(await ask("ada@example.com AKIAIOSFODNN7EXAMPLE")).toContain('"content":"ada@example.com [AWSKEY]"');
  expect(await ask("ada@example.com", chosen)).toContain('"content":"[EMAIL]"');
  expect(await ask("PRJ-12 and falcon")).toContain('"content":"PRJ-12 and falcon"');
  expect(await ask("PRJ-12", chosen)).toContain('blocked by guardrail \\"filter\\": it contains project');
  expect(await ask("a falcon", chosen)).toContain('"code":"guardrail_blocked"');
});

test("budgets of the file are told of in responses, and bound answers that name no length", async () => {
  const { url } = await start(
    `
model_list:
  - model_name: paid
    litellm_params: {model: mock/echo, input_cost_per_token: 0.000001, output_cost_per_token: 0.000002}
general_settings:
  master_key: os.environ/GATEWAY_KEY
  default_max_output_tokens: 40
  clamp_max_tokens: true
  fit_max_tokens: true
  stream_response_cost: true
  key_response_headers: true
`,
    { GATEWAY_KEY: KEY },
  );
  const post = (path: string, key: string, body: unknown): Promise<Response> =>
    fetch(url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const made = await post("/key/generate", KEY, { models: ["paid"], max_budget: 0.01, rpm_limit: 9 });
  const { key } = (await made.json()) as { readonly key: string };
  const messages = [{ role: "user", content: "Hello" }];
  const response = await post("/v1/chat/completions", key, { model: "paid", stream: true, messages });
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "x-signalbox-injected-params": "max_tokens=40",
    "x-signalbox-key-max-budget": "0.01",
    "x-signalbox-key-rpm-limit": "9",
  });
  expect(await response.text()).toMatch(/\n: x-signalbox-response-cost 0\.0000\d+\n\n$/);
});
