import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SentRequest } from "@signalbox/kernel/testkit";
import type { ScriptedGateway, Wire } from "./scripted-gateway.ts";
import {
  CHAT_PATHS,
  CLIENT_KEY,
  chatBody,
  chatEvents,
  chatReply,
  scriptedGateway,
  sse,
  WIRES,
} from "./scripted-gateway.ts";

let gateway: ScriptedGateway;

beforeAll(async () => {
  gateway = await scriptedGateway();
});
afterAll(() => gateway.close());

const last = (): SentRequest => gateway.sent.at(-1) as SentRequest;

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, read by a test
const lastBody = (): any => JSON.parse(last().body);

const UNKNOWN_REQUESTS: Readonly<Record<Wire, string>> = {
  openai: `{
    "temperature" : 0.70 ,"future_option":{"b":[1,2.50,1e2],"a":null},
  "model":"openai/custom-model",\t"messages":[ {"content":"h\\u00e9llo \\ud83d\\ude00 é","role":"user","future":true},
    {"role":"user","content":[{"type":"future_part","x":{"y":1}},{"type":"text","text":"t","weight":0.5}]} ],
  "max_tokens":1.0e1, "tools":[{"type":"function","function":{"name":"f","parameters":{"z":1,"a":2},"future":1}},
    {"type":"web_search_future","mode":"x"}], "seed":12345678901234567890, "logit_bias":{"50256":-100}
  }`,
  anthropic: `{
    "temperature" : 0.70 ,"future_option":{"b":[1,2.50,1e2],"a":null},
  "model":"anthropic/claude-sonnet-4-5",\t"messages":[ {"content":"h\\u00e9llo \\ud83d\\ude00 é","role":"user","future":true},
    {"role":"user","content":[{"type":"future_block","x":{"y":1}},{"type":"text","text":"t","weight":0.5}]} ],
  "max_tokens":10, "system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h","future":1}}],
  "tools":[{"name":"f","input_schema":{"z":1,"a":2},"future":1,"type":"custom"},
    {"type":"web_search_20990101","name":"web_search","max_uses":3}], "container":{"skills":[]}
  }`,
};

const UPSTREAM_MODELS: Readonly<Record<Wire, string>> = { openai: "custom-model", anthropic: "claude-sonnet-4-5" };

