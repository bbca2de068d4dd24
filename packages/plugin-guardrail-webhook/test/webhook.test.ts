import { afterAll, describe, expect, it } from "vitest";
import type { Guardrail } from "@signalbox/kernel";
import { guardrailLayer, resultOf, Secret } from "@signalbox/kernel";
import { createTransport } from "@signalbox/kernel/http";
import type { Exchange, SentRequest } from "@signalbox/kernel/testkit";
import { replayServer, testCall, testGuardrail, testRemoteGuardrail } from "@signalbox/kernel/testkit";
import type { WebhookGuardrailOptions } from "../src/index.ts";
import { signature, webhookGuardrails } from "../src/index.ts";

const KEY = "whk-credential-4711";
const SIGNING = "signing-secret-0815";
const NOW_SECONDS = 300;

const MEMBERS = new Set([
  "texts",
  "images",
  "tools",
  "tool_calls",
  "structured_messages",
  "request_data",
  "request_headers",
  "input_type",
  "litellm_call_id",
  "litellm_trace_id",
  "additional_provider_specific_params",
]);

/** A service in the generic format: blocks what names the falcon, and takes addresses of e-mail out. */
function service(request: SentRequest): Exchange {
  const refused = (why: string): Exchange => ({ status: 422, body: { error: why } });
  if (request.path !== "/beta/litellm_basic_guardrail_api" || request.method !== "POST") return { status: 404 };
  if (request.headers.authorization !== `Bearer ${KEY}`) return { status: 401 };
  const timestamp = String(request.headers["x-signalbox-timestamp"]);
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > NOW_SECONDS) return refused("old");
  if (request.headers["x-signalbox-signature"] !== signature(new Secret(SIGNING), timestamp, request.body)) {
    return refused("signature");
  }
  const body = JSON.parse(request.body) as { texts: string[]; input_type: string; images?: string[] };
  for (const name of Object.keys(body)) if (!MEMBERS.has(name)) return refused(name);
  if (!["request", "response"].includes(body.input_type)) return refused("input_type");
  if (body.images?.some((url) => url.includes("forbidden")) === true) return { body: { action: "BLOCKED" } };
  if (body.texts.some((text) => text.includes("falcon"))) {
    return { body: { action: "BLOCKED", blocked_reason: "it names a project" } };
  }
  const texts = body.texts.map((text) => text.replace(/[a-z.]+@[a-z.]+[a-z]/g, "<mail>"));
  if (texts.some((text, at) => text !== body.texts[at])) return { body: { action: "GUARDRAIL_INTERVENED", texts } };
  return { body: { action: "NONE" } };
}

function made(baseUrl: string, options: Partial<WebhookGuardrailOptions> = {}): Guardrail {
  const credentials = { apiKey: new Secret(KEY), signingSecret: new Secret(SIGNING) };
  const { guardrails = [] } = webhookGuardrails([{ name: "policy", baseUrl, ...credentials, ...options }]);
  return guardrails[0] as Guardrail;
}

const runner = { describe, it };
const server = await replayServer(service);
const transport = createTransport();
afterAll(async () => {
  await server.close();
  await transport.close?.();
});
const user = (text: string) => [{ role: "user" as const, content: [{ type: "text" as const, text }] }];

testRemoteGuardrail({
  runner,
  service,
  guardrail: made,
  blocked: "tell me of the falcon",
  secret: "falcon",
  category: "blocked",
  credentials: [KEY, SIGNING],
  wrongShape: { action: "MAYBE" },
  caches: false,
});

testGuardrail({
  runner,
  guardrail: () => made(server.url, { transport, windowCharacters: 40, overlapCharacters: 30 }),
  masked: [
    { text: "Write to ada@example.com, or to 👋 bob@example.org!", released: "Write to <mail>, or to 👋 <mail>!" },
    { text: '{"to":"ada@example.com","n":1}', released: '{"to":"<mail>","n":1}', kind: "arguments" },
    {
      text: `${"x ".repeat(60)}ada@example.com${" y".repeat(60)}`,
      released: `${"x ".repeat(60)}<mail>${" y".repeat(60)}`,
    },
  ],
  blocked: [
    { text: `${"so ".repeat(40)}the falcon flies`, secret: "falcon", category: "blocked" },
    { text: '{"name":"falcon"}', secret: "falcon", category: "blocked", kind: "arguments" },
  ],
  requests: [
    { messages: user("I am ada@example.com"), expected: user("I am <mail>") },
    { messages: user("the falcon"), expected: "blocked" },
    { messages: user("hello"), expected: user("hello") },
  ],
  unreachable: () => made("http://127.0.0.1:9", { transport }),
});

