import { describe, expect, it } from "vitest";
import type { ChatRequest, FunctionTool, Message, ToolChoice } from "@signalbox/kernel";
import { encode, userText } from "./support/chat.ts";

const WEATHER: FunctionTool = {
  type: "function",
  name: "get_weather",
  description: "Weather.",
  parameters: { type: "object", properties: { city: { type: "string" } } },
};

describe("messages", () => {
  it("makes the leading instructions the system prompt and keeps cache breakpoints", () => {
    const { body } = encode("claude-opus-5", {
      messages: [
        { role: "system", content: [{ type: "text", text: "Be brief.", cacheControl: { ttl: "1h" } }] },
        { role: "developer", content: [{ type: "text", text: "In German." }] },
        userText("Hi"),
      ],
    });
    expect(body).toEqual({
      model: "claude-opus-5",
      max_tokens: 1000,
      system: [
        { type: "text", text: "Be brief.", cache_control: { type: "ephemeral", ttl: "1h" } },
        { type: "text", text: "In German." },
      ],
      messages: [{ role: "user", content: "Hi" }],
    });
  });

  const later: readonly Message[] = [
    userText("Hi"),
    { role: "assistant", content: [{ type: "text", text: "Hello." }] },
    { role: "system", content: [{ type: "text", text: "Now in Spanish." }] },
    userText("Again"),
  ];

  it("keeps later instructions where the model takes them", () => {
    expect(encode("claude-opus-4-8", { messages: later }).body.messages).toEqual([
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Hello." },
      { role: "system", content: "Now in Spanish." },
      { role: "user", content: "Again" },
    ]);
  });

  it("folds later instructions into the user turn on older models, and says so", () => {
    const { body, notes } = encode("claude-sonnet-4-6", { messages: later });
    expect(body.messages).toEqual([
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Hello." },
      {
        role: "user",
        content: [
          { type: "text", text: "Now in Spanish." },
          { type: "text", text: "Again" },
        ],
      },
    ]);
    expect(notes).toEqual(["instructions within the conversation were sent as a user message"]);
  });

  it("joins tool results into one user turn, results first, with images and errors", () => {
    const image = { type: "image", source: { type: "data", mediaType: "image/png", data: "aWNvbg==" } } as const;
    const { body } = encode("claude-opus-5", {
      tools: [WEATHER],
      messages: [
        userText("Weather?"),
        {
          role: "assistant",
          content: [
            { type: "toolCall", id: "functions.get:0", name: "get_weather", arguments: '{"city":"Oslo"}' },
            { type: "toolCall", id: "call_2", name: "get_weather", arguments: "" },
          ],
        },
        { role: "tool", content: [{ type: "toolResult", toolCallId: "functions.get:0", content: [image] }] },
        userText("And hurry."),
        {
          role: "tool",
          content: [
            { type: "toolResult", toolCallId: "call_2", content: [{ type: "text", text: "boom" }], isError: true },
          ],
        },
      ],
    });
    expect(body.messages).toEqual([
      { role: "user", content: "Weather?" },
      {
        role: "assistant",
        content: [
          { type: "tool_use", id: "functions_get_0", name: "get_weather", input: { city: "Oslo" } },
          { type: "tool_use", id: "call_2", name: "get_weather", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          {
            type: "tool_result",
            tool_use_id: "functions_get_0",
            content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: "aWNvbg==" } }],
          },
          { type: "tool_result", tool_use_id: "call_2", content: "boom", is_error: true },
          { type: "text", text: "And hurry." },
        ],
      },
    ]);
  });

  it("replays Anthropic's own thinking unchanged and leaves out everybody else's", () => {
    const { body, notes } = encode("claude-opus-5", {
      messages: [
        userText("Hi"),
        {
          role: "assistant",
          content: [
            { type: "reasoning", text: "Hm.", signature: "c2ln", origin: "anthropic" },
            { type: "reasoning", text: "", encrypted: "b3BhcXVl", origin: "anthropic" },
            { type: "reasoning", text: "Foreign.", signature: "x", origin: "google" },
            { type: "text", text: "Hello." },
          ],
        },
        userText("Go on"),
      ],
    });
    expect((body.messages as unknown[])[1]).toEqual({
      role: "assistant",
      content: [
        { type: "thinking", thinking: "Hm.", signature: "c2ln" },
        { type: "redacted_thinking", data: "b3BhcXVl" },
        { type: "text", text: "Hello." },
      ],
    });
    expect(notes).toEqual(["reasoning of another vendor in an earlier answer was left out"]);
  });

  it("writes documents of every kind", () => {
    const { body } = encode("claude-opus-5", {
      messages: [
        {
          role: "user",
          content: [
            { type: "document", source: { type: "data", mediaType: "application/pdf", data: "JVBERg==" }, title: "A" },
            { type: "document", source: { type: "data", mediaType: "text/csv", data: "YSxi" } },
            { type: "document", source: { type: "text", text: "Plain." }, citations: true, context: "Notes" },
            { type: "document", source: { type: "url", url: "https://example.com/a.pdf" } },
            { type: "document", source: { type: "file", fileId: "file_1" }, cacheControl: {} },
          ],
        },
      ],
    });
    expect((body.messages as { content: unknown }[])[0]?.content).toEqual([
      { type: "document", source: { type: "base64", media_type: "application/pdf", data: "JVBERg==" }, title: "A" },
      { type: "document", source: { type: "text", media_type: "text/plain", data: "a,b" } },
      {
        type: "document",
        source: { type: "text", media_type: "text/plain", data: "Plain." },
        context: "Notes",
        citations: { enabled: true },
      },
      { type: "document", source: { type: "url", url: "https://example.com/a.pdf" } },
      { type: "document", source: { type: "file", file_id: "file_1" }, cache_control: { type: "ephemeral" } },
    ]);
  });

  it("refuses sound by its place, so that another deployment may try", () => {
    const audio: Message = {
      role: "user",
      content: [{ type: "audio", source: { type: "data", mediaType: "audio/wav", data: "" }, format: "wav" }],
    };
    expect(() => encode("claude-opus-5", { messages: [userText("a"), audio] })).toThrow(
      expect.objectContaining({ code: "invalid_request", param: "messages[1].content[0]", retryable: true }),
    );
  });
});

