import { request as httpRequest } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { createGateway, GatewayError, replyOf } from "@signalbox/kernel";
import type { ErrorReport } from "../src/index.ts";
import type { Listener, ListenOptions } from "../src/node/index.ts";
import { listen } from "../src/node/index.ts";
import { post, RawClient, until } from "./support/raw-client.ts";
import { SECRET } from "./support/scripted-provider.ts";
import type { TestGateway } from "./support/test-gateway.ts";
import { ADMIN_KEY, KEY, keys, testGateway } from "./support/test-gateway.ts";

const running: { listener: Listener; test: TestGateway }[] = [];

async function start(
  options: ListenOptions = {},
  plugin: Parameters<typeof testGateway>[0] = {},
): Promise<{ readonly url: string } & TestGateway> {
  const test = await testGateway(plugin);
  const listener = await listen(test.gateway, { port: 0, ...options });
  running.push({ listener, test });
  return { url: listener.url, ...test };
}

afterEach(async () => {
  for (const { listener, test } of running.splice(0)) {
    await listener.close({ deadlineMs: 0 });
    await test.gateway.close();
  }
});

function chat(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

describe("a call", () => {
  it("is answered in its dialect, with the headers that explain it", async () => {
    const { url } = await start();
    const response = await chat(url, { model: "whole", text: "hello" });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ object: "chat.completion", text: "hello" });
    const headers = Object.fromEntries(response.headers);
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "content-length": "43",
      "x-signalbox-model": "whole",
      "x-signalbox-deployment": "scripted-all",
      "x-signalbox-attempts": "1",
      "x-test-encoder": "openai",
    });
    expect(headers["x-signalbox-call-id"]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(headers["x-signalbox-overhead-ms"]).toMatch(/^\d+\.\d\d$/);
    expect(headers["x-signalbox-dropped-params"]).toBeUndefined();
  });

  it.each([
    ["a result", { model: "whole", text: "x" }, 200],
    ["a stream", { model: "echo", text: "x", stream: true }, 200],
    ["an error", { model: "limited", text: "x" }, 429],
  ])("bears the headers of plugins: %s", async (_what, body, status) => {
    const { url } = await start(
      {},
      {
        layers: {
          admit: (call, next) => {
            call.trace.header("x-ratelimit-remaining-requests", "59");
            call.trace.header("x-owner", "Zoë\r\nset-cookie: a=b");
            return next(call);
          },
        },
      },
    );
    const response = await chat(url, body);
    expect(response.status).toBe(status);
    expect(response.headers.get("x-ratelimit-remaining-requests")).toBe("59");
    expect(response.headers.get("x-owner")).toBe("Zo%C3%AB%0D%0Aset-cookie: a=b");
    expect(response.headers.get("set-cookie")).toBeNull();
    await response.text();
  });

  it("reports dropped parameters", async () => {
    const { url } = await start();
    const response = await chat(url, { model: "drops", text: "x" });
    expect(response.headers.get("x-signalbox-dropped-params")).toBe("logit_bias, seed");
  });

  it("takes parameters from the path", async () => {
    const { url, provider } = await start();
    const response = await fetch(`${url}/engines/whole/chat/completions?api-version=1`, {
      method: "POST",
      body: '{"text":"hi"}',
    });
    expect(await response.json()).toEqual({ object: "chat.completion", text: "hi" });
    expect(provider.started).toEqual(["whole"]);
  });

  it("writes a model name that is no header text as one", async () => {
    const { url } = await start({ onError: () => {} });
    const response = await chat(url, { model: "bad\r\nx-injected: 1 \u00e9\ud800", text: "x" });
    expect(response.status).toBe(500);
    expect(response.headers.get("x-injected")).toBeNull();
    expect(response.headers.get("x-signalbox-model")).toBe("bad%0D%0Ax-injected: 1 %C3%A9%EF%BF%BD");
  });

  it("collects a body that arrives in many pieces", async () => {
    const { url } = await start();
    const client = new RawClient(url);
    const text = "t".repeat(300);
    const whole = post("/v1/chat/completions", JSON.stringify({ model: "whole", text })).replace(
      "gateway.test",
      "localhost",
    );
    client.socket.setNoDelay(true);
    for (let at = 0; at < whole.length; at += 37) {
      client.write(whole.slice(at, at + 37));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.until(({ received }) => received.includes("chat.completion"));
    expect(client.received).toContain(`{"object":"chat.completion","text":"${text}"}`);
    client.socket.destroy();
  });

  it("answers pipelined requests with one answer each, in order", async () => {
    const { url } = await start();
    const client = new RawClient(url);
    const one = post("/v1/chat/completions", '{"model":"silent","text":"first","stream":true}');
    const two = post("/v1/chat/completions", '{"model":"whole","text":"second"}');
    client.write((one + two).replaceAll("gateway.test", "localhost"));
    await client.until(({ received }) => received.includes("second"));
    expect(client.statuses()).toEqual([200, 200]);
    expect(client.received.indexOf("first")).toBeLessThan(client.received.indexOf("second"));
    client.socket.destroy();
  });
});

