import Anthropic from "@anthropic-ai/sdk";
import OpenAI, { RateLimitError } from "openai";
import { afterEach, describe, expect, it } from "vitest";
import { limits } from "@signalbox/plugin-limits";
import type { RunningGateway } from "./running-gateway.ts";
import { CLIENT_KEY, runningGateway } from "./running-gateway.ts";

let running: RunningGateway | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

const messages = [{ role: "user", content: "ping" }] as const;
const asked = { model: "openai/echo", max_tokens: 50, messages: [...messages] };

describe("limits over HTTP", () => {
  it("tell the official OpenAI client what is left, and how long to wait", async () => {
    running = await runningGateway({
      plugins: [limits({ gateway: { requestsPerMinute: 2, tokensPerMinute: 10_000 } })],
    });
    const client = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 0 });
    const { response } = await client.chat.completions.create(asked).withResponse();
    expect(response.headers.get("x-ratelimit-limit-requests")).toBe("2");
    expect(response.headers.get("x-ratelimit-remaining-requests")).toBe("1");
    expect(response.headers.get("x-ratelimit-reset-requests")).toBe("30s");
    expect(response.headers.get("x-ratelimit-limit-tokens")).toBe("10000");
    const streamed = await client.chat.completions.create({ ...asked, stream: true }).withResponse();
    expect(streamed.response.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    for await (const _chunk of streamed.data);
    const error = await client.chat.completions.create(asked).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RateLimitError);
    const { status, code, type, headers } = error as RateLimitError;
    expect({ status, code, type }).toEqual({ status: 429, code: "rate_limit_exceeded", type: "requests" });
    expect(headers?.get("retry-after")).toMatch(/^(29|30)$/);
    expect(headers?.get("x-ratelimit-remaining-requests")).toBe("0");
    expect((error as RateLimitError).error).toMatchObject({ details: { scope: "gateway", limit: 2, remaining: 0 } });
  });

  it("let the client's own repetition succeed after the wait", async () => {
    running = await runningGateway({ plugins: [limits({ gateway: { requestsPerMinute: 60 } })] });
    const client = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 1 });
    await Promise.all(Array.from({ length: 60 }, () => client.chat.completions.create(asked)));
    const reply = await client.chat.completions.create(asked);
    expect(reply.choices[0]?.message.content).toBe("ping");
  });

  it("tell clients not to repeat what no wait helps", async () => {
    running = await runningGateway({ plugins: [limits({ gateway: { tokensPerMinute: 40 } })] });
    const client = new OpenAI({ baseURL: `${running.url}/v1`, apiKey: CLIENT_KEY, maxRetries: 2 });
    const error = (await client.chat.completions.create(asked).catch((thrown: unknown) => thrown)) as RateLimitError;
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error.type).toBe("tokens");
    expect(error.headers?.get("retry-after")).toBeNull();
    expect(error.headers?.get("x-should-retry")).toBe("false");
    expect(error.error).toMatchObject({ details: { reason: "exceeds_limit" } });
  });

  it("are told in the words of Anthropic's clients, too", async () => {
    running = await runningGateway({ plugins: [limits({ gateway: { requestsPerMinute: 0 } })] });
    const client = new Anthropic({ baseURL: running.url, apiKey: CLIENT_KEY, maxRetries: 0 });
    const error = await client.messages
      .create({ model: "anthropic/echo", max_tokens: 5, messages: [...messages] })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Anthropic.RateLimitError);
    expect((error as InstanceType<typeof Anthropic.RateLimitError>).headers?.get("x-ratelimit-limit-requests")).toBe(
      "0",
    );
  });
});
