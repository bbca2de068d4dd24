import { describe, it } from "vitest";
import { testProvider } from "@signalbox/kernel/testkit";
import { OPENAI_PROFILE, openaiWire } from "@signalbox/provider-openai";
import { reply, sse, stream } from "./fixture.ts";

const error = (message: string, type: string, code: string | null, param: string | null = null): object => ({
  error: { message, type, param, code },
});

testProvider({
  runner: { describe, it },
  provider: () => openaiWire({ ...OPENAI_PROFILE, reasoning: { field: "reasoning_content" } }),
  deployment: ({ baseUrl, apiKey }) => ({ baseUrl: `${baseUrl}/v1`, apiKey }),
  wire: {
    chat: {
      text: {
        reply: reply("plain"),
        stream: stream("plain"),
        expected: { text: "Grüße, 世界 🌍!", finishReason: "stop", usage: { inputTokens: 12, outputTokens: 7 } },
      },
      toolCall: {
        reply: reply("tool-call"),
        stream: stream("tool-call"),
        expected: {
          toolCalls: [{ id: "call_a1", name: "get_weather", arguments: { city: "Bonn" } }],
          finishReason: "toolCalls",
          usage: { inputTokens: 60, outputTokens: 15 },
        },
      },
      parallelToolCalls: {
        reply: reply("parallel-tools"),
        stream: stream("parallel-tools"),
        expected: {
          text: "Both.",
          toolCalls: [
            { id: "call_b1", name: "get_weather", arguments: { city: "Bonn" } },
            { id: "call_b2", name: "get_weather", arguments: { city: "Oslo" } },
          ],
          finishReason: "toolCalls",
          usage: { inputTokens: 61, outputTokens: 33 },
        },
      },
      reasoning: {
        reply: reply("reasoning"),
        stream: stream("reasoning"),
        expected: {
          text: "42",
          reasoning: "Six times seven.",
          finishReason: "stop",
          usage: { inputTokens: 20, outputTokens: 31, reasoningTokens: 24 },
        },
      },
      refusal: {
        reply: reply("refusal"),
        stream: stream("refusal"),
        expected: {
          refusal: "I cannot help with that.",
          finishReason: "stop",
          usage: { inputTokens: 18, outputTokens: 8 },
        },
      },
      cachedUsage: {
        reply: reply("cached-usage"),
        stream: stream("cached-usage"),
        expected: {
          text: "Yes.",
          finishReason: "stop",
          usage: { inputTokens: 2048, outputTokens: 3, cacheReadTokens: 1920 },
        },
      },
      length: {
        reply: reply("length"),
        stream: stream("length"),
        expected: { text: "Once upon a time", finishReason: "length", usage: { inputTokens: 9, outputTokens: 5 } },
      },
      more: {
        citations: {
          reply: reply("citations"),
          stream: stream("citations"),
          expected: { text: "It rains.", finishReason: "stop", usage: { inputTokens: 30, outputTokens: 6 } },
        },
        logprobs: {
          reply: reply("logprobs"),
          stream: stream("logprobs"),
          expected: { text: "Hi you", finishReason: "stop", usage: { inputTokens: 5, outputTokens: 2 } },
        },
      },
    },
    errors: {
      badRequest: {
        exchange: {
          status: 400,
          body: error(
            "Invalid 'temperature': must be at most 2.",
            "invalid_request_error",
            "decimal_above_max_value",
            "temperature",
          ),
        },
        message: "must be at most 2",
      },
      unauthorized: {
        exchange: {
          status: 401,
          body: error("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
        },
      },
      notFound: {
        exchange: { status: 404, body: error("The model does not exist.", "invalid_request_error", "model_not_found") },
        retryable: true,
      },
      rateLimited: {
        exchange: { status: 429, body: error("Rate limit reached.", "requests", "rate_limit_exceeded") },
      },
      serverError: { exchange: { status: 500, body: error("The server had an error.", "server_error", null) } },
      overloaded: { exchange: { status: 503, body: error("The engine is overloaded.", "server_error", null) } },
      contextLength: {
        exchange: {
          status: 400,
          body: error("Too many tokens.", "invalid_request_error", "context_length_exceeded", "messages"),
        },
      },
      contentPolicy: {
        exchange: { status: 400, body: error("The prompt was filtered.", "invalid_request_error", "content_filter") },
      },
      inBody: { exchange: { body: error("Provider returned error", "server_error", null) } },
      inStream: {
        exchange: {
          bodyText: sse(
            [
              {
                id: "c",
                object: "chat.completion.chunk",
                created: 1,
                model: "m",
                choices: [{ index: 0, delta: { role: "assistant", content: "He" }, finish_reason: null }],
              },
              { error: { code: 502, message: "the engine stopped" } },
            ],
            "",
          ),
        },
      },
    },
    operations: {
      embed: [
        {
          request: { inputs: ["one", "two"] },
          reply: {
            body: {
              object: "list",
              data: [
                { object: "embedding", index: 1, embedding: [0.5, -0.5] },
                { object: "embedding", index: 0, embedding: "AAAAPwAAgD8=" },
              ],
              model: "text-embedding-3-small",
              usage: { prompt_tokens: 2, total_tokens: 2 },
            },
          },
          expected: {
            model: "text-embedding-3-small",
            embeddings: [new Float32Array([0.5, 1]), [0.5, -0.5]],
            usage: { inputTokens: 2, outputTokens: 0 },
          },
        },
      ],
      complete: [
        {
          request: { prompts: ["Once"] },
          reply: reply("plain"),
          expected: { choices: [{ index: 0, text: "Grüße, 世界 🌍!", finishReason: "stop" }] },
        },
      ],
      countTokens: [
        {
          request: {
            chat: { model: "m", messages: [{ role: "user", content: [{ type: "text", text: "12345678" }] }] },
          },
          reply: { status: 500 },
          expected: { inputTokens: 6, estimated: true },
        },
      ],
    },
    unsupported: { request: { topK: 4 }, parameter: "top_k" },
    listModels: {
      reply: { body: { object: "list", data: [{ id: "gpt-4.1", object: "model", created: 1, owned_by: "system" }] } },
      ids: ["gpt-4.1"],
    },
  },
});
