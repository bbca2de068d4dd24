import { afterAll, describe, expect, it } from "vitest";
import type { Guardrail } from "@signalbox/kernel";
import { createGateway, Secret, textOf } from "@signalbox/kernel";
import { createTransport } from "@signalbox/kernel/http";
import type { Exchange, SentRequest } from "@signalbox/kernel/testkit";
import { replayServer, testCall, testGuardrail, testRemoteGuardrail } from "@signalbox/kernel/testkit";
import type { LlamaGuardrailOptions } from "../src/index.ts";
import { llamaGuardrails } from "../src/index.ts";

const KEY = "llama-credential-4711";

/** What the model says of the last turn. */
function judged(text: string): string {
  if (text.includes("talk")) return "I think that this is fine.";
  if (text.includes("hit him")) return "\n\nunsafe\nS1,S10";
  return text.includes("odd") ? "unsafe" : "safe";
}

/** Chat completions with roles that alternate, as the model's template demands. */
function service(request: SentRequest): Exchange {
  if (request.path !== "/v1/chat/completions" || request.method !== "POST") return { status: 404 };
  if (request.headers.authorization !== `Bearer ${KEY}`) return { status: 401 };
  const body = JSON.parse(request.body) as {
    messages: { role: string; content: string }[];
    model: string;
  };
  if (Object.keys(body).sort().join() !== "max_tokens,messages,model,temperature") return { status: 400 };
  if (body.messages.some(({ role, content }, at) => role !== ["user", "assistant"][at] || content === "")) {
    return { status: 400 };
  }
  const content = judged(body.messages.at(-1)?.content ?? "");
  return {
    body: { id: "c-1", choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }] },
  };
}

function made(url: string, options: Partial<LlamaGuardrailOptions> = {}): Guardrail {
  const { guardrails = [] } = llamaGuardrails([
    { name: "llama", model: "llama-guard-4", baseUrl: `${url}/v1`, apiKey: new Secret(KEY), ...options },
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
const asked = (text: string) => testCall({ operation: "chat", request: { model: "m", messages: user(text) } });

testRemoteGuardrail({
  runner,
  service,
  guardrail: (url, options) => made(url, { categories: ["S1"], ...options }),
  blocked: "then hit him hard",
  secret: "hit him",
  category: "S1",
  credentials: [KEY],
  wrongShape: { choices: [{ index: 0, message: { role: "assistant", content: "It depends." } }] },
});

testGuardrail({
  runner,
  guardrail: () => made(server.url, { transport, windowCharacters: 40, overlapCharacters: 20 }),
  blocked: [
    { text: `${"so ".repeat(30)}he hit him there${" la".repeat(30)}`, secret: "hit him", category: "S1" },
    { text: '{"do":"hit him"}', secret: "hit him", category: "S1", kind: "arguments" },
  ],
  requests: [
    { messages: user("hit him"), expected: "blocked" },
    { messages: user("Привет, 世界 🌍"), expected: user("Привет, 世界 🌍") },
  ],
  unreachable: () => made("http://127.0.0.1:9", { transport }),
  capabilities: { masks: false },
});

describe("Llama Guard", () => {
  it("says what its categories stand for", async () => {
    expect(await made(server.url, { transport }).checkRequest?.(asked("hit him"))).toEqual({
      action: "block",
      category: "S1",
      reason: "it contains S1 (violent crimes)",
    });
  });

  it.each([
    [{ categories: ["S10"] }, "hit him", { action: "block", category: "S10" }],
    [{ categories: ["S2"] }, "hit him", { action: "allow" }],
    [{ categories: ["S2"] }, "odd", { action: "block", category: "unsafe" }],
  ])("%j says of %j: %j", async (options, text, verdict) => {
    expect(await made(server.url, { transport, ...options }).checkRequest?.(asked(text))).toMatchObject(verdict);
  });

  it("has not judged when it talks", async () => {
    await expect(made(server.url, { transport }).checkRequest?.(asked("talk"))).rejects.toThrow(/gave no answer/);
  });

  it("judges a reply with its question", async () => {
    const before = server.sent.length;
    const window = { text: "At noon.", before: "", final: true, choice: 0, kind: "text" } as const;
    const guardrail = made(server.url, { transport });
    await guardrail.checkWindow?.(asked("When?") as never, window);
    await guardrail.checkWindow?.(asked("When?") as never, window);
    await guardrail.checkWindow?.(asked("When shall I steal?") as never, window);
    expect(server.sent.slice(before).map(({ body }) => (JSON.parse(body) as { messages: unknown }).messages)).toEqual([
      [
        { role: "user", content: "When?" },
        { role: "assistant", content: "At noon." },
      ],
      [
        { role: "user", content: "When shall I steal?" },
        { role: "assistant", content: "At noon." },
      ],
    ]);
  });

  it("refuses options that do not exist", () => {
    expect(() => llamaGuardrails([{ name: "l", model: "m", categories: ["violence"] }])).toThrow(/S1/);
    expect(() => llamaGuardrails([{ name: "l" } as never])).toThrow(/model/);
  });
});

describe("a model of the gateway's own", () => {
  it("judges, and is not judged itself", async () => {
    const asked: string[] = [];
    const gateway = await createGateway({
      plugins: [
        llamaGuardrails([{ name: "llama", model: "judge" }]),
        {
          name: "vendor",
          providers: [
            {
              name: "vendor",
              operations: {
                async *chat({ request, upstreamModel }) {
                  const text = request.messages.map(({ content }) => textOf(content)).join("|");
                  asked.push(`${upstreamModel}: ${text}`);
                  const said = upstreamModel === "judge" ? judged(text) : "fine";
                  return {
                    id: "r",
                    createdAt: 1,
                    model: upstreamModel,
                    choices: [
                      { index: 0, content: [{ type: "text" as const, text: said }], finishReason: "stop" as const },
                    ],
                    usage: { inputTokens: 1, outputTokens: 1 },
                  };
                },
              },
            },
          ],
        },
      ],
      deployments: ["chat", "judge"].map((model) => ({ id: model, model, provider: "vendor", upstreamModel: model })),
    });
    const run = (text: string) => gateway.run({ operation: "chat", request: { model: "chat", messages: user(text) } });
    await expect(run("hello")).resolves.toMatchObject({ model: "chat" });
    await expect(run("hit him")).rejects.toMatchObject({ code: "guardrail_blocked" });
    expect(asked).toEqual(["judge: hello", "chat: hello", "judge: hello|fine", "judge: hit him"]);
    await gateway.close();
  });
});
