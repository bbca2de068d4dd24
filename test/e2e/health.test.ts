import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Listener } from "@signalbox/express/node";
import { listen } from "@signalbox/express/node";
import type { Authenticator, Deployment, Gateway, Principal } from "@signalbox/kernel";
import { createGateway, GatewayError, Secret } from "@signalbox/kernel";
import type { FallbacksOptions } from "@signalbox/plugin-fallbacks";
import { fallbacks } from "@signalbox/plugin-fallbacks";
import { mock } from "@signalbox/provider-mock";
import { mockServer } from "@signalbox/provider-mock/server";
import { openai } from "@signalbox/provider-openai";

const ADMIN: Principal = { id: "admin", kind: "master", admin: true, models: ["*"] };
const CALLER: Principal = { id: "caller", kind: "key", admin: false, models: ["*"] };

const keys: Authenticator = {
  required: true,
  authenticate({ key }) {
    if (key === "sk-admin") return ADMIN;
    if (key === "sk-caller") return CALLER;
    throw new GatewayError("invalid_api_key", "no valid API key was given");
  },
};

const upstream = mockServer({ apiKey: "sk-upstream" });
let upstreamUrl = "";
beforeAll(async () => {
  ({ url: upstreamUrl } = await upstream.listen());
});
afterAll(() => upstream.close());

let gateway: Gateway;
let listener: Listener;

async function start(deployments: readonly Deployment[], options: FallbacksOptions = {}): Promise<void> {
  gateway = await createGateway({
    plugins: [
      { name: "vendors", providers: [mock(), openai()], authenticator: keys },
      fallbacks({ retries: 0, ...options }),
    ],
    deployments,
  });
  listener = await listen(gateway, { port: 0 });
}

async function stop(): Promise<void> {
  await listener.close({ deadlineMs: 0 });
  await gateway.close();
}

/** Over real HTTP: the deployment's model is played by a server. */
function served(id: string, model: string, played: string, more: Partial<Deployment> = {}): Deployment {
  return {
    id,
    model,
    provider: "openai",
    upstreamModel: "gpt-5",
    baseUrl: `${upstreamUrl}/v1`,
    apiKey: new Secret("sk-upstream"),
    headers: { "x-mock-model": played },
    ...more,
  };
}

interface HealthEndpoint {
  readonly model_id: string;
  readonly state: string;
  readonly code: string | null;
  readonly until: string | null;
  readonly last_check: {
    readonly status: string;
    readonly code: string | null;
    readonly response_time_ms: number;
  } | null;
}

interface HealthOverview {
  readonly healthy_endpoints: readonly HealthEndpoint[];
  readonly unhealthy_endpoints: readonly HealthEndpoint[];
  readonly healthy_count: number;
  readonly unhealthy_count: number;
}

interface Answer<Body> {
  readonly status: number;
  readonly text: string;
  readonly body: Body;
}

