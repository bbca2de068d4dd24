import { describe, expect, it } from "vitest";
import type { CallRoute, Decoded } from "@signalbox/kernel";
import { anthropicDialects } from "@signalbox/provider-anthropic";
import { decodeMessagesRequest } from "../src/messages-decode.ts";
import { encode, posted } from "./support/chat.ts";

const [messages] = anthropicDialects();
const route = messages?.routes[0] as CallRoute<"chat">;

function decode(body: unknown, headers?: Record<string, string>): Decoded<"chat"> {
  return route.decode(posted("/v1/messages", body, headers)) as Decoded<"chat">;
}

const PLAIN = { model: "claude-opus-5", max_tokens: 10, messages: [{ role: "user", content: "Hi" }] };

/** Everything a request can hold, as Anthropic's clients write it. */
const FULL = {
  model: "claude-opus-5",
  max_tokens: 4096,
  system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral", ttl: "1h" } }],
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "Look:" },
        { type: "image", source: { type: "base64", media_type: "image/png", data: "aQ==" } },
        { type: "image", source: { type: "url", url: "https://example.com/i.png" } },
        { type: "image", source: { type: "file", file_id: "file_1" }, cache_control: { type: "ephemeral" } },
        {
          type: "document",
          source: { type: "text", media_type: "text/plain", data: "Notes." },
          title: "N",
          context: "c",
          citations: { enabled: true },
        },
        { type: "document", source: { type: "content", content: [{ type: "text", text: "chunk" }] } },
        { type: "search_result", source: "https://example.com", title: "S", content: [{ type: "text", text: "r" }] },
        { type: "container_upload", file_id: "file_2" },
      ],
    },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "Hm.", signature: "c2ln" },
        { type: "redacted_thinking", data: "b3BhcXVl" },
        {
          type: "text",
          text: "Blue.",
          citations: [
            {
              type: "char_location",
              document_index: 0,
              document_title: "N",
              cited_text: "x",
              start_char_index: 0,
              end_char_index: 1,
            },
          ],
        },
        { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
        { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: [] },
        { type: "tool_use", id: "toolu_1", name: "get_weather", input: { city: "Oslo" }, caller: { type: "direct" } },
      ],
    },
    {
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "toolu_1",
          content: [
            { type: "text", text: "rain" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: "aQ==" } },
          ],
          is_error: false,
          cache_control: { type: "ephemeral", ttl: "5m", scope: "later" },
        },
        { type: "text", text: "And?" },
      ],
    },
    { role: "system", content: [{ type: "tool_addition", tool: { type: "tool_reference", name: "get_weather" } }] },
  ],
  stop_sequences: ["END"],
  tools: [
    {
      name: "get_weather",
      description: "Weather.",
      input_schema: { type: "object", properties: { city: { type: "string" } } },
      strict: true,
      defer_loading: true,
      cache_control: { type: "ephemeral" },
    },
    { type: "web_search_20250305", name: "web_search", max_uses: 2 },
  ],
  tool_choice: { type: "auto", disable_parallel_tool_use: true },
  thinking: { type: "adaptive", display: "omitted" },
  output_config: {
    effort: "medium",
    format: { type: "json_schema", schema: { type: "object", properties: {}, additionalProperties: false } },
    task_budget: { type: "tokens", total: 1000 },
  },
  metadata: { user_id: "user-1" },
  service_tier: "standard_only",
  context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
  container: { skills: [] },
  mcp_servers: [{ type: "url", url: "https://mcp.example.com", name: "m" }],
  cache_control: { type: "ephemeral" },
  inference_geo: "eu",
  stream: true,
};

