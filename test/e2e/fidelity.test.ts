import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Exchange, SentRequest } from "@signalbox/kernel/testkit";
import { PIXEL } from "./running-gateway.ts";
import type { ScriptedGateway, Wire } from "./scripted-gateway.ts";
import {
  CHAT_PATHS,
  CLIENT_KEY,
  chatBody,
  chatEvents,
  chatReply,
  scriptedGateway,
  sse,
  WIRES,
} from "./scripted-gateway.ts";

let gateway: ScriptedGateway;

beforeAll(async () => {
  gateway = await scriptedGateway();
});
afterAll(() => gateway.close());

const last = (): SentRequest => gateway.sent.at(-1) as SentRequest;

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, read by a test
const lastBody = (): any => JSON.parse(last().body);

const UNKNOWN_REQUESTS: Readonly<Record<Wire, string>> = {
  openai: `{
    "temperature" : 0.70 ,"future_option":{"b":[1,2.50,1e2],"a":null},
  "model":"openai/custom-model",\t"messages":[ {"content":"h\\u00e9llo \\ud83d\\ude00 é","role":"user","future":true},
    {"role":"user","content":[{"type":"future_part","x":{"y":1}},{"type":"text","text":"t","weight":0.5}]} ],
  "max_tokens":1.0e1, "tools":[{"type":"function","function":{"name":"f","parameters":{"z":1,"a":2},"future":1}},
    {"type":"web_search_future","mode":"x"}], "seed":12345678901234567890, "logit_bias":{"50256":-100}
  }`,
  anthropic: `{
    "temperature" : 0.70 ,"future_option":{"b":[1,2.50,1e2],"a":null},
  "model":"anthropic/claude-sonnet-4-5",\t"messages":[ {"content":"h\\u00e9llo \\ud83d\\ude00 é","role":"user","future":true},
    {"role":"user","content":[{"type":"future_block","x":{"y":1}},{"type":"text","text":"t","weight":0.5}]} ],
  "max_tokens":10, "system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h","future":1}}],
  "tools":[{"name":"f","input_schema":{"z":1,"a":2},"future":1,"type":"custom"},
    {"type":"web_search_20990101","name":"web_search","max_uses":3}], "container":{"skills":[]}
  }`,
};

const UPSTREAM_MODELS: Readonly<Record<Wire, string>> = { openai: "custom-model", anthropic: "claude-sonnet-4-5" };