describe("who is calling", () => {
  it.each([
    ["authorization", `Bearer ${KEY}`],
    ["authorization", `bearer ${KEY}`],
    ["x-api-key", KEY],
    ["api-key", KEY],
    ["x-goog-api-key", KEY],
    ["x-signalbox-api-key", KEY],
    ["x-signalbox-api-key", `Bearer ${KEY}`],
    ["x-litellm-api-key", KEY],
  ])("is read from %s: %s", async (name, value) => {
    const { url } = await start({}, { authenticator: keys() });
    expect((await chat(url, { model: "whole", text: "x" }, { [name]: value })).status).toBe(200);
  });

  it("is read from the gateway's own header first", async () => {
    const { url } = await start({}, { authenticator: keys() });
    const headers = { authorization: "Bearer sk-for-the-provider", "x-signalbox-api-key": KEY };
    expect((await chat(url, { model: "whole", text: "x" }, headers)).status).toBe(200);
    const wrong = { authorization: `Bearer ${KEY}`, "x-signalbox-api-key": "sk-wrong" };
    expect((await chat(url, { model: "whole", text: "x" }, wrong)).status).toBe(401);
  });

  it.each([
    ["no key", {}],
    ["a wrong key", { authorization: "Bearer sk-wrong" }],
    ["another scheme", { authorization: `Basic ${KEY}` }],
    ["an empty key", { authorization: "Bearer " }],
  ] as [string, Record<string, string>][])(
    "is refused with one body for %s, before the body is parsed",
    async (_name, headers) => {
      const { url, provider } = await start({}, { authenticator: keys(true) });
      const response = await chat(url, "{ this is not JSON", headers);
      expect(response.status).toBe(401);
      expect(await response.json()).toEqual({
        error: {
          message: "no valid API key was given",
          type: "invalid_request_error",
          param: null,
          code: "invalid_api_key",
        },
      });
      expect(response.headers.get("x-signalbox-error-contract")).toBe("1");
      expect(response.headers.get("x-signalbox-call-id")).toMatch(/^[0-9a-f-]{36}$/);
      expect(provider.started).toEqual([]);
    },
  );

  it("is told to resource routes, which may ask for an administrator", async () => {
    const { url } = await start(
      {},
      {
        authenticator: keys(),
        routes: [
          {
            kind: "resource",
            method: "GET",
            path: "/keys",
            access: "admin",
            handle: (_request, { principal }) => ({ status: 200, headers: {}, body: `"${principal.id}"` }),
          },
        ],
      },
    );
    const get = (key: string): Promise<Response> => fetch(`${url}/keys`, { headers: { "x-api-key": key } });
    expect((await get("sk-wrong")).status).toBe(401);
    const forbidden = await get(KEY);
    expect(forbidden.status).toBe(403);
    expect(await forbidden.json()).toMatchObject({ error: { code: "route_not_allowed", type: "permission_error" } });
    expect(await (await get(ADMIN_KEY)).json()).toBe("admin");
  });

  it("may be decided by the application", async () => {
    const { url } = await start({
      principal: async ({ headers }) =>
        headers["x-user"] === "ann"
          ? { id: "ann", kind: "user", admin: false, models: ["named"] }
          : (undefined as never),
    });
    expect((await chat(url, { model: "named", text: "x" }, { "x-user": "ann" })).status).toBe(200);
    expect((await chat(url, { model: "whole", text: "x" }, { "x-user": "ann" })).status).toBe(403);
    expect((await chat(url, { model: "named", text: "x" }, { "x-user": "bob" })).status).toBe(401);
  });
});

