import { describe } from "vitest";
import { hostProvider, openaiCompatible } from "../src/index.ts";
import { cutBy, failed, testHost, usage } from "./support/host-kit.ts";
import type { HostStyle } from "./support/host-wire.ts";
import { frames, hostReply, hostStream } from "./support/host-wire.ts";

function openaiError(message: string, type: string, code: string | null): object {
  return { error: { message, type, param: null, code } };
}

const GENERIC: HostStyle = { usage };

describe("any server that follows OpenAI to the letter", () => {
  testHost({
    provider: () => openaiCompatible({ name: "house" }),
    style: GENERIC,
    errors: {
      badRequest: failed(400, openaiError("temperature must be at most 2", "invalid_request_error", null), {
        message: "at most 2",
      }),
      unauthorized: failed(401, openaiError("no such key", "invalid_request_error", "invalid_api_key")),
      notFound: failed(404, openaiError("no such model", "invalid_request_error", "model_not_found"), {
        retryable: true,
      }),
      rateLimited: failed(429, openaiError("slow down", "requests", "rate_limit_exceeded")),
      serverError: failed(500, openaiError("it broke", "server_error", null)),
      overloaded: failed(503, openaiError("too many", "server_error", null)),
      contextLength: failed(400, openaiError("too long", "invalid_request_error", "context_length_exceeded")),
      contentPolicy: failed(400, openaiError("filtered", "invalid_request_error", "content_filter")),
      inBody: failed(200, openaiError("it broke", "server_error", null)),
      inStream: cutBy(GENERIC, frames([openaiError("it broke", "server_error", null)])),
    },
    without: ["unsupported"],
  });
});

// https://console.groq.com/docs/api-reference, .../docs/errors
const GROQ: HostStyle = {
  usage: ({ input, output, cached = 0, reasoning = 0 }) => ({
    queue_time: 0.07,
    prompt_tokens: input,
    prompt_time: 0.01,
    completion_tokens: output,
    completion_time: 0.05,
    total_tokens: input + output,
    total_time: 0.06,
    ...(cached > 0 && { prompt_tokens_details: { cached_tokens: cached } }),
    ...(reasoning > 0 && { completion_tokens_details: { reasoning_tokens: reasoning } }),
  }),
  usagePlace: "x_groq",
  head: { system_fingerprint: "fp_1" },
  firstChunk: { x_groq: { id: "req_1" } },
  reasoning: (text) => ({ reasoning: text }),
};

describe("groq", () => {
  testHost({
    provider: () => hostProvider("groq"),
    style: GROQ,
    chatsOnly: true,
    errors: {
      badRequest: failed(
        400,
        {
          error: {
            message: "Failed to call a function.",
            type: "invalid_request_error",
            code: "tool_use_failed",
            failed_generation: "<function=get_weather>",
          },
        },
        { retryable: true, message: "Failed to call a function" },
      ),
      unauthorized: failed(401, openaiError("Invalid API Key", "invalid_request_error", "invalid_api_key")),
      notFound: failed(404, openaiError("no such model", "invalid_request_error", "model_not_found"), {
        retryable: true,
      }),
      rateLimited: failed(429, openaiError("tokens per minute", "tokens", "rate_limit_exceeded")),
      serverError: failed(500, openaiError("Internal Server Error", "internal_server_error", null)),
      overloaded: failed(503, openaiError("Service Unavailable", "service_unavailable", null)),
      contextLength: failed(400, openaiError("reduce the length", "invalid_request_error", "context_length_exceeded")),
      inStream: cutBy(
        GROQ,
        `event: error\ndata: ${JSON.stringify({ error: { message: "it broke", type: "server_error", status_code: 500 } })}\n\n`,
      ),
    },
    unsupported: { request: { logitBias: { "50256": -100 } }, parameter: "logit_bias" },
    without: ["refusal", "contentPolicy", "inBody"],
  });
});