describe.each(WIRES)("%s on both sides", (wire) => {
  const path = CHAT_PATHS[wire];

  it("sends the client's bytes, but for the model", async () => {
    gateway.answer({ body: chatReply(wire) });
    const body = UNKNOWN_REQUESTS[wire];
    const reply = await gateway.post(path, body);
    expect(reply.status, reply.text).toBe(200);
    expect(last().body).toBe(body.replace(`${wire}/`, ""));
    expect(last().path).toBe(wire === "openai" ? "/o/v1/chat/completions" : "/a/v1/messages");
  });

  it("sends the client's bytes for a stream too", async () => {
    gateway.answer({ bodyText: sse(wire, chatEvents(wire, ["a"])) });
    const usage = wire === "openai" ? ',"stream_options":{"x":1,"include_usage":true}' : "";
    const body = `{"stream":true${usage},${UNKNOWN_REQUESTS[wire].slice(1)}`;
    const reply = await gateway.post(path, body);
    expect(reply.status, reply.text).toBe(200);
    expect(last().body).toBe(body.replace(`${wire}/`, ""));
  });

  it("leaves out what speaks to the gateway, and nothing else", async () => {
    gateway.answer({ body: chatReply(wire) });
    const own = '"drop_params":true, "tags":["a"],"timeout":30,"cache":{"no-cache":true},"fallbacks":["x"],';
    const body = UNKNOWN_REQUESTS[wire].replace('"future_option"', `${own}"future_option"`);
    const reply = await gateway.post(path, body);
    expect(reply.status, reply.text).toBe(200);
    expect(lastBody()).toEqual({ ...JSON.parse(UNKNOWN_REQUESTS[wire]), model: UPSTREAM_MODELS[wire] });
  });

  it("returns the upstream's bytes", async () => {
    const bodyText = JSON.stringify(
      chatReply(wire, "hé\u2028", { future: { z: 1, a: [1.5, null] } }),
      undefined,
      3,
    ).replace("hé", "h\\u00e9");
    gateway.answer({ contentType: "application/json", bodyText });
    const reply = await gateway.post(path, chatBody(wire, `${wire}/m`));
    expect(reply.text).toBe(bodyText);
    expect(reply.headers.get("content-type")).toMatch(/^application\/json/);
  });

  it("returns every frame of a stream, also those that nobody knows", async () => {
    const events = chatEvents(wire, ["a", "b"]);
    const unknown = wire === "openai" ? { object: "future.chunk", choices: [], x: 1 } : { type: "future_event", x: 1 };
    events.splice(2, 0, unknown);
    const bodyText = `${sse(wire, events.slice(0, 2))}: a comment\nid: 7\n${sse(wire, events.slice(2))}`;
    gateway.answer({ bodyText });
    const options = wire === "openai" ? { stream_options: { include_usage: true } } : {};
    const reply = await gateway.post(path, chatBody(wire, `${wire}/m`, { stream: true, ...options }));
    expect(reply.text).toBe(bodyText);
    expect(reply.headers.get("content-type")).toMatch(/^text\/event-stream/);
  });

  it("keeps the client's credentials, cookies and addresses to itself", async () => {
    gateway.answer({ body: chatReply(wire) });
    await gateway.post(path, chatBody(wire, `${wire}/m`), {
      "x-api-key": CLIENT_KEY,
      cookie: "session=1",
      "x-forwarded-for": "10.0.0.1",
      "x-custom": "mine",
      "x-signalbox-tags": "a",
    });
    const names = Object.keys(last().headers);
    for (const name of ["cookie", "x-forwarded-for", "x-custom", "x-signalbox-tags"]) expect(names).not.toContain(name);
    expect(JSON.stringify(last().rawHeaders)).not.toContain(CLIENT_KEY);
    expect(last().body).not.toContain(CLIENT_KEY);
  });
});

describe("headers that belong to a dialect", () => {
  it("carries Anthropic's version and betas", async () => {
    gateway.answer({ body: chatReply("anthropic") });
    await gateway.post("/v1/messages", chatBody("anthropic", "anthropic/claude-sonnet-4-5"), {
      "anthropic-version": "2026-10-21",
      "anthropic-beta": "interleaved-thinking-2025-05-14, context-1m-2025-08-07",
    });
    expect(last().headers["anthropic-version"]).toBe("2026-10-21");
    expect(last().headers["anthropic-beta"]).toBe("interleaved-thinking-2025-05-14,context-1m-2025-08-07");
    await gateway.post("/v1/messages", chatBody("anthropic", "anthropic/claude-sonnet-4-5"));
    expect(last().headers["anthropic-version"]).toBe("2023-06-01");
    expect(last().headers["anthropic-beta"]).toBeUndefined();
  });

  it("carries OpenAI's betas, and nothing of one vendor to the other", async () => {
    gateway.answer({ body: chatReply("openai") });
    const headers = { "openai-beta": "assistants=v2", "anthropic-beta": "x", "anthropic-version": "2026-10-21" };
    await gateway.post("/v1/chat/completions", chatBody("openai", "openai/gpt-4o"), headers);
    expect(last().headers["openai-beta"]).toBe("assistants=v2");
    expect(last().headers["anthropic-beta"]).toBeUndefined();
    gateway.answer({ body: chatReply("anthropic") });
    await gateway.post("/v1/chat/completions", chatBody("openai", "anthropic/claude-sonnet-4-5"), headers);
    expect(last().headers["openai-beta"]).toBeUndefined();
  });
});