describe("a failure", () => {
  it.each([
    ["/v1/chat/completions", { error: { code: "invalid_request", type: "invalid_request_error" } }],
    ["/v1/messages", { type: "error", error: { type: "anthropic_invalid_request" } }],
    ["/v1beta/models/whole:generate", { error: { code: 400, status: "GEMINI" } }],
  ])("speaks the dialect of %s", async (path, body) => {
    const { url } = await start();
    const response = await fetch(url + path, { method: "POST", body: '{"model": ' });
    expect(response.status).toBe(400);
    const answer = (await response.json()) as { request_id?: string };
    expect(answer).toMatchObject(body);
    if (answer.request_id !== undefined) {
      expect(answer.request_id).toBe(response.headers.get("x-signalbox-call-id"));
    }
  });

  it.each([
    ["/v1/unknown", { error: { code: "not_found" } }],
    ["/v1/messages/unknown", { type: "error", error: { type: "anthropic_not_found" } }],
    ["/v1beta/unknown", { error: { code: 404, status: "GEMINI" } }],
  ])("404 for %s speaks the closest dialect", async (path, body) => {
    const { url } = await start();
    const response = await fetch(url + path);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject(body);
  });

  it("405 names the methods that are served", async () => {
    const { url } = await start();
    const response = await fetch(`${url}/v1/messages`);
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST");
    expect(await response.json()).toMatchObject({ error: { type: "anthropic_method_not_allowed" } });
  });

  it("tells how long to wait, and whether to try again", async () => {
    const { url } = await start();
    const limited = await chat(url, { model: "limited", text: "x" });
    expect(limited.status).toBe(429);
    expect(limited.headers.get("retry-after")).toBe("2");
    expect(limited.headers.get("x-should-retry")).toBeNull();
    expect(limited.headers.get("x-signalbox-attempts")).toBe("1");
  });

  it.each([429, 422] as const)(
    "answers a spent budget with %i, where that is what clients understand",
    async (status) => {
      const spent = () => {
        throw new GatewayError("budget_exceeded", "the budget is spent");
      };
      const { url } = await start({ budgetExceededStatus: status }, { layers: { admit: () => replyOf(spent) } });
      const response = await chat(url, { model: "whole", text: "x" });
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ error: { code: "budget_exceeded" } });
      expect(response.headers.get("x-should-retry")).toBe("false");
    },
  );

  it("takes no other status for it", async () => {
    await expect(start({ budgetExceededStatus: 402 as 422 })).rejects.toThrow(
      "budgetExceededStatus must be 429 or 422",
    );
  });

  it("leaves headers as the dialect wrote them", async () => {
    const { url } = await start();
    const response = await fetch(`${url}/v1beta/models/limited:generate`, { method: "POST", body: '{"text":"x"}' });
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("7");
    expect(response.headers.get("x-signalbox-error-contract")).toBe("1");
  });

  it("of ours hides its cause from the client, and shows it to the operator", async () => {
    const reports: ErrorReport[] = [];
    const { url } = await start({ onError: (report) => reports.push(report) });
    const response = await chat(url, { model: "bug", text: "x" });
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({
      error: {
        message: "the gateway failed to process this call",
        type: "server_error",
        param: null,
        code: "internal_error",
      },
    });
    expect(text + JSON.stringify(Object.fromEntries(response.headers))).not.toContain(SECRET);
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatchObject({
      callId: response.headers.get("x-signalbox-call-id"),
      method: "POST",
      path: "/v1/chat/completions",
    });
    expect(String(reports[0]?.error.cause)).toContain(SECRET);
  });

  it("of a resource route is told in the default dialect", async () => {
    const { url } = await start(
      { onError: () => {} },
      {
        routes: [
          {
            kind: "resource",
            method: "GET",
            path: "/broken",
            access: "caller",
            handle: () => Promise.reject(new Error(SECRET)),
          },
        ],
      },
    );
    const response = await fetch(`${url}/broken`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain(SECRET);
  });

  it("is told even where no dialect is", async () => {
    const gateway = await createGateway({ plugins: [] });
    const listener = await listen(gateway, { port: 0 });
    const response = await fetch(`${listener.url}/v1/chat/completions`, { method: "POST", body: "{}" });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: {
        message: "nothing is served at POST /v1/chat/completions",
        type: "invalid_request_error",
        param: null,
        code: "not_found",
      },
    });
    await listener.close();
    await gateway.close();
  });
});

