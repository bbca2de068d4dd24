import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "@signalbox/kernel";
import type { ScriptedGateway, Wire } from "./scripted-gateway.ts";
import {
  CHAT_PATHS,
  CLIENT_KEY,
  chatBody,
  chatEvents,
  chatReply,
  HEADER_SECRET,
  scriptedGateway,
  sse,
  UPSTREAM_KEY,
  WIRES,
} from "./scripted-gateway.ts";

const apiKey = new Secret(UPSTREAM_KEY);
let gateway: ScriptedGateway;

beforeAll(async () => {
  gateway = await scriptedGateway({
    fallbacks: { primary: ["openai/second", "anthropic/third"] },
    deployments: (url) => [
      {
        id: "p1",
        model: "primary",
        provider: "openai",
        upstreamModel: "one",
        baseUrl: `${url}/p1/v1`,
        apiKey,
        region: "eu-west",
      },
      { id: "p2", model: "primary", provider: "anthropic", upstreamModel: "two", baseUrl: `${url}/p2`, apiKey },
      {
        id: "secretive",
        model: "secretive",
        provider: "openai",
        upstreamModel: "gpt-5",
        baseUrl: `${url.replace("http://", `http://user:${HEADER_SECRET}@`)}/s/v1?key=${HEADER_SECRET}`,
        apiKey,
        headers: { "x-tenant-token": HEADER_SECRET, "x-region": "north" },
      },
    ],
  });
});
afterAll(() => gateway.close());

const CALL_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const lanes = WIRES.flatMap((upstream) =>
  WIRES.flatMap((client) => [false, true].map((stream) => ({ upstream, client, stream }))),
);

function answerOf(wire: Wire, stream: boolean): object {
  return stream ? { bodyText: sse(wire, chatEvents(wire, ["a", "b"])) } : { body: chatReply(wire) };
}

/** The headers about routing that are there, without their prefix. */
function routeOf(headers: Headers): Record<string, string> {
  const names = ["model-id", "model-group", "model-region", "attempted-retries", "attempted-fallbacks"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers.get(`x-signalbox-${name}`);
      return value === null ? [] : [[name, value]];
    }),
  );
}

