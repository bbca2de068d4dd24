import type { ChatParameter } from "@signalbox/kernel";
import type { ModelRules } from "@signalbox/provider-openai";
import type { Quirks } from "./host.ts";

/** Open models and most hosts know neither the role `developer` nor `max_completion_tokens`. */
const CLASSIC: ModelRules = { instructions: "system", maxTokens: "max_tokens" };

function classic(...unsupported: readonly ChatParameter[]): ModelRules {
  return unsupported.length === 0 ? CLASSIC : { ...CLASSIC, unsupported };
}

/** For hosts without an entry below. */
export const DEFAULT_QUIRKS: Quirks = { rules: CLASSIC };

/** For resellers without an entry below: requests pass as they are. */
export const RESELLER_QUIRKS: Quirks = {};

/** Reasoning that is given back under `reasoning_content`, and wanted back in tool loops. */
const THINKING = { field: "reasoning_content", echo: true, request: "thinking" } as const;

const ZAI: Quirks = {
  rules: classic("logitBias", "choiceCount", "logprobs", "topLogprobs", "frequencyPenalty", "presencePenalty"),
  reasoning: THINKING,
  jsonSchema: false,
  errors: [
    // https://docs.z.ai/api-reference/api-code
    { word: "1113", code: "provider_rate_limited", options: { type: "insufficient_quota" } },
    { word: "1211", code: "model_not_found", options: { retryable: true, param: "model" } },
    { word: "1261", code: "context_length_exceeded" },
    { word: "1301", code: "content_policy_violation" },
    { word: "1302", code: "provider_rate_limited" },
    { word: "1305", code: "provider_overloaded" },
  ],
};

const MOONSHOT: Quirks = {
  rules: classic("topK", "logitBias", "logprobs", "topLogprobs"),
  reasoning: { field: "reasoning_content", echo: true },
  errors: [
    // https://platform.moonshot.ai/docs/api/errors
    { word: "content_filter", code: "content_policy_violation" },
    { word: "exceeded_current_quota_error", code: "provider_rate_limited", options: { type: "insufficient_quota" } },
    { word: "engine_overloaded_error", code: "provider_overloaded" },
    { word: "rate_limit_reached_error", code: "provider_rate_limited" },
  ],
};

const ALIBABA: Quirks = {
  rules: classic("logitBias"),
  reasoning: { field: "reasoning_content" },
  errors: [
    // https://www.alibabacloud.com/help/en/model-studio/error-code
    { word: "data_inspection_failed", code: "content_policy_violation" },
    { word: "Arrearage", code: "provider_rate_limited", options: { type: "insufficient_quota" } },
    { word: "limit_requests", code: "provider_rate_limited" },
    { word: "insufficient_quota", code: "provider_rate_limited" },
  ],
};

const GROQ_REFUSES: readonly ChatParameter[] = ["choiceCount", "logprobs", "topLogprobs", "logitBias", "topK"];
const XAI_REFUSES: readonly ChatParameter[] = ["presencePenalty", "frequencyPenalty", "stop"];
const LOW_TO_HIGH: readonly string[] = ["low", "medium", "high"];

/**
 * What is known to differ, by host id. Facts only where a host documents or shows them; what a host silently ignores
 * is not listed as refused, unless the caller would be misled by it.
 */
