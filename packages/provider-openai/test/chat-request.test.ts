import { describe, expect, test } from "vitest";
import type { ChatRequest, Deployment } from "@signalbox/kernel";
import { testAttempt } from "@signalbox/kernel/testkit";
import type { ModelRules, WireProfile } from "@signalbox/provider-openai";
import { chatBody, OPENAI_PROFILE } from "@signalbox/provider-openai";

const HI: ChatRequest["messages"] = [{ role: "user", content: [{ type: "text", text: "Hi" }] }];

function sent(
  request: Partial<ChatRequest>,
  input: { profile?: Partial<WireProfile>; rules?: ModelRules; deployment?: Partial<Deployment> } = {},
): { body: Record<string, unknown>; notes: readonly string[]; dropped: readonly string[] } {
  const attempt = testAttempt({
    operation: "chat",
    request: { model: "m", messages: HI, ...request },
    deployment: { provider: "openai", ...input.deployment },
  });
  const body = chatBody(attempt, { ...OPENAI_PROFILE, ...input.profile }, input.rules ?? {});
  return {
    body: JSON.parse(JSON.stringify(body)) as Record<string, unknown>,
    notes: (attempt.trace.notes ?? []).map(({ text }) => text),
    dropped: attempt.trace.droppedParams ?? [],
  };
}

test("a conversation with tools", () => {
  const { body, notes } = sent({
    stream: true,
    tools: [{ type: "function", name: "f", parameters: { type: "object" }, cacheControl: { ttl: "5m" } }],
    toolChoice: { type: "allowed", mode: "required", names: ["f"] },
    messages: [
      { role: "system", content: [{ type: "text", text: "Rules", cacheControl: {} }] },
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "t", signature: "s", origin: "anthropic" },
          { type: "toolCall", id: "1", name: "f", arguments: "{}", extra: { google: { thought_signature: "x" } } },
          { type: "toolCall", id: "2", name: "f", arguments: "{}" },
        ],
      },
      {
        role: "tool",
        content: [
          { type: "toolResult", toolCallId: "1", content: [{ type: "text", text: "a" }], isError: true },
          {
            type: "toolResult",
            toolCallId: "2",
            content: [{ type: "image", source: { type: "data", mediaType: "image/png", data: "aGk=" } }],
          },
        ],
      },
      ...HI,
    ],
  });
  expect(body).toEqual({
    model: "m",
    messages: [
      { role: "system", content: "Rules" },
      {
        role: "assistant",
        content: null,
        tool_calls: [
          {
            id: "1",
            type: "function",
            function: { name: "f", arguments: "{}" },
            extra_content: { google: { thought_signature: "x" } },
          },
          { id: "2", type: "function", function: { name: "f", arguments: "{}" } },
        ],
      },
      { role: "tool", tool_call_id: "1", content: "a" },
      { role: "tool", tool_call_id: "2", content: "(see the following message)" },
      {
        role: "user",
        content: [
          { type: "text", text: "Result of tool call 2:" },
          { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } },
        ],
      },
      { role: "user", content: "Hi" },
    ],
    stream: true,
    stream_options: { include_usage: true },
    tools: [{ type: "function", function: { name: "f", parameters: { type: "object" } } }],
    tool_choice: {
      type: "allowed_tools",
      allowed_tools: { mode: "required", tools: [{ type: "function", function: { name: "f" } }] },
    },
  });
  expect(notes).toEqual(["messages[2]: the error mark of a tool result was left out"]);
});

test("a host that thinks aloud gets its own thoughts back, and nobody else's", () => {
  const messages: ChatRequest["messages"] = [
    {
      role: "assistant",
      content: [
        { type: "reasoning", text: "mine", origin: "deepseek" },
        { type: "reasoning", text: "theirs", origin: "anthropic", signature: "s" },
        { type: "text", text: "ok" },
      ],
    },
  ];
  const profile = { name: "deepseek", reasoning: { echo: true, field: "reasoning_content" } };
  expect(sent({ messages }, { profile }).body["messages"]).toEqual([
    { role: "assistant", content: "ok", reasoning_content: "mine" },
  ]);
  expect(sent({ messages }).body["messages"]).toEqual([{ role: "assistant", content: "ok" }]);
});

