import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Express, Request } from "express";
import express from "express";
import supertest from "supertest";
import { afterEach, describe, expect, it } from "vitest";
import { GatewayError } from "@signalbox/kernel";
import type { SignalboxOptions } from "../src/index.ts";
import { createHandler, getCall, getPrincipal, signalbox } from "../src/index.ts";
import { post, RawClient, until } from "./support/raw-client.ts";
import type { TestGateway } from "./support/test-gateway.ts";
import { KEY, keys, testGateway } from "./support/test-gateway.ts";

const tests: TestGateway[] = [];
const servers: Server[] = [];

async function gatewayFor(plugin: Parameters<typeof testGateway>[0] = {}): Promise<TestGateway> {
  const test = await testGateway(plugin);
  tests.push(test);
  return test;
}

async function listening(app: Express): Promise<string> {
  const server = app.listen(0, "127.0.0.1");
  servers.push(server);
  await new Promise((resolve) => server.once("listening", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  for (const { gateway } of tests.splice(0)) {
    await gateway.drain(0);
    await gateway.close();
  }
});

const WHOLE = { model: "whole", text: "hello" };
const ANSWER = { object: "chat.completion", text: "hello" };

describe("the router", () => {
  it.each(["/", "/llm", "/a/b/c", "/:tenant/ai"])("serves under %s", async (mount) => {
    const { gateway } = await gatewayFor();
    const app = express().use(mount, signalbox(gateway));
    const base = mount === "/" ? "" : mount.replace(":tenant", "acme");
    await supertest(app).post(`${base}/v1/chat/completions`).send(WHOLE).expect(200, ANSWER);
    await supertest(app).post(`${base}/engines/whole/chat/completions?x=1`).send({ text: "hello" }).expect(200, ANSWER);
    await supertest(app).get(`${base}/health/liveness`).expect(200);
    const missing = await supertest(app).get(`${base}/v1/messages`).expect(405);
    expect(missing.body.error.message).toBe(`GET ${base}/v1/messages is not served; use POST`);
  });

  it("streams", async () => {
    const { gateway } = await gatewayFor();
    const app = express().use("/llm", signalbox(gateway));
    const response = await supertest(app)
      .post("/llm/v1/chat/completions")
      .send({ model: "echo", text: "ab", stream: true });
    expect(response.text).toBe('data: {"text":"a"}\n\ndata: {"text":"b"}\n\ndata: [DONE]\n\n');
    expect(response.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
  });

  it("leaves unknown paths to the application, and only those", async () => {
    const { gateway } = await gatewayFor({ authenticator: keys() });
    let reached = 0;
    const app = express()
      .use(signalbox(gateway))
      .get("/own", (_request, response) => {
        response.send("mine");
      })
      .use((_request, response) => {
        reached += 1;
        response.status(418).send("nobody's");
      });
    await supertest(app).get("/own").expect(200, "mine");
    await supertest(app).get("/own/../own%2f").expect(418);
    await supertest(app).post("/v1/unknown").expect(418);
    expect(reached).toBe(2);
    await supertest(app).post("/v1/chat/completions").send(WHOLE).expect(401);
    await supertest(app).get("/v1/chat/completions").expect(405);
    await supertest(app).post("/v1/chat/completions").set("x-api-key", KEY).send(WHOLE).expect(200);
    expect(reached).toBe(2);
  });

  it("can do without health routes", async () => {
    const { gateway } = await gatewayFor();
    const app = express().use(signalbox(gateway, { health: false }));
    await supertest(app).get("/health/liveness").expect(404);
    await supertest(app).get("/health/readiness").expect(404);
    await supertest(app).post("/v1/explain").send(WHOLE).expect(200);
  });

  it("serves two gateways in one application", async () => {
    const one = await gatewayFor();
    const other = await gatewayFor({ authenticator: keys() });
    const app = express().use("/one", signalbox(one.gateway)).use("/other", signalbox(other.gateway));
    await supertest(app).post("/one/v1/chat/completions").send(WHOLE).expect(200);
    await supertest(app).post("/other/v1/chat/completions").send(WHOLE).expect(401);
  });
});

describe("a body that middleware has read", () => {
  it.each([
    ["express.json()", express.json()],
    ["express.raw()", express.raw({ type: () => true })],
    ["express.text()", express.text({ type: () => true })],
  ])("by %s is taken over", async (_name, middleware) => {
    const { gateway } = await gatewayFor();
    const app = express().use(middleware).use("/llm", signalbox(gateway));
    await supertest(app).post("/llm/v1/chat/completions").send(WHOLE).expect(200, ANSWER);
  });

  it.each([
    ["express.raw()", express.raw({ type: () => true })],
    ["express.text()", express.text({ type: () => true })],
  ])("by %s may still be malformed", async (_name, middleware) => {
    const { gateway } = await gatewayFor();
    const app = express().use(middleware).use(signalbox(gateway));
    const response = await supertest(app)
      .post("/v1/chat/completions")
      .set("content-type", "text/plain")
      .send("{no")
      .expect(400);
    expect(response.body.error.code).toBe("invalid_request");
  });

  it("is held to the same limits", async () => {
    const { gateway } = await gatewayFor();
    const app = express()
      .use(express.json({ limit: "10mb" }))
      .use(signalbox(gateway));
    const deep = `{"model":"whole","text":${"[".repeat(1_000)}${"]".repeat(1_000)}}`;
    const response = await supertest(app).post("/v1/chat/completions").type("json").send(deep).expect(400);
    expect(response.body.error.message).toContain("nested");
    await supertest(app).post("/v1/chat/completions").type("json").send('{"__proto__":1}').expect(400);
  });

  it("and kept to itself is an error that says so", async () => {
    const { gateway } = await gatewayFor();
    const reports: string[] = [];
    const app = express()
      .use((request, _response, next) => {
        request.resume().on("end", next);
      })
      .use(signalbox(gateway, { onError: ({ error }) => reports.push(error.message) }));
    await supertest(app).post("/v1/chat/completions").send(WHOLE).expect(500);
    expect(reports).toEqual(["a middleware has read the request body and left nothing of it in request.body"]);
  });

  it("is not confused with a default that some parsers leave", async () => {
    const { gateway } = await gatewayFor();
    const app = express()
      .use((request, _response, next) => {
        request.body = {};
        next();
      })
      .use(signalbox(gateway));
    await supertest(app).post("/v1/chat/completions").send(WHOLE).expect(200, ANSWER);
  });
});

describe("an application with its own users", () => {
  interface WithUser extends Request {
    user?: string;
  }

  it("says who is calling", async () => {
    const { gateway } = await gatewayFor({ authenticator: keys() });
    const principal: NonNullable<SignalboxOptions["principal"]> = (request) => {
      const { user } = request as WithUser;
      if (user === undefined) throw new GatewayError("invalid_api_key", "log in first");
      if (user === "eve") throw new Error("database password is hunter2");
      return { id: user, kind: "user", admin: false, models: ["named"] };
    };
    const seen: (string | undefined)[] = [];
    const app = express()
      .use((request: WithUser, response, next) => {
        const user = request.get("x-user");
        if (user !== undefined) request.user = user;
        response.on("finish", () => {
          seen.push(getPrincipal(request)?.id, getCall(response)?.request.model, getCall(request)?.principal.id);
        });
        next();
      })
      .use(signalbox(gateway, { principal, onError: () => {} }));
    await supertest(app)
      .post("/v1/chat/completions")
      .set("x-user", "ann")
      .send({ model: "named", text: "x" })
      .expect(200);
    expect(seen).toEqual(["ann", "named", "ann"]);
    await supertest(app).post("/v1/chat/completions").set("x-user", "ann").send(WHOLE).expect(403);
    const refused = await supertest(app).post("/v1/chat/completions").set("x-api-key", KEY).send(WHOLE).expect(401);
    expect(refused.body.error.message).toBe("log in first");
    const broken = await supertest(app).post("/v1/chat/completions").set("x-user", "eve").send(WHOLE).expect(500);
    expect(broken.text).not.toContain("hunter2");
  });
});

describe("under Express", () => {
  it("a client that leaves ends its call", async () => {
    const { gateway, provider } = await gatewayFor();
    const url = await listening(express().use(express.json()).use("/llm", signalbox(gateway)));
    const client = new RawClient(url).write(
      post("/llm/v1/chat/completions", '{"model":"slow","text":"x","stream":true}'),
    );
    await until(() => provider.started.length === 1);
    const leftAt = performance.now();
    client.socket.destroy();
    await until(() => provider.abortedAt.length === 1);
    expect((provider.abortedAt[0] ?? Number.POSITIVE_INFINITY) - leftAt).toBeLessThan(100);
  });

  it.each([
    ["two Host headers", "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 2\r\n\r\n{}"],
    ["a Host that is no host", "POST /v1/chat/completions HTTP/1.1\r\nHost: a/x?y#z\r\nContent-Length: 2\r\n\r\n{}"],
    [
      "chunks in HTTP/1.0",
      "POST /v1/chat/completions HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
  ])("%s is refused", async (_name, text) => {
    const { gateway, provider } = await gatewayFor();
    const client = new RawClient(await listening(express().use(signalbox(gateway)))).write(text);
    await client.until(({ received }) => received.includes("invalid_request"));
    expect(client.statuses()).toEqual([400]);
    expect(provider.started).toEqual([]);
    client.socket.destroy();
  });

  it("a target with scheme and host reaches no route", async () => {
    const { gateway, provider } = await gatewayFor();
    const client = new RawClient(await listening(express().use(signalbox(gateway))));
    client.write("POST http://a/v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}");
    await client.until(() => client.statuses().length === 1);
    expect(client.statuses()).toEqual([404]);
    expect(provider.started).toEqual([]);
    client.socket.destroy();
  });
});

describe("createHandler", () => {
  it("serves in a plain node:http server beside other code", async () => {
    const { gateway } = await gatewayFor();
    const handle = createHandler(gateway);
    const server = createServer((request, response) => {
      handle(request, response, () => response.end("other"));
    });
    servers.push(server);
    await supertest(server).post("/v1/chat/completions").send(WHOLE).expect(200, ANSWER);
    await supertest(server).get("/elsewhere").expect(200, "other");
    handle.startDraining();
    const ready = await supertest(server).get("/health/readiness").expect(503);
    expect(ready.body).toEqual({ status: "draining", components: [] });
    expect(ready.headers.connection).toBe("close");
  });

  it.each([
    [{ maxBodyByte: 1 }, 'unknown option "maxBodyByte". Did you mean "maxBodyBytes"?'],
    [{ maxBodyBytes: "20mb" }, "maxBodyBytes must be a number, 0 or more"],
    [{ heartbeatMs: -1 }, "heartbeatMs must be a number, 0 or more"],
    [{ health: "no" }, "health must be true or false"],
  ])("refuses the options %j", async (options, message) => {
    const { gateway } = await gatewayFor();
    expect(() => createHandler(gateway, options as never)).toThrow(
      expect.objectContaining({ code: "option_invalid", message: expect.stringContaining(message) }),
    );
  });
});
