import { afterEach, describe, expect, it } from "vitest";
import type { Attempt, CallRoute, Decoded } from "@signalbox/kernel";
import { collectReply, Secret } from "@signalbox/kernel";
import { createTransport, parseJsonBody } from "@signalbox/kernel/http";
import type { ReplayServer } from "@signalbox/kernel/testkit";
import { replayServer, testAttempt } from "@signalbox/kernel/testkit";
import { anthropic, anthropicDialects } from "@signalbox/provider-anthropic";
import { replyOf } from "./support/fixtures.ts";

const transport = createTransport();
let server: ReplayServer | undefined;
afterEach(() => server?.close());

interface Sent {
  // biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes, read by a test
  readonly body: any;
  readonly lane: string;
  readonly notes: readonly string[];
}

/** What the request of a client of Anthropic's becomes on its way to Anthropic. */
async function sent(request: object): Promise<Sent> {
  const route = anthropicDialects()[0]?.routes[0] as CallRoute<"chat">;
  const decoded = route.decode({
    method: "POST",
    path: "/",
    query: new URLSearchParams(),
    params: {},
    headers: {},
    body: parseJsonBody(Buffer.from(JSON.stringify(request))),
  });
  return await send(decoded as Decoded<"chat">);
}

async function send({ request, native }: Partial<Decoded<"chat">> & Pick<Attempt<"chat">, "request">): Promise<Sent> {
  server = await replayServer(replyOf("plain"));
  const attempt: Attempt<"chat"> = testAttempt({
    operation: "chat",
    request,
    native,
    transport,
    deployment: {
      provider: "anthropic",
      upstreamModel: request.model,
      baseUrl: server.url,
      apiKey: new Secret("sk-test-key-123456"),
    },
  });
  const chat = anthropic().operations.chat;
  if (chat === undefined) throw new Error("no chat");
  await collectReply(chat(attempt));
  await server.close();
  return {
    body: JSON.parse(server.sent[0]?.body ?? ""),
    lane: attempt.record.lane,
    notes: (attempt.trace.notes ?? []).map(({ text }) => text),
  };
}

const TOOLS = [{ name: "weather", input_schema: { type: "object", properties: {} } }];
const THOUGHT = { type: "thinking", thinking: "Look it up.", signature: "c2lnbmVk" };
const HIDDEN = { type: "redacted_thinking", data: "aGlkZGVu" };
const UNSIGNED = { type: "thinking", thinking: "Look it", signature: "" };
const CALL = { type: "tool_use", id: "toolu_1", name: "weather", input: {} };
const SECOND = { type: "tool_use", id: "call_2", name: "weather", input: {} };
const USER = { role: "user", content: "How cold is it?" };
const assistant = (...content: object[]): object => ({ role: "assistant", content });
const result = (id: string, ...more: object[]): object => ({
  role: "user",
  content: [{ type: "tool_result", tool_use_id: id, content: "-7" }, ...more],
});

function request(messages: readonly object[], thinking: object | undefined, model: string): object {
  return { model, max_tokens: 4_000, tools: TOOLS, ...(thinking !== undefined && { thinking }), messages };
}

const ENABLED = { type: "enabled", budget_tokens: 2_000 };
const ADAPTIVE = { type: "adaptive" };

describe("thinking that goes back to Claude", () => {
  it.each([
    ["with its signature", THOUGHT],
    ["hidden", HIDDEN],
  ])("%s: as it is, in the client's bytes", async (_what, block) => {
    const body = request([USER, assistant(block, CALL), result("toolu_1")], ENABLED, "claude-sonnet-4-5");
    const { body: upstream, lane, notes } = await sent(body);
    expect(upstream).toEqual(body);
    expect(lane).toBe("native");
    expect(notes).toEqual([]);
  });

  it.each(["claude-sonnet-4-5", "claude-opus-5", "eu.anthropic.claude-opus-4-6-v1"])(
    "that was broken off before its signature is left out (%s)",
    async (model) => {
      const turns = [
        USER,
        assistant(UNSIGNED, { type: "text", text: "It is cold." }),
        { role: "user", content: "And now?" },
      ];
      const { body, lane, notes } = await sent(request(turns, undefined, model));
      expect(body.messages).toEqual([USER, { role: "assistant", content: "It is cold." }, turns[2]]);
      expect(lane).toBe("translated");
      expect(notes).toEqual(["reasoning without a signature in an earlier answer was left out"]);
    },
  );

  it("of a model of another vendor that signs nothing goes back as it is", async () => {
    const body = request([USER, assistant(UNSIGNED, CALL), result("toolu_1")], ENABLED, "qwen3");
    const { body: upstream, lane } = await sent(body);
    expect(upstream).toEqual(body);
    expect(lane).toBe("native");
  });
});

