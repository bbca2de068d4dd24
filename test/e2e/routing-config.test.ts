import { afterEach, describe, expect, it } from "vitest";
import type { Exchange } from "@signalbox/kernel/testkit";
import type { Answers, ConfiguredGateway, Reply } from "./configured-gateway.ts";
import { configuredGateway } from "./configured-gateway.ts";
import { chatBody, chatEvents, chatReply, sse } from "./scripted-gateway.ts";

// Configurations as files, served by the batteries-included gateway, in front of an upstream that tests script.

const GOOD: Exchange = { body: chatReply("openai") };
const BROKEN: Exchange = { status: 500, body: { error: { message: "no" } } };

const running: ConfiguredGateway[] = [];

async function start(yaml: string, answers: Answers = {}): Promise<ConfiguredGateway> {
  const gateway = await configuredGateway(yaml, answers, GOOD);
  running.push(gateway);
  return gateway;
}

afterEach(async () => {
  for (const each of running.splice(0)) await each.close();
});

const entry = (model: string, path: string, more = "", info = ""): string =>
  `  - {model_name: ${model}, litellm_params: {model: openai/${path}, api_base: $UP/${path}/v1${more === "" ? "" : `, ${more}`}}, model_info: {id: ${path}${info}}}\n`;

const route = ({ headers }: Reply): object => ({
  id: headers.get("x-signalbox-model-id"),
  group: headers.get("x-signalbox-model-group"),
  retries: headers.get("x-signalbox-attempted-retries") ?? "0",
  fallbacks: headers.get("x-signalbox-attempted-fallbacks") ?? "0",
});

describe("fallbacks and retries", () => {
  const chain = `model_list:
${entry("first", "a")}${entry("second", "b")}${entry("third", "c")}router_settings:
  num_retries: 1
  disable_cooldowns: true
  fallbacks: [{first: [second, third]}]
`;

  it("go along the chain, each model with its retries", async () => {
    const gateway = await start(chain, { a: BROKEN, b: BROKEN });
    const reply = await gateway.chat("first");
    expect(reply.status).toBe(200);
    expect(gateway.asked).toEqual(["a", "a", "b", "b", "c"]);
    expect(route(reply)).toEqual({ id: "c", group: "third", retries: "2", fallbacks: "2" });
  });

  it.each([
    ["num_retries in the body", { num_retries: 0 }, {}, ["a", "b", "c"]],
    ["num-retries in a header", {}, { "x-litellm-num-retries": "0" }, ["a", "b", "c"]],
    ["disable_fallbacks", { disable_fallbacks: true }, {}, ["a", "a"]],
    ["fallbacks in the body", { fallbacks: ["third"], num_retries: 0 }, {}, ["a", "c"]],
  ])("obey %s", async (_name, more, headers, asked) => {
    const gateway = await start(chain, { a: BROKEN, b: BROKEN });
    const reply = await gateway.chat("first", more, headers);
    expect(gateway.asked).toEqual(asked);
    expect(reply.status).toBe(asked.includes("c") ? 200 : 502);
    expect(reply.headers.get("x-signalbox-dropped-params")).toBeNull();
  });

  it("have chains of their own for what is too long", async () => {
    const tooLong: Exchange = {
      status: 400,
      body: { error: { message: "too long", type: "invalid_request_error", code: "context_length_exceeded" } },
    };
    const yaml = chain.replace("fallbacks: [{first: [second, third]}]", "context_window_fallbacks: [{first: [third]}]");
    const gateway = await start(yaml, { a: tooLong });
    const reply = await gateway.chat("first");
    expect(reply.status).toBe(200);
    expect(gateway.asked).toEqual(["a", "c"]);
  });

  it("do without those that are not for a class of failures", async () => {
    const yaml = chain.replace("num_retries: 1", "retry_policy: {num_retries: 1, InternalServerErrorRetries: 0}");
    const gateway = await start(yaml, { a: BROKEN });
    await gateway.chat("first");
    expect(gateway.asked).toEqual(["a", "b"]);
  });

  it("are also for a stream that does not begin in the time the client gives it", async () => {
    const slow: Exchange = { headersDelayMs: 1_000, bodyText: sse("openai", chatEvents("openai", ["late"])) };
    const quick: Exchange = {
      contentType: "text/event-stream",
      bodyText: sse("openai", chatEvents("openai", ["quick"])),
    };
    const gateway = await start(chain, { a: slow, b: quick });
    const headers = { "x-signalbox-stream-timeout": "0.1", "x-signalbox-num-retries": "0" };
    const reply = await gateway.chat("first", { stream: true }, headers);
    expect(reply.status).toBe(200);
    expect(String(reply.body.text)).toContain("quick");
    expect(route(reply)).toEqual({ id: "b", group: "second", retries: "0", fallbacks: "1" });
  });
});