describe("the headers of a reply", () => {
  it.each(lanes)("say what happened: $upstream to $client, streamed: $stream", async ({ upstream, client, stream }) => {
    gateway.answer(answerOf(upstream, stream));
    const model = `${upstream}/gpt-4o`;
    const { status, headers } = await gateway.post(CHAT_PATHS[client], chatBody(client, model, { stream }));
    expect(status).toBe(200);
    expect(headers.get("x-signalbox-call-id")).toMatch(CALL_ID);
    expect(headers.get("x-signalbox-model")).toBe(model);
    expect(headers.get("x-signalbox-deployment")).toBe(upstream === "openai" ? "o" : "a");
    expect(headers.get("x-signalbox-attempts")).toBe("1");
    expect(headers.get("x-signalbox-dropped-params")).toBeNull();
    const overhead = headers.get("x-signalbox-overhead-ms") ?? "";
    expect(overhead).toMatch(/^\d+(\.\d+)?$/);
    expect(Number(overhead)).toBeLessThan(1_000);
    if (client === "anthropic") expect(headers.get("request-id")).toBe(headers.get("x-signalbox-call-id"));
  });

  it.each(lanes)("say it about errors too: $upstream to $client, streamed: $stream", async (lane) => {
    const { upstream, client, stream } = lane;
    gateway.answer({ status: 429, headers: { "retry-after": "7" }, body: { error: { message: "slow down" } } });
    const { status, headers } = await gateway.post(
      CHAT_PATHS[client],
      chatBody(client, `${upstream}/m`, { stream, drop_params: true, top_k: 3, ...(client === "openai" && { n: 1 }) }),
    );
    expect(status).toBe(429);
    expect(headers.get("x-signalbox-call-id")).toMatch(CALL_ID);
    expect(headers.get("x-signalbox-model")).toBe(`${upstream}/m`);
    expect(headers.get("x-signalbox-deployment")).toBe(upstream === "openai" ? "o" : "a");
    expect(headers.get("x-signalbox-attempts")).toBe("1");
    expect(Number(headers.get("x-signalbox-overhead-ms"))).toBeLessThan(1_000);
    expect(headers.get("x-signalbox-error-contract")).toBe("1");
    expect(headers.get("retry-after")).toBe("7");
    expect(headers.get("x-signalbox-dropped-params")).toBe("top_k");
  });

  it("are different for every call and there without a call", async () => {
    gateway.answer({ body: chatReply("openai") });
    const ids = new Set<string | null>();
    for (const path of ["/v1/chat/completions", "/v1/nothing", "/v1/messages"]) {
      const { headers } = await gateway.post(path, chatBody("openai", "openai/m"));
      ids.add(headers.get("x-signalbox-call-id"));
    }
    expect(ids.size).toBe(3);
    for (const id of ids) expect(id).toMatch(CALL_ID);
  });

  it("survive model names that no header could hold", async () => {
    gateway.answer({ body: chatReply("openai") });
    const model = "openai/мо\r\nx-evil: 1\u{1f600}";
    const { status, headers } = await gateway.post("/v1/chat/completions", chatBody("openai", model));
    expect(status).toBe(200);
    expect(headers.get("x-evil")).toBeNull();
    expect(headers.get("x-signalbox-model")).toBe(encodeURI(model).replaceAll("%20", " "));
    expect(JSON.parse(gateway.sent.at(-1)?.body ?? "").model).toBe(model.slice("openai/".length));
  });

  it.each([false, true])("count the attempts and name the last deployment; streamed: %s", async (stream) => {
    gateway.answer(({ path }) => {
      if (path.startsWith("/o/")) return answerOf("openai", stream);
      return { status: 503, body: { error: { message: "busy" } } };
    });
    const reply = await gateway.post("/v1/chat/completions", chatBody("openai", "primary", { stream }));
    expect(reply.status).toBe(200);
    expect(reply.headers.get("x-signalbox-attempts")).toBe("3");
    expect(reply.headers.get("x-signalbox-deployment")).toBe("o");
    expect(reply.headers.get("x-signalbox-model")).toBe("primary");
    expect(routeOf(reply.headers)).toEqual({
      "model-id": "o",
      "model-group": "openai/second",
      "attempted-retries": "1",
      "attempted-fallbacks": "1",
    });
  });

  it("say where an answer came from at the first try", async () => {
    gateway.answer(answerOf("openai", false));
    const { headers } = await gateway.post("/v1/messages", chatBody("anthropic", "primary"));
    expect(routeOf(headers)).toEqual({
      "model-id": "p1",
      "model-group": "primary",
      "model-region": "eu-west",
    });
  });

  it("count the attempts of a chain that fails, and list them", async () => {
    gateway.answer(({ path }) =>
      path.startsWith("/p1") ? { status: 500, body: {} } : { status: 429, headers: { "retry-after": "3" }, body: {} },
    );
    const reply = await gateway.post("/v1/chat/completions", chatBody("openai", "primary"));
    expect(reply.status).toBe(502);
    expect(reply.headers.get("x-signalbox-attempts")).toBe("4");
    expect(reply.headers.get("x-signalbox-deployment")).toBe("a");
    expect(routeOf(reply.headers)).toEqual({
      "model-id": "a",
      "model-group": "anthropic/third",
      "attempted-retries": "1",
      "attempted-fallbacks": "2",
    });
    expect(reply.headers.get("x-should-retry")).toBe("false");
    expect(JSON.parse(reply.text).error.details.attempts).toEqual([
      { provider: "openai", status: 502, code: "provider_error" },
      { provider: "anthropic", status: 429, code: "provider_rate_limited" },
      { provider: "openai", status: 429, code: "provider_rate_limited" },
      { provider: "anthropic", status: 429, code: "provider_rate_limited" },
    ]);
  });
});