describe("limits", () => {
  it("refuses a body whose length is too large before it is sent", async () => {
    const { url, provider } = await start({ maxBodyBytes: 1_000 });
    const client = new RawClient(url);
    client.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1001\r\n\r\n${"x".repeat(10)}`,
    );
    await client.until(({ closed }) => closed);
    expect(client.statuses()).toEqual([413]);
    expect(client.received.toLowerCase()).toContain("connection: close");
    expect(client.received).toContain('"code":"request_too_large"');
    expect(provider.started).toEqual([]);
  });

  it("refuses a body that turns out to be too large, and the client gets the answer", async () => {
    const { url } = await start({ maxBodyBytes: 100_000 });
    const body = JSON.stringify({ model: "whole", text: "x".repeat(4_000_000) });
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(`${url}/v1/chat/completions`, { method: "POST" }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on("error", reject);
      // without content-length, so chunked
      for (let at = 0; at < body.length; at += 50_000) request.write(body.slice(at, at + 50_000));
      request.end();
    });
    expect(status).toBe(413);
  });

  it("takes a body of exactly the limit", async () => {
    const body = '{"model":"whole","text":"abc"}';
    const { url } = await start({ maxBodyBytes: body.length });
    expect((await chat(url, body)).status).toBe(200);
    expect((await chat(url, `${body} `)).status).toBe(413);
  });

  it("gives up on a body that does not arrive", async () => {
    const { url } = await start({ bodyTimeoutMs: 100 });
    const client = new RawClient(url);
    client.write('POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\n{"model"');
    await client.until(({ received }) => received.includes("request_timeout"), 2_000);
    expect(client.statuses()).toEqual([408]);
    await client.until(({ closed }) => closed, 2_000);
  });

  it("refuses more than 100 header fields", async () => {
    const { url } = await start();
    const headers = Array.from({ length: 101 }, (_, index) => `x-${index}: 1`).join("\r\n");
    const client = new RawClient(url);
    client.write(`GET /v1/models HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n\r\n`);
    await client.until(({ received }) => received.includes("headers_too_large"));
    expect(client.statuses()).toEqual([431]);
    client.socket.destroy();
  });

  it.each([
    ["deep nesting", "[".repeat(100_000) + "]".repeat(100_000), "nested"],
    ["many keys", `{${Array.from({ length: 10_001 }, (_, index) => `"k${index}":1`).join(",")}}`, "keys"],
    ["a prototype key", '{"__proto__":{"admin":true}}', "__proto__"],
    ["no JSON", "hello", "not valid JSON"],
    ["no UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), "UTF-8"],
    ["nothing", "", "missing"],
  ])("refuses a body with %s", async (_name, body, message) => {
    const { url } = await start();
    const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", body });
    expect(response.status).toBe(400);
    const answer = (await response.json()) as { error: { message: string; code: string } };
    expect(answer.error.code).toBe("invalid_request");
    expect(answer.error.message).toContain(message);
  });

  it("refuses compressed bodies", async () => {
    const { url } = await start();
    const response = await chat(url, { model: "whole", text: "x" }, { "content-encoding": "gzip" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: "invalid_request" } });
  });

  it("holds no more memory for a body of tiny chunks than for any other", async () => {
    const { url } = await start({ bodyTimeoutMs: 20_000 });
    const client = new RawClient(url);
    client.write("POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
    // of this thread alone: the resident size is shared with every other test
    const held = (): number => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
    const before = held();
    const burst = "1\r\n \r\n".repeat(10_000);
    for (let round = 0; round < 100; round++) {
      if (!client.socket.write(burst)) await new Promise((resolve) => client.socket.once("drain", resolve));
    }
    client.write('23\r\n{"model":"whole","text":"in pieces"\r\n1\r\n}\r\n0\r\n\r\n');
    await client.until(({ received }) => received.includes("in pieces"), 15_000);
    expect(held() - before).toBeLessThan(48 * 1024 * 1024);
    client.socket.destroy();
  });

  it("hands forms over as bytes, with their own limit", async () => {
    const { url } = await start({ maxBodyBytes: 10, maxFormBytes: 1_000 });
    const form = new FormData();
    form.set("file", new Blob(["a".repeat(500)]), "a.wav");
    const response = await fetch(`${url}/v1/audio`, { method: "POST", body: form });
    expect(response.status).toBe(200);
    const { bytes, json } = (await response.json()) as { bytes: number; json: unknown };
    expect(bytes).toBeGreaterThan(500);
    expect(json).toBeNull();
    const large = new FormData();
    large.set("file", new Blob(["a".repeat(1_000)]), "a.wav");
    expect((await fetch(`${url}/v1/audio`, { method: "POST", body: large })).status).toBe(413);
  });
});

describe("management routes", () => {
  it("explain a request without sending it", async () => {
    const { url, provider } = await start();
    const response = await fetch(`${url}/v1/explain`, { method: "POST", body: '{"model":"named","text":"x"}' });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      operation: "chat",
      model: "named",
      attempts: [{ deployment: "named", provider: "scripted", model: "whole" }],
    });
    expect(provider.abortedAt).toEqual([]);
    const other = await fetch(`${url}/v1/explain?path=/engines/named/chat/completions`, {
      method: "POST",
      body: '{"text":"x"}',
    });
    expect(await other.json()).toMatchObject({ model: "named" });
    const unknown = await fetch(`${url}/v1/explain?path=/v1/nothing`, { method: "POST", body: "{}" });
    expect(unknown.status).toBe(404);
  });

  it("explain only to callers", async () => {
    const { url } = await start({}, { authenticator: keys() });
    expect((await fetch(`${url}/v1/explain`, { method: "POST", body: "{}" })).status).toBe(401);
  });

  it("say that the process lives, to everyone", async () => {
    const { url } = await start({}, { authenticator: keys(), check: () => ({ ok: false, detail: "down" }) });
    for (const path of ["/health/liveliness", "/health/liveness"]) {
      const response = await fetch(url + path);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ status: "ok" });
      const head = await fetch(url + path, { method: "HEAD" });
      expect([head.status, await head.text()]).toEqual([200, ""]);
    }
  });

  it("say whether everything it needs is there", async () => {
    let ok = true;
    const { url } = await start({}, { check: () => ({ ok, detail: "store" }) });
    const ready = await fetch(`${url}/health/readiness`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { status: "ok", components: [{ name: "test", ok: true, detail: "store" }] },
    ]);
    ok = false;
    const broken = await fetch(`${url}/health/readiness`);
    expect([broken.status, await broken.json()]).toEqual([
      503,
      { status: "unavailable", components: [{ name: "test", ok: false, detail: "store" }] },
    ]);
  });

  it("list the models that were granted, in the dialect that was asked", async () => {
    const { url } = await start();
    expect(await (await fetch(`${url}/v1/models`)).json()).toEqual({ data: ["named"] });
    const anthropic = await fetch(`${url}/v1/models`, { headers: { "anthropic-version": "2023-06-01" } });
    expect(await anthropic.json()).toEqual({ data: [], has_more: false });
    expect(await (await fetch(`${url}/v1/models/openai/gpt-5`)).json()).toEqual({ id: "openai/gpt-5" });
  });
});

describe("a client that leaves", () => {
  it("ends a call that is not streamed", async () => {
    const { url, provider, gateway } = await start();
    const client = new RawClient(url);
    client.write(post("/v1/chat/completions", '{"model":"slow","text":"x"}').replace("gateway.test", "localhost"));
    await until(() => provider.started.length === 1);
    const leftAt = performance.now();
    client.socket.destroy();
    await until(() => provider.abortedAt.length === 1);
    expect((provider.abortedAt[0] ?? Number.POSITIVE_INFINITY) - leftAt).toBeLessThan(100);
    await until(() => gateway.activeCalls === 0 && provider.closed === 1);
  });

  it("while it sends its body starts nothing", async () => {
    const { url, provider } = await start();
    const client = new RawClient(url);
    client.write('POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\n{"model"');
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(provider.started).toEqual([]);
    expect((await chat(url, { model: "whole", text: "still there" })).status).toBe(200);
  });

  it("before a queued request was answered ends that one too", async () => {
    const { url, provider } = await start();
    const client = new RawClient(url);
    const slow = post("/v1/chat/completions", '{"model":"slow","text":"x"}').replace("gateway.test", "localhost");
    client.write(slow + slow);
    await until(() => provider.started.length === 2);
    client.socket.destroy();
    await until(() => provider.abortedAt.length === 2, 500);
  });
});
