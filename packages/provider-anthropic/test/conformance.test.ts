import { describe, it } from "vitest";
import { testProvider } from "@signalbox/kernel/testkit";
import { anthropic } from "@signalbox/provider-anthropic";
import { errorBody, errorReply, fixture, replyOf, sse, streamOf } from "./support/fixtures.ts";

testProvider({
  runner: { describe, it },
  provider: () => anthropic(),
  wire: {
    chat: {
      text: {
        reply: replyOf("plain"),
        stream: streamOf("plain"),
        expected: {
          text: "Hello, Ada – how are you?",
          finishReason: "stop",
          usage: { inputTokens: 12, outputTokens: 9 },
        },
      },
      toolCall: {
        reply: replyOf("tools"),
        stream: streamOf("tools"),
        expected: {
          text: "Let me look.",
          toolCalls: [{ id: "toolu_one", name: "get_weather", arguments: { city: "Zürich" } }],
          finishReason: "toolCalls",
          usage: { inputTokens: 80, outputTokens: 31 },
        },
      },
      parallelToolCalls: {
        reply: replyOf("parallel-tools"),
        stream: streamOf("parallel-tools"),
        expected: {
          toolCalls: [
            { id: "toolu_a", name: "get_weather", arguments: { city: "Oslo" } },
            { id: "toolu_b", name: "get_time", arguments: {} },
          ],
          finishReason: "toolCalls",
          usage: { inputTokens: 90, outputTokens: 44 },
        },
      },
      reasoning: {
        reply: replyOf("thinking"),
        stream: streamOf("thinking"),
        expected: {
          text: "4",
          reasoning: "Two and two make four.",
          finishReason: "stop",
          usage: { inputTokens: 20, outputTokens: 30, reasoningTokens: 21 },
        },
      },
      refusal: {
        reply: replyOf("refusal"),
        stream: streamOf("refusal"),
        expected: {
          refusal: "This request was blocked.",
          finishReason: "contentFilter",
          usage: { inputTokens: 18, outputTokens: 2 },
        },
      },
      cachedUsage: {
        reply: replyOf("cache-usage"),
        stream: streamOf("cache-usage"),
        expected: {
          text: "Cached.",
          finishReason: "stop",
          usage: {
            inputTokens: 1307,
            outputTokens: 5,
            cacheReadTokens: 1000,
            cacheWriteTokens: 100,
            cacheWrite1hTokens: 200,
          },
        },
      },
      length: {
        reply: replyOf("length"),
        stream: streamOf("length"),
        expected: { text: "Once upon a", finishReason: "length", usage: { inputTokens: 14, outputTokens: 5 } },
      },
      more: {
        compaction: {
          reply: replyOf("compaction"),
          stream: streamOf("compaction"),
          expected: {
            text: "Going on.",
            finishReason: "stop",
            usage: { inputTokens: 1050, outputTokens: 68, cacheReadTokens: 50 },
          },
        },
        "server tools": {
          reply: replyOf("server-tools"),
          stream: streamOf("server-tools"),
          expected: {
            text: "Blue.",
            finishReason: "stop",
            usage: { inputTokens: 300, outputTokens: 40, webSearchCalls: 1 },
          },
        },
        "pause turn": {
          reply: replyOf("pause-turn"),
          stream: streamOf("pause-turn"),
          expected: { text: "Still searching", finishReason: "stop", usage: { inputTokens: 40, outputTokens: 6 } },
        },
      },
    },
    errors: {
      badRequest: { exchange: errorReply("400"), message: "messages.0.content" },
      unauthorized: { exchange: errorReply("401") },
      notFound: { exchange: errorReply("404"), retryable: true },
      rateLimited: { exchange: errorReply("429") },
      serverError: { exchange: errorReply("500") },
      overloaded: { exchange: errorReply("529") },
      inBody: { exchange: { body: errorBody("500") } },
      inStream: { exchange: { bodyText: sse([...fixture("plain").stream.slice(0, 4), errorBody("500")]) } },
    },
    operations: {
      countTokens: [
        {
          request: {
            chat: {
              model: "kit-public-model",
              messages: [{ role: "user", content: [{ type: "text", text: "Count me." }] }],
            },
          },
          reply: { body: { input_tokens: 11 } },
          expected: { inputTokens: 11 },
        },
      ],
      // A text completion is asked as a chat.
      complete: [
        {
          request: { prompts: ["Go on"] },
          reply: {
            body: {
              id: "msg_1",
              type: "message",
              role: "assistant",
              model: "claude-opus-5",
              content: [{ type: "text", text: " and on" }],
              stop_reason: "max_tokens",
              stop_sequence: null,
              usage: { input_tokens: 3, output_tokens: 2 },
            },
          },
          expected: {
            id: "msg_1",
            model: "claude-opus-5",
            choices: [{ index: 0, text: " and on", finishReason: "length" }],
          },
        },
      ],
    },
    unsupported: { request: { seed: 7 }, parameter: "seed" },
    listModels: {
      reply: {
        body: {
          data: [
            { type: "model", id: "claude-opus-5", display_name: "Claude Opus 5", created_at: "2026-05-01T00:00:00Z" },
            { type: "model", id: "claude-haiku-5-5", display_name: "Claude Haiku 5.5", created_at: null },
          ],
          has_more: false,
          first_id: "claude-opus-5",
          last_id: "claude-haiku-5-5",
        },
      },
      ids: ["claude-opus-5", "claude-haiku-5-5"],
    },
  },
  // a prompt that is too long is told by prose alone, and what is blocked is a refusal, not an error
  capabilities: { contextLength: false, contentPolicy: false },
});
