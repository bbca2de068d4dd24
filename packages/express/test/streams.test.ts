import { Agent, request as httpRequest } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import type { HandlerOptions, Listener } from "../src/node/index.ts";
import { listen } from "../src/node/index.ts";
import { post, RawClient, until } from "./support/raw-client.ts";
import { SECRET } from "./support/scripted-provider.ts";
import type { TestGateway } from "./support/test-gateway.ts";
import { testGateway } from "./support/test-gateway.ts";

const running: { listener: Listener; test: TestGateway }[] = [];

async function start(options: HandlerOptions = {}): Promise<{ readonly url: string } & TestGateway> {
  const test = await testGateway();
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

function stream(
  url: string,
  model: string,
  text: string = "x",
  path: string = "/v1/chat/completions",
): Promise<Response> {
  return fetch(url + path, { method: "POST", body: JSON.stringify({ model, text, stream: true }) });
}

function streamText(model: string, text: string = "x"): string {
  const body = JSON.stringify({ model, text, stream: true });
  return post("/v1/chat/completions", body).replace("gateway.test", "localhost");
}

describe("a stream", () => {
  it("is sent as server-sent events that nothing on the way may keep", async () => {
    const { url } = await start();
    const response = await stream(url, "echo", "abc");
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      "x-signalbox-model": "echo",
      "x-signalbox-deployment": "scripted-all",
      "x-test-encoder": "openai",
    });
    expect(response.headers.get("x-signalbox-call-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(await response.text()).toBe(
      'data: {"text":"a"}\n\ndata: {"text":"b"}\n\ndata: {"text":"c"}\n\ndata: [DONE]\n\n',
    );
  });

  it("speaks each dialect", async () => {
    const { url } = await start();
    expect(await (await stream(url, "echo", "a", "/v1/messages")).text()).toBe(
      'event: delta\ndata: {"text":"a"}\n\nevent: stop\ndata: {}\n\n',
    );
    const gemini = await fetch(`${url}/v1beta/models/echo:stream`, { method: "POST", body: '{"text":"g"}' });
    expect(await gemini.text()).toBe('data: {"text":"g"}\n\ndata: [DONE]\n\n');
  });

  it("sends events that are ready together in one piece", async () => {
    const { url } = await start();
    const client = new RawClient(url).write(streamText("echo", "abcdefgh"));
    await client.until(({ received }) => received.endsWith("0\r\n\r\n"));
    const chunks = client.received
      .split("\r\n\r\n")
      .slice(1)
      .join("\r\n\r\n")
      .match(/^[0-9a-f]+\r$/gm);
    // at most the first event, the others with the end, and the closing chunk
    expect(chunks?.length).toBeLessThanOrEqual(4);
    client.socket.destroy();
  });

  it("sends what is ready at once", async () => {
    const { url } = await start();
    const response = await stream(url, "stuck");
    const reader = response.body?.getReader();
    const first = await reader?.read();
    expect(Buffer.from(first?.value ?? []).toString()).toBe('data: {"text":"begun"}\n\n');
    await reader?.cancel();
  });

  it("sends its head with the first event, even one that the client sees nothing of", async () => {
    const { url } = await start();
    const askedAt = performance.now();
    const response = await stream(url, "prelude");
    expect(performance.now() - askedAt).toBeLessThan(300);
    expect(await response.text()).toBe('data: {"text":"x"}\n\ndata: [DONE]\n\n');
  });

  it("forwards frames of the native lane as they are", async () => {
    const { url } = await start();
    const response = await stream(url, "frames");
    expect(await response.text()).toBe('data: {"raw":1}\n\ndata: {"raw":2}\n\ndata: [DONE]\n\n');
  });

  it("is made of the result when the reply had no events", async () => {
    const { url } = await start();
    const response = await stream(url, "whole", "all of it");
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(await response.text()).toBe('data: {"text":"all of it"}\n\ndata: [DONE]\n\n');
  });

  it("that fails before its first event keeps its status", async () => {
    const { url } = await start();
    const response = await stream(url, "limited");
    expect(response.status).toBe(429);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toMatchObject({ error: { code: "provider_rate_limited" } });
  });

  it.each([
    ["late-fault", '{"error":{"message":"the upstream broke off","code":"provider_error"}}'],
    ["late-bug", '{"error":{"message":"the gateway failed to process this call","code":"internal_error"}}'],
  ])("that fails later ends with an error event: %s", async (model, error) => {
    const { url } = await start({ onError: () => {} });
    const response = await stream(url, model);
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).toBe(`data: {"text":"one"}\n\ndata: ${error}\n\n`);
    expect(text).not.toContain(SECRET);
  });

  it("leaves the connection for the next request", async () => {
    const { url } = await start();
    const client = new RawClient(url).write(streamText("echo", "a"));
    await client.until(({ received }) => received.endsWith("0\r\n\r\n"));
    client.write(streamText("late-fault"));
    await client.until(({ received }) => received.includes("broke off") && received.endsWith("0\r\n\r\n"));
    client.write(streamText("echo", "b"));
    await client.until(() => client.statuses().length === 3 && client.received.endsWith("0\r\n\r\n"));
    expect(client.closed).toBe(false);
    client.socket.destroy();
  });
});

