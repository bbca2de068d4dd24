import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { listen } from "@signalbox/express/node";
import { createGateway, Secret } from "@signalbox/kernel";
import { MemoryRecords } from "@signalbox/kernel/testkit";
import { keys } from "@signalbox/plugin-keys";
import { openaiDialects } from "@signalbox/provider-openai";
import { openaiCompatible } from "@signalbox/provider-openai-compatible";
import type { KeysGateway } from "./keys-gateway.ts";
import { keysGateway, MASTER } from "./keys-gateway.ts";
import { rawRequest } from "./raw-request.ts";
import { watchedRecords } from "./watched-records.ts";

let running: KeysGateway | undefined;
let closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await running?.close();
  running = undefined;
  for (const close of closing) await close();
  closing = [];
});

describe("a key that is no good", () => {
  it("looks the same whether it is unknown, blocked, expired, deleted, replaced, or no key at all", async () => {
    running = await keysGateway();
    const { api, url } = running;
    const make = async (more: object = {}): Promise<{ key: string; token: string }> =>
      (await api("POST /key/generate", { models: ["small"], ...more })).body;
    const [blocked, deleted, replaced] = [await make(), await make(), await make()];
    const expired = await make({ duration: "1s" });
    await api("POST /key/block", { key: blocked.token });
    await api("POST /key/delete", { keys: [deleted.token] });
    await api("POST /key/regenerate", { key: replaced.token });
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    const seen = new Set<string>();
    for (const key of [
      "sk-unknown-key-0123456789",
      blocked.key,
      expired.key,
      deleted.key,
      replaced.key,
      blocked.token,
      "nonsense",
      "",
      `${MASTER}x`,
      MASTER.slice(0, -1),
      "ey.ey.ey",
      "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.",
    ]) {
      const response = await fetch(`${url}/key/list`, {
        headers: key === "" ? {} : { authorization: `Bearer ${key}` },
      });
      const headers = [...response.headers.keys()].toSorted().join();
      seen.add(`${response.status} ${headers} ${await response.text()}`);
    }
    expect([...seen]).toHaveLength(1);
    expect([...seen][0]).toMatch(/^401 .*"code":"invalid_api_key"/);
  });
});

describe("a store that is down", () => {
  it("leaves known keys their own rights and makes nobody of anybody else: 503, and when to try again", async () => {
    const { store, broken } = watchedRecords();
    running = await keysGateway(store);
    const { api, chat } = running;
    const known = (await api("POST /key/generate", { models: ["small"] })).body.key as string;
    const other = (await api("POST /key/generate", { models: ["small"] })).body.key as string;
    expect((await chat(known)).status).toBe(200);
    broken.reads = true;
    expect((await chat(known)).status).toBe(200);
    expect((await chat(known, "large")).status).toBe(403);
    expect((await api("GET /key/list", undefined, known)).status).toBe(403);
    for (const key of [other, "sk-unknown-key-0123456789"]) {
      const { status, headers, body } = await chat(key);
      expect([status, headers.get("retry-after"), body.error.code]).toEqual([503, "1", "auth_unavailable"]);
      expect(JSON.stringify(body)).not.toContain("refused");
    }
    expect((await chat("nonsense")).status).toBe(401);
    expect((await chat(MASTER)).status).toBe(200);
    const ready = await fetch(`${running.url}/health/readiness`);
    expect(ready.status).toBe(503);
  });
});

/** What a request line and a host can be written as, to be read as something else by somebody. */
const CONFUSIONS: readonly (readonly [
  name: string,
  expected: number,
  write: (method: string, path: string) => string,
])[] = [
  ["as it is", 401, (method, path) => `${method} ${path} HTTP/1.1\r\nhost: a`],
  ["a host with a path", 400, (method, path) => `${method} ${path} HTTP/1.1\r\nhost: a/health/liveness?y#z`],
  ["two hosts", 400, (method, path) => `${method} ${path} HTTP/1.1\r\nhost: a\r\nhost: b`],
  ["a local host", 401, (method, path) => `${method} ${path} HTTP/1.1\r\nhost: localhost`],
  ["an absolute target", 400, (method, path) => `${method} http://a${path} HTTP/1.1\r\nhost: a`],
  [
    "an absolute target elsewhere",
    400,
    (method, path) => `${method} http://b/health/liveness${path} HTTP/1.1\r\nhost: a`,
  ],
  ["two slashes", 400, (method, path) => `${method} /${path} HTTP/1.1\r\nhost: a`],
  ["an encoded slash", 400, (method, path) => `${method} ${path.replace(/(?<=.)\//, "%2f")} HTTP/1.1\r\nhost: a`],
  ["encoded dots", 400, (method, path) => `${method} /health/%2e%2e${path} HTTP/1.1\r\nhost: a`],
  ["dots", 400, (method, path) => `${method} /health/..${path} HTTP/1.1\r\nhost: a`],
  ["a backslash", 400, (method, path) => `${method} /health\\..${path} HTTP/1.1\r\nhost: a`],
  [
    "a forwarded path",
    401,
    (method, path) =>
      `${method} ${path} HTTP/1.1\r\nhost: a\r\nx-original-url: /health/liveness\r\nx-rewrite-url: /health/liveness`,
  ],
  [
    "a forwarded identity",
    401,
    (method, path) =>
      `${method} ${path} HTTP/1.1\r\nhost: a\r\nx-forwarded-user: admin\r\nx-forwarded-for: 127.0.0.1\r\nx-real-ip: 127.0.0.1`,
  ],
  [
    "another method on top",
    401,
    (method, path) => `${method} ${path} HTTP/1.1\r\nhost: a\r\nx-http-method-override: GET`,
  ],
];

