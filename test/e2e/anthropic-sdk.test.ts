import Current, { AuthenticationError, NotFoundError, RateLimitError } from "@anthropic-ai/sdk";
import Older from "anthropic-sdk-0";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { RunningGateway } from "./running-gateway.ts";
import { CLIENT_KEY, PIXEL, runningGateway, UPSTREAMS } from "./running-gateway.ts";

let running: RunningGateway;

beforeAll(async () => {
  running = await runningGateway();
});
afterAll(() => running.close());

/** The current client sends a bearer token and version 2026-10-21, the older one `x-api-key` and 2023-06-01. */
const CLIENTS = {
  current: () => new Current({ baseURL: running.url, apiKey: CLIENT_KEY, maxRetries: 0 }),
  older: () => new Older({ baseURL: running.url, apiKey: CLIENT_KEY, maxRetries: 0 }) as unknown as Current,
};

const weather = {
  name: "weather",
  description: "Weather at a place",
  input_schema: { type: "object" as const, properties: { city: { type: "string" } }, required: ["city"] },
};

const matrix = (["current", "older"] as const).flatMap((version) =>
  UPSTREAMS.map((upstream) => ({ version, upstream })),
);

describe.each(matrix)(
  "the $version official Anthropic client in front of an $upstream upstream",
  ({ version, upstream }) => {
    const model = (name: string): string => `${upstream}/${name}`;
    const ask = (name: string, text: string) => ({
      model: model(name),
      max_tokens: 200,
      messages: [{ role: "user" as const, content: text }],
    });

    it("gets an answer with usage", async () => {
      const reply = await CLIENTS[version]().messages.create({ ...ask("echo", "ping"), system: "Be brief." });
      expect(reply).toMatchObject({ type: "message", role: "assistant", stop_reason: "end_turn" });
      expect(reply.content).toMatchObject([{ type: "text", text: "ping" }]);
      expect(reply.usage.input_tokens).toBeGreaterThan(0);
      expect(reply.usage.output_tokens).toBeGreaterThan(0);
    });

    it("streams", async () => {
      const stream = CLIENTS[version]().messages.stream(ask("echo+chunks-5", "one two three four five six"));
      const pieces: string[] = [];
      stream.on("text", (text) => pieces.push(text));
      const message = await stream.finalMessage();
      expect(pieces.length).toBeGreaterThan(1);
      expect(pieces.join("")).toBe("one two three four five six");
      expect(message.content).toMatchObject([{ type: "text", text: "one two three four five six" }]);
      expect(message.stop_reason).toBe("end_turn");
      expect(message.usage.output_tokens).toBeGreaterThan(0);
    });

    it("calls tools, in parallel, streamed and not, and sends results with images back", async () => {
      const client = CLIENTS[version]();
      const text = 'call weather {"city":"Oslo"}\ncall weather {"city":"Rome"}';
      const plain = await client.messages.create({ ...ask("echo", text), tools: [weather] });
      expect(plain.stop_reason).toBe("tool_use");
      const uses = plain.content.filter((block) => block.type === "tool_use");
      expect(uses.map((use) => [use.name, use.input])).toEqual([
        ["weather", { city: "Oslo" }],
        ["weather", { city: "Rome" }],
      ]);
      const streamed = await client.messages.stream({ ...ask("echo", text), tools: [weather] }).finalMessage();
      expect(streamed.content.filter((block) => block.type === "tool_use").map((use) => use.input)).toEqual([
        { city: "Oslo" },
        { city: "Rome" },
      ]);
      const next = await client.messages.create({
        ...ask("echo", text),
        tools: [weather],
        messages: [
          { role: "user", content: text },
          { role: "assistant", content: plain.content },
          {
            role: "user",
            content: uses.map((use) => ({
              type: "tool_result" as const,
              tool_use_id: use.id,
              content: [
                { type: "text" as const, text: "7 degrees" },
                {
                  type: "image" as const,
                  source: {
                    type: "base64" as const,
                    media_type: "image/png" as const,
                    data: PIXEL.split(",")[1] ?? "",
                  },
                },
              ],
            })),
          },
        ],
      });
      expect(next.stop_reason).toBe("end_turn");
      expect(running.upstream.requests.at(-1)?.body.toString()).toContain("7 degrees");
      expect(running.upstream.requests.at(-1)?.body.toString()).toContain("iVBORw0KGgo");
    });

    it.each([
      ["fault-429", RateLimitError, 429],
      ["fault-404", NotFoundError, 404],
    ] as const)("raises the class that fits %s", async (name, errorClass, status) => {
      const error = await CLIENTS[version]()
        .messages.create(ask(name, "x"))
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ status });
      if (version === "current") expect(error).toBeInstanceOf(errorClass);
    });

    it("sees a stream break", async () => {
      const stream = CLIENTS[version]().messages.stream(
        ask("echo+fault-midstream", "a text that is long enough to be cut in the middle of it"),
      );
      await expect(stream.finalMessage()).rejects.toThrow();
    });

    it("cancels", async () => {
      const before = running.gateway.activeCalls;
      const stream = CLIENTS[version]().messages.stream(ask("chunks-100-every-10ms", "x"));
      stream.on("text", () => stream.abort());
      await expect(stream.finalMessage()).rejects.toThrow(/aborted/);
      await vi.waitFor(() => expect(running.gateway.activeCalls).toBe(before), { timeout: 1_000 });
    });

    it("counts tokens", async () => {
      const { input_tokens } = await CLIENTS[version]().messages.countTokens({
        model: model("echo"),
        messages: [{ role: "user", content: "how many tokens are these" }],
      });
      expect(input_tokens).toBeGreaterThan(0);
    });

    it("is refused without the right key", async () => {
      const stranger =
        version === "current"
          ? new Current({ baseURL: running.url, apiKey: "sk-ant-wrong", maxRetries: 0 })
          : (new Older({ baseURL: running.url, apiKey: "sk-ant-wrong", maxRetries: 0 }) as unknown as Current);
      const error = await stranger.messages.create(ask("echo", "x")).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ status: 401, error: { type: "error", error: { type: "authentication_error" } } });
      if (version === "current") expect(error).toBeInstanceOf(AuthenticationError);
    });
  },
);

describe("a conversation across dialects", () => {
  it("keeps Anthropic's thinking signature through an OpenAI client", async () => {
    const { default: OpenAI } = await import("openai");
    const client = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });
    const first = await client.chat.completions.create({
      model: "anthropic/reasoning",
      messages: [{ role: "user", content: "think" }],
    });
    const message = first.choices[0]?.message as unknown as {
      role: "assistant";
      content: string;
      thinking_blocks: { type: string; thinking: string; signature: string }[];
    };
    expect(message.thinking_blocks[0]?.signature).toEqual(expect.any(String));
    await client.chat.completions.create({
      model: "anthropic/reasoning",
      messages: [{ role: "user", content: "think" }, message, { role: "user", content: "more" }],
    });
    const sent = running.upstream.requests.at(-1)?.body.toString();
    expect(sent).toContain(message.thinking_blocks[0]?.signature as string);
  });
});
