import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RawReply } from "./raw-client.ts";
import { RawClient, rawRequest } from "./raw-client.ts";
import type { ScriptedGateway, Wire } from "./scripted-gateway.ts";
import {
  CHAT_PATHS,
  CLIENT_KEY,
  chatBody,
  chatReply,
  scriptedGateway,
  UPSTREAM_KEY,
  WIRES,
} from "./scripted-gateway.ts";
import { WRONG_FIELDS } from "./wrong-fields.ts";

const MAX_BODY = 2 * 1024 * 1024;

let gateway: ScriptedGateway;

beforeAll(async () => {
  gateway = await scriptedGateway({ listen: { maxBodyBytes: MAX_BODY } });
  gateway.answer(({ path }) => ({ body: chatReply(path.startsWith("/a/") ? "anthropic" : "openai") }));
});
afterAll(() => gateway.close());

const KEY = `authorization: Bearer ${CLIENT_KEY}`;
const JSON_TYPE = "content-type: application/json";

interface Expected {
  readonly status: number;
  readonly code: string;
  readonly param?: string | undefined;
  /** The connection is closed, because what follows on it is not known to be a request. Default false. */
  readonly closes?: boolean;
}

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  404: "not_found_error",
  405: "invalid_request_error",
  413: "request_too_large",
  431: "invalid_request_error",
};

/** Every error has the form of the client's dialect and says nothing about our insides. */
function expectError(client: Wire, reply: RawReply | undefined, { status, code, param }: Expected): string {
  expect(reply?.status, reply?.body).toBe(status);
  const { headers, body } = reply as RawReply;
  expect(headers["content-type"]).toMatch(/^application\/json/);
  expect(headers["x-signalbox-error-contract"]).toBe("1");
  expect(headers["x-signalbox-call-id"]).toMatch(/^[0-9a-f-]{36}$/);
  const parsed = JSON.parse(body);
  if (client === "openai") {
    expect(Object.keys(parsed)).toEqual(["error"]);
    expect(Object.keys(parsed.error).filter((name) => name !== "details")).toEqual([
      "message",
      "type",
      "param",
      "code",
    ]);
    expect(parsed.error).toMatchObject({ type: "invalid_request_error", param: param ?? null, code });
  } else {
    expect(parsed).toMatchObject({ type: "error", error: { type: ANTHROPIC_TYPES[status] } });
    expect(parsed.request_id).toBe(headers["x-signalbox-call-id"]);
    expect(parsed.error.details.error_code).toBe(code);
    expect(parsed.error.details.param).toBe(param);
  }
  expect(parsed.error.message.length).toBeGreaterThan(5);
  expect(body).not.toMatch(/node_modules|\.ts:|\.js:|\bat \w+ \(|\/src\/|SyntaxError|TypeError|undefined/);
  for (const secret of [CLIENT_KEY, UPSTREAM_KEY]) expect(body).not.toContain(secret);
  return parsed.error.message;
}

/** Sends bytes, then a good request on the same connection if there is one. */
async function sendRaw(client: Wire, bytes: Buffer | string, closes = false): Promise<RawReply | undefined> {
  const raw = new RawClient(gateway.url);
  try {
    raw.write(bytes);
    const reply = await raw.reply();
    if (closes) {
      expect(reply?.headers.connection).toBe("close");
      await raw.closed();
    } else {
      raw.write(
        rawRequest("POST", CHAT_PATHS[client], [KEY, JSON_TYPE], JSON.stringify(chatBody(client, `${client}/m`))),
      );
      const next = await raw.reply();
      expect(next?.status, next?.body).toBe(200);
    }
    return reply;
  } finally {
    raw.close();
  }
}

async function refuse(
  client: Wire,
  body: string | Buffer,
  expected: Expected,
  headers = [KEY, JSON_TYPE],
): Promise<string> {
  const before = gateway.sent.length;
  const reply = await sendRaw(client, rawRequest("POST", CHAT_PATHS[client], headers, body), expected.closes);
  const message = expectError(client, reply, expected);
  // At most the good request that follows.
  expect(gateway.sent.length - before).toBe(expected.closes === true ? 0 : 1);
  return message;
}

const text = (client: Wire, more: object = {}): string => JSON.stringify(chatBody(client, `${client}/m`, more));
const invalid = (param?: string): Expected => ({ status: 400, code: "invalid_request", param });

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
};
const manyKeys = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));

