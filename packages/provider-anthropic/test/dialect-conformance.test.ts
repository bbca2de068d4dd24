import { describe, it } from "vitest";
import type { ChatResult, Dialect } from "@signalbox/kernel";
import { testDialect } from "@signalbox/kernel/testkit";
import { anthropicDialects } from "@signalbox/provider-anthropic";
import { readMessage } from "./support/read-stream.ts";

function dialectOf(route: string): () => Dialect {
  return () => {
    const dialect = anthropicDialects().find(({ routes }) => routes.some(({ path }) => path === route));
    if (dialect === undefined) throw new Error(`no dialect serves ${route}`);
    return dialect;
  };
}

const MESSAGES = "/v1/messages";
const COUNT = "/v1/messages/count_tokens";

const hi = [{ role: "user", content: "Hi" }];
const canonicalHi = [{ role: "user", content: [{ type: "text", text: "Hi" }] }];
const asked = { model: "m", max_tokens: 10, messages: hi };
const plain = { route: MESSAGES, body: asked };
const streamed = { route: MESSAGES, body: { ...asked, stream: true } };

const weather = {
  name: "get_weather",
  description: "The weather in a city.",
  input_schema: { type: "object", properties: { city: { type: "string" } } },
};
const canonicalWeather = {
  type: "function",
  name: "get_weather",
  description: "The weather in a city.",
  parameters: weather.input_schema,
};

function result(content: ChatResult["choices"][number]["content"], more: object = {}): ChatResult {
  return {
    id: "msg_1",
    model: "some-model",
    createdAt: 1_793_000_000,
    choices: [{ index: 0, content, finishReason: "stop", ...more }],
    usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 4 },
  };
}

/** The same in a whole message and in what a client has read of a stream. */
function said(content: readonly object[], end: object) {
  const message = {
    role: "assistant",
    content,
    ...end,
    usage: { input_tokens: 6, output_tokens: 5, cache_read_input_tokens: 4 },
  };
  return { expected: { type: "message", ...message }, content: message };
}

const error = (type: string): object => ({ type: "error", error: { type }, request_id: "kit-call-id" });