const SEARCH = { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "oslo" } };
const FOUND = {
  type: "web_search_tool_result",
  tool_use_id: "srvtoolu_1",
  content: [
    { type: "web_search_result", url: "https://example.com", title: "T", encrypted_content: "RU5D", page_age: null },
  ],
};
const CITATION = {
  type: "web_search_result_location",
  url: "https://example.com",
  title: "T",
  encrypted_index: "SU5E",
  cited_text: "cold",
};
const DOCUMENT_CITATION = {
  type: "char_location",
  cited_text: "so",
  document_index: 0,
  document_title: null,
  start_char_index: 0,
  end_char_index: 2,
};
/** Everything that an answer of Anthropic's can hold and another dialect has no words for. */
const RICH = [
  { type: "thinking", thinking: "first thought", signature: "U0lHMQ==" },
  { type: "redacted_thinking", data: "UkVEQUNURUQ=" },
  { type: "text", text: "I look it up. " },
  SEARCH,
  FOUND,
  { type: "thinking", thinking: "second thought", signature: "U0lHMg==" },
  { type: "text", text: "It is cold", citations: [CITATION, DOCUMENT_CITATION] },
  { type: "text", text: " in Oslo." },
  { type: "future_block", value: { deep: [1] } },
  { type: "tool_use", id: "toolu_A", name: "weather", input: { city: "Oslo", days: [1, 2.5] } },
  { type: "tool_use", id: "toolu_B", name: "now", input: {} },
];

const RICH_USAGE = { input_tokens: 9, output_tokens: 8 };

function richPlain(): Exchange {
  return { body: { ...chatReply("anthropic"), content: RICH, stop_reason: "tool_use", usage: RICH_USAGE } };
}

function richStream(): Exchange {
  const events: Record<string, unknown>[] = [chatEvents("anthropic", [])[0] as Record<string, unknown>];
  for (const [index, block] of (RICH as readonly Record<string, unknown>[]).entries()) {
    const delta = (value: object): void => {
      events.push({ type: "content_block_delta", index, delta: value });
    };
    const start = (content: object): void => {
      events.push({ type: "content_block_start", index, content_block: content });
    };
    if (block.type === "thinking") {
      start({ type: "thinking", thinking: "", signature: "" });
      delta({ type: "thinking_delta", thinking: block.thinking });
      delta({ type: "signature_delta", signature: block.signature });
    } else if (block.type === "text") {
      start({ type: "text", text: "", ...(block.citations !== undefined && { citations: [] }) });
      delta({ type: "text_delta", text: block.text });
      for (const citation of (block.citations ?? []) as object[]) delta({ type: "citations_delta", citation });
    } else if (block.type === "tool_use" || block.type === "server_tool_use") {
      start({ ...block, input: {} });
      const input = JSON.stringify(block.input);
      for (const part of input === "{}" ? [""] : [input.slice(0, 4), input.slice(4)]) {
        delta({ type: "input_json_delta", partial_json: part });
      }
    } else start(block);
    events.push({ type: "content_block_stop", index });
  }
  events.push(
    { type: "message_delta", delta: { stop_reason: "tool_use", stop_sequence: null }, usage: { output_tokens: 8 } },
    { type: "message_stop" },
  );
  return { bodyText: sse("anthropic", events) };
}

type Message = Record<string, unknown>;

/** What a careful client makes of a stream: texts grow, lists get longer, tool calls go by their index. */
function foldDeltas(stream: string): Message {
  const message: Message = {};
  for (const line of stream.split("\n")) {
    if (!line.startsWith("data: {")) continue;
    const delta = (JSON.parse(line.slice(6)).choices[0]?.delta ?? {}) as Message;
    for (const [name, value] of Object.entries(delta)) {
      if (name === "tool_calls") message[name] = foldCalls((message[name] ?? []) as Message[], value as Message[]);
      else message[name] = grown(message[name], value);
    }
  }
  return message;
}

function grown(before: unknown, value: unknown): unknown {
  if (before === undefined || before === null) return value;
  if (value === null) return before;
  if (typeof before === "string" && typeof value === "string") return before + value;
  if (Array.isArray(before) && Array.isArray(value)) return [...before, ...value];
  if (typeof before === "object" && typeof value === "object") {
    const merged: Message = { ...before };
    for (const [name, member] of Object.entries(value)) merged[name] = grown(merged[name], member);
    return merged;
  }
  return value;
}

function foldCalls(calls: Message[], pieces: readonly Message[]): Message[] {
  for (const { index, ...piece } of pieces) {
    const at = index as number;
    const call = calls[at];
    if (call === undefined) calls[at] = piece;
    else (call.function as Message).arguments += (piece.function as Message).arguments as string;
  }
  return calls;
}

