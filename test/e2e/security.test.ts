import { once } from "node:events";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import express from "express";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signalbox } from "@signalbox/express";
import { Secret } from "@signalbox/kernel";
import { RawClient, rawRequest } from "./raw-client.ts";
import type { ScriptedGateway, Wire } from "./scripted-gateway.ts";
import {
  CHAT_PATHS,
  CLIENT_KEY,
  chatBody,
  chatEvents,
  chatReply,
  scriptedGateway,
  sse,
  UPSTREAM_KEY,
  WIRES,
} from "./scripted-gateway.ts";

const ODD_DEPLOYMENT = "eu\r\nx-evil: 1\u2028";

let gateway: ScriptedGateway;

beforeAll(async () => {
  gateway = await scriptedGateway({
    deployments: (url) => [
      {
        id: ODD_DEPLOYMENT,
        model: "odd",
        provider: "openai",
        upstreamModel: "m",
        baseUrl: `${url}/o/v1`,
        apiKey: new Secret(UPSTREAM_KEY),
      },
    ],
  });
});
afterAll(() => gateway.close());

const replyOf = (path: string): Wire => (path.startsWith("/a/") ? "anthropic" : "openai");
const answerWell = (): void => gateway.answer(({ path }) => ({ body: chatReply(replyOf(path)) }));
const other = (wire: Wire): Wire => (wire === "openai" ? "anthropic" : "openai");

/** Answers while the test works, or fails it: nothing may keep the event loop. */
async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let longest = 0;
  let last = performance.now();
  const watch = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 5);
  try {
    const result = await work;
    expect(Math.max(longest, performance.now() - last)).toBeLessThan(limitMs);
    return result;
  } finally {
    clearInterval(watch);
  }
}

describe("a hostile upstream", () => {
  const choiceAt = (index: unknown): Record<string, unknown> => ({
    id: "c",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index, delta: { content: "x" }, finish_reason: null }],
  });

  it.each([1e9, 4_294_967_296, -1, 0.5])(
    "numbers a choice %d: no room is made for a billion of them",
    async (index) => {
      gateway.answer({ bodyText: sse("openai", [choiceAt(0), choiceAt(index), "[DONE]"]) });
      const reply = await within(
        1_000,
        gateway.post("/v1/messages", chatBody("anthropic", "openai/m", { stream: true })),
      );
      expect(reply.text).toContain("no index");
      expect(reply.text).not.toContain("message_stop");
    },
  );

  it.each([1e9, 4_294_967_296, -1, 0.5])("numbers a block %d", async (index) => {
    const events = chatEvents("anthropic", ["x"]) as Record<string, unknown>[];
    events.splice(1, 0, { type: "content_block_start", index, content_block: { type: "text", text: "" } });
    gateway.answer({ bodyText: sse("anthropic", events) });
    const body = chatBody("openai", "anthropic/m", { stream: true });
    const reply = await within(1_000, gateway.post("/v1/chat/completions", body));
    expect(reply.text).toContain("no index");
    expect(reply.text).not.toContain("[DONE]");
  });

  it("numbers an embedding with a billion", async () => {
    gateway.answer({ body: { data: [{ index: 1e9, embedding: [1] }], usage: {} } });
    const body = { model: "openai/m", input: "x", encoding_format: "float", drop_params: true };
    const reply = await within(1_000, gateway.post("/v1/embeddings", body));
    expect(reply.text.length).toBeLessThan(1_000);
  });

  it("makes more tool calls than anyone can want", async () => {
    const calls = Array.from({ length: 5_000 }, (_, index) => ({
      index,
      id: `t${index}`,
      type: "function",
      function: { name: "f", arguments: "{" },
    }));
    const chunk = { ...choiceAt(0), choices: [{ index: 0, delta: { tool_calls: calls }, finish_reason: null }] };
    gateway.answer({ bodyText: sse("openai", [choiceAt(0), chunk, "[DONE]"]) });
    const body = chatBody("anthropic", "openai/m", { stream: true });
    const reply = await within(3_000, gateway.post("/v1/messages", body));
    expect(reply.text).toContain("more than 1024 tool calls");
  });

  it("repeats the word error in one event: the event is parsed once", async () => {
    const errors = Array(20_000).fill({ error: {} });
    const events = chatEvents("openai", ["a"]) as Record<string, unknown>[];
    events.splice(1, 0, { ...choiceAt(0), errors });
    gateway.answer({ bodyText: sse("openai", events) });
    const body = chatBody("openai", "openai/m", { stream: true });
    const reply = await within(1_500, gateway.post("/v1/chat/completions", body));
    expect(reply.text).toContain("[DONE]");
  });

  it("sends one event of very many lines", async () => {
    const events = sse("anthropic", chatEvents("anthropic", ["a"]));
    gateway.answer({
      bodyText: `event: ping\n${'x: "error" "usage"\n'.repeat(60_000)}data: {"type":"ping"}\n\n${events}`,
    });
    const body = chatBody("anthropic", "anthropic/m", { stream: true });
    const reply = await within(1_500, gateway.post("/v1/messages", body));
    expect(reply.text).toContain("message_stop");
  });

  it.each(WIRES)("counts below zero or without end: %s usage is not lowered by it", async (wire) => {
    const names = wire === "openai" ? ["prompt_tokens", "completion_tokens"] : ["input_tokens", "output_tokens"];
    for (const [input, output] of [
      ["-1000", "-5"],
      ["1e400", "1e300"],
    ]) {
      const usage = `"usage":{"${names[0]}":${input},"${names[1]}":${output}}`;
      gateway.answer({
        bodyText: JSON.stringify(chatReply(wire)).replace(/"usage":\{[^}]*\}/, usage),
        contentType: "application/json",
      });
      const client = other(wire);
      const reply = await gateway.post(CHAT_PATHS[client], chatBody(client, `${wire}/m`));
      expect(reply.status, reply.text).toBe(200);
      const { usage: told } = JSON.parse(reply.text);
      expect([told.prompt_tokens ?? told.input_tokens, told.completion_tokens ?? told.output_tokens]).toEqual([0, 0]);
    }
  });

  it("redirects: neither the request nor the key goes there", async () => {
    let visits = 0;
    const elsewhere = await listening(() => visits++);
    gateway.answer({ status: 307, headers: { location: elsewhere.url }, bodyText: "" });
    for (const wire of WIRES) {
      const reply = await gateway.post(CHAT_PATHS[wire], chatBody(wire, `${wire}/m`));
      expect(reply.status).toBe(502);
    }
    expect(visits).toBe(0);
    elsewhere.server.close();
  });
});