describe("silence in a stream", () => {
  it("is filled with heartbeats, also before the first event", async () => {
    const { url } = await start({ heartbeatMs: 100 });
    const text = await (await stream(url, "silent", "x")).text();
    expect(text).toMatch(/^(: heartbeat\n\n){2}data: {"text":"x"}\n\n(: heartbeat\n\n){2}data: \[DONE\]\n\n$/);
  });

  it("before the first event commits the status: an error then is an event", async () => {
    const { url } = await start({ heartbeatMs: 100 });
    const response = await stream(url, "silent-fault");
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(
      ': heartbeat\n\n: heartbeat\n\ndata: {"error":{"message":"the upstream gave up","code":"provider_error"}}\n\n',
    );
  });

  it("before the first event is kept when the status matters more", async () => {
    const { url } = await start({ heartbeatMs: 100, earlyHeartbeat: false });
    expect((await stream(url, "silent-fault")).status).toBe(502);
    expect(await (await stream(url, "silent")).text()).toMatch(
      /^data: {"text":"x"}\n\n(: heartbeat\n\n){2}data: \[DONE/,
    );
  });

  it("is left as it is when heartbeats are off", async () => {
    const { url } = await start({ heartbeatMs: 0 });
    expect(await (await stream(url, "silent")).text()).toBe('data: {"text":"x"}\n\ndata: [DONE]\n\n');
  });
});

describe("a reader that leaves", () => {
  it.each(["stuck", "silent", "slow", "flood"])("ends the call at once: %s", async (model) => {
    const { url, provider, gateway } = await start();
    const client = new RawClient(url).write(streamText(model));
    await until(() => provider.started.length === 1);
    if (model === "stuck") await client.until(({ received }) => received.includes("begun"));
    const leftAt = performance.now();
    client.socket.destroy();
    await until(() => provider.abortedAt.length === 1);
    expect((provider.abortedAt[0] ?? Number.POSITIVE_INFINITY) - leftAt).toBeLessThan(100);
    await until(() => gateway.activeCalls === 0 && provider.closed === 1);
  });

  it("leaves no listener and no timer behind", async () => {
    const { url, provider } = await start({ heartbeatMs: 60_000 });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let round = 0; round < 30; round++) {
      await new Promise<void>((resolve, reject) => {
        const request = httpRequest(`${url}/v1/chat/completions`, { method: "POST", agent }, (response) => {
          response.resume().on("end", resolve);
        });
        request.on("error", reject).end(JSON.stringify({ model: "echo", text: "abc", stream: true }));
      });
    }
    expect(provider.closed).toBe(30);
    const timers = process.getActiveResourcesInfo().filter((name) => name === "Timeout");
    expect(timers.length).toBeLessThan(20);
    agent.destroy();
  });
});

describe("a slow reader", () => {
  it("pauses the call, and costs a bounded amount of memory", async () => {
    const { url, provider } = await start();
    const client = new RawClient(url);
    client.socket.pause();
    client.write(streamText("flood"));
    await until(() => provider.flooded > 0);
    let before = -1;
    await until(() => {
      const same = provider.flooded === before;
      before = provider.flooded;
      return same;
    }, 5_000);
    const paused = provider.flooded;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(provider.flooded).toBe(paused);
    // the rest stands in the system's socket buffers
    expect(paused).toBeLessThan(16 * 1024 * 1024);
    client.socket.resume();
    await until(() => provider.flooded > paused * 2);
    client.socket.destroy();
    await until(() => provider.closed === 1);
  });

  it("that takes nothing is cut off, and the call ends", async () => {
    const { url, provider, gateway } = await start({ stallTimeoutMs: 300 });
    const client = new RawClient(url);
    client.socket.pause();
    client.write(streamText("flood"));
    await until(() => provider.closed === 1, 5_000);
    expect(provider.abortedAt).toHaveLength(1);
    await until(() => gateway.activeCalls === 0);
    client.socket.destroy();
  });

  it("that takes a little now and then is not", async () => {
    const { url, provider } = await start({ stallTimeoutMs: 500 });
    const client = new RawClient(url);
    client.socket.pause();
    client.write(streamText("flood"));
    for (let round = 0; round < 12; round++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      client.socket.resume();
      await new Promise((resolve) => setTimeout(resolve, 20));
      client.socket.pause();
    }
    expect(provider.closed).toBe(0);
    client.socket.destroy();
    await until(() => provider.closed === 1);
  });

  it("of a whole reply does not hold it for ever", async () => {
    const { url } = await start({ stallTimeoutMs: 300 });
    const client = new RawClient(url);
    client.socket.pause();
    client.write(post("/v1/chat/completions", '{"model":"large","text":"x"}').replace("gateway.test", "localhost"));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    client.socket.resume();
    await client.until(({ closed }) => closed);
    expect(client.received.length).toBeLessThan(8 * 1024 * 1024);
  });
});