// https://openrouter.ai/docs/api-reference/overview, .../errors, .../docs/use-cases/reasoning-tokens
const OPENROUTER: HostStyle = {
  usage: (counts) => ({
    ...usage(counts),
    cost: 0.000_275,
    is_byok: false,
    cost_details: { upstream_inference_cost: null },
  }),
  usagePlace: "empty choice",
  head: { provider: "Somebody" },
  comments: ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n",
  delta: { role: "assistant" },
  message: { reasoning: null },
  reasoning: (text) => ({
    reasoning: text,
    reasoning_details: [{ type: "reasoning.text", text, index: 0, format: "anthropic-claude-v1" }],
  }),
  ending: (finish) => ({ finish_reason: finish, native_finish_reason: finish.toUpperCase() }),
};

function routerError(code: number, message: string, metadata?: object): object {
  return { error: { code, message, ...(metadata !== undefined && { metadata }) }, user_id: "user_1" };
}

describe("openrouter", () => {
  testHost({
    provider: () => hostProvider("openrouter"),
    style: OPENROUTER,
    costs: { reportedCost: 275_000n },
    errors: {
      badRequest: failed(
        400,
        routerError(400, "Provider returned error", {
          provider_name: "Somebody",
          raw: '{"error":{"message":"temperature is too high"}}',
        }),
        { message: "temperature is too high" },
      ),
      unauthorized: failed(401, routerError(401, "No auth credentials found")),
      notFound: failed(404, routerError(404, "No endpoints found"), { retryable: true }),
      rateLimited: failed(429, routerError(429, "Rate limit exceeded")),
      serverError: failed(500, routerError(500, "Internal Server Error")),
      overloaded: failed(503, routerError(503, "No instances available")),
      inBody: failed(200, routerError(502, "Provider returned error")),
      inStream: cutBy(
        OPENROUTER,
        frames([
          {
            id: "c-1",
            object: "chat.completion.chunk",
            created: 1_793_000_000,
            model: "host-model",
            provider: "Somebody",
            error: { code: 502, message: "Provider disconnected" },
            choices: [{ index: 0, delta: { content: "" }, finish_reason: "error", native_finish_reason: null }],
          },
        ]),
      ),
    },
    without: ["unsupported", "contextLength", "contentPolicy"],
  });
});

// https://api-docs.deepseek.com/api/create-chat-completion, .../quick_start/error_codes
const DEEPSEEK: HostStyle = {
  usage: ({ input, output, cached = 0, reasoning = 0 }) => ({
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_cache_hit_tokens: cached,
    prompt_cache_miss_tokens: input - cached,
    completion_tokens_details: { reasoning_tokens: reasoning },
  }),
  usagePlace: "last",
  head: { system_fingerprint: "fp_1" },
  comments: ": keep-alive\n\n",
  reasoning: (text) => ({ content: null, reasoning_content: text }),
};

describe("deepseek", () => {
  testHost({
    provider: () => hostProvider("deepseek"),
    style: DEEPSEEK,
    errors: {
      badRequest: failed(422, openaiError("Invalid Parameters", "invalid_request_error", "invalid_request_error")),
      unauthorized: failed(401, openaiError("Authentication Fails", "authentication_error", "invalid_request_error")),
      notFound: failed(404, openaiError("Not Found", "invalid_request_error", "invalid_request_error"), {
        retryable: true,
      }),
      rateLimited: failed(429, openaiError("Rate Limit Reached", "rate_limit_error", "rate_limit_error")),
      serverError: failed(500, openaiError("Server Error", "server_error", null)),
      overloaded: failed(503, openaiError("Server Overloaded", "service_unavailable_error", null)),
      inStream: cutBy(DEEPSEEK, frames([openaiError("Server Error", "server_error", null)])),
    },
    unsupported: { request: { seed: 7 }, parameter: "seed" },
    more: {
      "resources that run out": (style) => {
        const said = { text: "Onc", finish: "insufficient_system_resource", counts: { input: 5, output: 1 } };
        return {
          reply: hostReply(style, said),
          stream: hostStream(style, said),
          expected: { text: "Onc", finishReason: "error", usage: { inputTokens: 5, outputTokens: 1 } },
        };
      },
    },
    without: ["refusal", "contextLength", "contentPolicy", "inBody"],
  });
});