describe("parameters", () => {
  it("defaults max_tokens to the model's maximum, or to what the operator says", () => {
    const without = { maxOutputTokens: undefined } as unknown as Partial<ChatRequest>;
    expect(encode("claude-opus-4-6", without).body.max_tokens).toBe(128_000);
    expect(encode("claude-haiku-4-5", without).body.max_tokens).toBe(64_000);
    expect(encode("claude-opus-5", { maxOutputTokens: 0 }).body.max_tokens).toBe(0);
  });

  it.each([
    [{ temperature: 0.5 }, "temperature"],
    [{ topP: 0.5 }, "top_p"],
    [{ topK: 5 }, "top_k"],
    [{ choiceCount: 2 }, "n"],
    [{ logprobs: true }, "logprobs"],
    [{ logitBias: { 1: 2 } }, "logit_bias"],
    [{ frequencyPenalty: 0.5 }, "frequency_penalty"],
    [{ presencePenalty: 0.5 }, "presence_penalty"],
    [{ seed: 1 }, "seed"],
    [{ modalities: ["text", "audio"] }, "modalities"],
    [{ prediction: { type: "content" } }, "prediction"],
    [{ store: true }, "store"],
    [{ serviceTier: "flex" }, "service_tier"],
  ])("refuses %j by name, drops it if wished, or passes it on if allowed", (request, name) => {
    expect(() => encode("claude-opus-5", request)).toThrow(
      expect.objectContaining({
        code: "unsupported_parameter",
        param: name,
        message: expect.stringContaining("claude-opus-5"),
      }),
    );
    const dropped = encode("claude-opus-5", request, { dropParams: true });
    expect(dropped.dropped).toEqual([name]);
    expect(dropped.body).not.toHaveProperty(name);
    const allowed = encode("claude-opus-5", request, { allowedParams: [name] });
    expect(allowed.body[name]).toEqual(Object.values(request)[0]);
  });

  it("does not count wishes for what happens anyway", () => {
    const { body, dropped } = encode("claude-opus-5", {
      temperature: 1,
      topP: 0.99,
      choiceCount: 1,
      frequencyPenalty: 0,
      logprobs: false,
      modalities: ["text"],
      store: false,
      logitBias: {},
    });
    expect(body).toEqual({ model: "claude-opus-5", max_tokens: 1000, messages: [{ role: "user", content: "Hi" }] });
    expect(dropped).toEqual([]);
  });

  it("clamps the temperature and keeps one of two sampling parameters", () => {
    const clamped = encode("claude-sonnet-4-6", { temperature: 1.7 });
    expect(clamped.body.temperature).toBe(1);
    expect(clamped.notes).toEqual(["temperature 1.7 was sent as 1, the highest that Anthropic takes"]);
    const both = encode("claude-sonnet-4-6", { temperature: 0.2, topP: 0.5, topK: 9 });
    expect(both.body).toMatchObject({ temperature: 0.2, top_k: 9 });
    expect(both.body).not.toHaveProperty("top_p");
    expect(both.dropped).toEqual(["top_p"]);
    expect(encode("claude-sonnet-4-0", { temperature: 0.2, topP: 0.5 }).body).toMatchObject({ top_p: 0.5 });
  });

  it("writes the end user, the tier, stop sequences and Anthropic's own fields", () => {
    const { body, betas } = encode("claude-opus-5", {
      user: "user-7",
      serviceTier: "default",
      stop: ["END"],
      cacheControl: { ttl: "5m" },
      stream: true,
      extra: {
        anthropic: {
          context_management: { edits: [] },
          container: "container_1",
          mcp_servers: [{ type: "url", url: "https://mcp.example.com" }],
          output_config: { task_budget: { type: "tokens", total: 9 } },
          betas: ["mcp-client-2025-11-20"],
        },
      },
    });
    expect(body).toEqual({
      model: "claude-opus-5",
      max_tokens: 1000,
      stream: true,
      messages: [{ role: "user", content: "Hi" }],
      stop_sequences: ["END"],
      metadata: { user_id: "user-7" },
      service_tier: "standard_only",
      cache_control: { type: "ephemeral", ttl: "5m" },
      context_management: { edits: [] },
      container: "container_1",
      mcp_servers: [{ type: "url", url: "https://mcp.example.com" }],
      output_config: { task_budget: { type: "tokens", total: 9 } },
    });
    expect(betas).toEqual(["mcp-client-2025-11-20"]);
  });

  it("says which fields of another dialect are not sent", () => {
    const { notes } = encode("claude-opus-5", {
      extra: { openai: { safety_identifier: "x", web_search_options: {} } },
    });
    expect(notes).toEqual(["fields that only openai takes were left out: safety_identifier, web_search_options"]);
  });
});

