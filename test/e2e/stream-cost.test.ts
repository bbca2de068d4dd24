import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { ChatOpenAI } from "@langchain/openai";
import { streamText } from "ai";
import OlderAnthropic from "anthropic-sdk-0";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { budgets } from "@signalbox/plugin-budgets";
import { pricing } from "@signalbox/plugin-pricing";
import type { RunningGateway } from "./running-gateway.ts";
import { CLIENT_KEY, runningGateway, UPSTREAMS } from "./running-gateway.ts";

/** A dollar for each token: what a stream cost in dollars is how many tokens it had. */
const PRICES = { "*": { input_cost_per_token: 1, output_cost_per_token: 1 } };
const TEXT = "one two three four five six";
const COMMENT = /\n\n: x-signalbox-response-cost (\S+)\n\n$/;

let running: RunningGateway;
let silent: RunningGateway;

beforeAll(async () => {
  running = await runningGateway({ plugins: [pricing({ prices: PRICES }), budgets({ streamCost: true })] });
  silent = await runningGateway({ plugins: [pricing({ prices: PRICES }), budgets()] });
});
afterAll(async () => {
  await running.close();
  await silent.close();
});

const messages = [{ role: "user" as const, content: TEXT }];

async function raw(gateway: RunningGateway, path: string, body: Readonly<Record<string, unknown>>): Promise<Response> {
  return await fetch(gateway.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${CLIENT_KEY}` },
    body: JSON.stringify({ stream: true, max_tokens: 100, ...body }),
  });
}

describe.each(UPSTREAMS)("a stream of an %s upstream", (upstream) => {
  const model = `${upstream}/echo+chunks-5`;

  it.each([
    ["/v1/chat/completions", { model, messages }],
    ["/v1/completions", { model, prompt: TEXT }],
    ["/v1/messages", { model, messages }],
  ])("%s ends with its cost, which its headers only estimate", async (path, body) => {
    const response = await raw(running, path, body);
    expect(response.status).toBe(200);
    const text = await response.text();
    const cost = Number(COMMENT.exec(text)?.[1]);
    // a token or more for each word, in and out, and no more than was set aside
    expect(cost).toBeGreaterThanOrEqual(12);
    expect(cost).toBeLessThanOrEqual(Number(response.headers.get("x-signalbox-response-cost-estimate")));
    expect(response.headers.get("x-signalbox-response-cost")).toBeNull();
    // everything else is as it would be without
    const without = await (await raw(silent, path, body)).text();
    expect(without).not.toMatch(COMMENT);
    const frames = (stream: string): number => stream.split("\n\n").length;
    expect(frames(text.replace(COMMENT, "\n\n"))).toBe(frames(without));
  });

  it("does not end with one where it is no stream, or fails", async () => {
    const whole = await raw(running, "/v1/chat/completions", { model, messages, stream: false });
    expect(await whole.text()).not.toContain("x-signalbox-response-cost");
    expect(Number(whole.headers.get("x-signalbox-response-cost"))).toBeGreaterThanOrEqual(12);
    const broken = await raw(running, "/v1/chat/completions", { model: `${upstream}/fault-429`, messages });
    expect(await broken.text()).not.toContain("x-signalbox-response-cost");
  });

  it("is read by OpenAI's client", async () => {
    const client = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });
    let text = "";
    for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? "";
    }
    expect(text).toBe(TEXT);
    const final = await client.chat.completions.stream({ model, messages }).finalChatCompletion();
    expect(final.choices[0]?.message.content).toBe(TEXT);
    let completed = "";
    for await (const chunk of await client.completions.create({ model, prompt: TEXT, max_tokens: 100, stream: true })) {
      completed += chunk.choices[0]?.text ?? "";
    }
    expect(completed).toBe(TEXT);
  });

  it.each([
    ["current", () => new Anthropic({ baseURL: running.url, apiKey: CLIENT_KEY, maxRetries: 0 })],
    [
      "older",
      () => new OlderAnthropic({ baseURL: running.url, apiKey: CLIENT_KEY, maxRetries: 0 }) as unknown as Anthropic,
    ],
  ])("is read by Anthropic's %s client", async (_version, client) => {
    const message = await client().messages.stream({ model, max_tokens: 100, messages }).finalMessage();
    expect(message.content).toMatchObject([{ type: "text", text: TEXT }]);
    expect(message.stop_reason).toBe("end_turn");
  });

  it.each([
    ["openai", () => createOpenAI({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY }).chat(model)],
    ["anthropic", () => createAnthropic({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY })(model)],
    [
      "compatible",
      () => createOpenAICompatible({ name: "s", baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY })(model),
    ],
  ])("is read by the AI SDK's %s provider", async (_provider, chosen) => {
    const { textStream, finishReason } = streamText({ model: chosen(), prompt: TEXT, maxRetries: 0 });
    let text = "";
    for await (const piece of textStream) text += piece;
    expect(text).toBe(TEXT);
    expect(await finishReason).toBe("stop");
  });

  it("is read by LangChain", async () => {
    const chat = new ChatOpenAI({
      model,
      apiKey: CLIENT_KEY,
      maxRetries: 0,
      configuration: { baseURL: `${running.url}/v1` },
    });
    let text = "";
    for await (const chunk of await chat.stream(TEXT)) text += String(chunk.content);
    expect(text).toBe(TEXT);
  });
});