describe("the overhead", () => {
  const SLOW_MS = 400;
  /** What a busy machine may add; far below what must not be counted. */
  const most = SLOW_MS / 2;

  it.each(lanes)("leaves out a slow upstream: $upstream to $client, streamed: $stream", async (lane) => {
    const { upstream, client, stream } = lane;
    gateway.answer({ ...answerOf(upstream, stream), headersDelayMs: SLOW_MS });
    const { status, headers } = await gateway.post(CHAT_PATHS[client], chatBody(client, `${upstream}/m`, { stream }));
    expect(status).toBe(200);
    expect(Number(headers.get("x-signalbox-overhead-ms"))).toBeLessThan(most);
  });

  it.each(lanes.filter(({ stream }) => stream))(
    "leaves out a first token that comes late, $upstream to $client",
    async ({ upstream, client }) => {
      // The head comes at once, then comments, then the answer.
      const frames = [": thinking\n\n", ": thinking\n\n", sse(upstream, chatEvents(upstream, ["a"]))];
      const chunks = frames.map((frame) => Buffer.from(frame).toString("base64"));
      gateway.answer({ contentType: "text/event-stream", chunks, pauseMs: SLOW_MS / 2 });
      const began = performance.now();
      const { status, headers } = await gateway.post(
        CHAT_PATHS[client],
        chatBody(client, `${upstream}/m`, { stream: true }),
      );
      expect(status).toBe(200);
      expect(performance.now() - began).toBeGreaterThan(SLOW_MS * 0.8);
      expect(Number(headers.get("x-signalbox-overhead-ms"))).toBeLessThan(most);
    },
  );

  it("leaves out a body that comes late, also of an error", async () => {
    for (const status of [200, 500]) {
      const chunks = ["{", JSON.stringify(chatReply("openai")).slice(1)].map((each) =>
        Buffer.from(each).toString("base64"),
      );
      gateway.answer({ status, contentType: "application/json", chunks, pauseMs: SLOW_MS });
      const reply = await gateway.post("/v1/chat/completions", chatBody("openai", "openai/m"));
      expect(reply.status).toBe(status === 200 ? 200 : 502);
      expect(Number(reply.headers.get("x-signalbox-overhead-ms"))).toBeLessThan(most);
    }
  });

  it("leaves out every failed attempt", async () => {
    gateway.answer(({ path }) =>
      path.startsWith("/o/")
        ? { ...answerOf("openai", false), headersDelayMs: SLOW_MS }
        : { status: 503, body: {}, headersDelayMs: SLOW_MS },
    );
    const reply = await gateway.post("/v1/chat/completions", chatBody("openai", "primary"));
    expect(reply.headers.get("x-signalbox-attempts")).toBe("3");
    expect(Number(reply.headers.get("x-signalbox-overhead-ms"))).toBeLessThan(most);
  });

  it("leaves out a client that sends slowly", async () => {
    gateway.answer({ body: chatReply("openai") });
    const body = JSON.stringify(chatBody("openai", "openai/m"));
    async function* slowly(): AsyncGenerator<Buffer> {
      yield Buffer.from(body.slice(0, 5));
      await sleep(SLOW_MS);
      yield Buffer.from(body.slice(5));
    }
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
      body: slowly(),
      duplex: "half",
    } as unknown as RequestInit);
    expect(response.status).toBe(200);
    await response.text();
    expect(Number(response.headers.get("x-signalbox-overhead-ms"))).toBeLessThan(most);
  });
});