/** Paths that are not the route's; each may only be nobody's, or refused. */
const NEAR: readonly (readonly [name: string, write: (path: string) => string])[] = [
  ["a slash behind", (path) => `${path}/`],
  ["a dot behind", (path) => `${path}.`],
  ["a parameter", (path) => `${path};a=b`],
  ["another case", (path) => path.toUpperCase()],
  ["an encoded letter", (path) => `/%${path.charCodeAt(1).toString(16)}${path.slice(2)}`],
  ["two slashes within", (path) => path.replace(/(?<=.)\//, "//")],
  ["an encoded end", (path) => `${path}%00`],
  ["an encoded question mark", (path) => `${path}%3fa`],
  ["a file", (path) => `${path}.json`],
];

describe("a management route", () => {
  it("is decided on as the route that would run, however it is written; without a key nothing runs", async () => {
    const { store, reads } = watchedRecords();
    running = await keysGateway(store);
    const { url, gateway } = running;
    const routes = gateway.routes.filter(({ access }) => access !== "public");
    expect(routes.length).toBeGreaterThan(50);
    const before = reads();
    for (const { method, path: pattern } of routes) {
      const path = pattern.replaceAll(/:\w+\+?/g, "x");
      const rest = "\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
      for (const [name, expected, write] of CONFUSIONS) {
        // with one segment there is no slash to encode
        if (name === "an encoded slash" && !path.slice(1).includes("/")) continue;
        const { status } = await rawRequest(url, write(method, path) + rest);
        expect([method, path, name, status]).toEqual([method, path, name, expected]);
      }
      for (const [name, write] of NEAR) {
        const { status } = await rawRequest(url, `${method} ${write(path)} HTTP/1.1\r\nhost: a${rest}`);
        expect([400, 401, 404], `${method} ${path}: ${name} is ${status}`).toContain(status);
      }
    }
    expect(reads()).toBe(before);
  });
});

describe("what a client sends to be known by", () => {
  it("never reaches a provider, in whatever header it was", async () => {
    const captured: string[] = [];
    const upstream: Server = createServer((request, response) => {
      let body = "";
      request.on("data", (bytes) => {
        body += String(bytes);
      });
      request.on("end", () => {
        captured.push(JSON.stringify([request.url, request.rawHeaders, body]));
        response.setHeader("content-type", "application/json");
        response.end(
          JSON.stringify({
            id: "c",
            object: "chat.completion",
            created: 1,
            model: "m",
            choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "pong" } }],
            usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
          }),
        );
      });
    });
    await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
    closing.push(async () => upstream.close());
    const gateway = await createGateway({
      plugins: [
        { name: "store", recordStore: new MemoryRecords() },
        { name: "dialects", dialects: openaiDialects() },
        {
          name: "upstream",
          providers: [
            openaiCompatible({
              name: "upstream",
              baseUrl: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/v1`,
              apiKey: new Secret("sk-upstream-own-key"),
            }),
          ],
        },
        keys({ masterKeys: [new Secret(MASTER)], pepper: new Secret("pepper-of-the-tests-0123456789-abcdef") }),
      ],
      deployments: [{ id: "m", model: "m", provider: "upstream", upstreamModel: "m" }],
    });
    closing.push(() => gateway.close());
    const { url, close } = await listen(gateway, { port: 0, keyHeaders: ["x-our-key"] });
    closing.unshift(() => close());
    const canary = "canary-7f3a";
    // from the first that counts to the last
    const ways = ["x-our-key", "x-signalbox-api-key", "x-litellm-api-key", "authorization", "x-api-key", "api-key"];
    for (const [at, way] of ways.entries()) {
      const others = [...ways.slice(at + 1), "x-goog-api-key"].map((name) => [name, `Bearer ${canary}`]);
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...Object.fromEntries(others),
          [way]: way === "authorization" ? `Bearer ${MASTER}` : MASTER,
          cookie: `session=${canary}`,
          "x-forwarded-for": `10.0.0.1, ${canary}`,
          "x-forwarded-authorization": canary,
          "proxy-authorization": `Basic ${canary}`,
          "x-amz-security-token": canary,
          forwarded: `for=${canary}`,
        },
        body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "ping" }] }),
      });
      const text = await response.text();
      expect([way, response.status]).toEqual([way, 200]);
      expect(text + JSON.stringify([...response.headers])).not.toMatch(/canary|sk-/);
    }
    expect(captured).toHaveLength(ways.length);
    for (const each of captured) {
      expect(each).not.toContain(canary);
      expect(each).not.toContain(MASTER);
      expect(each).toContain("Bearer sk-upstream-own-key");
    }
  });
});