describe("tools", () => {
  const choose = (model: string, toolChoice: ToolChoice, parallelToolCalls?: boolean) =>
    encode(model, { tools: [WEATHER], toolChoice, ...(parallelToolCalls !== undefined && { parallelToolCalls }) });

  it("gives every schema the type object and keeps Anthropic's own fields", () => {
    const { body } = encode("claude-opus-5", {
      tools: [
        { type: "function", name: "ping" },
        { type: "function", name: "bare", parameters: { properties: {} }, strict: true, cacheControl: {} },
        { ...WEATHER, extra: { anthropic: { defer_loading: true } } },
        {
          type: "server",
          origin: "anthropic",
          name: "web_search",
          value: { type: "web_search_20250305", name: "web_search" },
        },
      ],
    });
    expect(body.tools).toEqual([
      { name: "ping", input_schema: { type: "object", properties: {} } },
      {
        name: "bare",
        input_schema: { properties: {}, type: "object" },
        strict: true,
        cache_control: { type: "ephemeral" },
      },
      { name: "get_weather", description: "Weather.", input_schema: WEATHER.parameters, defer_loading: true },
      { type: "web_search_20250305", name: "web_search" },
    ]);
  });

  it.each([
    [{ type: "auto" }, undefined, { type: "auto" }],
    [{ type: "none" }, false, { type: "none" }],
    [{ type: "required" }, undefined, { type: "any" }],
    [{ type: "required" }, false, { type: "any", disable_parallel_tool_use: true }],
    [
      { type: "tool", name: "get_weather" },
      true,
      { type: "tool", name: "get_weather", disable_parallel_tool_use: false },
    ],
    [{ type: "allowed", mode: "required", names: ["get_weather"] }, undefined, { type: "any" }],
  ] as const)("writes the choice %j", (choice, parallel, expected) => {
    expect(choose("claude-opus-5", choice, parallel).body.tool_choice).toEqual(expected);
  });

  it("asks for one call at a time without any other choice", () => {
    expect(encode("claude-opus-5", { tools: [WEATHER], parallelToolCalls: false }).body.tool_choice).toEqual({
      type: "auto",
      disable_parallel_tool_use: true,
    });
    expect(encode("claude-opus-5", { parallelToolCalls: false }).body).not.toHaveProperty("tool_choice");
  });

  it("sends auto where the model lets nobody force a tool, and reports it", () => {
    const { body, dropped } = choose("claude-opus-5-5", { type: "tool", name: "get_weather" });
    expect(body.tool_choice).toEqual({ type: "auto" });
    expect(dropped).toEqual(["tool_choice"]);
  });

  it("refuses tools that another vendor runs", () => {
    const tools: ChatRequest["tools"] = [{ type: "server", origin: "openai", name: "code_interpreter", value: {} }];
    expect(() => encode("claude-opus-5", { tools })).toThrow(
      expect.objectContaining({ code: "unsupported_parameter", param: "tools" }),
    );
    const dropped = encode("claude-opus-5", { tools }, { dropParams: true });
    expect(dropped.dropped).toEqual(["tools"]);
    expect(dropped.body).not.toHaveProperty("tools");
  });

  it("sends free-text tools as functions with one text parameter", () => {
    const { body, standIns } = encode("claude-opus-5", { tools: [{ type: "custom", name: "run_sql" }] });
    expect(body.tools).toMatchObject([
      { name: "run_sql", input_schema: { properties: { input: { type: "string" } }, required: ["input"] } },
    ]);
    expect(standIns).toEqual({ freeText: new Set(["run_sql"]) });
  });
});