export const QUIRKS: Readonly<Record<string, Quirks>> = {
  alibaba: ALIBABA,
  "alibaba-cn": ALIBABA,
  "alibaba-coding-plan": ALIBABA,
  "alibaba-coding-plan-cn": ALIBABA,
  "alibaba-token-plan": ALIBABA,
  "alibaba-token-plan-cn": ALIBABA,
  avian: { rules: CLASSIC, usage: { cost: "cost" } },
  cerebras: {
    // https://inference-docs.cerebras.ai/resources/openai
    rules: classic("frequencyPenalty", "presencePenalty", "logitBias", "topK"),
    models: [{ match: "gpt-oss-*", efforts: LOW_TO_HIGH }],
    reasoning: { field: "reasoning" },
  },
  deepseek: {
    // https://api-docs.deepseek.com/api/create-chat-completion, .../quick_start/error_codes
    rules: classic("seed", "topK", "logitBias", "choiceCount", "parallelToolCalls"),
    reasoning: THINKING,
    jsonSchema: false,
    finishReasons: { insufficient_system_resource: "error" },
  },
  "fireworks-ai": {
    // https://docs.fireworks.ai/api-reference/post-chatcompletions
    rules: CLASSIC,
    models: [
      { match: "*gpt-oss-*", efforts: LOW_TO_HIGH },
      { match: "*glm-5p3*", efforts: LOW_TO_HIGH },
    ],
    reasoning: { field: "reasoning_content", echo: true },
  },
  "github-copilot": { paths: { complete: null } },
  "github-models": { paths: { complete: null } },
  groq: {
    // https://console.groq.com/docs/openai, .../docs/reasoning, .../docs/errors
    rules: { instructions: "system", unsupported: GROQ_REFUSES },
    models: [
      { match: "*gpt-oss-*", efforts: LOW_TO_HIGH },
      { match: "*qwen3*", efforts: ["none", "default"] },
    ],
    reasoning: { field: "reasoning" },
    paths: { complete: null },
    errors: [
      // The model wrote a call that does not fit the tool: another try, or another model, may do better.
      { word: "tool_use_failed", code: "invalid_request", options: { retryable: true, param: "tools" } },
      { word: "json_validate_failed", code: "invalid_request", options: { retryable: true, param: "response_format" } },
    ],
  },
  llamacpp: { rules: CLASSIC, reasoning: { field: "reasoning_content" } },
  lmstudio: { rules: CLASSIC, reasoning: { field: "reasoning_content" } },
  moonshotai: MOONSHOT,
  "moonshotai-cn": MOONSHOT,
  ollama: {
    // https://docs.ollama.com/openai: the fields that are listed as not supported, and are ignored.
    rules: classic("logitBias", "choiceCount", "topK"),
    reasoning: { field: "reasoning" },
  },
  "ollama-cloud": { rules: classic("logitBias", "choiceCount", "topK"), reasoning: { field: "reasoning" } },
  openrouter: {
    // https://openrouter.ai/docs/api-reference/overview, .../docs/use-cases/reasoning-tokens
    reasoning: { field: "reasoning", echo: true, details: true, request: "openrouter" },
    usage: { cost: "cost" },
    cacheControl: true,
    clientHeaders: ["http-referer", "x-title"],
    finishReasons: { error: "error" },
    errors: [{ word: "402", code: "provider_rate_limited", options: { type: "insufficient_quota" } }],
  },
  perplexity: {
    // https://docs.perplexity.ai/api-reference/chat-completions-post
    rules: classic(
      "tools",
      "toolChoice",
      "parallelToolCalls",
      "stop",
      "seed",
      "topK",
      "choiceCount",
      "logitBias",
      "logprobs",
      "topLogprobs",
    ),
    usage: { cost: "cost.total_cost" },
    paths: { complete: null, embed: "/v1/embeddings", models: "/v1/models" },
    errors: [{ word: "too_many_prompt_tokens", code: "context_length_exceeded" }],
  },
  sambanova: { rules: classic("logitBias", "choiceCount", "seed", "presencePenalty", "frequencyPenalty") },
  "snowflake-cortex": {
    // https://docs.snowflake.com/en/user-guide/snowflake-cortex/open-ai-compatible-rest-api
    rules: { maxTokens: "max_completion_tokens" },
    headers: { "x-snowflake-authorization-token-type": "PROGRAMMATIC_ACCESS_TOKEN" },
    paths: { complete: null, models: null },
    // Claude's signed reasoning comes and goes as OpenRouter writes it. The finish reason may be empty.
    reasoning: { details: true },
  },
  togetherai: { rules: CLASSIC, reasoning: { field: "reasoning" }, finishReasons: { eos: "stop" } },
  vercel: {
    // https://vercel.com/docs/ai-gateway/openai-compat
    reasoning: { field: "reasoning", echo: true, details: true, request: "openrouter" },
    usage: { cost: "cost" },
    cacheControl: true,
    paths: { complete: null },
  },
  writer: { rules: classic("topK", "logitBias", "seed"), paths: { chat: "/chat", embed: null } },
  xai: {
    // https://docs.x.ai/docs/api-reference
    rules: CLASSIC,
    models: [
      { match: "*non-reasoning*" },
      { match: "grok-3-mini*", unsupported: XAI_REFUSES, efforts: ["low", "high"] },
      { match: "grok-2*" },
      { match: "grok-3*" },
      { match: "grok-*", unsupported: XAI_REFUSES },
    ],
    reasoning: { field: "reasoning_content" },
    usage: { cost: "cost_in_usd_ticks" },
  },
  zai: ZAI,
  "zai-coding-plan": ZAI,
  zhipuai: ZAI,
  "zhipuai-coding-plan": ZAI,
};