async function listening(onConnection: () => void): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((_request, response) => response.end("x")).on("connection", onConnection);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

describe.each(WIRES)("a hostile client of %s", (client) => {
  const path = CHAT_PATHS[client];

  it("names addresses: none is called, and no other host gets the key", async () => {
    answerWell();
    let visits = 0;
    const target = await listening(() => visits++);
    const { url } = target;
    const before = gateway.sent.length;
    for (const name of ["api_base", "base_url", "api_key", "custom_llm_provider", "extra_headers"]) {
      for (const members of [{ [name]: url }, { extra_body: { [name]: url } }]) {
        const reply = await gateway.post(path, chatBody(client, `${client}/m`, members));
        expect(reply.status, name).toBe(400);
      }
    }
    expect(gateway.sent.length).toBe(before);
    const headers = {
      "x-signalbox-api-base": url,
      "x-litellm-base-url": url,
      "x-forwarded-host": "evil",
      "x-original-url": "/admin",
      cookie: "session=1",
    };
    const image =
      client === "openai" ? { type: "image_url", image_url: { url } } : { type: "image", source: { type: "url", url } };
    const messages = [{ role: "user", content: [{ type: "text", text: "t" }, image] }];
    for (const wire of WIRES) {
      await gateway.post(path, chatBody(client, `${wire}/m`, { messages }), headers);
      const sent = gateway.sent.at(-1);
      const raw = JSON.stringify(sent?.headers);
      for (const leaked of [CLIENT_KEY, "evil", "/admin", "session=1", url]) expect(raw).not.toContain(leaked);
    }
    expect(visits).toBe(0);
    target.server.close();
  });

  it.each(["a\u0000b", "a\r\nx-evil: 1", "\u2028\u202e", "\ud800", "__proto__", "constructor", "m".repeat(20_000)])(
    "asks for model %j: no header comes of it",
    async (name) => {
      answerWell();
      const raw = new RawClient(gateway.url);
      const headers = [`authorization: Bearer ${CLIENT_KEY}`, "content-type: application/json"];
      raw.write(rawRequest("POST", path, headers, JSON.stringify(chatBody(client, `${client}/${name}`))));
      const reply = await raw.reply();
      raw.close();
      expect(reply?.status, reply?.body).toBe(200);
      expect(reply?.headers["x-evil"]).toBeUndefined();
      expect(reply?.headers["x-signalbox-model"]).toMatch(/^[\x20-\x7e]{1,3000}$/);
    },
  );

  it("keeps hundreds of calls waiting: others are served", async () => {
    gateway.answer(({ path: to, body }) =>
      body.includes("slowly")
        ? { body: chatReply(replyOf(to)), headersDelayMs: 60_000 }
        : { body: chatReply(replyOf(to)) },
    );
    const leave = new AbortController();
    const before = gateway.sent.length;
    const waiting = Array.from({ length: 300 }, () =>
      fetch(`${gateway.url}${path}`, {
        method: "POST",
        signal: leave.signal,
        headers: { "content-type": "application/json", authorization: `Bearer ${CLIENT_KEY}` },
        body: JSON.stringify(chatBody(client, `${client}/slowly`)),
      }).catch(() => undefined),
    );
    while (gateway.sent.length - before < 300) await sleep(5);
    const reply = await gateway.post(path, chatBody(client, `${client}/m`));
    expect(reply.status).toBe(200);
    leave.abort();
    await Promise.all(waiting);
  });

  it("sends many requests at once on one connection, and leaves: no listener is too many, and none stays", async () => {
    const warnings: string[] = [];
    const onWarning = ({ name }: Error): void => void warnings.push(name);
    process.on("warning", onWarning);
    gateway.answer(({ path: to }) => ({ body: chatReply(replyOf(to)), headersDelayMs: 60_000 }));
    const before = gateway.sent.length;
    const raw = new RawClient(gateway.url);
    const headers = [`authorization: Bearer ${CLIENT_KEY}`, "content-type: application/json"];
    const one = rawRequest("POST", path, headers, JSON.stringify(chatBody(client, `${client}/m`)));
    raw.write(Buffer.concat(Array<Buffer>(30).fill(one)));
    while (gateway.sent.length - before < 30) await sleep(5);
    raw.close();
    const leftAt = performance.now();
    while (gateway.gateway.activeCalls > 0) await sleep(2);
    expect(performance.now() - leftAt).toBeLessThan(500);
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });

  it("gets a deployment whose id has line breaks", async () => {
    answerWell();
    const reply = await gateway.post(path, chatBody(client, "odd"));
    expect(reply.status, reply.text).toBe(200);
    expect(reply.headers.get("x-evil")).toBeNull();
    expect(reply.headers.get("x-signalbox-deployment")).toBe("eu%0D%0Ax-evil: 1%E2%80%A8");
  });

  it.each([false, true])("leaves (stream: %s): the upstream is let go within 100 ms", async (stream) => {
    let open: (() => void) | undefined;
    let gone: ((at: number) => void) | undefined;
    const begun = new Promise<void>((resolve) => {
      open = resolve;
    });
    const closedAt = new Promise<number>((resolve) => {
      gone = resolve;
    });
    const upstream = createServer((request, response) => {
      if (stream) response.writeHead(200, { "content-type": "text/event-stream" }).write(": hello\n\n");
      request.resume();
      response.on("close", () => gone?.(performance.now()));
      open?.();
    });
    await once(upstream.listen(0, "127.0.0.1"), "listening");
    const baseUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    const own = await scriptedGateway({
      deployments: () => [
        { id: "h", model: "hangs", provider: client, upstreamModel: "m", baseUrl, apiKey: new Secret(UPSTREAM_KEY) },
      ],
    });
    const raw = new RawClient(own.url);
    const headers = [`authorization: Bearer ${CLIENT_KEY}`, "content-type: application/json"];
    raw.write(rawRequest("POST", path, headers, JSON.stringify(chatBody(client, "hangs", { stream }))));
    await begun;
    await sleep(20);
    const leftAt = performance.now();
    raw.close();
    expect((await closedAt) - leftAt).toBeLessThan(100);
    await own.close();
    upstream.close();
  });
});