describe.each(WIRES)("%s on both sides", (wire) => {
  const path = CHAT_PATHS[wire];

  it("sends the client's bytes, but for the model", async () => {
    gateway.answer({ body: chatReply(wire) });
    const body = UNKNOWN_REQUESTS[wire];
    const reply = await gateway.post(path, body);
    expect(reply.status, reply.text).toBe(200);
    expect(last().body).toBe(body.replace(`${wire}/`, ""));
    expect(last().path).toBe(wire === "openai" ? "/o/v1/chat/completions" : "/a/v1/messages");
  });

  it("sends the client's bytes for a stream too", async () => {
    gateway.answer({ bodyText: sse(wire, chatEvents(wire, ["a"])) });
    const usage = wire === "openai" ? ',"stream_options":{"x":1,"include_usage":true}' : "";
    const body = `{"stream":true${usage},${UNKNOWN_REQUESTS[wire].slice(1)}`;
    const reply = await gateway.post(path, body);
    expect(reply.status, reply.text).toBe(200);
    expect(last().body).toBe(body.replace(`${wire}/`, ""));
  });

  it("leaves out what speaks to the gateway, and nothing else", async () => {
    gateway.answer({ body: chatReply(wire) });
    const own = '"drop_params":true, "tags":["a"],"timeout":30,"cache":{"no-cache":true},"fallbacks":["x"],';
    const body = UNKNOWN_REQUESTS[wire].replace('"future_option"', `${own}"future_option"`);
    const reply = await gateway.post(path, body);
    expect(reply.status, reply.text).toBe(200);
    expect(lastBody()).toEqual({ ...JSON.parse(UNKNOWN_REQUESTS[wire]), model: UPSTREAM_MODELS[wire] });
  });

  it("returns the upstream's bytes", async () => {
    const bodyText = JSON.stringify(
      chatReply(wire, "hé\u2028", { future: { z: 1, a: [1.5, null] } }),
      undefined,
      3,
    ).replace("hé", "h\\u00e9");
    gateway.answer({ contentType: "application/json", bodyText });
    const reply = await gateway.post(path, chatBody(wire, `${wire}/m`));
    expect(reply.text).toBe(bodyText);
    expect(reply.headers.get("content-type")).toMatch(/^application\/json/);
  });

  it("returns every frame of a stream, also those that nobody knows", async () => {
    const events = chatEvents(wire, ["a", "b"]);
    const unknown = wire === "openai" ? { object: "future.chunk", choices: [], x: 1 } : { type: "future_event", x: 1 };
    events.splice(2, 0, unknown);
    const bodyText = `${sse(wire, events.slice(0, 2))}: a comment\nid: 7\n${sse(wire, events.slice(2))}`;
    gateway.answer({ bodyText });
    const options = wire === "openai" ? { stream_options: { include_usage: true } } : {};
    const reply = await gateway.post(path, chatBody(wire, `${wire}/m`, { stream: true, ...options }));
    expect(reply.text).toBe(bodyText);
    expect(reply.headers.get("content-type")).toMatch(/^text\/event-stream/);
  });

  it("keeps the client's credentials, cookies and addresses to itself", async () => {
    gateway.answer({ body: chatReply(wire) });
    await gateway.post(path, chatBody(wire, `${wire}/m`), {
      "x-api-key": CLIENT_KEY,
      cookie: "session=1",
      "x-forwarded-for": "10.0.0.1",
      "x-custom": "mine",
      "x-signalbox-tags": "a",
    });
    const names = Object.keys(last().headers);
    for (const name of ["cookie", "x-forwarded-for", "x-custom", "x-signalbox-tags"]) expect(names).not.toContain(name);
    expect(JSON.stringify(last().rawHeaders)).not.toContain(CLIENT_KEY);
    expect(last().body).not.toContain(CLIENT_KEY);
  });
});

describe("headers that belong to a dialect", () => {
  it("carries Anthropic's version and betas", async () => {
    gateway.answer({ body: chatReply("anthropic") });
    await gateway.post("/v1/messages", chatBody("anthropic", "anthropic/claude-sonnet-4-5"), {
      "anthropic-version": "2026-10-21",
      "anthropic-beta": "interleaved-thinking-2025-05-14, context-1m-2025-08-07",
    });
    expect(last().headers["anthropic-version"]).toBe("2026-10-21");
    expect(last().headers["anthropic-beta"]).toBe("interleaved-thinking-2025-05-14,context-1m-2025-08-07");
    await gateway.post("/v1/messages", chatBody("anthropic", "anthropic/claude-sonnet-4-5"));
    expect(last().headers["anthropic-version"]).toBe("2023-06-01");
    expect(last().headers["anthropic-beta"]).toBeUndefined();
  });

  it("carries OpenAI's betas, and nothing of one vendor to the other", async () => {
    gateway.answer({ body: chatReply("openai") });
    const headers = { "openai-beta": "assistants=v2", "anthropic-beta": "x", "anthropic-version": "2026-10-21" };
    await gateway.post("/v1/chat/completions", chatBody("openai", "openai/gpt-4o"), headers);
    expect(last().headers["openai-beta"]).toBe("assistants=v2");
    expect(last().headers["anthropic-beta"]).toBeUndefined();
    gateway.answer({ body: chatReply("anthropic") });
    await gateway.post("/v1/chat/completions", chatBody("openai", "anthropic/claude-sonnet-4-5"), headers);
    expect(last().headers["openai-beta"]).toBeUndefined();
  });
});
