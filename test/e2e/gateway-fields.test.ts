import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ScriptedGateway, Wire } from "./scripted-gateway.ts";
import { CHAT_PATHS, chatBody, chatReply, scriptedGateway, WIRES } from "./scripted-gateway.ts";

let gateway: ScriptedGateway;

beforeAll(async () => {
  gateway = await scriptedGateway({ plugins: [{ name: "reader", extensions: ["num_retries"] }] });
});
afterAll(() => gateway.close());

const EMBEDDING = { object: "list", data: [{ object: "embedding", index: 0, embedding: [1] }], model: "m" };
const COMPLETION = { id: "c", object: "text_completion", created: 1, model: "m", choices: [{ index: 0, text: "x" }] };

/** Every dialect that has a body: its path, a request that works, and the upstream's answer. */
const DIALECTS: readonly (readonly [path: string, body: Record<string, unknown>, answer: object])[] = [
  ...WIRES.map((wire: Wire) => [CHAT_PATHS[wire], chatBody(wire, `${wire}/m`), chatReply(wire)] as const),
  ["/v1/messages/count_tokens", chatBody("anthropic", "anthropic/m"), { input_tokens: 3 }],
  ["/v1/embeddings", { model: "openai/m", input: "x" }, EMBEDDING],
  ["/v1/completions", { model: "openai/m", prompt: "x" }, COMPLETION],
];

describe.each(DIALECTS)("POST %s", (path, body, answer) => {
  it("names what no plugin reads, whether it stands in the body or in a header", async () => {
    gateway.answer({ body: answer });
    const sent = { ...body, cache: { ttl: 60 }, num_retries: 2, litellm_other: 1 };
    const reply = await gateway.post(path, sent, { "x-litellm-agent-id": "a" });
    expect(reply.status, reply.text).toBe(200);
    expect(reply.headers.get("x-signalbox-dropped-params")).toBe("cache, litellm_other, agent_id");
    const upstream = JSON.parse(String(gateway.sent.at(-1)?.body));
    for (const name of ["cache", "num_retries", "litellm_other"]) expect(upstream).not.toHaveProperty(name);
  });

  it("refuses what is the operator's", async () => {
    const before = gateway.sent.length;
    for (const name of ["api_base", "api_key", "mock_response"]) {
      const reply = await gateway.post(path, { ...body, [name]: "http://127.0.0.1:1" });
      expect(reply.status).toBe(400);
      expect(reply.text).toContain(`${name} is for the operator of this gateway to set`);
      expect(reply.text).toContain(`"param":"${name}"`);
    }
    expect(gateway.sent.length).toBe(before);
  });

  it("lets a header shorten the wait", async () => {
    gateway.answer({ body: answer, headersDelayMs: 2_000 });
    const reply = await gateway.post(path, { ...body, timeout: 600 }, { "x-signalbox-timeout": "0.05" });
    expect(reply.status).toBe(504);
    expect(reply.text).toContain("the deadline of 0.05 s was reached");
  });

  it("says when the gateway has tried more than once already", async () => {
    gateway.answer({ status: 500, body: { error: { message: "no" } } });
    const once = await gateway.post(path, body);
    expect([once.status, once.headers.get("x-should-retry")]).toEqual([502, null]);
    const twice = await gateway.post(path, { ...body, fallbacks: [`${body.model}-2`] });
    expect([twice.status, twice.headers.get("x-should-retry")]).toEqual([502, "false"]);
    expect(twice.text).toContain('"attempts":[{');
  });
});