describe("messages", () => {
  testDialect({
    runner: { describe, it },
    dialect: dialectOf(MESSAGES),
    read(frames) {
      // clients take no notice of pings, wherever they stand
      const bytes = frames
        .filter(({ event }) => event !== "ping")
        .map(({ event, data }) => `event: ${event}\ndata: ${data}\n\n`)
        .join("");
      const { role, content, stop_reason, stop_sequence, usage } = readMessage(bytes);
      const { input_tokens, output_tokens, cache_read_input_tokens } = usage as Record<string, unknown>;
      return {
        role,
        content,
        stop_reason,
        stop_sequence,
        usage: { input_tokens, output_tokens, cache_read_input_tokens },
      };
    },
    requests: [
      { name: "plain", ...plain, expected: { model: "m", maxOutputTokens: 10, messages: canonicalHi } },
      {
        name: "under the vendor's mount point",
        route: "/anthropic/v1/messages",
        body: asked,
        expected: { model: "m", maxOutputTokens: 10, messages: canonicalHi },
      },
      {
        name: "every parameter",
        route: MESSAGES,
        body: {
          ...asked,
          system: "Be brief.",
          stream: true,
          temperature: 0.5,
          top_p: 0.9,
          top_k: 4,
          stop_sequences: ["END"],
          tools: [weather],
          tool_choice: { type: "any", disable_parallel_tool_use: true },
          metadata: { user_id: "u-1" },
          service_tier: "auto",
          thinking: { type: "enabled", budget_tokens: 2048 },
          output_config: { effort: "high" },
          container: "c-1",
        },
        expected: {
          model: "m",
          messages: [{ role: "system", content: [{ type: "text", text: "Be brief." }] }, ...canonicalHi],
          maxOutputTokens: 10,
          stream: true,
          temperature: 0.5,
          topP: 0.9,
          topK: 4,
          stop: ["END"],
          tools: [canonicalWeather],
          toolChoice: { type: "required" },
          parallelToolCalls: false,
          user: "u-1",
          serviceTier: "auto",
          reasoning: { effort: "high", mode: "enabled", budgetTokens: 2048 },
          extra: { anthropic: { container: "c-1" } },
        },
      },
      {
        name: "a tool loop",
        route: MESSAGES,
        body: {
          ...asked,
          messages: [
            { role: "user", content: [{ type: "text", text: "Rain?", cache_control: { type: "ephemeral" } }] },
            {
              role: "assistant",
              content: [
                { type: "thinking", thinking: "Hm.", signature: "c2ln" },
                { type: "text", text: "Let me look." },
                { type: "tool_use", id: "t-1", name: "get_weather", input: { city: "Bonn" } },
              ],
            },
            {
              role: "user",
              content: [
                { type: "tool_result", tool_use_id: "t-1", content: "no such city", is_error: true },
                { type: "image", source: { type: "base64", media_type: "image/png", data: "aQ==" } },
              ],
            },
          ],
        },
        expected: {
          model: "m",
          maxOutputTokens: 10,
          messages: [
            { role: "user", content: [{ type: "text", text: "Rain?", cacheControl: {} }] },
            {
              role: "assistant",
              content: [
                { type: "reasoning", text: "Hm.", signature: "c2ln", origin: "anthropic" },
                { type: "text", text: "Let me look." },
                { type: "toolCall", id: "t-1", name: "get_weather", arguments: '{"city":"Bonn"}' },
              ],
            },
            {
              role: "tool",
              content: [
                {
                  type: "toolResult",
                  toolCallId: "t-1",
                  content: [{ type: "text", text: "no such city" }],
                  isError: true,
                },
              ],
            },
            {
              role: "user",
              content: [{ type: "image", source: { type: "data", mediaType: "image/png", data: "aQ==" } }],
            },
          ],
        },
      },
      {
        name: "fields for the gateway",
        route: MESSAGES,
        body: { ...asked, drop_params: true, fallbacks: ["other"], metadata: { user_id: "u-1", tags: ["a"] } },
        expected: { model: "m", maxOutputTokens: 10, messages: canonicalHi, user: "u-1" },
        options: { dropParams: true, fallbacks: ["other"], tags: ["a"] },
      },
    ],
    invalid: [
      { name: "no model", route: MESSAGES, body: { max_tokens: 1, messages: hi }, param: "model" },
      { name: "no limit", route: MESSAGES, body: { model: "m", messages: hi }, param: "max_tokens" },
      { name: "no messages", route: MESSAGES, body: { ...asked, messages: [] }, param: "messages" },
      {
        name: "an unknown role",
        route: MESSAGES,
        body: { ...asked, messages: [{ role: "robot", content: "Hi" }] },
        param: "messages[0].role",
      },
      {
        name: "a block without text",
        route: MESSAGES,
        body: { ...asked, messages: [{ role: "user", content: [{ type: "text" }] }] },
        param: "messages[0].content[0].text",
      },
      {
        name: "a tool choice that names no tool",
        route: MESSAGES,
        body: { ...asked, tool_choice: { type: "tool" } },
        param: "tool_choice.name",
      },
    ],
    replies: [
      {
        name: "text",
        plain,
        streamed,
        result: result([{ type: "text", text: "Grüße, 世界 🌍!" }]),
        ...said([{ type: "text", text: "Grüße, 世界 🌍!" }], { stop_reason: "end_turn", stop_sequence: null }),
      },
      {
        name: "reasoning and tool calls",
        plain,
        streamed,
        result: result(
          [
            { type: "reasoning", text: "Hm.", signature: "c2ln", origin: "anthropic" },
            { type: "text", text: "Both." },
            { type: "toolCall", id: "t-1", name: "get_weather", arguments: '{"city":"Bonn"}' },
            { type: "toolCall", id: "t-2", name: "get_time", arguments: "{}" },
          ],
          { finishReason: "toolCalls" },
        ),
        ...said(
          [
            { type: "thinking", thinking: "Hm.", signature: "c2ln" },
            { type: "text", text: "Both." },
            { type: "tool_use", id: "t-1", name: "get_weather", input: { city: "Bonn" } },
            { type: "tool_use", id: "t-2", name: "get_time", input: {} },
          ],
          { stop_reason: "tool_use", stop_sequence: null },
        ),
      },
      {
        name: "an answer cut by the limit",
        plain,
        streamed,
        result: result([{ type: "text", text: "Once upon" }], { finishReason: "length" }),
        ...said([{ type: "text", text: "Once upon" }], { stop_reason: "max_tokens", stop_sequence: null }),
      },
      {
        name: "a stop sequence",
        plain,
        streamed,
        result: result([{ type: "text", text: "Once" }], { stopSequence: "END" }),
        ...said([{ type: "text", text: "Once" }], { stop_reason: "stop_sequence", stop_sequence: "END" }),
      },
    ],
    errors: {
      invalid_request: error("invalid_request_error"),
      invalid_api_key: error("authentication_error"),
      model_not_allowed: error("permission_error"),
      model_not_found: error("not_found_error"),
      request_too_large: error("request_too_large"),
      provider_rate_limited: error("rate_limit_error"),
      provider_error: error("api_error"),
      provider_overloaded: error("overloaded_error"),
      timeout: error("timeout_error"),
    },
  });
});

describe("count_tokens", () => {
  const body = { model: "m", system: "Be brief.", messages: hi, tools: [weather] };
  testDialect({
    runner: { describe, it },
    dialect: dialectOf(COUNT),
    requests: [
      {
        name: "with system and tools",
        route: COUNT,
        body,
        expected: {
          model: "m",
          chat: {
            model: "m",
            messages: [{ role: "system", content: [{ type: "text", text: "Be brief." }] }, ...canonicalHi],
            tools: [canonicalWeather],
          },
        },
      },
      {
        name: "under the vendor's mount point",
        route: "/anthropic/v1/messages/count_tokens",
        body: { model: "m", messages: hi },
        expected: { model: "m", chat: { model: "m", messages: canonicalHi } },
      },
    ],
    invalid: [
      { name: "no model", route: COUNT, body: { messages: hi }, param: "model" },
      { name: "no messages", route: COUNT, body: { model: "m" }, param: "messages" },
    ],
    replies: [
      { name: "a count", plain: { route: COUNT, body }, result: { inputTokens: 42 }, expected: { input_tokens: 42 } },
    ],
    errors: { invalid_request: error("invalid_request_error"), unsupported_operation: error("invalid_request_error") },
    capabilities: { streaming: false },
  });
});