describe("Anthropic's content through a client of OpenAI's", () => {
  const model = "anthropic/claude-sonnet-4-5";
  const question = { role: "user", content: "How cold is it?" };

  async function firstTurn(stream: boolean): Promise<Message> {
    gateway.answer(stream ? richStream() : richPlain());
    const reply = await gateway.post("/v1/chat/completions", { model, stream, messages: [question] });
    expect(reply.status, reply.text).toBe(200);
    return stream ? foldDeltas(reply.text) : JSON.parse(reply.text).choices[0].message;
  }

  it.each([false, true])("comes back whole in the next turn; streamed: %s", async (stream) => {
    const message = await firstTurn(stream);
    expect(message).toMatchObject({
      role: "assistant",
      content: "I look it up. It is cold in Oslo.",
      reasoning_content: "first thoughtsecond thought",
    });
    gateway.answer({ body: chatReply("anthropic") });
    const results = ["toolu_A", "toolu_B"].map((id) => ({ role: "tool", tool_call_id: id, content: "7" }));
    const next = await gateway.post("/v1/chat/completions", { model, messages: [question, message, ...results] });
    expect(next.status, next.text).toBe(200);
    expect(lastBody().messages[1]).toEqual({ role: "assistant", content: RICH });
  });

  it("does not invent content when the client changed the text", async () => {
    const message = await firstTurn(false);
    gateway.answer({ body: chatReply("anthropic") });
    const edited = { ...message, content: "Edited." };
    const results = ["toolu_A", "toolu_B"].map((id) => ({ role: "tool", tool_call_id: id, content: "7" }));
    await gateway.post("/v1/chat/completions", { model, messages: [question, edited, ...results] });
    const texts = (lastBody().messages[1].content as Message[]).filter(({ type }) => type === "text");
    expect(texts).toEqual([{ type: "text", text: "Edited." }]);
  });

  it("never reaches another vendor", async () => {
    const message = await firstTurn(false);
    gateway.answer({ body: chatReply("openai") });
    const results = ["toolu_A", "toolu_B"].map((id) => ({ role: "tool", tool_call_id: id, content: "7" }));
    const next = await gateway.post("/v1/chat/completions", {
      model: "openai/gpt-4o",
      messages: [question, message, ...results],
    });
    expect(next.status, next.text).toBe(200);
    expect(lastBody().messages[1]).toEqual({
      role: "assistant",
      content: "I look it up. It is cold in Oslo.",
      tool_calls: [
        { id: "toolu_A", type: "function", function: { name: "weather", arguments: '{"city":"Oslo","days":[1,2.5]}' } },
        { id: "toolu_B", type: "function", function: { name: "now", arguments: "{}" } },
      ],
    });
  });

  it("does not send places of texts to a host that knows none", async () => {
    const texts = [
      { type: "text", text: "one " },
      { type: "text", text: "two" },
    ];
    gateway.answer({ body: { ...chatReply("anthropic"), content: texts } });
    const reply = await gateway.post("/v1/chat/completions", { model, messages: [question] });
    const { message } = JSON.parse(reply.text).choices[0];
    gateway.answer({ body: chatReply("openai") });
    const messages = [question, message, question];
    await gateway.post("/v1/chat/completions", { model: "openai/gpt-4o", messages });
    expect(last().body).not.toContain("provider_specific_fields");
    expect(JSON.stringify(lastBody().messages[1].content)).toContain("one ");
    gateway.answer({ body: chatReply("anthropic") });
    await gateway.post("/v1/chat/completions", { model, messages });
    expect(lastBody().messages[1].content).toEqual(texts);
  });

  it("takes breakpoints, error marks and images in results", async () => {
    gateway.answer({ body: chatReply("anthropic") });
    const ephemeral = { type: "ephemeral" };
    const hour = { type: "ephemeral", ttl: "1h" };
    const reply = await gateway.post("/v1/chat/completions", {
      model,
      max_tokens: 20,
      tools: [
        {
          type: "function",
          function: { name: "weather", description: "d", parameters: { type: "object", properties: {} } },
          cache_control: hour,
        },
      ],
      messages: [
        { role: "system", content: [{ type: "text", text: "rules", cache_control: hour }] },
        {
          role: "user",
          content: [
            { type: "text", text: "look", cache_control: ephemeral },
            { type: "image_url", image_url: { url: PIXEL } },
            { type: "image_url", image_url: { url: "https://example.com/a.png" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [
            { id: "call_1", type: "function", function: { name: "weather", arguments: '{"a":1}' } },
            { id: "call_2", type: "function", function: { name: "weather", arguments: "{}" } },
          ],
        },
        {
          role: "tool",
          tool_call_id: "call_1",
          content: [
            { type: "text", text: "a picture" },
            { type: "image_url", image_url: { url: PIXEL } },
          ],
        },
        { role: "tool", tool_call_id: "call_2", content: "it broke", is_error: true, cache_control: ephemeral },
      ],
    });
    expect(reply.status, reply.text).toBe(200);
    const data = PIXEL.split(",")[1];
    const pixel = { type: "image", source: { type: "base64", media_type: "image/png", data } };
    expect(lastBody()).toEqual({
      model: "claude-sonnet-4-5",
      max_tokens: 20,
      system: [{ type: "text", text: "rules", cache_control: hour }],
      tools: [
        {
          name: "weather",
          description: "d",
          input_schema: { type: "object", properties: {} },
          cache_control: hour,
        },
      ],
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "look", cache_control: ephemeral },
            pixel,
            { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "tool_use", id: "call_1", name: "weather", input: { a: 1 } },
            { type: "tool_use", id: "call_2", name: "weather", input: {} },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "call_1", content: [{ type: "text", text: "a picture" }, pixel] },
            {
              type: "tool_result",
              tool_use_id: "call_2",
              content: "it broke",
              is_error: true,
              cache_control: ephemeral,
            },
          ],
        },
      ],
    });
  });

  it("understands schemas, single tool calls and efforts", async () => {
    gateway.answer({ body: chatReply("anthropic", '{"n":1}') });
    const schema = {
      type: "object",
      properties: { n: { type: "integer" } },
      required: ["n"],
      additionalProperties: false,
    };
    const reply = await gateway.post("/v1/chat/completions", {
      model: "anthropic/claude-opus-5",
      messages: [question],
      reasoning_effort: "low",
      parallel_tool_calls: false,
      tools: [{ type: "function", function: { name: "f", parameters: schema } }],
      response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } },
      stop: ["END"],
      user: "u-1",
    });
    expect(reply.status, reply.text).toBe(200);
    expect(lastBody()).toMatchObject({
      model: "claude-opus-5",
      output_config: { effort: "low", format: { type: "json_schema", schema } },
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
      stop_sequences: ["END"],
      metadata: { user_id: "u-1" },
    });
    expect(JSON.parse(reply.text).choices[0].message.content).toBe('{"n":1}');
  });
});

