import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Trace } from "@signalbox/kernel";
import { guardrails } from "@signalbox/plugin-guardrails";
import type { RunningGateway } from "../e2e/running-gateway.ts";
import { CLIENT_KEY, runningGateway, UPSTREAMS } from "../e2e/running-gateway.ts";

let running: RunningGateway;
let openai: OpenAI;
let anthropic: Anthropic;
const traces: Trace[] = [];

const off = { defaultOn: false } as const;
const AWS_KEY = "AKIAIOSFODNN7EXAMPLE";

beforeAll(async () => {
  const plugin = await guardrails([
    { type: "secrets", name: "secrets" },
    { type: "personal", name: "mask", action: "mask", reversible: true, runs: off },
    { type: "personal", name: "mask-replies", action: "mask", mode: "after", runs: off },
    { type: "personal", name: "flag", action: "flag", runs: off },
    { type: "personal", name: "try", dryRun: true, runs: off },
    { type: "secrets", name: "secret-replies", mode: "after", runs: off },
    {
      type: "keywords",
      name: "route",
      words: ["confidential"],
      action: { reroute: "openai/fixed" },
      mode: "before",
      runs: off,
    },
    { type: "keywords", name: "beside", words: ["forbidden"], mode: "during", runs: off },
    {
      type: "tools",
      name: "tools",
      rules: [
        { tool: "read_file", effect: "deny", arguments: { path: "^/etc/" } },
        { tool: "delete_*", effect: "deny" },
      ],
      runs: off,
    },
  ]);
  running = await runningGateway({
    plugins: [
      plugin,
      {
        name: "watch",
        on: {
          callSucceeded: ({ trace }) => void traces.push(trace),
          callFailed: ({ trace }) => void traces.push(trace),
        },
      },
    ],
  });
  openai = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: running.url, apiKey: CLIENT_KEY, maxRetries: 0 });
});
afterAll(() => running.close());

const TOOLS = ["read_file", "delete_all"].map((name) => ({
  name,
  schema: { type: "object" as const, properties: { path: { type: "string" } } },
}));

/** One question through each client and dialect; what the client sees as text and as arguments of tools. */
interface Client {
  readonly name: string;
  ask(
    model: string,
    text: string,
    names: readonly string[],
    tools?: boolean,
  ): Promise<{ text: string; calls: string[] }>;
}

function request(model: string, text: string, names: readonly string[]) {
  // members that the SDKs do not know are sent as they are
  return { model, messages: [{ role: "user" as const, content: text }], guardrails: names };
}

const CLIENTS: readonly Client[] = [
  {
    name: "OpenAI Chat, plain",
    async ask(model, text, names, tools = false) {
      const { choices } = await openai.chat.completions.create({
        ...request(model, text, names),
        ...(tools && { tools: openaiTools() }),
      });
      const message = choices[0]?.message;
      const calls = (message?.tool_calls ?? []).map((call) =>
        call.type === "function" ? call.function.arguments : "",
      );
      return { text: message?.content ?? "", calls };
    },
  },
  {
    name: "OpenAI Chat, streamed",
    async ask(model, text, names, tools = false) {
      let said = "";
      const calls: string[] = [];
      const body = { ...request(model, text, names), stream: true as const, ...(tools && { tools: openaiTools() }) };
      for await (const { choices } of await openai.chat.completions.create(body)) {
        said += choices[0]?.delta.content ?? "";
        for (const call of choices[0]?.delta.tool_calls ?? []) {
          calls[call.index] = (calls[call.index] ?? "") + (call.function?.arguments ?? "");
        }
      }
      return { text: said, calls };
    },
  },
  {
    name: "Anthropic, plain",
    async ask(model, text, names, tools = false) {
      const body = { ...request(model, text, names), max_tokens: 400, ...(tools && { tools: anthropicTools() }) };
      return anthropicAnswer(await anthropic.messages.create(body));
    },
  },
  {
    name: "Anthropic, streamed",
    async ask(model, text, names, tools = false) {
      const body = { ...request(model, text, names), max_tokens: 400, ...(tools && { tools: anthropicTools() }) };
      return anthropicAnswer(await anthropic.messages.stream(body).finalMessage());
    },
  },
];

function anthropicAnswer({ content }: Anthropic.Message): { text: string; calls: string[] } {
  return {
    text: content.map((block) => (block.type === "text" ? block.text : "")).join(""),
    calls: content.flatMap((block) => (block.type === "tool_use" ? [JSON.stringify(block.input)] : [])),
  };
}

function openaiTools() {
  return TOOLS.map(({ name, schema }) => ({ type: "function" as const, function: { name, parameters: schema } }));
}

function anthropicTools() {
  return TOOLS.map(({ name, schema }) => ({ name, input_schema: schema }));
}

function lastUpstream(): string {
  return String(running.upstream.requests.at(-1)?.body);
}

const MODELS = UPSTREAMS.flatMap((upstream) => [`${upstream}/echo+chunks-60`, `${upstream}/echo+chunks-9+split-1`]);
const MATRIX = CLIENTS.flatMap((client) => MODELS.map((model) => [client.name, model, client] as const));

