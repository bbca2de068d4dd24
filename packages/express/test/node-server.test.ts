import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import type { Listener, ListenOptions } from "../src/node/index.ts";
import { createServer, listen } from "../src/node/index.ts";
import { post, RawClient, until } from "./support/raw-client.ts";
import type { TestGateway } from "./support/test-gateway.ts";
import { keys, testGateway } from "./support/test-gateway.ts";

const running: { listener: Listener; test: TestGateway }[] = [];
const children: ChildProcess[] = [];

async function start(
  options: ListenOptions,
  plugin: Parameters<typeof testGateway>[0] = {},
): Promise<{ readonly listener: Listener } & TestGateway> {
  const test = await testGateway(plugin);
  const listener = await listen(test.gateway, { port: 0, ...options });
  running.push({ listener, test });
  return { listener, ...test };
}

afterEach(async () => {
  for (const { listener, test } of running.splice(0)) {
    await listener.close({ deadlineMs: 0 });
    await test.gateway.close();
  }
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

describe("listen", () => {
  it.each(["0.0.0.0", "::", "192.0.2.1", "gateway.example"])(
    "refuses to open a gateway without keys on %s",
    async (host) => {
      const { gateway } = await testGateway();
      await expect(listen(gateway, { port: 0, host })).rejects.toMatchObject({
        code: "option_invalid",
        message: expect.stringContaining("allowOpen"),
      });
      await gateway.close();
    },
  );

  it("opens it when that is wanted, or when there are keys", async () => {
    const open = await start({ host: "0.0.0.0", allowOpen: true });
    expect((await fetch(`${open.listener.url}/v1/models`)).status).toBe(200);
    const keyed = await start({ host: "0.0.0.0" }, { authenticator: keys() });
    expect((await fetch(`${keyed.listener.url}/v1/models`)).status).toBe(401);
  });

  it("reports an address in use", async () => {
    const { listener } = await start({});
    const { gateway } = await testGateway();
    await expect(listen(gateway, { port: Number(new URL(listener.url).port) })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    await gateway.close();
  });

  it("serves a gateway without keys to no website", async () => {
    const { listener, provider } = await start({});
    const attempt = async (headers: readonly string[]): Promise<number | undefined> => {
      const body = '{"model":"whole","text":"x"}';
      const head = ["POST /v1/chat/completions HTTP/1.1", ...headers, `content-length: ${body.length}`];
      const client = new RawClient(listener.url).write(`${head.join("\r\n")}\r\n\r\n${body}`);
      await client.until(() => client.statuses().length > 0);
      client.socket.destroy();
      return client.statuses()[0];
    };
    expect(await attempt(["host: rebound.example"])).toBe(403);
    expect(await attempt(["host: localhost:4000", "origin: https://evil.example"])).toBe(403);
    expect(await attempt(["host: localhost:4000", "origin: null"])).toBe(403);
    expect(await attempt(["host: localhost.evil.example"])).toBe(403);
    expect(provider.started).toEqual([]);
    expect(await attempt(["host: localhost:4000", "origin: http://127.0.0.1:3000"])).toBe(200);
    expect(await attempt(["host: [::1]:4000"])).toBe(200);
  });

  it("serves only the hosts it is told to", async () => {
    const { listener } = await start({ allowedHosts: ["api.example"] }, { authenticator: keys() });
    const client = new RawClient(listener.url);
    client.write("GET /health/liveness HTTP/1.1\r\nhost: API.example:80\r\n\r\n");
    await client.until(() => client.statuses().length === 1);
    client.write("GET /health/liveness HTTP/1.1\r\nhost: other.example\r\n\r\n");
    await client.until(() => client.statuses().length === 2);
    expect(client.statuses()).toEqual([200, 403]);
    client.socket.destroy();
  });
});

describe("the server", () => {
  it("has limits against slow and oversized requests", async () => {
    const { gateway } = await testGateway();
    const server = createServer(gateway, { maxConnections: 7 });
    expect({
      headersTimeout: server.headersTimeout,
      requestTimeout: server.requestTimeout,
      keepAliveTimeout: server.keepAliveTimeout,
      maxRequestsPerSocket: server.maxRequestsPerSocket,
      maxConnections: server.maxConnections,
    }).toEqual({
      headersTimeout: 15_000,
      requestTimeout: 65_000,
      keepAliveTimeout: 75_000,
      maxRequestsPerSocket: 10_000,
      maxConnections: 7,
    });
    expect(() => createServer(gateway, { keepAliveTimeoutMs: 0 })).toThrow(
      "keepAliveTimeoutMs must be a number above 0",
    );
    await gateway.close();
  });

  it("answers headers that do not arrive with 408", async () => {
    const { listener } = await start({ headersTimeoutMs: 100, checkIntervalMs: 50 });
    const client = new RawClient(listener.url).write("POST /v1/chat/completions HTTP/1.1\r\nhost: loc");
    await client.until(({ closed }) => closed, 3_000);
    expect(client.statuses()).toEqual([408]);
    expect(client.received).toContain('"code":"request_timeout"');
  });
});

describe("close", () => {
  it("lets running calls end, refuses new ones, and closes their connections", async () => {
    const { listener, gateway, provider } = await start({});
    const text = post("/v1/chat/completions", '{"model":"silent","text":"x","stream":true}').replace(
      "gateway.test",
      "localhost",
    );
    const idle = new RawClient(listener.url).write("GET /health/readiness HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await idle.until(() => idle.statuses().length === 1);
    const busy = new RawClient(listener.url).write(text);
    await until(() => provider.started.length === 1);
    const closing = listener.close({ deadlineMs: 5_000 });
    await idle.until(({ closed }) => closed);
    busy.write(text);
    await closing;
    await busy.until(({ closed }) => closed);
    expect(busy.received).toContain("[DONE]");
    expect(provider.started).toHaveLength(1);
    expect(gateway.activeCalls).toBe(0);
    await expect(fetch(listener.url)).rejects.toThrow();
  });

  it("ends streams with an error event at the deadline", async () => {
    const { listener } = await start({});
    const client = new RawClient(listener.url).write(
      post("/v1/chat/completions", '{"model":"stuck","text":"x","stream":true}').replace("gateway.test", "localhost"),
    );
    await client.until(({ received }) => received.includes("begun"));
    await listener.close({ deadlineMs: 100 });
    await client.until(({ closed }) => closed);
    expect(client.received).toContain('"code":"draining"');
    expect(client.received).not.toContain("[DONE]");
    expect(client.received.endsWith("0\r\n\r\n")).toBe(true);
  });

  it("says so at readiness during the delay, and still answers", async () => {
    const { listener } = await start({});
    const closing = listener.close({ delayMs: 300 });
    const ready = await fetch(`${listener.url}/health/readiness`);
    expect([ready.status, await ready.json(), ready.headers.get("connection")]).toEqual([
      503,
      { status: "draining", components: [] },
      "close",
    ]);
    const answer = await fetch(`${listener.url}/v1/chat/completions`, {
      method: "POST",
      body: '{"model":"whole","text":"still"}',
    });
    expect(answer.status).toBe(200);
    await closing;
  });
});

interface Child {
  readonly process: ChildProcess;
  readonly url: string;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

async function startChild(...args: readonly number[]): Promise<Child> {
  const file = fileURLToPath(new URL("support/drain-child.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@signalbox/source", file, ...args.map(String)]);
  children.push(child);
  let output = "";
  child.stdout.on("data", (bytes) => {
    output += String(bytes);
  });
  child.stderr.on("data", (bytes) => {
    output += String(bytes);
  });
  const exit = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  await until(
    () => /^http:.*\n/m.test(output),
    15_000,
    () => output,
  );
  return { process: child, url: output.split("\n")[0] ?? "", output: () => output, exit };
}

describe("a signal", () => {
  const stream = (model: string): string =>
    post("/v1/chat/completions", JSON.stringify({ model, text: "x", stream: true })).replace(
      "gateway.test",
      "localhost",
    );

  it.each(["SIGTERM", "SIGINT"] as const)("%s lets a stream end and the process exits with 0", async (signal) => {
    const child = await startChild(5_000);
    const client = new RawClient(child.url).write(stream("silent"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    child.process.kill(signal);
    expect(await child.exit).toBe(0);
    await client.until(({ closed }) => closed);
    expect(client.received).toContain("[DONE]");
    expect(child.output()).toContain("closed");
  });

  it("cuts a stream at the deadline with an error event", async () => {
    const child = await startChild(200);
    const client = new RawClient(child.url).write(stream("stuck"));
    await client.until(({ received }) => received.includes("begun"));
    child.process.kill("SIGTERM");
    expect(await child.exit).toBe(0);
    await client.until(({ closed }) => closed);
    expect(client.received).toContain('"code":"draining"');
  });

  it("given twice ends the process at once", async () => {
    const child = await startChild(60_000);
    const client = new RawClient(child.url).write(stream("stuck"));
    await client.until(({ received }) => received.includes("begun"));
    child.process.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 100));
    const askedAt = performance.now();
    child.process.kill("SIGTERM");
    expect(await child.exit).toBe(1);
    expect(performance.now() - askedAt).toBeLessThan(1_000);
    client.socket.destroy();
  });
});