describe("behind express.json()", () => {
  let server: Server;
  let url: string;

  beforeAll(async () => {
    const app = express();
    app.use(express.json());
    app.use("/ai", signalbox(gateway.gateway));
    server = createServer(app);
    await once(server.listen(0, "127.0.0.1"), "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ai/v1/chat/completions`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const post = (body: string): Promise<Response> =>
    fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${CLIENT_KEY}` },
      body,
    });

  it.each(['"__proto__":{"stream":true}', '"\\u005f_proto__":{"a":1}', '"x":[{"__proto__":null}]'])(
    "%s is refused",
    async (attack) => {
      const reply = await post(`{${attack},${JSON.stringify(chatBody("openai", "openai/m")).slice(1)}`);
      expect(reply.status).toBe(400);
      expect(await reply.text()).toContain("__proto__");
      expect(({} as { stream?: unknown }).stream).toBeUndefined();
    },
  );

  it("the upstream reads what the checks have read, however a name was escaped and whatever was parsed before", async () => {
    answerWell();
    // the engine can take an escaped name for one that it has seen before
    for (const prepared of ['{"mod\\\\u":1}', '{"messages":1,"mod\\\\u":1}']) JSON.parse(prepared);
    for (let round = 0; round < 20; round++) {
      const reply = await post(`{"messages":[{"role":"user","content":"x"}],"mod\\u0065l":"openai/m${round}"}`);
      if (reply.status !== 200) {
        // read under another name: then nobody was asked
        expect(reply.status).toBe(400);
        continue;
      }
      expect(JSON.parse(gateway.sent.at(-1)?.body ?? "").model).toBe(`m${round}`);
      expect(reply.headers.get("x-signalbox-model")).toBe(`openai/m${round}`);
    }
  });
});