describe("structured output", () => {
  const schema = { type: "object", properties: { age: { type: "integer", minimum: 0 } }, required: ["age"] };
  const responseFormat = { type: "jsonSchema", name: "person", schema, strict: true } as const;

  it("uses output_config.format where the model has it", () => {
    expect(encode("claude-sonnet-4-5", { responseFormat }).body.output_config).toEqual({
      format: {
        type: "json_schema",
        schema: {
          type: "object",
          properties: { age: { type: "integer", description: "{minimum: 0}" } },
          required: ["age"],
          additionalProperties: false,
        },
      },
    });
  });

  it("forces a tool on older models, and any tool when the caller has some", () => {
    const alone = encode("claude-sonnet-4-0", { responseFormat });
    expect(alone.body.tools).toEqual([
      {
        name: "person",
        description: "Gives the final answer. Call it with the answer as its input.",
        input_schema: schema,
      },
    ]);
    expect(alone.body.tool_choice).toEqual({ type: "tool", name: "person", disable_parallel_tool_use: true });
    expect(alone.standIns).toEqual({ answer: "person" });
    expect(alone.notes).toEqual(["response_format was sent as a forced tool: the model has no structured output"]);
    const beside = encode("claude-sonnet-4-0", {
      responseFormat: { ...responseFormat, name: "get_weather" },
      tools: [WEATHER],
    });
    expect(beside.body.tool_choice).toEqual({ type: "any", disable_parallel_tool_use: true });
    expect(beside.standIns).toEqual({ answer: "get_weather_2" });
  });

  it("asks in words where nothing else works", () => {
    const open = { type: "object", additionalProperties: true };
    const { body, notes } = encode("claude-opus-5-5", { responseFormat: { ...responseFormat, schema: open } });
    expect(body.system).toContain(JSON.stringify(open));
    expect(body).not.toHaveProperty("tools");
    expect(notes).toEqual([
      "response_format was sent as an instruction: the schema has an object with free property names",
    ]);
    const json = encode("claude-opus-5", { responseFormat: { type: "json" } });
    expect(json.body.system).toBe("Respond with a single valid JSON object and nothing else.");
  });
});