describe("what the service is sent", () => {
  const picture = (url: string) => ({ type: "image" as const, source: { type: "url" as const, url } });

  async function ask(guardrail: Guardrail, content: Parameters<typeof testCall<"chat">>[0]["request"]["messages"]) {
    const call = testCall({
      operation: "chat",
      request: { model: "m", messages: content, tools: [{ type: "function", name: "look", description: "Looks." }] },
      principal: { id: "k-1", kind: "key", admin: false, models: ["*"], alias: "mobile", teamId: "t-1", userId: "u-1" },
      options: { endUserId: "customer-1", traceId: "trace-1" },
    });
    const reply = guardrailLayer(guardrail).layer(call, () => {
      throw new Error("answered by nobody");
    });
    await resultOf(reply as never).catch((thrown: Error) => {
      if (thrown.message !== "answered by nobody") throw thrown;
    });
    return call;
  }

  it("has the request, and who asks, and no key", async () => {
    const before = server.sent.length;
    const call = await ask(made(server.url, { transport, params: { level: 2 } }), [
      { role: "user", content: [{ type: "text", text: "Look!" }, picture("https://example.com/a.png")] },
      { role: "assistant", content: [{ type: "toolCall", id: "c", name: "look", arguments: '{"at":"sky"}' }] },
      { role: "tool", content: [{ type: "toolResult", toolCallId: "c", content: [{ type: "text", text: "blue" }] }] },
    ]);
    expect(JSON.parse(server.sent[before]?.body ?? "")).toEqual({
      texts: ["Look!", '{"at":"sky"}', "blue", "Looks."],
      images: ["https://example.com/a.png"],
      tools: [{ type: "function", function: { name: "look", description: "Looks." } }],
      tool_calls: [{ id: "c", type: "function", function: { name: "look", arguments: '{"at":"sky"}' } }],
      structured_messages: [
        { role: "user", content: "Look!" },
        { role: "assistant", content: "" },
        { role: "tool", content: "blue" },
      ],
      request_data: {
        user_api_key_hash: "k-1",
        user_api_key_alias: "mobile",
        user_api_key_user_id: "u-1",
        user_api_key_team_id: "t-1",
        user_api_key_end_user_id: "customer-1",
      },
      input_type: "request",
      litellm_call_id: call.id,
      litellm_trace_id: "trace-1",
      additional_provider_specific_params: { level: 2 },
    });
  });

  it("is asked about requests without words", async () => {
    const only = testCall({
      operation: "chat",
      request: { model: "m", messages: [{ role: "user", content: [picture("https://example.com/forbidden.png")] }] },
    });
    const reply = guardrailLayer(made(server.url, { transport })).layer(only, () => {
      throw new Error("it passed");
    });
    await expect(resultOf(reply as never)).rejects.toMatchObject({
      code: "guardrail_blocked",
      details: { guardrail: "policy", mode: "input", category: "blocked" },
    });
  });

  it("tells why it blocks, in the service's words", async () => {
    await expect(ask(made(server.url, { transport }), user("falcon"))).rejects.toThrow(
      'blocked by guardrail "policy": it names a project',
    );
    await expect(ask(made(server.url, { transport, reasons: false }), user("falcon"))).rejects.toThrow(
      "its content is not allowed",
    );
  });

  it("is signed", () => {
    expect(signature(new Secret("key"), "1700000000", "{}")).toBe(
      "v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae",
    );
  });
});

describe("several of one name", () => {
  it("share the work, and one that is down is passed over", async () => {
    const other = await replayServer(service);
    const list = [server.url, "http://127.0.0.1:9", other.url].map((baseUrl) => ({
      name: "policy",
      baseUrl,
      apiKey: new Secret(KEY),
      signingSecret: new Secret(SIGNING),
      transport,
      mode: "before" as const,
    }));
    const { guardrails = [] } = webhookGuardrails(list);
    expect(guardrails.map(({ name }) => name)).toEqual(["policy"]);
    const before = server.sent.length;
    for (let time = 0; time < 6; time++) {
      const call = testCall({ operation: "chat", request: { model: "m", messages: user("hello") } });
      expect(await guardrails[0]?.checkRequest?.(call)).toEqual({ action: "allow" });
    }
    expect([server.sent.length - before, other.sent.length]).toEqual([2, 4]);
    await other.close();
  });

  it("must run alike", () => {
    const one = { name: "policy", baseUrl: "https://a.example.com" };
    expect(() => webhookGuardrails([one, { ...one, onUnavailable: "open" }])).toThrow(/do not run alike/);
  });
});

describe("options", () => {
  const baseUrl = "https://guard.example.com";
  it.each([
    [{ name: "a", baseUrl, ofline: true }, /ofline/],
    [{ name: "", baseUrl }, /name/],
    [{ name: "a", baseUrl: "ftp://x" }, /baseUrl/],
    [{ name: "a", baseUrl: "https://user:pass@x" }, /baseUrl/],
    [{ name: "a", baseUrl, apiKey: "plain" }, /Secret/],
    [{ name: "a", baseUrl, timeoutMs: 0 }, /timeoutMs/],
    [{ name: "a", baseUrl, onUnavailable: "maybe" }, /onUnavailable/],
    [{ name: "a", baseUrl, forwardHeaders: ["authorization"] }, /credential/],
    [{ name: "a", baseUrl, forwardHeaders: ["X-Api-Key"] }, /credential/],
    [{ name: "a", baseUrl, reversible: true, action: "block" }, /reversible/],
    [{ name: "a", baseUrl, mode: "during", action: "mask" }, /masks/],
  ])("%j is refused", (options, message) => {
    expect(() => webhookGuardrails([options as never])).toThrow(message);
  });
});
