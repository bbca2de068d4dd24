import { describe, it } from "vitest";
import type { ChatRequest } from "@signalbox/kernel";
import { testProvider } from "@signalbox/kernel/testkit";
import { mock } from "../src/index.ts";

const thoughts = 'The user said "Say hello.".';

function saying(text: string): ChatRequest["messages"] {
  return [{ role: "user", content: [{ type: "text", text }] }];
}

/** A model by its name. */
function model(upstreamModel: string): { readonly deployment: { readonly upstreamModel: string } } {
  return { deployment: { upstreamModel } };
}

// A token is four bytes of UTF-8: "Say hello." has three.
testProvider({
  runner: { describe, it },
  provider: () =>
    mock({
      chunkSize: 3,
      fixedText: "Grüße, 世界 🌍!",
      scripts: {
        cached: { content: "Yes.", usage: { inputTokens: 2048, cacheReadTokens: 1920, outputTokens: 1 } },
        pieces: { content: "Hello, you!", pieces: ["Hel", "lo, ", "you!"] },
        thinker: [
          { type: "reasoning", text: "Rain?", signature: "c2ln", origin: "mock" },
          { type: "text", text: "Let me look." },
          { type: "toolCall", id: "call_7", name: "get_weather", arguments: '{"city":"Oslo"}' },
        ],
        censor: { content: "I", finishReason: "contentFilter" },
        mirror: ({ messages }) => `${messages.length} message`,
      },
    }),
  deployment: () => ({ upstreamModel: "echo" }),
  wire: {
    chat: {
      text: {
        expected: { text: "Say hello.", finishReason: "stop", usage: { inputTokens: 3, outputTokens: 3 } },
      },
      toolCall: {
        request: { messages: saying('call get_weather {"city":"Bonn"}') },
        expected: {
          toolCalls: [{ id: "call_mock_1", name: "get_weather", arguments: { city: "Bonn" } }],
          finishReason: "toolCalls",
          usage: { inputTokens: 51, outputTokens: 7 },
        },
      },
      parallelToolCalls: {
        request: { messages: saying('call get_weather {"city":"Bonn"}\ncall get_weather {"city":"Oslo"}') },
        expected: {
          toolCalls: [
            { id: "call_mock_1", name: "get_weather", arguments: { city: "Bonn" } },
            { id: "call_mock_2", name: "get_weather", arguments: { city: "Oslo" } },
          ],
          finishReason: "toolCalls",
          usage: { inputTokens: 60, outputTokens: 14 },
        },
      },
      reasoning: {
        ...model("reasoning"),
        expected: {
          text: "Say hello.",
          reasoning: thoughts,
          finishReason: "stop",
          usage: { inputTokens: 3, outputTokens: 10, reasoningTokens: 7 },
        },
      },
      refusal: {
        ...model("refusal"),
        expected: {
          refusal: "The mock provider refuses to answer.",
          finishReason: "stop",
          usage: { inputTokens: 3, outputTokens: 9 },
        },
      },
      cachedUsage: {
        ...model("cached"),
        expected: {
          text: "Yes.",
          finishReason: "stop",
          usage: { inputTokens: 2048, cacheReadTokens: 1920, outputTokens: 1 },
        },
      },
      length: {
        request: { messages: saying("Once upon a time there was a gateway.") },
        expected: { text: "Once upon a time the", finishReason: "length", usage: { inputTokens: 10, outputTokens: 5 } },
      },
      more: {
        "characters of several bytes": {
          ...model("fixed"),
          expected: { text: "Grüße, 世界 🌍!", finishReason: "stop", usage: { inputTokens: 3, outputTokens: 6 } },
        },
        "a text of so many chunks": {
          ...model("chunks-4"),
          expected: {
            text: "Grüße, 世界 🌍! Grüße,",
            finishReason: "stop",
            usage: { inputTokens: 3, outputTokens: 8 },
          },
        },
        "a late answer": {
          ...model("echo+slow-5ms+late-5ms+chunks-2-every-5ms"),
          expected: { text: "Say hello.", finishReason: "stop", usage: { inputTokens: 3, outputTokens: 3 } },
        },
        "a fault that strikes the second call": {
          ...model("echo+fault-429-each-2"),
          expected: { text: "Say hello.", finishReason: "stop", usage: { inputTokens: 3, outputTokens: 3 } },
        },
        "a stop sequence": {
          request: { stop: ["lo"] },
          expected: { text: "Say hel", finishReason: "stop", usage: { inputTokens: 3, outputTokens: 2 } },
        },
        "several choices": {
          request: { choiceCount: 3 },
          expected: { text: "Say hello.", finishReason: "stop", usage: { inputTokens: 3, outputTokens: 9 } },
        },
        "a JSON schema": {
          request: {
            responseFormat: {
              type: "jsonSchema",
              name: "answer",
              schema: { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] },
            },
          },
          expected: { text: '{"ok":false}', finishReason: "stop", usage: { inputTokens: 3, outputTokens: 3 } },
        },
        "the result of a tool": {
          request: {
            messages: [
              ...saying("Weather?"),
              { role: "assistant", content: [{ type: "toolCall", id: "c", name: "get_weather", arguments: "{}" }] },
              {
                role: "tool",
                content: [{ type: "toolResult", toolCallId: "c", content: [{ type: "text", text: "Rain." }] }],
              },
            ],
          },
          expected: { text: "Rain.", finishReason: "stop", usage: { inputTokens: 8, outputTokens: 2 } },
        },
        "a script of pieces": {
          ...model("pieces"),
          expected: { text: "Hello, you!", finishReason: "stop", usage: { inputTokens: 3, outputTokens: 3 } },
        },
        "a script of parts": {
          ...model("thinker"),
          expected: {
            text: "Let me look.",
            reasoning: "Rain?",
            toolCalls: [{ id: "call_7", name: "get_weather", arguments: { city: "Oslo" } }],
            finishReason: "toolCalls",
            usage: { inputTokens: 3, outputTokens: 12, reasoningTokens: 2 },
          },
        },
        "a script with a finish reason": {
          ...model("censor"),
          expected: { text: "I", finishReason: "contentFilter", usage: { inputTokens: 3, outputTokens: 1 } },
        },
        "a script that is a function": {
          ...model("mirror"),
          expected: { text: "1 message", finishReason: "stop", usage: { inputTokens: 3, outputTokens: 3 } },
        },
      },
    },
    operations: {
      complete: [
        {
          request: { prompts: ["Once"] },
          expected: {
            model: "echo",
            choices: [{ index: 0, text: "Once", finishReason: "stop" }],
            usage: { inputTokens: 1, outputTokens: 1 },
          },
        },
        {
          request: { prompts: ["One two three", "four"], maxOutputTokens: 1, echo: true },
          expected: {
            choices: [
              { index: 0, text: "One two threeOne ", finishReason: "length" },
              { index: 1, text: "fourfour", finishReason: "stop" },
            ],
          },
        },
        {
          ...model("cached"),
          request: { prompts: ["Well?"] },
          expected: { model: "cached", choices: [{ index: 0, text: "Yes.", finishReason: "stop" }] },
        },
      ],
      embed: [
        {
          request: { inputs: ["cat", "dog", "Cat!"], dimensions: 4 },
          expected: {
            model: "echo",
            embeddings: [
              [0, 0, 0, 1],
              [0, -1, 0, 0],
              [0, 0, 0, 1],
            ],
            usage: { inputTokens: 3, outputTokens: 0 },
          },
        },
      ],
      countTokens: [{ request: { chat: { model: "m", messages: saying("12345678") } }, expected: { inputTokens: 2 } }],
      rerank: [
        {
          request: { query: "rose", documents: ["a car", "rose"], topCount: 1 },
          expected: {
            results: [{ index: 1, relevanceScore: 1 }],
            usage: { inputTokens: 4, outputTokens: 0 },
            searchUnits: 1,
          },
        },
      ],
      moderate: [
        {
          request: {
            inputs: [[{ type: "text", text: "a rose" }], [{ type: "text", text: "an UNSAFE rose" }]],
          },
          expected: {
            model: "echo",
            results: [
              { flagged: false, categories: { violence: false }, scores: { violence: 0 } },
              { flagged: true, categories: { violence: true }, scores: { violence: 1 } },
            ],
            usage: { inputTokens: 6, outputTokens: 0 },
          },
        },
      ],
    },
  },
  capabilities: { network: false },
});
