import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from "@openai/agents";
import { tool as aiTool, generateObject, generateText, jsonSchema, streamText } from "ai";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { RunningGateway } from "./running-gateway.ts";
import { CLIENT_KEY, PIXEL, runningGateway, UPSTREAMS } from "./running-gateway.ts";

let running: RunningGateway;

beforeAll(async () => {
  running = await runningGateway();
});
afterAll(() => running.close());

const AI_PROVIDERS = {
  openai: (model: string) => createOpenAI({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY }).chat(model),
  anthropic: (model: string) => createAnthropic({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY })(model),
  compatible: (model: string) =>
    createOpenAICompatible({ name: "signalbox", baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY })(model),
};

const aiMatrix = (["openai", "anthropic", "compatible"] as const).flatMap((client) =>
  UPSTREAMS.map((upstream) => ({ client, upstream })),
);

describe.each(aiMatrix)("the AI SDK's $client provider in front of an $upstream upstream", ({ client, upstream }) => {
  const model = (name: string) => AI_PROVIDERS[client](`${upstream}/${name}`);

  it("generates text, with usage", async () => {
    const { text, usage, finishReason } = await generateText({ model: model("echo"), prompt: "ping", maxRetries: 0 });
    expect(text).toBe("ping");
    expect(finishReason).toBe("stop");
    expect(usage.outputTokens).toBeGreaterThan(0);
  });

  it("streams text", async () => {
    const { textStream } = streamText({ model: model("echo+chunks-4"), prompt: "one two three four", maxRetries: 0 });
    const pieces: string[] = [];
    for await (const piece of textStream) pieces.push(piece);
    expect(pieces.join("")).toBe("one two three four");
    expect(pieces.length).toBeGreaterThan(1);
  });

  it("calls tools", async () => {
    const { toolCalls } = await generateText({
      model: model("echo"),
      prompt: 'call weather {"city":"Oslo"}',
      tools: { weather: aiTool({ inputSchema: z.object({ city: z.string() }) }) },
      maxRetries: 0,
    });
    expect(toolCalls).toMatchObject([{ toolName: "weather", input: { city: "Oslo" } }]);
  });

  it("sends images", async () => {
    const { text } = await generateText({
      model: model("echo"),
      maxRetries: 0,
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "look" },
            { type: "image", image: PIXEL },
          ],
        },
      ],
    });
    expect(text).toBe("look");
  });

  it("fails with the status", async () => {
    await expect(generateText({ model: model("fault-429"), prompt: "x", maxRetries: 0 })).rejects.toMatchObject({
      statusCode: 429,
    });
  });
});

describe("the AI SDK", () => {
  it("generates objects", async () => {
    const { object } = await generateObject({
      model: AI_PROVIDERS.openai("openai/echo"),
      prompt: "a person",
      maxRetries: 0,
      schema: jsonSchema<{ name: string }>({
        type: "object",
        properties: { name: { type: "string" } },
        required: ["name"],
        additionalProperties: false,
      }),
    });
    expect(object).toEqual({ name: expect.any(String) });
  });
});

describe.each(UPSTREAMS)("LangChain in front of an %s upstream", (upstream) => {
  const chat = (name: string) =>
    new ChatOpenAI({
      model: `${upstream}/${name}`,
      apiKey: CLIENT_KEY,
      maxRetries: 0,
      configuration: { baseURL: `${running.url}/v1` },
    });

  it("invokes, streams and binds tools", async () => {
    expect((await chat("echo").invoke("ping")).content).toBe("ping");
    let text = "";
    for await (const chunk of await chat("echo+chunks-3").stream("one two three")) text += chunk.content as string;
    expect(text).toBe("one two three");
    const bound = chat("echo").bindTools([
      {
        type: "function",
        function: {
          name: "weather",
          parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
        },
      },
    ]);
    const reply = await bound.invoke('call weather {"city":"Oslo"}');
    expect(reply.tool_calls).toMatchObject([{ name: "weather", args: { city: "Oslo" } }]);
  });
});

describe("LangChain", () => {
  it("embeds", async () => {
    const embeddings = new OpenAIEmbeddings({
      model: "openai/echo",
      apiKey: CLIENT_KEY,
      configuration: { baseURL: `${running.url}/v1` },
    });
    const [one, two] = await embeddings.embedDocuments(["one", "two"]);
    expect(one?.length).toBe(two?.length);
    expect(one).not.toEqual(two);
  });
});

describe.each(UPSTREAMS)("OpenAI Agents in front of an %s upstream", (upstream) => {
  it("runs an agent", async () => {
    setTracingDisabled(true);
    const openAIClient = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });
    const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient, useResponses: false }) });
    const seen: string[] = [];
    const agent = new Agent({
      name: "tester",
      instructions: "Answer.",
      model: `${upstream}/echo`,
      tools: [
        tool({
          name: "weather",
          description: "Weather at a place",
          parameters: z.object({ city: z.string() }),
          execute: ({ city }) => {
            seen.push(city);
            return `sunny in ${city}`;
          },
        }),
      ],
    });
    const result = await runner.run(agent, 'call weather {"city":"Oslo"}');
    expect(seen).toEqual(["Oslo"]);
    expect(result.finalOutput).toContain("sunny in Oslo");
  });
});
