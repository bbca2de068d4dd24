import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { guardrails } from "@signalbox/plugin-guardrails";
import type { RunningGateway } from "../e2e/running-gateway.ts";
import { CLIENT_KEY, runningGateway } from "../e2e/running-gateway.ts";

const CANARY = "AKIAIOSFODNN7EXAMPLE";

let running: RunningGateway;
const told: string[] = [];

beforeAll(async () => {
  const plugin = await guardrails([{ type: "secrets", name: "secrets" }]);
  const tell = (trace: object): void => void told.push(JSON.stringify(trace));
  running = await runningGateway({
    plugins: [
      plugin,
      {
        name: "watch",
        on: { callFailed: ({ trace }, error) => tell({ trace, message: error.message, details: error.details }) },
      },
    ],
  });
});
afterAll(() => running.close());

const model = "openai/echo";
const ask = [{ role: "user", content: "hello" }];
const call = (text: string) => ({ id: "c-1", type: "function", function: { name: "look", arguments: text } });
const chat = (facts: object) => ["/v1/chat/completions", { model, messages: ask, ...facts }] as const;
const messages = (facts: object) => ["/v1/messages", { model, max_tokens: 20, messages: ask, ...facts }] as const;

const PLACES: Readonly<Record<string, readonly [string, object]>> = {
  "a user's words": chat({ messages: [{ role: "user", content: CANARY }] }),
  "an earlier turn": chat({
    messages: [{ role: "user", content: CANARY }, { role: "assistant", content: "ok" }, ...ask],
  }),
  "one of several parts": chat({
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "hi" },
          { type: "text", text: `it is ${CANARY}.` },
        ],
      },
    ],
  }),
  "a system message": chat({ messages: [{ role: "system", content: CANARY }, ...ask] }),
  "arguments of a tool": chat({
    messages: [
      ...ask,
      { role: "assistant", tool_calls: [call(`{"key":"${CANARY}"}`)] },
      { role: "tool", tool_call_id: "c-1", content: "ok" },
    ],
  }),
  "escaped arguments of a tool": chat({
    messages: [
      ...ask,
      { role: "assistant", tool_calls: [call(`{"key":"\\u0041${CANARY.slice(1)}"}`)] },
      { role: "tool", tool_call_id: "c-1", content: "ok" },
    ],
  }),
  "a tool's result": chat({
    messages: [
      ...ask,
      { role: "assistant", tool_calls: [call("{}")] },
      { role: "tool", tool_call_id: "c-1", content: CANARY },
    ],
  }),
  "a tool's description": chat({ tools: [{ type: "function", function: { name: "look", description: CANARY } }] }),
  "a tool's parameters": chat({
    tools: [
      {
        type: "function",
        function: {
          name: "look",
          parameters: { type: "object", properties: { a: { type: "string", description: CANARY } } },
        },
      },
    ],
  }),
  "a streamed call": chat({ messages: [{ role: "user", content: CANARY }], stream: true }),
  "an Anthropic message": messages({ messages: [{ role: "user", content: CANARY }] }),
  "an Anthropic system prompt": messages({ system: CANARY }),
  "an Anthropic tool": messages({ tools: [{ name: "look", description: CANARY, input_schema: { type: "object" } }] }),
  "an Anthropic document": messages({
    messages: [
      {
        role: "user",
        content: [{ type: "document", source: { type: "text", media_type: "text/plain", data: CANARY } }],
      },
    ],
  }),
  "counting tokens": [
    "/v1/messages/count_tokens",
    { model: "anthropic/echo", messages: [{ role: "user", content: CANARY }] },
  ],
  "a prompt": ["/v1/completions", { model, prompt: CANARY }],
  "an input to embed": ["/v1/embeddings", { model, input: ["fine", CANARY] }],
};

describe.each(Object.entries(PLACES))("a secret in %s", (_place, [path, body]) => {
  it("is refused, and shown nowhere", async () => {
    const before = running.upstream.received;
    for (const wishes of [{}, { guardrails: [] }]) {
      const response = await fetch(running.url + path, {
        method: "POST",
        headers: { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" },
        body: JSON.stringify({ ...body, ...wishes }),
      });
      const text = await response.text();
      expect(response.status).toBe(400);
      expect(text).toContain("guardrail");
      expect(text).toContain("awsKey");
      expect(text).not.toContain(CANARY);
      expect(JSON.stringify([...response.headers])).not.toContain(CANARY);
    }
    expect(running.upstream.received).toBe(before);
    expect(told.length).toBeGreaterThan(0);
    expect(told.join()).not.toContain(CANARY);
  });
});

it.each([
  ["moderate", { model, inputs: [[{ type: "text", text: CANARY }]] }],
  ["generateImage", { model, prompt: CANARY }],
  ["speak", { model, text: CANARY, voice: "alloy" }],
  ["rerank", { model, query: "fine", documents: ["fine", { title: "t", text: CANARY }] }],
] as const)("a secret in a request to %s is refused", async (operation, request) => {
  const { reply } = running.gateway.open({ operation, request: request as never });
  await expect(reply.next()).rejects.toMatchObject({ code: "guardrail_blocked", details: { category: "awsKey" } });
});