describe.each(MATRIX)("%s in front of %s", (_name, model, client) => {
  it("masks for the model and gives back to the caller", async () => {
    const text = "Write to ada@example.com or call +44 20 7946 0958, card 4111 1111 1111 1111.";
    expect(await client.ask(model, text, ["mask"])).toEqual({ text, calls: [] });
    const sent = lastUpstream();
    expect(sent).not.toMatch(/ada@example|7946|4111/);
    expect(sent).toMatch(/\[EMAIL_[A-Z2-7]{13}\].*\[PHONE_[A-Z2-7]{13}\].*\[CARD_[A-Z2-7]{13}\]/);
  });

  it("gives back in arguments of tools", async () => {
    const answer = await client.ask(model, 'call read_file {"path":"/home/ada@example.com/a \\"b\\""}', ["mask"], true);
    expect(answer.calls.map((call) => JSON.parse(call))).toEqual([{ path: '/home/ada@example.com/a "b"' }]);
    expect(lastUpstream()).not.toContain("ada@example.com");
  });

  it("masks what the model says, for good, and in arguments of tools", async () => {
    const said = await client.ask(model, "I am ada@example.com at 192.168.12.7, really.", ["mask-replies"]);
    expect(said.text).toBe("I am [EMAIL] at [IP], really.");
    const called = await client.ask(
      model,
      'call read_file {"path":"to ada@example.com","card":4111111111111111}',
      ["mask-replies"],
      true,
    );
    expect(called.calls.map((call) => JSON.parse(call))).toEqual([{ path: "to [EMAIL]", card: "[CARD]" }]);
  });

  it("blocks requests with a secret, and says nothing of it", async () => {
    const before = running.upstream.received;
    const error = await client.ask(model, `use ${AWS_KEY} please`, []).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error?.message).toMatch(/blocked by guardrail \\?"secrets\\?": it contains awsKey/);
    expect(error).toMatchObject({ status: 400 });
    expect(String(error)).not.toContain(AWS_KEY);
    expect(running.upstream.received).toBe(before);
  });

  it("blocks replies with a secret before any of it is sent", async () => {
    const error = await client.ask(model, `use ${AWS_KEY} please`, ["-secrets", "secret-replies"]).then(
      ({ text }) => new Error(`answered ${text}`),
      (thrown: Error) => thrown,
    );
    expect(error.message).toMatch(/blocked by guardrail \\?"secret-replies\\?": it contains awsKey/);
    expect(error.message).not.toContain(AWS_KEY);
    expect(running.gateway.activeCalls).toBe(0);
  });

  it("flags, and tries without effect", async () => {
    const text = "I am ada@example.com.";
    expect((await client.ask(model, text, ["flag", "try"])).text).toBe(text);
    expect(traces.at(-1)?.guarded).toEqual(
      expect.arrayContaining([
        { guardrail: "flag", mode: "input", action: "flagged", category: "email", count: 1 },
        { guardrail: "flag", mode: "output", action: "flagged", category: "email", count: 1 },
        { guardrail: "try", mode: "input", action: "blocked", category: "email", dryRun: true },
        { guardrail: "try", mode: "output", action: "blocked", category: "email", dryRun: true },
      ]),
    );
  });

  it("sends what is confidential to another model", async () => {
    const { text } = await client.ask(model, "this is CONFIDENTIAL", ["route"]);
    expect(text).not.toContain("CONFIDENTIAL");
    expect(JSON.parse(lastUpstream())).toMatchObject({ model: "fixed" });
  });

  it("blocks beside the call", async () => {
    await expect(client.ask(model, "this is forbidden", ["beside"])).rejects.toThrow(/it contains keyword/);
    expect((await client.ask(model, "this is fine", ["beside"])).text).toBe("this is fine");
  });

  it("keeps the model to its tools", async () => {
    const allowed = await client.ask(model, 'call read_file {"path":"/home/a"}', ["tools"], true);
    expect(allowed.calls.map((call) => JSON.parse(call))).toEqual([{ path: "/home/a" }]);
    expect(lastUpstream()).not.toContain('"name":"delete_all"');
    await expect(client.ask(model, 'call read_file {"path":"/etc/passwd"}', ["tools"], true)).rejects.toThrow(
      /the tool \\?"read_file\\?" may not be called like this/,
    );
  });
});

it("has one shape for blocks, and says which guardrails ran", async () => {
  const body = { model: "openai/echo", messages: [{ role: "user", content: AWS_KEY }], max_tokens: 9 };
  const headers = { authorization: `Bearer ${CLIENT_KEY}`, "content-type": "application/json" };
  const blocked = await fetch(`${running.url}/v1/chat/completions`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  expect(blocked.status).toBe(400);
  expect(await blocked.json()).toMatchObject({
    error: {
      type: "invalid_request_error",
      code: "guardrail_blocked",
      details: { guardrail: "secrets", mode: "input", category: "awsKey" },
    },
  });
  const fine = { ...body, messages: [{ role: "user", content: "hi" }], guardrails: ["flag"] };
  const answer = await fetch(`${running.url}/v1/chat/completions`, {
    method: "POST",
    headers,
    body: JSON.stringify(fine),
  });
  expect(answer.headers.get("x-signalbox-applied-guardrails")).toBe("secrets,flag");
  const unknown = { ...body, guardrails: ["pii"] };
  const refused = await fetch(`${running.url}/v1/chat/completions`, {
    method: "POST",
    headers,
    body: JSON.stringify(unknown),
  });
  expect(await refused.json()).toMatchObject({ error: { code: "invalid_request", param: "guardrails" } });
});
