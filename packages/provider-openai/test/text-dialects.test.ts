import { describe, it } from "vitest";
import { testDialect } from "@signalbox/kernel/testkit";
import { completionsDialect, embeddingsDialect } from "@signalbox/provider-openai";

const error = (code: string, type: string): object => ({ error: { code, type } });

const ERRORS = {
  invalid_request: error("invalid_request", "invalid_request_error"),
  invalid_api_key: error("invalid_api_key", "invalid_request_error"),
  provider_rate_limited: error("provider_rate_limited", "requests"),
  provider_error: error("provider_error", "server_error"),
};

describe("completions", () => {
  const route = "/v1/completions";
  const asked = { model: "m", prompt: "Once" };
  testDialect({
    runner: { describe, it },
    dialect: completionsDialect,
    requests: [
      { name: "plain", route, body: asked, expected: { model: "m", prompts: ["Once"] } },
      {
        name: "the model of the path",
        route: "/engines/:model/completions",
        params: { model: "davinci" },
        body: { prompt: ["Once", "Twice"] },
        expected: { model: "davinci", prompts: ["Once", "Twice"] },
      },
      {
        name: "one prompt of token ids",
        route,
        body: { model: "m", prompt: [1, 2] },
        expected: { model: "m", prompts: [[1, 2]] },
      },
      {
        name: "several prompts of token ids",
        route,
        body: { model: "m", prompt: [[1], [2, 3]] },
        expected: { model: "m", prompts: [[1], [2, 3]] },
      },
      {
        name: "every parameter",
        route,
        body: {
          ...asked,
          suffix: " end",
          stream: true,
          max_tokens: 9,
          temperature: 0.5,
          top_p: 0.9,
          stop: ["a", "b"],
          seed: 7,
          frequency_penalty: 0.1,
          presence_penalty: 0.2,
          logit_bias: { "50256": -100 },
          logprobs: 3,
          n: 2,
          best_of: 4,
          echo: true,
          user: "u-1",
          min_p: 0.05,
        },
        expected: {
          model: "m",
          prompts: ["Once"],
          suffix: " end",
          stream: true,
          maxOutputTokens: 9,
          temperature: 0.5,
          topP: 0.9,
          stop: ["a", "b"],
          seed: 7,
          frequencyPenalty: 0.1,
          presencePenalty: 0.2,
          logitBias: { "50256": -100 },
          logprobs: 3,
          choiceCount: 2,
          bestOf: 4,
          echo: true,
          user: "u-1",
          extra: { openai: { min_p: 0.05 } },
        },
        options: { endUserId: "u-1" },
      },
    ],
    invalid: [
      { name: "no model", route, body: { prompt: "Once" }, param: "model" },
      { name: "a prompt that is a number", route, body: { model: "m", prompt: 7 }, param: "prompt" },
      { name: "a prompt of mixed kinds", route, body: { model: "m", prompt: ["a", 7] }, param: "prompt[1]" },
      { name: "a limit that is a text", route, body: { ...asked, max_tokens: "9" }, param: "max_tokens" },
      { name: "a stop that is an object", route, body: { ...asked, stop: {} }, param: "stop" },
    ],
    replies: [
      {
        name: "two choices",
        plain: { route, body: asked },
        result: {
          id: "cmpl-1",
          model: "some-model",
          createdAt: 1_793_000_000,
          choices: [
            { index: 0, text: " upon", finishReason: "length" },
            { index: 1, text: " more", finishReason: "stop", logprobs: { tokens: [" more"] } },
          ],
          usage: { inputTokens: 2, outputTokens: 3 },
        },
        expected: {
          id: "cmpl-1",
          object: "text_completion",
          created: 1_793_000_000,
          model: "some-model",
          choices: [
            { index: 0, text: " upon", logprobs: null, finish_reason: "length" },
            { index: 1, text: " more", logprobs: { tokens: [" more"] }, finish_reason: "stop" },
          ],
          usage: { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 },
        },
      },
    ],
    errors: ERRORS,
    // the kit plays the events of chats only; streams of text completions have tests of their own
    capabilities: { streaming: false },
  });
});

describe("embeddings", () => {
  const route = "/v1/embeddings";
  const asked = { model: "m", input: "a rose" };
  const result = {
    model: "some-embedder",
    embeddings: [[0.5, -0.25], new Float32Array([1, 2])],
    usage: { inputTokens: 4, outputTokens: 0 },
  };
  testDialect({
    runner: { describe, it },
    dialect: embeddingsDialect,
    requests: [
      { name: "plain", route, body: asked, expected: { model: "m", inputs: ["a rose"] } },
      {
        name: "the model of the path",
        route: "/openai/deployments/:model/embeddings",
        params: { model: "dep" },
        body: { input: ["a", "b"] },
        expected: { model: "dep", inputs: ["a", "b"] },
      },
      {
        name: "every parameter",
        route,
        body: {
          model: "m",
          input: [[1, 2], "three"],
          dimensions: 64,
          encoding_format: "base64",
          input_type: "query",
          user: "u-1",
          truncate: "END",
        },
        expected: {
          model: "m",
          inputs: [[1, 2], "three"],
          dimensions: 64,
          encoding: "base64",
          inputType: "query",
          user: "u-1",
          extra: { openai: { truncate: "END" } },
        },
        options: { endUserId: "u-1" },
      },
    ],
    invalid: [
      { name: "no input", route, body: { model: "m" }, param: "input" },
      { name: "an empty input", route, body: { model: "m", input: [] }, param: "input" },
      { name: "an input that is an object", route, body: { model: "m", input: [{}] }, param: "input[0]" },
      { name: "an unknown encoding", route, body: { ...asked, encoding_format: "hex" }, param: "encoding_format" },
      { name: "negative dimensions", route, body: { ...asked, dimensions: -1 }, param: "dimensions" },
    ],
    replies: [
      {
        name: "numbers",
        plain: { route, body: asked },
        result,
        expected: {
          object: "list",
          model: "some-embedder",
          data: [
            { object: "embedding", index: 0, embedding: [0.5, -0.25] },
            { object: "embedding", index: 1, embedding: [1, 2] },
          ],
          usage: { prompt_tokens: 4, total_tokens: 4 },
        },
      },
      {
        name: "base64",
        plain: { route, body: { ...asked, encoding_format: "base64" } },
        result,
        // 32-bit floats, little-endian
        expected: { data: [{ embedding: "AAAAPwAAgL4=" }, { embedding: "AACAPwAAAEA=" }] },
      },
    ],
    errors: ERRORS,
    capabilities: { streaming: false },
  });
});