describe("OpenAI's content", () => {
  const logprobs = { content: [{ token: "a", logprob: -0.1, bytes: [97], top_logprobs: [] }], refusal: null };
  const said = chatReply("openai", "", {
    choices: [
      { index: 0, message: { role: "assistant", content: "one", refusal: null }, logprobs, finish_reason: "stop" },
      {
        index: 1,
        message: { role: "assistant", content: "two", refusal: null },
        logprobs: null,
        finish_reason: "length",
      },
    ],
  });

  it("has several choices and log probabilities for its own clients; Anthropic's see the first", async () => {
    gateway.answer({ body: said });
    const asked = { n: 2, logprobs: true, top_logprobs: 1 };
    const own = await gateway.post("/v1/chat/completions", chatBody("openai", "openai/gpt-4o", asked));
    expect(JSON.parse(own.text)).toEqual(said);
    const other = await gateway.post("/v1/messages", chatBody("anthropic", "openai/gpt-4o"));
    expect(JSON.parse(other.text)).toMatchObject({ content: [{ type: "text", text: "one" }], stop_reason: "end_turn" });
  });

  it.each([false, true])("refuses in Anthropic's words; streamed: %s", async (stream) => {
    const refusal = "I can't help with that.";
    const message = { role: "assistant", content: null, refusal };
    const events = chatEvents("openai", [""]);
    (events[1] as { choices: object[] }).choices = [{ index: 0, delta: { refusal }, finish_reason: null }];
    gateway.answer(
      stream
        ? { bodyText: sse("openai", events) }
        : { body: chatReply("openai", "", { choices: [{ index: 0, message, finish_reason: "stop" }] }) },
    );
    const reply = await gateway.post("/v1/messages", chatBody("anthropic", "openai/gpt-4o", { stream }));
    expect(reply.status, reply.text).toBe(200);
    expect(reply.text).toContain('"stop_reason":"refusal"');
    expect(reply.text).toContain(refusal);
  });

  it.each([false, true])("keeps ids of tool calls through a client of Anthropic's; streamed: %s", async (stream) => {
    const call = { id: "call_9a-B_c", type: "function", function: { name: "f", arguments: '{ "x" : 1.0 }' } };
    const events = chatEvents("openai", [""]);
    const delta = { tool_calls: [{ index: 0, ...call }] };
    (events[1] as { choices: object[] }).choices = [{ index: 0, delta, finish_reason: null }];
    const message = { role: "assistant", content: null, tool_calls: [call] };
    gateway.answer(
      stream
        ? { bodyText: sse("openai", events) }
        : { body: chatReply("openai", "", { choices: [{ index: 0, message, finish_reason: "tool_calls" }] }) },
    );
    const first = await gateway.post("/v1/messages", chatBody("anthropic", "openai/gpt-4o", { stream }));
    expect(first.text).toContain('"id":"call_9a-B_c"');
    gateway.answer({ body: chatReply("openai") });
    const tool = { type: "tool_use", id: "call_9a-B_c", name: "f", input: { x: 1 } };
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: PIXEL.split(",")[1] } };
    const result = {
      type: "tool_result",
      tool_use_id: "call_9a-B_c",
      is_error: true,
      content: [{ type: "text", text: "broke" }, image],
    };
    const next = await gateway.post("/v1/messages", {
      model: "openai/gpt-4o",
      max_tokens: 30,
      system: [{ type: "text", text: "rules", cache_control: { type: "ephemeral" } }],
      messages: [
        { role: "user", content: "go" },
        { role: "assistant", content: [tool] },
        { role: "user", content: [result, { type: "text", text: "now?" }] },
      ],
    });
    expect(next.status, next.text).toBe(200);
    const { messages } = lastBody();
    expect(messages.map(({ role }: { role: string }) => role)).toEqual([
      "system",
      "user",
      "assistant",
      "tool",
      "user",
      "user",
    ]);
    expect(messages[2].tool_calls).toEqual([
      { id: "call_9a-B_c", type: "function", function: { name: "f", arguments: '{"x":1}' } },
    ]);
    expect(messages[3]).toEqual({ role: "tool", tool_call_id: "call_9a-B_c", content: "broke" });
    expect(JSON.stringify(messages[4])).toContain(PIXEL);
    expect(messages[5]).toEqual({ role: "user", content: "now?" });
  });

  it("keeps its own hidden reasoning through a client of Anthropic's", async () => {
    const details = [
      { type: "reasoning.encrypted", data: "RU5DUllQVEVE", id: "rs_1", format: "openai-responses-v1", index: 0 },
    ];
    const message = { role: "assistant", content: "done", reasoning_details: details };
    gateway.answer({ body: chatReply("openai", "", { choices: [{ index: 0, message, finish_reason: "stop" }] }) });
    const first = await gateway.post("/v1/messages", chatBody("anthropic", "openai/gpt-4o"));
    const { content } = JSON.parse(first.text);
    expect(content.at(-1)).toEqual({ type: "text", text: "done" });
    // to Anthropic it means nothing
    gateway.answer({ body: chatReply("anthropic") });
    const messages = [
      { role: "user", content: "go" },
      { role: "assistant", content },
      { role: "user", content: "on" },
    ];
    const next = await gateway.post("/v1/messages", { model: "anthropic/claude-sonnet-4-5", max_tokens: 9, messages });
    expect(next.status, next.text).toBe(200);
    expect(last().body).not.toContain("signalbox.");
    expect(lastBody().messages[1]).toEqual({ role: "assistant", content: "done" });
  });
});