describe("several deployments of one model", () => {
  it("share its calls by weight", async () => {
    const gateway = await start(
      `model_list:\n${entry("m", "a", "weight: 3")}${entry("m", "b", "weight: 1")}${entry("m", "c", "weight: 0")}`,
    );
    const calls = 400;
    for (let batch = 0; batch < calls / 20; batch++) {
      await Promise.all(Array.from({ length: 20 }, () => gateway.chat("m")));
    }
    const share = (path: string): number => gateway.asked.filter((each) => each === path).length;
    expect(share("a") + share("b")).toBe(calls);
    // 300 on average; six standard deviations are 52
    expect(share("a")).toBeGreaterThan(248);
    expect(share("a")).toBeLessThan(352);
  });

  it("are used in order where they have one", async () => {
    const yaml = `model_list:\n${entry("m", "a", "order: 2")}${entry("m", "b", "order: 1")}`;
    const gateway = await start(yaml, { b: () => BROKEN });
    const reply = await gateway.chat("m", { num_retries: 0 });
    expect(gateway.asked[0]).toBe("b");
    expect(reply.status).toBe(200);
  });

  it("are left out after failures, which GET /health shows", async () => {
    const models = `model_list:\n${entry("m", "a", "order: 1")}${entry("m", "b", "order: 2")}`;
    const yaml = `${models}router_settings: {cooldown_time: 30, allowed_fails: 0}\n`;
    const gateway = await start(yaml, { a: BROKEN });
    const endpoints = async (name: string): Promise<readonly Record<string, unknown>[]> =>
      (await gateway.get("/health")).body[name] as readonly Record<string, unknown>[];
    expect(await endpoints("unhealthy_endpoints")).toEqual([]);

    expect((await gateway.chat("m")).status).toBe(200);
    expect((await gateway.chat("m")).status).toBe(200);
    expect(gateway.asked).toEqual(["a", "b", "b"]);

    const [left] = await endpoints("unhealthy_endpoints");
    expect(left).toMatchObject({ model: "m", model_id: "a", state: "cooling", code: "provider_error" });
    const seconds = (Date.parse(String(left?.until)) - Date.now()) / 1_000;
    expect(seconds).toBeGreaterThan(20);
    expect(seconds).toBeLessThanOrEqual(30);
    expect(await endpoints("healthy_endpoints")).toMatchObject([{ model_id: "b", state: "healthy" }]);
    expect(JSON.stringify(await gateway.get("/health"))).not.toContain("sk-openai");
  });

  it("stay in use where cooldowns are switched off", async () => {
    const refused: Exchange = { status: 401, body: { error: { message: "bad key", code: "invalid_api_key" } } };
    const yaml = `model_list:\n${entry("m", "a", "order: 1")}${entry("m", "b", "order: 2")}router_settings: {disable_cooldowns: true}\n`;
    const gateway = await start(yaml, { a: refused });
    await gateway.chat("m");
    await gateway.chat("m");
    expect(gateway.asked).toEqual(["a", "b", "a", "b"]);
  });

  it("keep within their rates", async () => {
    const gateway = await start(`model_list:\n${entry("m", "a", "rpm: 2")}`);
    expect((await gateway.chat("m")).status).toBe(200);
    expect((await gateway.chat("m")).status).toBe(200);
    const refused = await gateway.chat("m");
    expect(refused.status).toBe(429);
    expect(refused.body.error).toMatchObject({ code: "rate_limit_exceeded" });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(gateway.asked).toEqual(["a", "a"]);
  });
});