describe("thinking", () => {
  const think = (
    model: string,
    reasoning: ChatRequest["reasoning"],
    maxOutputTokens = 10_000,
    more: Partial<ChatRequest> = {},
  ) => encode(model, { ...(reasoning !== undefined && { reasoning }), maxOutputTokens, ...more });

  it.each([
    ["claude-opus-5", { effort: "high" }, { thinking: { type: "adaptive" }, output_config: { effort: "high" } }],
    ["claude-opus-5", { effort: "minimal" }, { thinking: { type: "adaptive" }, output_config: { effort: "low" } }],
    ["claude-opus-4-6", { effort: "xhigh" }, { thinking: { type: "adaptive" }, output_config: { effort: "high" } }],
    ["claude-opus-4-6", { effort: "max" }, { thinking: { type: "adaptive" }, output_config: { effort: "max" } }],
    ["claude-sonnet-4-5", { effort: "medium" }, { thinking: { type: "enabled", budget_tokens: 5000 } }],
    [
      "claude-opus-4-5",
      { effort: "low" },
      { thinking: { type: "enabled", budget_tokens: 2000 }, output_config: { effort: "low" } },
    ],
    ["claude-opus-5", { mode: "enabled", budgetTokens: 2048 }, { thinking: { type: "enabled", budget_tokens: 2048 } }],
    [
      "claude-opus-5-5",
      { mode: "enabled", budgetTokens: 2000 },
      { thinking: { type: "adaptive" }, output_config: { effort: "low" } },
    ],
    ["claude-opus-5", { effort: "none" }, { thinking: { type: "disabled" } }],
    ["claude-opus-5-5", { effort: "none" }, { output_config: { effort: "low" } }],
    [
      "claude-haiku-5-5",
      { mode: "disabled", effort: "max" },
      { thinking: { type: "disabled" }, output_config: { effort: "high" } },
    ],
    [
      "claude-sonnet-5-5",
      { mode: "between_tools", effort: "max" },
      { thinking: { type: "between_tools" }, output_config: { effort: "high" } },
    ],
    [
      "claude-opus-5",
      { mode: "adaptive", display: "omitted", effort: "medium" },
      { thinking: { type: "adaptive", display: "omitted" }, output_config: { effort: "medium" } },
    ],
    [
      "claude-opus-5",
      { effort: "low", extra: { anthropic: { thinking: "default" } } },
      { output_config: { effort: "low" } },
    ],
    ["claude-3-5-haiku-latest", { mode: "disabled" }, {}],
  ] as const)("on %s turns %j into %j", (model, reasoning, expected) => {
    const { body } = think(model, reasoning);
    const { model: _model, max_tokens: _tokens, messages: _messages, ...rest } = body;
    expect(rest).toEqual(expected);
  });

  it("keeps the budget below max_tokens and says so, or leaves thinking out", () => {
    const cut = think("claude-sonnet-4-5", { mode: "enabled", budgetTokens: 9000 }, 4000);
    expect(cut.body.thinking).toEqual({ type: "enabled", budget_tokens: 3999 });
    expect(cut.notes).toEqual(["the thinking budget was changed from 9000 to 3999 tokens"]);
    const none = think("claude-sonnet-4-5", { effort: "high" }, 500);
    expect(none.body).not.toHaveProperty("thinking");
    expect(none.notes).toEqual([
      "thinking was left out: its smallest budget of 1024 tokens does not fit into max_tokens",
    ]);
  });

  it("reports the sampling parameters that thinking excludes", () => {
    const { body, dropped } = think("claude-sonnet-4-5", { effort: "high" }, 10_000, { temperature: 0.3, topK: 4 });
    expect(body).not.toHaveProperty("temperature");
    expect(body).not.toHaveProperty("top_k");
    expect(dropped).toEqual(["temperature", "top_k"]);
  });

  it("reports that a model cannot think", () => {
    expect(think("claude-3-5-haiku-latest", { effort: "high" }).dropped).toEqual(["reasoning_effort"]);
  });

  it("does without a derived budget when a tool is forced", () => {
    const { body, notes } = think("claude-sonnet-4-5", { effort: "high" }, 10_000, {
      tools: [WEATHER],
      toolChoice: { type: "required" },
    });
    expect(body).not.toHaveProperty("thinking");
    expect(notes).toEqual(["thinking was left out: it cannot be combined with a forced tool call"]);
  });
});
