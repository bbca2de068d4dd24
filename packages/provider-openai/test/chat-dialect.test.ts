import { describe, it } from "vitest";
import type { ChatResult } from "@signalbox/kernel";
import { testDialect } from "@signalbox/kernel/testkit";
import { chatDialect } from "@signalbox/provider-openai";

const route = "/v1/chat/completions";
const hi = [{ role: "user", content: "Hi" }];
const canonicalHi = [{ role: "user", content: [{ type: "text", text: "Hi" }] }];

interface Client {
  content: string;
  reasoning: string;
  refusal: string;
  calls: { id: string; name: string; arguments: string }[];
  thinking: unknown[];
  annotations: unknown[];
  finish: string[];
  usage: unknown;
}

interface Chunk {
  readonly choices: readonly {
    readonly delta: {
      readonly content?: string | null;
      readonly reasoning_content?: string;
      readonly refusal?: string | null;
      readonly thinking_blocks?: unknown[];
      readonly annotations?: unknown[];
      readonly tool_calls?: { index: number; id?: string; function: { name?: string; arguments: string } }[];
    };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: unknown;
}

const usage = { inputTokens: 10, outputTokens: 5, reasoningTokens: 2, cacheReadTokens: 4 };
const wireUsage = {
  prompt_tokens: 10,
  completion_tokens: 5,
  total_tokens: 15,
  prompt_tokens_details: { cached_tokens: 4, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: 2,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
};

function result(content: ChatResult["choices"][number]["content"], more: object = {}): ChatResult {
  return {
    id: "msg_1",
    model: "some-model",
    createdAt: 1_793_000_000,
    choices: [{ index: 0, content, finishReason: "stop", ...more }],
    usage,
  };
}

const asked = { model: "m", messages: hi };
const streamed = { route, body: { ...asked, stream: true, stream_options: { include_usage: true } } };

function understood(part: Partial<Client>): Client {
  return {
    content: "",
    reasoning: "",
    refusal: "",
    calls: [],
    thinking: [],
    annotations: [],
    finish: ["stop"],
    usage: wireUsage,
    ...part,
  };
}

testDialect({
  runner: { describe, it },
  dialect: chatDialect,
  terminator: "[DONE]",
  read(frames) {
    const client = understood({ finish: [], usage: undefined });
    for (const { data } of frames) {
      if (data === "[DONE]") continue;
      const chunk = JSON.parse(data) as Chunk;
      client.usage = chunk.usage ?? client.usage;
      for (const { delta, finish_reason: finish } of chunk.choices) {
        client.content += delta.content ?? "";
        client.reasoning += delta.reasoning_content ?? "";
        client.refusal += delta.refusal ?? "";
        client.thinking.push(...(delta.thinking_blocks ?? []));
        client.annotations.push(...(delta.annotations ?? []));
        for (const call of delta.tool_calls ?? []) {
          client.calls[call.index] ??= { id: call.id ?? "", name: call.function.name ?? "", arguments: "" };
          (client.calls[call.index] as Client["calls"][number]).arguments += call.function.arguments;
        }
        if (finish !== null) client.finish.push(finish);
      }
    }
    return client;
  },
  requests: [
    { name: "plain", route, body: asked, expected: { model: "m", messages: canonicalHi } },
    {
      name: "the model of the path",
      route: "/openai/deployments/:model/chat/completions",
      params: { model: "dep" },
      body: { messages: hi },
      expected: { model: "dep", messages: canonicalHi },
    },
    {
      name: "every parameter",
      route,
      body: {
        ...asked,
        stream: true,
        max_completion_tokens: 9,
        max_tokens: 8,
        temperature: 0.5,
        top_p: 0.9,
        top_k: 4,
        stop: "END",
        seed: 7,
        frequency_penalty: 0.1,
        presence_penalty: 0.2,
        logit_bias: { "50256": -100 },
        logprobs: true,
        top_logprobs: 2,
        n: 2,
        parallel_tool_calls: false,
        reasoning_effort: "high",
        verbosity: "low",
        modalities: ["text", "audio"],
        audio: { voice: "alloy", format: "wav" },
        prediction: { type: "content", content: "x" },
        service_tier: "flex",
        user: "u-1",
        metadata: { a: "b" },
        store: true,
        response_format: {
          type: "json_schema",
          json_schema: { name: "answer", schema: { type: "object" }, strict: true },
        },
        prompt_cache_key: "k",
        web_search_options: {},
      },
      expected: {
        model: "m",
        messages: canonicalHi,
        stream: true,
        maxOutputTokens: 9,
        temperature: 0.5,
        topP: 0.9,
        topK: 4,
        stop: ["END"],
        seed: 7,
        frequencyPenalty: 0.1,
        presencePenalty: 0.2,
        logitBias: { "50256": -100 },
        logprobs: true,
        topLogprobs: 2,
        choiceCount: 2,
        parallelToolCalls: false,
        reasoning: { effort: "high" },
        verbosity: "low",
        modalities: ["text", "audio"],
        audio: { voice: "alloy", format: "wav" },
        prediction: { type: "content", content: "x" },
        serviceTier: "flex",
        user: "u-1",
        metadata: { a: "b" },
        store: true,
        responseFormat: { type: "jsonSchema", name: "answer", schema: { type: "object" }, strict: true },
        extra: { openai: { prompt_cache_key: "k", web_search_options: {} } },
      },
      options: { endUserId: "u-1" },
    },
    {
      name: "fields for the gateway",
      route,
      body: {
        ...asked,
        drop_params: true,
        additional_drop_params: ["seed"],
        allowed_openai_params: ["top_k"],
        fallbacks: ["other", { model: "third" }],
        disable_fallbacks: false,
        timeout: 2.5,
        cache: { ttl: 60 },
        litellm_session_id: "s-1",
        metadata: { tags: ["a"], trace: "t" },
        tags: ["b"],
        extra_body: { seed: 3 },
      },
      expected: {
        model: "m",
        messages: canonicalHi,
        metadata: { trace: "t" },
        seed: 3,
      },
      options: {
        dropParams: true,
        additionalDropParams: ["seed"],
        allowedParams: ["top_k"],
        fallbacks: ["other", "third"],
        disableFallbacks: false,
        timeoutMs: 2500,
        sessionId: "s-1",
        tags: ["b", "a"],
        extensions: { cache: { ttl: 60 } },
      },
    },
    {
      name: "all kinds of parts",
      route,
      body: {
        model: "m",
        messages: [
          {
            role: "system",
            content: [{ type: "text", text: "Rules", cache_control: { type: "ephemeral", ttl: "1h" } }],
          },
          {
            role: "user",
            name: "ann",
            content: [
              { type: "image_url", image_url: { url: "https://pictures.example/a.png", detail: "low" } },
              { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } },
              { type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } },
              { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBE" } },
              { type: "file", file: { file_id: "file-1" } },
              { type: "video_url", video_url: { url: "https://videos.example/a.mp4" } },
            ],
          },
        ],
      },
      expected: {
        model: "m",
        messages: [
          { role: "system", content: [{ type: "text", text: "Rules", cacheControl: { ttl: "1h" } }] },
          {
            role: "user",
            name: "ann",
            content: [
              { type: "image", source: { type: "url", url: "https://pictures.example/a.png" }, detail: "low" },
              { type: "image", source: { type: "data", mediaType: "image/png", data: "aGk=" } },
              { type: "audio", source: { type: "data", mediaType: "audio/mpeg", data: "AAAA" }, format: "mp3" },
              {
                type: "document",
                source: { type: "data", mediaType: "application/pdf", data: "JVBE" },
                title: "a.pdf",
              },
              { type: "document", source: { type: "file", fileId: "file-1" } },
              {
                type: "opaque",
                origin: "openai",
                value: { type: "video_url", video_url: { url: "https://videos.example/a.mp4" } },
              },
            ],
          },
        ],
      },
    },
    {
      name: "a tool loop",
      route,
      body: {
        model: "m",
        tools: [
          { type: "function", function: { name: "f", description: "d", parameters: { type: "object" }, strict: true } },
          { type: "custom", custom: { name: "c", format: { type: "text" } } },
          { type: "openrouter:web_search" },
        ],
        tool_choice: {
          type: "allowed_tools",
          allowed_tools: { mode: "auto", tools: [{ type: "function", function: { name: "f" } }] },
        },
        messages: [
          {
            role: "assistant",
            content: null,
            thinking_blocks: [
              { type: "thinking", thinking: "hm", signature: "sig" },
              { type: "redacted_thinking", data: "xyz" },
            ],
            reasoning_content: "hm",
            tool_calls: [
              {
                id: "c1",
                type: "function",
                function: { name: "f", arguments: "{}" },
                extra_content: { google: { thought_signature: "ts" } },
              },
              { id: "c2", type: "custom", custom: { name: "c", input: "free" } },
            ],
          },
          { role: "tool", tool_call_id: "c1", content: "boom", is_error: true },
          {
            role: "tool",
            tool_call_id: "c2",
            content: [{ type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } }],
          },
        ],
      },
      expected: {
        model: "m",
        tools: [
          { type: "function", name: "f", description: "d", parameters: { type: "object" }, strict: true },
          { type: "custom", name: "c", format: { type: "text" } },
          { type: "server", origin: "openai", value: { type: "openrouter:web_search" } },
        ],
        toolChoice: { type: "allowed", mode: "auto", names: ["f"] },
        messages: [
          {
            role: "assistant",
            content: [
              { type: "reasoning", text: "hm", signature: "sig", origin: "anthropic" },
              { type: "reasoning", text: "", encrypted: "xyz", origin: "anthropic" },
              {
                type: "toolCall",
                id: "c1",
                name: "f",
                arguments: "{}",
                extra: { google: { thought_signature: "ts" } },
              },
              { type: "toolCall", id: "c2", name: "c", kind: "custom", arguments: "free" },
            ],
          },
          {
            role: "tool",
            content: [
              { type: "toolResult", toolCallId: "c1", content: [{ type: "text", text: "boom" }], isError: true },
            ],
          },
          {
            role: "tool",
            content: [
              {
                type: "toolResult",
                toolCallId: "c2",
                content: [{ type: "image", source: { type: "data", mediaType: "image/png", data: "aGk=" } }],
              },
            ],
          },
        ],
      },
    },
    {
      name: "functions, from before tools",
      route,
      body: {
        model: "m",
        functions: [{ name: "f", parameters: { type: "object" } }],
        function_call: { name: "f" },
        messages: [
          { role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } },
          { role: "function", name: "f", content: "1" },
        ],
      },
      expected: {
        model: "m",
        tools: [{ type: "function", name: "f", parameters: { type: "object" } }],
        toolChoice: { type: "tool", name: "f" },
        messages: [
          { role: "assistant", content: [{ type: "toolCall", id: "call_0", name: "f", arguments: "{}" }] },
          {
            role: "tool",
            content: [{ type: "toolResult", toolCallId: "call_0", name: "f", content: [{ type: "text", text: "1" }] }],
          },
        ],
      },
    },
    {
      name: "the reasoning words of other vendors",
      route,
      body: {
        ...asked,
        thinking: { type: "enabled", budget_tokens: 4000 },
      },
      expected: {
        model: "m",
        messages: canonicalHi,
        reasoning: {
          mode: "enabled",
          budgetTokens: 4000,
          extra: { openai: { thinking: { type: "enabled", budget_tokens: 4000 } } },
        },
      },
    },
  ],
  invalid: [
    { name: "no model", route, body: { messages: hi }, param: "model" },
    { name: "no messages", route, body: { model: "m" }, param: "messages" },
    { name: "empty messages", route, body: { model: "m", messages: [] }, param: "messages" },
    {
      name: "a strange role",
      route,
      body: { model: "m", messages: [{ role: "king", content: "" }] },
      param: "messages[0].role",
    },
    {
      name: "content of a wrong type",
      route,
      body: { model: "m", messages: [{ role: "user", content: 7 }] },
      param: "messages[0].content",
    },
    {
      name: "a text part without text",
      route,
      body: { model: "m", messages: [{ role: "user", content: [{ type: "text" }] }] },
      param: "messages[0].content[0].text",
    },
    {
      name: "a result without a call",
      route,
      body: { model: "m", messages: [{ role: "tool", content: "x" }] },
      param: "messages[0].tool_call_id",
    },
    {
      name: "a call without a name",
      route,
      body: {
        model: "m",
        messages: [{ role: "assistant", tool_calls: [{ id: "1", type: "function", function: {} }] }],
      },
      param: "messages[0].tool_calls[0].function.name",
    },
    {
      name: "a tool without a function",
      route,
      body: { ...asked, tools: [{ type: "function" }] },
      param: "tools[0].function",
    },
    { name: "a temperature in words", route, body: { ...asked, temperature: "warm" }, param: "temperature" },
    { name: "a strange effort", route, body: { ...asked, reasoning_effort: "enormous" }, param: "reasoning_effort" },
    {
      name: "a schema that is none",
      route,
      body: { ...asked, response_format: { type: "xml" } },
      param: "response_format.type",
    },
    { name: "no timeout at all", route, body: { ...asked, timeout: 0 }, param: "timeout" },
  ],
  replies: [
    {
      name: "text",
      plain: { route, body: asked },
      streamed,
      result: result([{ type: "text", text: "Hé 🌍" }]),
      expected: {
        object: "chat.completion",
        id: "msg_1",
        created: 1_793_000_000,
        model: "some-model",
        choices: [
          {
            index: 0,
            message: { role: "assistant", content: "Hé 🌍", refusal: null },
            logprobs: null,
            finish_reason: "stop",
          },
        ],
        usage: wireUsage,
      },
      content: understood({ content: "Hé 🌍" }),
    },
    {
      name: "signed thinking and two calls",
      plain: { route, body: asked },
      streamed,
      result: result(
        [
          { type: "reasoning", text: "so", signature: "sig", origin: "anthropic" },
          { type: "text", text: "Look" },
          { type: "toolCall", id: "t1", name: "f", arguments: '{"a":1}' },
          { type: "toolCall", id: "t2", name: "g", arguments: "{}" },
        ],
        { finishReason: "toolCalls", nativeFinishReason: "tool_use" },
      ),
      expected: {
        choices: [
          {
            message: {
              content: "Look",
              reasoning_content: "so",
              thinking_blocks: [{ type: "thinking", thinking: "so", signature: "sig" }],
              tool_calls: [
                { id: "t1", type: "function", function: { name: "f", arguments: '{"a":1}' } },
                { id: "t2", type: "function", function: { name: "g", arguments: "{}" } },
              ],
            },
            finish_reason: "tool_calls",
            provider_specific_fields: { native_finish_reason: "tool_use" },
          },
        ],
      },
      content: understood({
        content: "Look",
        reasoning: "so",
        thinking: [{ type: "thinking", thinking: "so", signature: "sig" }],
        calls: [
          { id: "t1", name: "f", arguments: '{"a":1}' },
          { id: "t2", name: "g", arguments: "{}" },
        ],
        finish: ["tool_calls"],
      }),
    },
    {
      name: "a refusal",
      plain: { route, body: asked },
      streamed,
      result: result([{ type: "refusal", text: "No." }], { finishReason: "contentFilter" }),
      expected: { choices: [{ message: { content: null, refusal: "No." }, finish_reason: "content_filter" }] },
      content: understood({ refusal: "No.", finish: ["content_filter"] }),
    },
    {
      name: "citations",
      plain: { route, body: asked },
      streamed,
      result: result([
        {
          type: "text",
          text: "Rain.",
          citations: [{ type: "url", url: "https://w.example", title: "W", startIndex: 0, endIndex: 5 }],
        },
      ]),
      expected: {
        choices: [
          {
            message: {
              annotations: [
                {
                  type: "url_citation",
                  url_citation: { url: "https://w.example", title: "W", start_index: 0, end_index: 5 },
                },
              ],
            },
          },
        ],
      },
      content: understood({
        content: "Rain.",
        annotations: [
          {
            type: "url_citation",
            url_citation: { url: "https://w.example", title: "W", start_index: 0, end_index: 5 },
          },
        ],
      }),
    },
  ],
  errors: {
    invalid_api_key: { error: { type: "invalid_request_error", code: "invalid_api_key", param: "kit.param" } },
    budget_exceeded: { error: { type: "insufficient_quota", code: "budget_exceeded" } },
    provider_rate_limited: { error: { type: "requests", code: "provider_rate_limited" } },
  },
});
