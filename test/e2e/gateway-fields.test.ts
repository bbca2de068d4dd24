import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "@signalbox/kernel";
import type { ScriptedGateway, Wire } from "./scripted-gateway.ts";
import { CHAT_PATHS, chatBody, chatReply, scriptedGateway, WIRES } from "./scripted-gateway.ts";

const apiKey = new Secret("sk-upstream-0123456789");
let gateway: ScriptedGateway;

beforeAll(async () => {
  gateway = await scriptedGateway({
    plugins: [{ name: "reader", extensions: ["num_retries"] }],
    deployments: (url) => [
      { id: "alias-o", model: "best", provider: "openai", upstreamModel: "small", baseUrl: `${url}/o/v1`, apiKey },
      { id: "alias-a", model: "finest", provider: "anthropic", upstreamModel: "little", baseUrl: `${url}/a`, apiKey },
    ],
  });
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

  it("lets a header shorten the wait for the beginning of a stream, and of nothing else", async () => {
    if (body.messages === undefined || path.endsWith("count_tokens")) return;
    gateway.answer({ body: answer, headersDelayMs: 300 });
    const headers = { "x-signalbox-stream-timeout": "0.05" };
    const streamed = await gateway.post(path, { ...body, stream: true }, headers);
    expect([streamed.status, streamed.headers.get("x-signalbox-dropped-params")]).toEqual([504, null]);
    expect(streamed.text).toContain("did not begin to answer in time");
    expect((await gateway.post(path, body, headers)).status).toBe(200);
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

describe("what extra_body brings along", () => {
  it.each([
    ["openai", "best", "small"],
    ["anthropic", "finest", "little"],
  ] as const)("does not get past the names that the operator gave: %s", async (wire, model, upstreamModel) => {
    gateway.answer({ body: chatReply(wire) });
    const reply = await gateway.post(CHAT_PATHS[wire], chatBody(wire, upstreamModel, { extra_body: { model } }));
    expect(reply.status, reply.text).toBe(200);
    expect(JSON.parse(String(gateway.sent.at(-1)?.body))).toMatchObject({ model: upstreamModel });
  });

  it("is dropped and reported like everything else that a model does not take", async () => {
    gateway.answer({ body: chatReply("openai") });
    const sent = chatBody("openai", "openai/o3", { drop_params: true, extra_body: { temperature: 0.5, future: 1 } });
    const reply = await gateway.post(CHAT_PATHS.openai, sent);
    expect(reply.headers.get("x-signalbox-dropped-params")).toBe("temperature");
    expect(JSON.parse(String(gateway.sent.at(-1)?.body))).toEqual({ ...chatBody("openai", "o3"), future: 1 });
  });
});