test("reasoning details go back to the host that wrote them", () => {
  const details = [{ type: "reasoning.encrypted", data: "x", format: "openai-responses-v1" }];
  const messages: ChatRequest["messages"] = [
    {
      role: "assistant",
      content: [{ type: "reasoning", text: "", origin: "openai", extra: { openai: { reasoning_details: details } } }],
    },
  ];
  const profile = { name: "openrouter", reasoning: { details: true } };
  expect(sent({ messages }, { profile }).body["messages"]).toEqual([
    { role: "assistant", content: "", reasoning_details: details },
  ]);
});

describe("what a profile changes", () => {
  test("names, roles, additions", () => {
    const { body } = sent(
      { maxOutputTokens: 5, messages: [{ role: "developer", content: [{ type: "text", text: "R" }] }], stream: true },
      {
        profile: { rename: { max_tokens: "max_output" }, extraBody: { safe: true }, streamOptions: false },
        rules: { instructions: "system" },
        deployment: { extraBody: { region: "eu" } },
      },
    );
    expect(body).toEqual({
      model: "m",
      messages: [{ role: "system", content: "R" }],
      stream: true,
      max_output: 5,
      safe: true,
      region: "eu",
    });
  });

  test("cache breakpoints for hosts that take them", () => {
    const messages: ChatRequest["messages"] = [
      { role: "user", content: [{ type: "text", text: "Hi", cacheControl: { ttl: "1h" } }] },
    ];
    expect(sent({ messages }, { profile: { cacheControl: true } }).body["messages"]).toEqual([
      { role: "user", content: [{ type: "text", text: "Hi", cache_control: { type: "ephemeral", ttl: "1h" } }] },
    ]);
  });

  test("schemas for hosts that know none", () => {
    const { body, notes } = sent(
      { responseFormat: { type: "jsonSchema", name: "a", schema: {} } },
      { profile: { jsonSchema: false } },
    );
    expect(body["response_format"]).toEqual({ type: "json_object" });
    expect(notes).toEqual(["response_format json_schema sent as json_object"]);
  });

  test.each([
    [{ effort: "high" }, "effort", { reasoning_effort: "high" }],
    [{ mode: "enabled", budgetTokens: 1000 }, "effort", { reasoning_effort: "low" }],
    [{ mode: "enabled", budgetTokens: 50_000 }, "effort", { reasoning_effort: "high" }],
    [{ mode: "disabled" }, "effort", {}],
    [{ effort: "low" }, "openrouter", { reasoning: { effort: "low" } }],
    [{ mode: "enabled", budgetTokens: 2000 }, "openrouter", { reasoning: { max_tokens: 2000 } }],
    [{ mode: "disabled" }, "openrouter", { reasoning: { enabled: false } }],
    [{ mode: "enabled" }, "thinking", { thinking: { type: "enabled" } }],
    [{ effort: "none" }, "thinking", { thinking: { type: "disabled" } }],
  ] as const)("the wish %j as %s", (reasoning, request, expected) => {
    const { model: _, messages: __, ...body } = sent({ reasoning }, { profile: { reasoning: { request } } }).body;
    expect(body).toEqual(expected);
  });
});

test("the server tool of another vendor is refused, or dropped on request", () => {
  const tools: ChatRequest["tools"] = [
    { type: "server", origin: "anthropic", name: "web_search", value: { type: "web_search_20250305" } },
  ];
  expect(() => sent({ tools })).toThrow('tool "web_search" can only be run by another provider than "openai"');
  const { body, dropped } = sent({ tools }, { deployment: { dropParams: true } });
  expect(body).not.toHaveProperty("tools");
  expect(dropped).toEqual(["tools.web_search"]);
});

test("a document by URL is refused, so that another deployment can try", () => {
  const messages: ChatRequest["messages"] = [
    { role: "user", content: [{ type: "document", source: { type: "url", url: "https://papers.example/a.pdf" } }] },
  ];
  expect(() => sent({ messages })).toThrow(
    expect.objectContaining({ param: "messages[0].content[0]", retryable: true }),
  );
});