async function send<Body>(method: string, path: string, json?: string, key = "sk-admin"): Promise<Answer<Body>> {
  const response = await fetch(`${listener.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(json !== undefined && { "content-type": "application/json" }) },
    ...(json !== undefined && { body: json }),
  });
  const text = await response.text();
  return { status: response.status, text, body: JSON.parse(text) as Body };
}

const get = <Body>(path: string): Promise<Answer<Body>> => send<Body>("GET", path);
const post = <Body>(path: string, json?: string): Promise<Answer<Body>> => send<Body>("POST", path, json);

async function ask(model: string): Promise<unknown> {
  return await gateway
    .chat({ model, messages: [{ role: "user", content: "Hello" }] })
    .catch((error: GatewayError) => error.code);
}

function byId({ healthy_endpoints, unhealthy_endpoints }: HealthOverview): Record<string, HealthEndpoint> {
  return Object.fromEntries([...healthy_endpoints, ...unhealthy_endpoints].map((each) => [each.model_id, each]));
}

interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly param: string | null };
}

describe("the health routes", () => {
  beforeEach(async () => {
    await start([
      served("good", "chat", "echo"),
      served("broken", "chat", "fault-500"),
      served("limited", "chat", "fault-429+retry-after-60s"),
      served("refused", "chat", "echo", { apiKey: new Secret("sk-wrong-and-secret") }),
      served("alone", "single", "fault-503"),
      { id: "wild", model: "mock/*", provider: "mock", upstreamModel: "*" },
    ]);
    return stop;
  });

  it("show every deployment without asking anybody", async () => {
    const before = upstream.received;
    const { status, body } = await get<HealthOverview>("/health");
    expect(status).toBe(200);
    expect(upstream.received).toBe(before);
    expect([body.healthy_count, body.unhealthy_count]).toEqual([6, 0]);
    expect(body.unhealthy_endpoints).toEqual([]);
    expect(body.healthy_endpoints[0]).toEqual({
      model: "chat",
      model_id: "good",
      provider: "openai",
      upstream_model: "gpt-5",
      state: "healthy",
      code: null,
      reason: null,
      since: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      until: null,
      consecutive_failures: 0,
      requests_last_minute: 0,
      failures_last_minute: 0,
      in_flight: 0,
      last_success_at: null,
      last_failure_at: null,
      last_check: null,
    });
  });

  it("show what calls have met with", async () => {
    for (let time = 0; time < 12; time++) expect(await ask("chat")).toMatchObject({ choices: [{}] });
    expect(await ask("single")).toBe("provider_overloaded");
    const { text, body } = await get<HealthOverview>("/health");
    const endpoints = byId(body);
    expect(endpoints["good"]).toMatchObject({ state: "healthy", requests_last_minute: 12, failures_last_minute: 0 });
    expect(endpoints["alone"]).toMatchObject({
      state: "failing",
      code: "provider_overloaded",
      reason: "its provider is overloaded",
      until: null,
      consecutive_failures: 1,
    });
    expect(text).not.toMatch(/127\.0\.0\.1|sk-|secret|injected/);
    expect(body.healthy_count + body.unhealthy_count).toBe(6);
  });

  it("ask the deployments when they are told to", async () => {
    const before = upstream.received;
    const { status, text, body } = await post<HealthOverview>("/health/check");
    expect(status).toBe(200);
    expect(upstream.received - before).toBe(5);
    const endpoints = byId(body);
    const shown = Object.fromEntries(
      Object.values(endpoints).map(({ model_id, state, code, last_check }) => [
        model_id,
        [state, code, last_check?.status ?? null, last_check?.code ?? null],
      ]),
    );
    expect(shown).toEqual({
      good: ["healthy", null, "healthy", null],
      broken: ["failing", "provider_error", "unhealthy", "provider_error"],
      limited: ["cooling", "provider_rate_limited", "unhealthy", "provider_rate_limited"],
      refused: ["cooling", "provider_auth_failed", "unhealthy", "provider_auth_failed"],
      alone: ["failing", "provider_overloaded", "unhealthy", "provider_overloaded"],
      wild: ["healthy", null, null, null],
    });
    expect([body.healthy_count, body.unhealthy_count]).toEqual([2, 4]);
    const leftMs = Date.parse(endpoints["limited"]?.until ?? "") - Date.now();
    expect(leftMs).toBeGreaterThan(50_000);
    expect(leftMs).toBeLessThanOrEqual(60_000);
    expect(endpoints["good"]?.last_check?.response_time_ms).toBeGreaterThanOrEqual(0);
    expect(text).not.toMatch(/127\.0\.0\.1|sk-|secret|injected/);
    const sent = JSON.parse((upstream.requests.at(-1) as { readonly body: Buffer }).body.toString()) as object;
    expect(sent).toMatchObject({ model: "gpt-5", messages: [{ role: "user" }] });
    expect(JSON.stringify(sent)).toContain(":16");
    expect(gateway.activeCalls).toBe(0);
  });

  it("remember the last check of each", async () => {
    expect((await get<object>("/health/latest")).body).toEqual({ latest_health_checks: {}, total_models: 0 });
    await post("/health/check", '{"model":"single"}');
    expect((await get<object>("/health/latest")).body).toEqual({
      latest_health_checks: {
        alone: {
          model_name: "single",
          model_id: "alone",
          status: "unhealthy",
          error_message: "provider_overloaded",
          response_time_ms: expect.any(Number),
          checked_at: expect.stringMatching(/Z$/),
        },
      },
      total_models: 1,
    });
  });

  it("take a model, a deployment, or both", async () => {
    const shown = async (path: string): Promise<string[]> => Object.keys(byId((await get<HealthOverview>(path)).body));
    expect(await shown("/health?model=chat")).toEqual(["good", "broken", "limited", "refused"]);
    expect(await shown("/health?model=mock%2F*")).toEqual(["wild"]);
    expect(await shown("/health?model=mock/echo")).toEqual(["wild"]);
    expect(await shown("/health?model_id=alone")).toEqual(["alone"]);
    expect(await shown("/health?model=chat&model_id=good")).toEqual(["good"]);
    const before = upstream.received;
    const checked = await post<HealthOverview>("/health/check", '{"model_id":"good"}');
    expect([upstream.received - before, checked.body.healthy_count, checked.body.unhealthy_count]).toEqual([1, 1, 0]);
  });

  it.each([
    ["GET", "/health?model=chatt", undefined, 404, "not_found", "model", 'Did you mean "chat"?'],
    ["GET", "/health?model_id=goood", undefined, 404, "not_found", "model_id", 'Did you mean "good"?'],
    ["GET", "/health?model=single&model_id=good", undefined, 404, "not_found", "model_id", "no deployment"],
    ["GET", "/health?modle=chat", undefined, 400, "unknown_field", "modle", 'Did you mean "model"'],
    ["GET", "/health/latest?page=1", undefined, 400, "unknown_field", "page", "page"],
    ["GET", "/health?model=chat&model=single", undefined, 400, "invalid_request", "model", "once"],
    ["GET", "/health?model=", undefined, 400, "invalid_request", "model", "empty"],
    ["POST", "/health/check", '{"model":"nope"}', 404, "not_found", "model", "no model"],
    ["POST", "/health/check", '{"models":"chat"}', 400, "unknown_field", "models", 'Did you mean "model"'],
    ["POST", "/health/check", '{"model":7}', 400, "invalid_request", "model", "string"],
    ["POST", "/health/check", "[]", 400, "invalid_request", null, "JSON object"],
    ["POST", "/health/check", "null", 400, "invalid_request", null, "JSON object"],
    ["POST", "/health/check?model=chat", undefined, 400, "unknown_field", "model", "body"],
  ] as const)("refuse %s %s %s", async (method, path, json, status, code, param, words) => {
    const before = upstream.received;
    const answer = await send<ErrorBody>(method, path, json);
    expect([answer.status, answer.body.error.code, answer.body.error.param]).toEqual([status, code, param]);
    expect(answer.body.error.message).toContain(words);
    expect(upstream.received).toBe(before);
  });

  it.each([
    ["GET", "/health"],
    ["GET", "/health/latest"],
    ["POST", "/health/check"],
  ])("serve %s %s to administrators alone", async (method, path) => {
    const before = upstream.received;
    expect((await send(method, path, undefined, "sk-caller")).status).toBe(403);
    expect((await send(method, path, undefined, "sk-nobody")).status).toBe(401);
    expect(upstream.received).toBe(before);
  });

  it("begin anew with a deployment that was mended", async () => {
    await post("/health/check", '{"model_id":"refused"}');
    expect(byId((await get<HealthOverview>("/health")).body)["refused"]?.state).toBe("cooling");
    gateway.changeDeployments({ put: [served("refused", "chat", "echo")], remove: ["limited"] });
    const { body } = await get<HealthOverview>("/health?model=chat");
    expect(byId(body)["refused"]?.state).toBe("healthy");
    expect(body.healthy_count).toBe(3);
  });
});

describe("background checks", () => {
  it("notice an outage without any call, and go on until the gateway closes", async () => {
    await start([served("good", "chat", "echo"), served("broken", "chat", "fault-500")], {
      probes: { intervalMs: 100 },
    });
    try {
      let state = "";
      const until = performance.now() + 10_000;
      while (state !== "ejected" && performance.now() < until) {
        state = byId((await get<HealthOverview>("/health")).body)["broken"]?.state ?? "";
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(state).toBe("ejected");
    } finally {
      await stop();
    }
    const after = upstream.received;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(upstream.received).toBe(after);
  });
});

describe("a model that its provider limits everywhere", () => {
  it("answers 429 with the soonest time, then works again", async () => {
    await start([
      served("a", "chat", "fault-429-first-1+retry-after-2s"),
      served("b", "chat", "fault-429-first-1+retry-after-1s"),
    ]);
    try {
      expect(await ask("chat")).toBe("provider_rate_limited");
      const before = upstream.received;
      const refused = await gateway
        .chat({ model: "chat", messages: [{ role: "user", content: "x" }] })
        .catch((error: GatewayError) => error);
      expect(refused).toMatchObject({ status: 429, code: "provider_rate_limited" });
      expect((refused as GatewayError).retryAfterMs).toBeGreaterThan(500);
      expect((refused as GatewayError).retryAfterMs).toBeLessThanOrEqual(1_000);
      expect(upstream.received).toBe(before);
      await new Promise((resolve) => setTimeout(resolve, 1_050));
      expect(await ask("chat")).toMatchObject({ choices: [{}] });
    } finally {
      await stop();
    }
  });
});

describe("a deployment whose time is over", () => {
  it("gets a single call of many that come at the same time, then all", async () => {
    const played = "echo+slow-100ms+fault-500-first-5";
    await start([served("flappy", "chat", played), served("good", "chat", "echo")], { cooldown: { ms: 300 } });
    const asked = (): number => upstream.requests.filter(({ headers }) => headers["x-mock-model"] === played).length;
    try {
      for (let time = 0; time < 6; time++) expect(await ask("chat")).toMatchObject({ choices: [{}] });
      expect(asked()).toBe(5);
      await new Promise((resolve) => setTimeout(resolve, 350));
      const answers = await Promise.all(Array.from({ length: 50 }, () => ask("chat")));
      expect(answers).toEqual(answers.map(() => expect.objectContaining({ choices: [expect.anything()] })));
      expect(asked()).toBe(6);
      await ask("chat");
      expect(asked()).toBe(7);
      expect(byId((await get<HealthOverview>("/health")).body)["flappy"]?.state).toBe("healthy");
    } finally {
      await stop();
    }
  });
});