describe("tags", () => {
  const yaml = `model_list:\n${entry("m", "a", "tags: [blue]")}${entry("m", "b", "tags: [red, default]")}router_settings: {enable_tag_filtering: true}\n`;

  it.each([
    ["in the body", { tags: ["blue"] }, {}, "a"],
    ["in the metadata", { metadata: { tags: ["red"] } }, {}, "b"],
    ["in a header", {}, { "x-signalbox-tags": "blue" }, "a"],
    ["missing", {}, {}, "b"],
    ["of nobody", { tags: ["green"] }, {}, "b"],
  ])("%s choose the deployment", async (_name, more, headers, path) => {
    const gateway = await start(yaml);
    const reply = await gateway.chat("m", more, headers);
    expect(reply.status).toBe(200);
    expect(gateway.asked).toEqual([path]);
  });

  it("that nothing answers to are refused where there is no default", async () => {
    const gateway = await start(yaml.replace(", default", ""));
    const reply = await gateway.chat("m", { tags: ["green"] });
    expect(reply.status).toBe(400);
    expect(reply.body.error).toMatchObject({ code: "no_matching_deployment" });
  });
});

describe("names", () => {
  const yaml = `model_list:
${entry("gpt", "a")}${entry("house", "b")}router_settings:
  model_group_alias: {best: gpt, secret: {model: house, hidden: true}}
  traffic_splits: {mixed: {arms: [{model: gpt, percent: 0}, {model: house, percent: 100}]}}
  content_routers: {auto: {rules: [{name: poems, when: {contains: [poem]}, use: gpt}], default_model: house}}
`;
  const question = (content: string): object => ({ messages: [{ role: "user", content }] });

  it("of aliases, splits and content routers lead to models", async () => {
    const gateway = await start(yaml);
    expect(route(await gateway.chat("best"))).toMatchObject({ id: "a", group: "gpt" });
    expect(route(await gateway.chat("secret"))).toMatchObject({ id: "b", group: "house" });
    expect(route(await gateway.chat("mixed"))).toMatchObject({ id: "b", group: "house" });
    expect(route(await gateway.chat("auto", question("a poem, please")))).toMatchObject({ id: "a", group: "gpt" });
    expect(route(await gateway.chat("auto", question("hello")))).toMatchObject({ id: "b", group: "house" });
  });

  it("are listed, but for hidden ones", async () => {
    const gateway = await start(yaml);
    const { data } = (await gateway.get("/v1/models")).body as { data?: readonly { readonly id: string }[] };
    expect(data?.map(({ id }) => id).sort()).toEqual(["auto", "best", "gpt", "house", "mixed"]);
  });

  it("are explained", async () => {
    const gateway = await start(yaml);
    const { body } = await gateway.post("/v1/explain", chatBody("openai", "auto", question("a poem")));
    expect(JSON.stringify(body.notes)).toContain('rule \\"poems\\" → \\"gpt\\"');
  });

  it("of LiteLLM's router by complexity work as they stand", async () => {
    const gateway = await start(`model_list:
${entry("cheap", "a")}${entry("strong", "b")}  - model_name: smart
    litellm_params:
      model: auto_router/complexity_router
      complexity_router_config:
        tiers: {SIMPLE: cheap, MEDIUM: cheap, COMPLEX: strong, REASONING: strong}
`);
    expect(route(await gateway.chat("smart", question("hi")))).toMatchObject({ id: "a" });
    const hard = "Prove step by step that the sum of the first n odd numbers is n squared, and justify each step.";
    expect(route(await gateway.chat("smart", question(hard)))).toMatchObject({ id: "b" });
  });

  it("of a silent_model stand for copies", async () => {
    const gateway = await start(`model_list:\n${entry("m", "a", "silent_model: shadow")}${entry("shadow", "b")}`);
    expect(route(await gateway.chat("m"))).toMatchObject({ id: "a" });
    await gateway.upstream.received(1);
    expect(gateway.asked.toSorted()).toEqual(["a", "b"]);
  });
});