describe.each(WIRES)("a client of %s that sends", (client) => {
  it.each([
    ["nothing", ""],
    ["spaces", "  \n "],
    ["half an object", '{"model":"x","messages":[{"role":'],
    ["a word", "hello"],
    ["two objects", "{}{}"],
    ["a comment", `/* no */${text(client)}`],
    ["a trailing comma", `${text(client).slice(0, -1)},}`],
    ["NaN", text(client, { temperature: 1 }).replace('"temperature":1', '"temperature":NaN')],
    ["Infinity", text(client, { temperature: 1 }).replace('"temperature":1', '"temperature":-Infinity')],
    ["a number that JSON has not", text(client, { temperature: 1 }).replace('"temperature":1', '"temperature":01')],
    ["a raw line break in a text", text(client).replace("hello", "hel\nlo")],
    ["a form", "model=x&messages=y"],
  ])("%s as body", async (_name, body) => {
    await refuse(client, body, invalid());
  });

  it.each(["null", "true", "1", '"text"', "[]", `[${text(client)}]`])("%s instead of an object", async (body) => {
    const message = await refuse(client, body, invalid());
    expect(message).toMatch(/object/);
  });

  it("bytes that are not UTF-8", async () => {
    const [before = "", after = ""] = text(client).split("hello");
    for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf5, 0x80, 0x80, 0x80]]) {
      const body = Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
      expect(await refuse(client, body, invalid())).toContain("UTF-8");
    }
  });

  it("objects that are too deep, too large, or attack prototypes", async () => {
    await refuse(client, text(client, { x: nested(70) }), invalid());
    await refuse(client, text(client, { x: manyKeys(10_001) }), invalid());
    await refuse(client, text(client, { x: Array.from({ length: 11 }, () => manyKeys(9_500)) }), invalid());
    await refuse(client, text(client, { x: Array(100_001).fill(0) }), invalid());
    const attacks = ['"__proto__":{"stream":true}', '"\\u005f_proto__":{"a":1}', '"x":[{"__proto__":null}]'];
    for (const attack of attacks) await refuse(client, `{${attack},${text(client).slice(1)}`, invalid());
    await refuse(client, `${"[".repeat(500_000)}${"]".repeat(500_000)}`, invalid());
    expect(({} as { stream?: unknown; a?: unknown }).stream).toBeUndefined();
  });

  it("a depth and a number of keys that are just allowed", async () => {
    const deep = await gateway.post(CHAT_PATHS[client], text(client, { x: nested(62) }));
    expect(deep.status, deep.text).toBe(200);
    const wide = await gateway.post(CHAT_PATHS[client], text(client, { x: manyKeys(10_000) }));
    expect(wide.status, wide.text).toBe(200);
    const named = await gateway.post(CHAT_PATHS[client], text(client, { constructor: { prototype: { a: 1 } } }));
    expect(named.status, named.text).toBe(200);
    expect(gateway.sent.at(-1)?.body).toContain('"constructor":{"prototype":{"a":1}}');
  });

  it("a body that is too large", async () => {
    const large = text(client, { x: "y".repeat(MAX_BODY) });
    const raw = new RawClient(gateway.url);
    raw.write(rawRequest("POST", CHAT_PATHS[client], [KEY, JSON_TYPE], large));
    expectError(client, await raw.reply(), { status: 413, code: "request_too_large" });
    await raw.closed();
    raw.close();
    // without a length it is noticed on the way
    const chunked = new RawClient(gateway.url);
    chunked.write(
      `POST ${CHAT_PATHS[client]} HTTP/1.1\r\nhost: x\r\n${KEY}\r\n${JSON_TYPE}\r\ntransfer-encoding: chunked\r\n\r\n`,
    );
    for (let piece = 0; piece < 40; piece++) chunked.write(`10000\r\n${" ".repeat(0x10000)}\r\n`);
    expectError(client, await chunked.reply(), { status: 413, code: "request_too_large" });
    chunked.close();
    const other = await gateway.post(CHAT_PATHS[client], text(client, { x: "y".repeat(MAX_BODY - 500) }));
    expect(other.status).toBe(200);
  });

  it("a compressed body, or a form", async () => {
    // its body is not read, so the connection is of no more use
    await refuse(client, text(client), { ...invalid(), closes: true }, [KEY, JSON_TYPE, "content-encoding: gzip"]);
    const form = '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nx\r\n--b--\r\n';
    await refuse(client, form, invalid(), [KEY, "content-type: multipart/form-data; boundary=b"]);
    await refuse(client, "broken", invalid(), [KEY, "content-type: multipart/form-data"]);
  });

  it.each([
    "",
    "text/plain",
    "application/octet-stream",
    "application/json; charset=utf-8",
    "application/x-www-form-urlencoded",
  ])("good JSON as %j", async (type) => {
    const raw = new RawClient(gateway.url);
    raw.write(
      rawRequest("POST", CHAT_PATHS[client], [KEY, ...(type === "" ? [] : [`content-type: ${type}`])], text(client)),
    );
    expect((await raw.reply())?.status).toBe(200);
    raw.close();
  });

  it("a member twice: the last one counts, here and upstream", async () => {
    const body = `{"model":"${client}/first","stream":"wrong",${text(client, { stream: false }).slice(1)}`;
    const reply = await gateway.post(CHAT_PATHS[client], body);
    expect(reply.status, reply.text).toBe(200);
    const sent = gateway.sent.at(-1)?.body ?? "";
    expect(JSON.parse(sent)).toMatchObject({ model: "m", stream: false });
    expect(sent.split('"model"')).toHaveLength(2);
    expect(sent.split('"stream"')).toHaveLength(2);
    expect(reply.headers.get("x-signalbox-model")).toBe(`${client}/m`);
    // the last one is also the one that is refused
    await refuse(client, `${text(client).slice(0, -1)},"temperature":1,"temperature":"x"}`, invalid("temperature"));
    // an escaped name is the same name
    const escaped = await gateway.post(
      CHAT_PATHS[client],
      `${text(client).slice(0, -1)},"\\u006dodel":"${client}/last"}`,
    );
    expect(escaped.status).toBe(200);
    expect(JSON.parse(gateway.sent.at(-1)?.body ?? "").model).toBe("last");
    expect(gateway.sent.at(-1)?.body).not.toContain(`${client}/`);
  });

  it("half a character as an escape", async () => {
    const body = text(client).replace("hello", "a\\ud800b");
    const reply = await gateway.post(CHAT_PATHS[client], body);
    expect(reply.status, reply.text).toBe(200);
    expect(gateway.sent.at(-1)?.body).toContain("a\\ud800b");
    const translated = await gateway.post(
      CHAT_PATHS[client],
      body.replace(`${client}/m`, client === "openai" ? "anthropic/m" : "openai/m"),
    );
    expect(translated.status, translated.text).toBe(200);
    expect(JSON.parse(gateway.sent.at(-1)?.body ?? "").messages.at(-1).content).toBe("a\ud800b");
  });

  it("no key, a wrong key, a key twice: one answer", async () => {
    const messages = new Set<string>();
    const keys = [
      [],
      ["authorization: Bearer "],
      ["authorization: Bearer sk-wrong"],
      [`authorization: Basic ${CLIENT_KEY}`],
      [`authorization: ${CLIENT_KEY}`],
      ["authorization: Bearer ' OR 1=1--"],
      [`authorization: Bearer ${CLIENT_KEY}x`],
      [`authorization: Bearer ${CLIENT_KEY.slice(0, -1)}`],
      [`authorization: Bearer ${CLIENT_KEY.toUpperCase()}`],
      [`authorization: Bearer ${"k".repeat(8_000)}`],
      ["x-api-key: sk-wrong"],
      [`x-api-key: ${CLIENT_KEY}`, `x-api-key: ${CLIENT_KEY}`],
      ["api-key: x"],
      ["x-goog-api-key: x"],
      [`x-signalbox-api-key: wrong`, KEY],
    ];
    for (const headers of keys) {
      const reply = await sendRaw(
        client,
        rawRequest("POST", CHAT_PATHS[client], [...headers, JSON_TYPE], text(client)),
        true,
      );
      messages.add(expectError(client, reply, { status: 401, code: "invalid_api_key" }));
    }
    expect(messages.size).toBe(1);
  });

  it("the key in every place where clients put it", async () => {
    for (const header of ["x-api-key", "api-key", "x-goog-api-key", "x-signalbox-api-key", "x-litellm-api-key"]) {
      const raw = new RawClient(gateway.url);
      raw.write(rawRequest("POST", CHAT_PATHS[client], [`${header}: ${CLIENT_KEY}`, JSON_TYPE], text(client)));
      expect((await raw.reply())?.status, header).toBe(200);
      raw.close();
    }
  });

  it("a model that does not exist", async () => {
    const body = text(client).replace(`${client}/m`, "opnai/gpt-4o");
    const message = await refuse(client, body, { status: 404, code: "model_not_found", param: "model" });
    expect(message).toContain('"opnai/gpt-4o"');
    expect(message).toContain('"openai/*"');
  });
});