describe("decoding", () => {
  it("reads what is common and keeps the rest under extra.anthropic", () => {
    const { request } = decode(FULL);
    expect(request).toMatchObject({
      model: "claude-opus-5",
      maxOutputTokens: 4096,
      stream: true,
      stop: ["END"],
      toolChoice: { type: "auto" },
      parallelToolCalls: false,
      reasoning: { effort: "medium", mode: "adaptive", display: "omitted" },
      responseFormat: { type: "jsonSchema", strict: true },
      user: "user-1",
      serviceTier: "default",
      cacheControl: {},
      extra: {
        anthropic: {
          context_management: FULL.context_management,
          container: FULL.container,
          mcp_servers: FULL.mcp_servers,
          inference_geo: "eu",
          output_config: { task_budget: { type: "tokens", total: 1000 } },
        },
      },
    });
    expect(request.messages.map(({ role, content }) => [role, content.map(({ type }) => type)])).toEqual([
      ["system", ["text"]],
      ["user", ["text", "image", "image", "image", "document", "opaque", "opaque", "opaque"]],
      ["assistant", ["reasoning", "reasoning", "text", "serverTool", "serverTool", "toolCall"]],
      ["tool", ["toolResult"]],
      ["user", ["text"]],
      ["system", ["opaque"]],
    ]);
    expect(request.tools?.map(({ type }) => type)).toEqual(["function", "server"]);
  });

  it("loses nothing on the way back to Anthropic", () => {
    const { service_tier: _tier, ...expected } = FULL;
    const decoded = decodeMessagesRequest(FULL);
    const { body, notes, dropped } = encode("claude-opus-5", decoded);
    expect(body).toEqual({ ...expected, service_tier: "standard_only" });
    expect({ notes, dropped }).toEqual({ notes: [], dropped: [] });
  });

  it("keeps an effort alone apart from a wish to think", () => {
    const request = decodeMessagesRequest({ ...PLAIN, output_config: { effort: "low" } });
    expect(encode("claude-opus-5", request).body).toEqual({ ...PLAIN, output_config: { effort: "low" } });
  });

  it.each([
    [{ ...PLAIN, model: undefined }, "model"],
    [{ ...PLAIN, max_tokens: undefined }, "max_tokens"],
    [{ ...PLAIN, max_tokens: 1.5 }, "max_tokens"],
    [{ ...PLAIN, messages: undefined }, "messages"],
    [{ ...PLAIN, messages: [] }, "messages"],
    [{ ...PLAIN, messages: ["x"] }, "messages[0]"],
    [{ ...PLAIN, messages: [{ role: "tool", content: "x" }] }, "messages[0].role"],
    [{ ...PLAIN, messages: [{ role: "user" }] }, "messages[0].content"],
    [{ ...PLAIN, system: 7 }, "system"],
    [{ ...PLAIN, system: [{ type: "text" }] }, "system[0].text"],
    [{ ...PLAIN, messages: [{ role: "user", content: [7] }] }, "messages[0].content[0]"],
    [{ ...PLAIN, messages: [{ role: "user", content: [{}] }] }, "messages[0].content[0].type"],
    [
      { ...PLAIN, messages: [{ role: "user", content: ["a", { type: "image" }].slice(1) }] },
      "messages[0].content[0].source",
    ],
    [
      {
        ...PLAIN,
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "a" },
              { type: "image", source: { type: "base_64" } },
            ],
          },
        ],
      },
      "messages[0].content[1].source.type",
    ],
    [
      {
        ...PLAIN,
        messages: [{ role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: [{ type: "text" }] }] }],
      },
      "messages[0].content[0].content[0].text",
    ],
    [
      { ...PLAIN, messages: [{ role: "assistant", content: [{ type: "tool_use", id: "t", name: "n" }] }] },
      "messages[0].content[0].input",
    ],
    [
      { ...PLAIN, messages: [{ role: "user", content: [{ type: "text", text: "a", cache_control: 1 }] }] },
      "messages[0].content[0].cache_control",
    ],
    [{ ...PLAIN, tools: [{ name: "a" }] }, "tools[0].input_schema"],
    [{ ...PLAIN, tools: [{ input_schema: {} }] }, "tools[0].name"],
    [{ ...PLAIN, tool_choice: { type: "some" } }, "tool_choice.type"],
    [{ ...PLAIN, thinking: { type: "enabled" } }, "thinking.budget_tokens"],
    [{ ...PLAIN, temperature: "hot" }, "temperature"],
    [{ ...PLAIN, stream: "yes" }, "stream"],
    [{ ...PLAIN, stop_sequences: [1] }, "stop_sequences"],
    [{ ...PLAIN, metadata: { user_id: 1 } }, "metadata.user_id"],
    [{ ...PLAIN, drop_params: "yes" }, "drop_params"],
  ])("names the place of a mistake: %#", (body, param) => {
    expect(() => decode(body)).toThrow(expect.objectContaining({ code: "invalid_request", param }));
  });

  it("says which kinds of sources there are", () => {
    const content = [{ type: "image", source: { type: "base_64" } }];
    expect(() => decode({ ...PLAIN, messages: [{ role: "user", content }] })).toThrow(
      'messages[0].content[0].source.type: must be one of "base64", "url", "file", not "base_64"',
    );
  });
});

describe("what is meant for the gateway", () => {
  it("is read and taken out of the bytes that travel on", () => {
    const body = JSON.stringify({
      drop_params: true,
      ...PLAIN,
      fallbacks: ["gpt-5"],
      metadata: { user_id: "u", tags: ["a"] },
      timeout: 2.5,
      cache: { "no-cache": true },
    });
    const { options, native } = decode(body, { "x-signalbox-tags": "b, c", "x-litellm-session-id": "s1" });
    expect(options).toEqual({
      dropParams: true,
      fallbacks: ["gpt-5"],
      timeoutMs: 2500,
      tags: ["a", "b", "c"],
      sessionId: "s1",
      extensions: { cache: { "no-cache": true } },
    });
    expect(native?.body.edit(native.edits).toString()).toBe(
      '{"model":"claude-opus-5","max_tokens":10,"messages":[{"role":"user","content":"Hi"}],"metadata":{"user_id":"u"}}',
    );
  });

  it("includes the end customer, whom Anthropic calls otherwise, and brings members along", () => {
    const { options, native, request } = decode({ user: "ann", ...PLAIN, extra_body: { container: "c" } });
    expect(options).toEqual({ endUserId: "ann" });
    expect(request.extra).toEqual({ anthropic: { container: "c" } });
    expect(JSON.parse(String(native?.body.edit(native.edits)))).toEqual({ ...PLAIN, container: "c" });
  });

  it("is told from Anthropic's own member of the same name", () => {
    const fallbacks = [{ model: "claude-sonnet-5" }];
    const { request, options, native } = decode({ ...PLAIN, fallbacks });
    expect(options).toBeUndefined();
    expect(request.extra).toEqual({ anthropic: { fallbacks } });
    expect(native?.edits).toEqual({});
  });

  it("leaves the client's version and betas on the request", () => {
    const headers = { "anthropic-version": "2026-10-21", "anthropic-beta": "new-thing-2027-01-01", "x-other": "1" };
    expect(decode(PLAIN, headers).native?.headers).toEqual([
      "anthropic-version",
      "2026-10-21",
      "anthropic-beta",
      "new-thing-2027-01-01",
    ]);
    expect(decode(PLAIN).native?.headers).toEqual([]);
  });
});
