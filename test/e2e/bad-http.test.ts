import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RawClient, rawRequest } from "./raw-client.ts";
import type { ScriptedGateway } from "./scripted-gateway.ts";
import { CLIENT_KEY, chatBody, chatReply, scriptedGateway } from "./scripted-gateway.ts";

let gateway: ScriptedGateway;

beforeAll(async () => {
  gateway = await scriptedGateway();
  gateway.answer({ body: chatReply("openai") });
});
afterAll(() => gateway.close());

const KEY = `authorization: Bearer ${CLIENT_KEY}`;
const JSON_TYPE = "content-type: application/json";

describe("HTTP that is not right", () => {
  const good = JSON.stringify(chatBody("openai", "openai/m"));
  const head = (lines: readonly string[]): string => `${lines.join("\r\n")}\r\n\r\n`;

  it.each([
    ["no host", head(["POST /v1/chat/completions HTTP/1.1", KEY, "content-length: 2"]), 400, "invalid_request"],
    ["two hosts", head(["GET /v1/models HTTP/1.1", "host: a", "host: b", KEY]), 400, "invalid_request"],
    ["a host that is none", head(["GET /v1/models HTTP/1.1", "host: a/x?y#z", KEY]), 400, "invalid_request"],
    ["a whole address", head(["GET http://h/v1/models HTTP/1.1", "host: h", KEY]), 400, "invalid_request"],
    [
      "two lengths",
      head(["POST / HTTP/1.1", "host: h", "content-length: 1", "content-length: 2"]),
      400,
      "invalid_request",
    ],
    [
      "length and chunks",
      head(["POST / HTTP/1.1", "host: h", "content-length: 1", "transfer-encoding: chunked"]),
      400,
      "invalid_request",
    ],
    ["no HTTP", "hello world\r\n\r\n", 400, "invalid_request"],
    [
      "a header that is too large",
      head(["GET /v1/models HTTP/1.1", "host: h", `x: ${"y".repeat(20_000)}`]),
      431,
      "headers_too_large",
    ],
    [
      "too many headers",
      head(["GET /v1/models HTTP/1.1", "host: h", KEY, ...Array(150).fill("x: y")]),
      431,
      "headers_too_large",
    ],
    [
      "a long address",
      head([`GET /v1/models?${"y".repeat(9_000)} HTTP/1.1`, "host: h", KEY]),
      431,
      "headers_too_large",
    ],
    ["a NUL in a header", head(["GET /v1/models HTTP/1.1", "host: h", "x: a\0b"]), 400, "invalid_request"],
  ])("%s", async (_name, bytes, status, code) => {
    const raw = new RawClient(gateway.url);
    raw.write(bytes);
    const reply = await raw.reply();
    expect(reply?.status, reply?.body).toBe(status);
    expect(JSON.parse(reply?.body ?? "").error).toMatchObject({ code, type: "invalid_request_error" });
    raw.close();
  });

  it("does not disturb others on other connections", async () => {
    const before = gateway.sent.length;
    const sockets = Array.from({ length: 20 }, () => new RawClient(gateway.url));
    for (const socket of sockets) socket.write("POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-le");
    const replies = await Promise.all(Array.from({ length: 20 }, () => gateway.post("/v1/chat/completions", good)));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect(gateway.sent.length - before).toBe(20);
    for (const socket of sockets) socket.close();
  });

  it("two requests at once on one connection get two answers, in order", async () => {
    const raw = new RawClient(gateway.url);
    const one = rawRequest("POST", "/v1/chat/completions", [KEY, JSON_TYPE], good);
    const two = rawRequest("POST", "/v1/messages", [KEY, JSON_TYPE], "{");
    raw.write(Buffer.concat([one, two, one]));
    expect([(await raw.reply())?.status, (await raw.reply())?.status, (await raw.reply())?.status]).toEqual([
      200, 400, 200,
    ]);
    raw.close();
  });
});