describe.each(WIRES)("a wrong type, sent by a client of %s,", (client) => {
  it.each(WRONG_FIELDS[client])("names %s: %j", async (param, more) => {
    await refuse(client, text(client, more), invalid(param));
  });
});

describe.each(WIRES)("what is not a chat request, near %s,", (client) => {
  const path = CHAT_PATHS[client];

  it.each(["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])("%s is not allowed there", async (method) => {
    const reply = await sendRaw(client, rawRequest(method, path, [KEY]));
    expectError(client, reply, { status: 405, code: "method_not_allowed" });
    expect(reply?.headers.allow).toBe("POST");
  });

  it("HEAD has no body", async () => {
    const raw = new RawClient(gateway.url);
    raw.write(rawRequest("HEAD", path, [KEY]));
    expect(await raw.reply(true)).toMatchObject({ status: 405, body: "" });
    raw.write(rawRequest("HEAD", "/v1/models", [KEY]));
    expect(await raw.reply(true)).toMatchObject({ status: 200, body: "" });
    raw.write(rawRequest("GET", "/health/liveliness", []));
    expect((await raw.reply())?.status).toBe(200);
    raw.close();
  });

  it.each([
    ["/x", 404, "not_found"],
    ["/", 404, "not_found"],
    ["//x", 404, "not_found"],
    ["/;a", 404, "not_found"],
    ["/../../etc/passwd", 400, "invalid_request"],
    ["/%2e%2e", 400, "invalid_request"],
    ["/%2fx", 400, "invalid_request"],
    ["/a%00b", 400, "invalid_request"],
    ["/%zz", 400, "invalid_request"],
  ])("%s behind it is nowhere", async (rest, status, code) => {
    const reply = await sendRaw(client, rawRequest("POST", `${path}${rest}`, [KEY, JSON_TYPE], text(client)), true);
    expectError(client, reply, { status, code });
  });

  it("an unknown path is 404 in the nearest dialect", async () => {
    const reply = await sendRaw(client, rawRequest("POST", `${path}/nothing`, [KEY, JSON_TYPE]));
    const message = expectError(client, reply, { status: 404, code: "not_found" });
    expect(message).toContain(`${path}/nothing`);
  });
});

describe("parts and blocks that nobody knows", () => {
  it("go to the vendor that may know them, and to no other", async () => {
    const part = { type: "hologram", data: "x" };
    const body = (model: string): object => ({
      model,
      max_tokens: 9,
      messages: [{ role: "user", content: [part, { type: "text", text: "t" }] }],
    });
    for (const client of WIRES) {
      const own = await gateway.post(CHAT_PATHS[client], body(`${client}/m`));
      expect(own.status, own.text).toBe(200);
      expect(JSON.parse(gateway.sent.at(-1)?.body ?? "").messages[0].content[0]).toEqual(part);
      const other = client === "openai" ? "anthropic/m" : "openai/m";
      const before = gateway.sent.length;
      const crossed = await gateway.post(CHAT_PATHS[client], body(other));
      expect(crossed.status, crossed.text).toBe(400);
      expect(crossed.text).toContain("messages[0].content[0]");
      expect(crossed.text).toContain(client === "openai" ? `"invalid_request"` : `"unsupported_parameter"`);
      expect(gateway.sent.length).toBe(before);
    }
  });
});
