import { afterAll, describe, expect, it } from "vitest";
import type { Guardrail } from "@signalbox/kernel";
import { createGateway, Secret } from "@signalbox/kernel";
import { createTransport } from "@signalbox/kernel/http";
import type { Exchange, SentRequest } from "@signalbox/kernel/testkit";
import { replayServer, testCall, testGuardrail, testRemoteGuardrail } from "@signalbox/kernel/testkit";
import type { ModerationGuardrailOptions } from "../src/index.ts";
import { moderationGuardrails } from "../src/index.ts";

const KEY = "sk-moderation-credential-4711";

/** `POST /v1/moderations`: violence where somebody is hit, self-harm a little in each text with a sigh. */
function service(request: SentRequest): Exchange {
  if (request.path !== "/v1/moderations" || request.method !== "POST") return { status: 404 };
  if (request.headers.authorization !== `Bearer ${KEY}`) return { status: 401, body: { error: { message: KEY } } };
  const body = JSON.parse(request.body) as { model: string; input: string[] };
  if (Object.keys(body).sort().join() !== "input,model" || body.model !== "omni-moderation-latest") {
    return { status: 400 };
  }
  if (!Array.isArray(body.input) || body.input.length > 32) return { status: 400 };
  const results = body.input.map((text) => {
    const scores = { violence: text.includes("hit him") ? 0.91 : 0.01, "self-harm": text.includes("sigh") ? 0.4 : 0 };
    return {
      flagged: scores.violence > 0.5,
      categories: { violence: scores.violence > 0.5, "self-harm": false },
      category_scores: scores,
      category_applied_input_types: { violence: ["text"] },
    };
  });
  return { body: { id: "modr-1", model: "omni-moderation-2024-09-26", results } };
}

function made(url: string, options: Partial<ModerationGuardrailOptions> = {}): Guardrail {
  const { guardrails = [] } = moderationGuardrails([
    { name: "moderation", baseUrl: `${url}/v1`, apiKey: new Secret(KEY), ...options },
  ]);
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
const asked = (texts: readonly string[]) =>
  testCall({ operation: "chat", request: { model: "m", messages: texts.flatMap(user) } });

testRemoteGuardrail({
  runner,
  service,
  guardrail: made,
  blocked: "then hit him hard",
  secret: "hit him",
  category: "violence",
  credentials: [KEY],
});

testGuardrail({
  runner,
  guardrail: () => made(server.url, { transport, windowCharacters: 40, overlapCharacters: 20 }),
  blocked: [
    { text: `${"so ".repeat(30)}he hit him there${" la".repeat(30)}`, secret: "hit him", category: "violence" },
    { text: '{"do":"hit him"}', secret: "hit him", category: "violence", kind: "arguments" },
  ],
  requests: [
    { messages: user("hit him"), expected: "blocked" },
    { messages: user("Привет, 世界 🌍"), expected: user("Привет, 世界 🌍") },
  ],
  unreachable: () => made("http://127.0.0.1:9", { transport }),
  capabilities: { masks: false },
});

describe("moderation", () => {
  it("asks about many texts at once, and about equal ones once", async () => {
    const before = server.sent.length;
    const guardrail = made(server.url, { transport });
    await guardrail.checkRequest?.(asked([...Array(40).keys(), 1, 2].map((at) => `text ${at}`)));
    await guardrail.checkRequest?.(asked(["text 1", "text 41"]));
    const inputs = server.sent.slice(before).map(({ body }) => (JSON.parse(body) as { input: string[] }).input.length);
    expect(inputs.sort()).toEqual([1, 32, 8].sort());
  });

  it("splits what is too long, with overlap", async () => {
    const guardrail = made(server.url, { transport });
    const long = `${"a ".repeat(49_995)}hit him${" b".repeat(30_000)}`;
    expect(await guardrail.checkRequest?.(asked([long]))).toMatchObject({ action: "block", category: "violence" });
  });

  it.each([
    [{ thresholds: { violence: 0.95 } }, "hit him", "allow"],
    [{ thresholds: { "self-harm": 0.3 } }, "sigh", "block"],
    [{}, "sigh", "allow"],
    [{ categories: ["self-harm"] }, "hit him", "allow"],
    [{ minConfidence: 0.95 }, "hit him", "allow"],
  ])("%j says of %j: %s", async (options, text, action) => {
    expect(await made(server.url, { transport, ...options }).checkRequest?.(asked([text]))).toMatchObject({ action });
  });

  it("is refused with options that do not exist", () => {
    expect(() => moderationGuardrails([{ name: "m", treshold: 1 } as never])).toThrow(/treshold/);
    expect(() => moderationGuardrails([{ name: "m", thresholds: { violence: 2 } }])).toThrow(/thresholds/);
  });
});

describe("a model of the gateway's own", () => {
  it("is asked without guardrails, and by callers who may not use it", async () => {
    const asked: string[] = [];
    const gateway = await createGateway({
      plugins: [
        moderationGuardrails([
          { name: "one", model: "judge", mode: "before" },
          { name: "other", model: "judge", mode: "after" },
        ]),
        {
          name: "vendor",
          providers: [
            {
              name: "vendor",
              operations: {
                // biome-ignore lint/correctness/useYield: a reply without events
                async *chat({ upstreamModel }) {
                  const content = [{ type: "text" as const, text: "fine" }];
                  return {
                    id: "r",
                    createdAt: 1,
                    model: upstreamModel,
                    choices: [{ index: 0, content, finishReason: "stop" as const }],
                    usage: { inputTokens: 1, outputTokens: 1 },
                  };
                },
                async *moderate({ request, upstreamModel, principal }) {
                  const results = request.inputs.map(([part]) => {
                    const text = part?.type === "text" ? part.text : "";
                    asked.push(`${principal.id}: ${text}`);
                    const violence = text.includes("hit him");
                    return { flagged: violence, categories: { violence }, scores: { violence: violence ? 1 : 0 } };
                  });
                  return { id: "m", model: upstreamModel, results, usage: { inputTokens: 1, outputTokens: 0 } };
                },
              },
            },
          ],
        },
      ],
      deployments: ["chat", "judge"].map((model) => ({ id: model, model, provider: "vendor", upstreamModel: model })),
    });
    const run = (text: string) =>
      gateway.run({
        operation: "chat",
        request: { model: "chat", messages: user(text) },
        principal: { id: "key-1", kind: "key", admin: false, models: ["chat"] },
      });
    await expect(run("hello")).resolves.toMatchObject({ model: "chat" });
    await expect(run("hit him")).rejects.toMatchObject({
      code: "guardrail_blocked",
      details: { guardrail: "one", mode: "input", category: "violence" },
    });
    expect(asked).toEqual(["key-1: hello", "key-1: fine", "key-1: hit him"]);
    await gateway.close();
  });
});