describe("POST /v1/explain", () => {
  it("answers what would happen: deployments with fallbacks, lanes, bodies; nothing is sent", async () => {
    const before = gateway.sent.length;
    const body = chatBody("openai", "primary", { top_k: 3, drop_params: true, future: { a: 1 } });
    const reply = await gateway.post("/v1/explain", body);
    expect(reply.status, reply.text).toBe(200);
    expect(gateway.sent.length).toBe(before);
    const explained = JSON.parse(reply.text);
    expect(explained).toMatchObject({ operation: "chat", model: "primary", principal: "master", skipped: [] });
    const rows = explained.attempts.map((attempt: Record<string, unknown>) => [
      attempt.deployment,
      attempt.provider,
      attempt.model,
      attempt.lane,
      attempt.droppedParams,
    ]);
    expect(rows).toEqual([
      ["p1", "openai", "one", "native", ["top_k"]],
      ["p2", "anthropic", "two", "translated", ["top_k", "future"]],
      ["o", "openai", "second", "native", ["top_k"]],
      ["a", "anthropic", "third", "translated", ["top_k", "future"]],
    ]);
    const [first, second] = explained.attempts;
    expect(first.request).toMatchObject({ method: "POST", url: `${gateway.upstreamUrl}/p1/v1/chat/completions` });
    expect(first.request.body).toEqual({ model: "one", messages: body.messages, future: { a: 1 } });
    expect(second.request).toMatchObject({ method: "POST", url: `${gateway.upstreamUrl}/p2/v1/messages` });
    expect(second.request.body).toMatchObject({ model: "two", messages: [{ role: "user", content: "hello" }] });
    expect(second.request.headers["anthropic-version"]).toBe("2023-06-01");
  });

  it("explains what is really sent", async () => {
    for (const client of WIRES) {
      for (const upstream of WIRES) {
        for (const stream of [false, true]) {
          const body = chatBody(client, `${upstream}/m`, { stream, temperature: 1 });
          const explained = JSON.parse((await gateway.post(`/v1/explain?path=${CHAT_PATHS[client]}`, body)).text);
          gateway.answer(answerOf(upstream, stream));
          await gateway.post(CHAT_PATHS[client], body);
          const sent = gateway.sent.at(-1);
          expect(explained.attempts[0].lane).toBe(client === upstream ? "native" : "translated");
          expect(explained.attempts[0].request.body).toEqual(JSON.parse(sent?.body ?? ""));
          expect(explained.attempts[0].request.url).toBe(`${gateway.upstreamUrl}${sent?.path}`);
        }
      }
    }
  });

  it("shows headers and addresses without their secrets", async () => {
    const reply = await gateway.post("/v1/explain", chatBody("openai", "secretive"));
    expect(reply.status, reply.text).toBe(200);
    for (const secret of [UPSTREAM_KEY, HEADER_SECRET, CLIENT_KEY]) {
      expect(reply.text).not.toContain(secret);
      expect(reply.text).not.toContain(secret.slice(0, 20));
    }
    const [attempt] = JSON.parse(reply.text).attempts;
    expect(attempt.request.headers).toMatchObject({ "x-region": "north" });
    expect(attempt.request.headers.authorization).toMatch(/^Bearer sk-\.\.\./);
    expect(attempt.request.headers["x-tenant-token"]).toMatch(/\.\.\./);
  });

  it("speaks the dialect of ?path=, in errors too", async () => {
    const path = "/v1/explain?path=/v1/messages";
    const good = await gateway.post(path, chatBody("anthropic", "anthropic/claude-opus-5"));
    expect(JSON.parse(good.text).attempts[0]).toMatchObject({ lane: "native", model: "claude-opus-5" });
    const refused = await gateway.post(path, chatBody("anthropic", "anthropic/claude-opus-5", { temperature: 0.5 }));
    expect(refused.status).toBe(200);
    expect(JSON.parse(refused.text).attempts[0].error).toMatchObject({ code: "unsupported_parameter" });
    const malformed = await gateway.post(path, chatBody("anthropic", "anthropic/m", { max_tokens: "many" }));
    expect(malformed.status).toBe(400);
    expect(malformed.text).toContain("max_tokens");
    const embedding = { model: "openai/text-embedding-3-small", input: "x" };
    const embed = await gateway.post("/v1/explain?path=/v1/embeddings", embedding);
    expect(JSON.parse(embed.text)).toMatchObject({ operation: "embed" });
  });

  it.each(["/v1/nothing", "/health/liveliness", "/v1/models", "http://127.0.0.1/", "", "/v1/explain"])(
    "has nothing to say about ?path=%s",
    async (target) => {
      const reply = await gateway.post(`/v1/explain?path=${encodeURIComponent(target)}`, chatBody("openai", "primary"));
      expect(reply.status).toBe(404);
      expect(JSON.parse(reply.text).error).toMatchObject({ code: "not_found", param: "path" });
    },
  );

  it("needs the key, and a model that exists", async () => {
    for (const headers of [{ authorization: "" }, { authorization: "Bearer sk-wrong" }]) {
      const reply = await gateway.post("/v1/explain", chatBody("openai", "primary"), headers);
      expect(reply.status).toBe(401);
      expect(JSON.parse(reply.text).error.code).toBe("invalid_api_key");
    }
    const unknown = await gateway.post("/v1/explain", chatBody("openai", "primry"));
    expect(unknown.status).toBe(404);
    expect(JSON.parse(unknown.text).error).toMatchObject({ code: "model_not_found", param: "model" });
    expect(unknown.text).toContain('\\"primary\\"');
    expect((await gateway.post("/v1/explain", "{")).status).toBe(400);
    expect((await gateway.post("/v1/explain", "")).status).toBe(400);
  });

  it("does not even connect", async () => {
    let connections = 0;
    const silent = createServer().on("connection", () => {
      connections++;
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const baseUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`;
    const other = await scriptedGateway({
      deployments: () => [{ id: "x", model: "x", provider: "openai", upstreamModel: "x", baseUrl, apiKey }],
    });
    try {
      const reply = await other.post("/v1/explain", chatBody("openai", "x", { stream: true }));
      expect(JSON.parse(reply.text).attempts[0].request.url).toBe(`${baseUrl}/chat/completions`);
      await sleep(50);
      expect(connections).toBe(0);
    } finally {
      await other.close();
      silent.close();
    }
  });
});