// https://docs.x.ai/docs/api-reference: reasoning is counted beside the completion, costs in ticks of 10⁻¹⁰ dollars
const XAI: HostStyle = {
  usage: ({ input, output, cached = 0, reasoning = 0 }) => ({
    prompt_tokens: input,
    completion_tokens: output - reasoning,
    total_tokens: input + output,
    prompt_tokens_details: { text_tokens: input, audio_tokens: 0, image_tokens: 0, cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: 0 },
    num_sources_used: 0,
    cost_in_usd_ticks: 37_756_000,
  }),
  head: { system_fingerprint: "fp_1" },
  message: { refusal: null },
};

function xaiError(code: string, error: string): object {
  return { code, error };
}

describe("xai", () => {
  testHost({
    provider: () => hostProvider("xai"),
    style: XAI,
    model: "grok-4",
    costs: { reportedCost: 3_775_600n },
    errors: {
      badRequest: failed(400, xaiError("Client specified an invalid argument", "temperature is too high"), {
        message: "temperature is too high",
      }),
      unauthorized: failed(403, xaiError("The caller does not have permission", "no access to the model")),
      notFound: failed(404, xaiError("Some requested entity was not found", "no such model"), { retryable: true }),
      rateLimited: failed(429, xaiError("Some resource has been exhausted", "too many requests")),
      serverError: failed(500, xaiError("Internal error", "it broke"), { message: "it broke" }),
      overloaded: failed(503, xaiError("The service is currently unavailable", "try again")),
      inStream: cutBy(XAI, frames([xaiError("Internal error", "it broke")])),
    },
    unsupported: { request: { presencePenalty: 0.5 }, parameter: "presence_penalty" },
    without: ["refusal", "contextLength", "contentPolicy", "inBody"],
  });
});

// https://docs.snowflake.com/en/user-guide/snowflake-cortex/open-ai-compatible-rest-api: everything that OpenAI's
// schema has is there and empty, finish reasons included; Claude's reasoning stands in details alone.
const SNOWFLAKE: HostStyle = {
  usage,
  head: { service_tier: "", system_fingerprint: "" },
  message: {
    refusal: "",
    annotations: null,
    audio: { data: "", expires_at: 0, id: "", transcript: "" },
    function_call: { arguments: "", name: "" },
    tool_calls: null,
  },
  delta: { role: "assistant", content: "", refusal: "", tool_calls: null },
  reasoning: (text) => ({
    reasoning_details: [{ type: "reasoning.text", text, index: 0, format: "anthropic-claude-v1" }],
  }),
  ending: (finish) => ({ finish_reason: finish === "length" ? finish : "" }),
};

function snowflakeError(code: string, message: string): object {
  return { code, message, request_id: "0a1b2c3d" };
}

describe("snowflake-cortex", () => {
  testHost({
    provider: () => hostProvider("snowflake-cortex"),
    style: SNOWFLAKE,
    chatsOnly: true,
    errors: {
      badRequest: failed(400, snowflakeError("390142", "temperature is too high"), {
        message: "temperature is too high",
      }),
      unauthorized: failed(401, snowflakeError("390303", "Invalid OAuth access token")),
      notFound: failed(404, snowflakeError("404", "no such model"), { retryable: true }),
      rateLimited: failed(429, snowflakeError("429", "too many requests")),
      serverError: failed(500, snowflakeError("500", "it broke")),
      overloaded: failed(503, snowflakeError("503", "try again")),
      inBody: failed(200, snowflakeError("500", "it broke")),
      inStream: cutBy(SNOWFLAKE, frames([{ error: snowflakeError("500", "it broke") }])),
    },
    without: ["unsupported", "refusal", "contextLength", "contentPolicy", "listModels"],
  });
});