describe("a turn whose tools were called without thinking", () => {
  const FOREIGN = {
    type: "thinking",
    thinking: "Foreign.",
    signature: `signalbox.${Buffer.from('{"origin":"openai"}').toString("base64url")}`,
  };
  const NOTE = "thinking was left out: the tool calls that this request answers were made without it";

  it.each([
    ["bare", [USER, assistant(SECOND), result("call_2")]],
    ["after a text", [USER, assistant({ type: "text", text: "Wait." }, SECOND), result("call_2")]],
    ["with another vendor's reasoning", [USER, assistant(FOREIGN, SECOND), result("call_2")]],
    ["with reasoning that was broken off", [USER, assistant(UNSIGNED, SECOND), result("call_2")]],
    ["and the user adds something", [USER, assistant(SECOND), result("call_2", { type: "text", text: "Hurry." })]],
    ["then with", [USER, assistant(SECOND), result("call_2"), assistant(THOUGHT, CALL), result("toolu_1")]],
  ])("goes on without: %s", async (_what, turns) => {
    const { body, lane, notes } = await sent(request(turns, ENABLED, "claude-sonnet-4-5"));
    expect(body.thinking).toBeUndefined();
    expect(JSON.stringify(body.messages)).not.toMatch(/thinking|signature/);
    expect(body.messages.filter((message: { role: string }) => message.role === "user")).toHaveLength(
      turns.filter((turn) => (turn as { role: string }).role === "user").length,
    );
    expect(lane).toBe("translated");
    expect(notes).toContain(NOTE);
  });

  it("also for clients of other dialects, which send no thinking back", async () => {
    const { body, notes } = await send({
      request: {
        model: "claude-sonnet-4-5",
        maxOutputTokens: 4_000,
        reasoning: { effort: "medium" },
        tools: [{ type: "function", name: "weather" }],
        messages: [
          { role: "user", content: [{ type: "text", text: "How cold is it?" }] },
          { role: "assistant", content: [{ type: "toolCall", id: "call_2", name: "weather", arguments: "{}" }] },
          { role: "tool", content: [{ type: "toolResult", toolCallId: "call_2", content: [] }] },
        ],
      },
    });
    expect(body.thinking).toBeUndefined();
    expect(notes).toContain(NOTE);
  });

  it.each([
    [
      "it began with thinking",
      [USER, assistant(THOUGHT, CALL), result("toolu_1"), assistant(SECOND), result("call_2")],
    ],
    ["it is over", [USER, assistant(SECOND), result("call_2"), assistant({ type: "text", text: "Cold." }), USER]],
    ["no tool was called", [USER, assistant({ type: "text", text: "Cold." }), USER]],
    ["nothing was said before", [USER]],
  ])("does not matter when %s", async (_what, turns) => {
    const body = request(turns, ENABLED, "claude-sonnet-4-5");
    const { body: upstream, lane } = await sent(body);
    expect(upstream).toEqual(body);
    expect(lane).toBe("native");
  });

  it("does not matter to models that think as they see fit, nor to those of other vendors", async () => {
    const turns = [USER, assistant(SECOND), result("call_2")];
    for (const [thinking, model] of [
      [ADAPTIVE, "claude-opus-4-6"],
      [ADAPTIVE, "claude-opus-5"],
      [ENABLED, "qwen3"],
    ] as const) {
      const body = request(turns, thinking, model);
      const { body: upstream, lane } = await sent(body);
      expect(upstream).toEqual(body);
      expect(lane).toBe("native");
    }
  });

  it("keeps thinking out of nothing where none was asked for", async () => {
    const turns = [USER, assistant({ type: "text", text: "Wait." }, THOUGHT, CALL), result("toolu_1")];
    const { body, lane } = await sent(request(turns, undefined, "claude-sonnet-4-5"));
    expect(body.messages).toEqual(turns);
    expect(lane).toBe("native");
  });
});