describe("facts", () => {
  const picture = {
    messages: [
      { role: "user", content: [{ type: "image_url", image_url: { url: "https://pictures.example/cat.png" } }] },
    ],
  };
  const yaml = `model_list:\n${entry("m", "a", "order: 1", ", supports_vision: false")}${entry("m", "b", "order: 2")}`;

  it("keep pictures from a model that takes none", async () => {
    const gateway = await start(yaml);
    expect((await gateway.chat("m", picture)).status).toBe(200);
    expect((await gateway.chat("m")).status).toBe(200);
    expect(gateway.asked).toEqual(["b", "a"]);
  });

  it("are not looked at where checks are switched off", async () => {
    const gateway = await start(`${yaml}router_settings: {enable_pre_call_checks: false}\n`);
    await gateway.chat("m", picture);
    expect(gateway.asked).toEqual(["a"]);
  });

  it("say which deployment is the cheapest", async () => {
    const priced = (dollars: string): string => `input_cost_per_token: ${dollars}, output_cost_per_token: ${dollars}`;
    const models = `model_list:\n${entry("m", "a", priced("2.0e-06"))}${entry("m", "b", priced("1.0e-06"))}`;
    const gateway = await start(`${models}router_settings: {routing_strategy: cost-based-routing}\n`);
    for (let call = 0; call < 5; call++) await gateway.chat("m");
    expect(gateway.asked).toEqual(["b", "b", "b", "b", "b"]);
  });
});

describe("the queue", () => {
  const models = `model_list:\n${entry("m", "a", "max_parallel_requests: 1")}`;
  const slow: Answers = { a: { ...GOOD, headersDelayMs: 150 } };

  it("lets calls wait for their turn, and reads their priority", async () => {
    const gateway = await start(`${models}router_settings: {queue: {max_wait: 5}}\n`, slow);
    const replies = await Promise.all([gateway.chat("m"), gateway.chat("m", { priority: 1 })]);
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    expect(replies[1]?.headers.get("x-signalbox-dropped-params")).toBeNull();
  });

  it("is not there by default: the second call is refused", async () => {
    const gateway = await start(models, slow);
    const first = gateway.chat("m");
    await gateway.upstream.received(0);
    const second = await gateway.chat("m", { priority: 1, num_retries: 0 });
    expect(second.status).toBe(429);
    expect(second.body.error).toMatchObject({ code: "concurrency_limit_exceeded" });
    expect(second.headers.get("x-signalbox-dropped-params")).toBe("priority");
    expect((await first).status).toBe(200);
  });
});

describe("the largest and smallest values that a configuration takes", () => {
  it.each([
    ["num_retries: 100", "retry_after: 3600", "max_fallbacks: 100", "cooldown_time: 86400", "allowed_fails: 1000000"],
    ["num_retries: 0", "retry_after: 0", "max_fallbacks: 0", "cooldown_time: 0.001", "allowed_fails: 0"],
    [
      "retry_budget: {ratio: 1, min_per_second: 1000000}",
      "hedging: {percentile: 0.999, min_delay: 3600, max_delay: 3600}",
    ],
    [
      "retry_budget: {ratio: 0, min_per_second: 0}",
      "hedging: {percentile: 0.5, min_delay: 0.001, max_delay: 0.001, max_share: 0}",
    ],
    [
      "session_affinity: {ttl: 86400}",
      "prompt_cache_affinity: {ttl: 86400, min_tokens: 1}",
      "queue: {max_waiting: 1, max_wait: 86400}",
    ],
    [
      "mirrors: {m: {to: n, percent: 0, max_parallel: 1, timeout: 86400}}",
      "routing_strategy: latency-based-routing",
      "routing_strategy_args: {ttl: 86400, lowest_latency_buffer: 0}",
    ],
    [
      "content_routers: {auto: {tiers: {simple: m}, thresholds: {medium: 0, complex: 1, reasoning: 1}, weights: {code: 1, plain: 0}}}",
    ],
    [
      "retry_policy: {RateLimitErrorRetries: 100}",
      "model_group_retry_policy: {m: {TimeoutErrorRetries: 0}}",
      "continue_streams: true",
    ],
  ])("are taken by the plugins: %s %s", async (...lines) => {
    const gateway = await start(
      `model_list:\n${entry("m", "a")}${entry("n", "b")}router_settings:\n  ${lines.join("\n  ")}\n`,
    );
    expect((await gateway.chat("m")).status).toBe(200);
  });
});
