import { afterEach, describe, expect, it } from "vitest";
import type { CanonicalChatEvent } from "@signalbox/kernel";
import type { Script, StreamBench } from "./broken-streams.ts";
import { answerEvents, cut, RESET, saidIn, stream, streamBench, userMessage } from "./broken-streams.ts";
import { checkWhole, goesOn, PIECES, pieces, TEXT, WHOLE_A } from "./fox-answer.ts";

let bench: StreamBench | undefined;
afterEach(() => bench?.gateway.close());

async function open(scripts: Readonly<Record<string, Script>>, options = {}): Promise<StreamBench> {
  bench = await streamBench(scripts, options);
  return bench;
}

describe("what is not put together", () => {
  const CALL = answerEvents({ text: ["Let me look. "] }).slice(0, 4);
  const withCall: readonly CanonicalChatEvent[] = [
    ...CALL,
    { type: "partStart", choice: 0, index: 1, part: { type: "toolCall", id: "t1", name: "weather", arguments: "" } },
    { type: "partDelta", choice: 0, index: 1, delta: { type: "arguments", text: '{"city":' } },
    { type: "partDelta", choice: 0, index: 1, delta: { type: "arguments", text: '"Oslo"}' } },
    { type: "partEnd", choice: 0, index: 1 },
    { type: "choiceEnd", choice: 0, finishReason: "toolCalls" },
    { type: "usageUpdate", usage: { inputTokens: 1, outputTokens: 1 } },
  ];
  const begins = CALL.length + 1;

  it.each([begins, begins + 1, begins + 2, begins + 3])(
    "a tool call, whether open or ended (broken after event %d)",
    async (count) => {
      const { ask, attempts } = await open({ a: () => cut(withCall, count), b: goesOn(0) });
      const heard = await ask();
      expect(heard.error).toBe(RESET);
      expect(attempts).toHaveLength(1);
      expect(heard.events).toEqual(withCall.slice(0, count));
      expect(heard.notes).toEqual(["stream not continued after provider_error: a part of type toolCall had begun"]);
    },
  );

  it("but a text before a tool call is", async () => {
    const { ask, attempts } = await open({
      a: () => cut(withCall, 3),
      b: () =>
        stream(
          withCall
            .filter((event) => !("index" in event) || event.index === 1)
            .map((event) => ("index" in event ? { ...event, index: 0 } : event)),
        ),
    });
    const heard = await ask();
    checkWhole(heard);
    expect(attempts).toHaveLength(2);
    expect(heard.result?.choices[0]?.content).toEqual([
      { type: "text", text: "Let me look. " },
      { type: "toolCall", id: "t1", name: "weather", arguments: '{"city":"Oslo"}' },
    ]);
    expect(heard.result?.choices[0]?.finishReason).toBe("toolCalls");
  });

  it.each([
    ["refusal", { type: "refusal", text: "" }],
    ["audio", { type: "audio", source: { type: "data", mediaType: "audio/wav", data: "" } }],
    ["serverTool", { type: "serverTool", phase: "call", origin: "anthropic", value: {} }],
    ["opaque", { type: "opaque", origin: "anthropic", value: {} }],
    ["image", { type: "image", source: { type: "url", url: "https://example.com/a.png" } }],
  ] as const)("a part of type %s", async (type, part) => {
    const { ask, attempts } = await open({
      a: () => cut([...WHOLE_A.slice(0, 1), { type: "partStart", choice: 0, index: 0, part }], 2),
      b: goesOn(0),
    });
    const heard = await ask();
    expect(heard.error).toBe(RESET);
    expect(attempts).toHaveLength(1);
    expect(heard.notes.at(-1)).toContain(`a part of type ${type} had begun`);
  });

  it.each([
    ["several choices", { choiceCount: 2 }],
    ["log probabilities", { logprobs: true }],
    ["top log probabilities", { topLogprobs: 2 }],
    ["JSON", { responseFormat: { type: "json" } }],
    ["JSON by a schema", { responseFormat: { type: "jsonSchema", name: "n", schema: {} } }],
    ["sound", { audio: { voice: "v", format: "wav" } }],
    ["sound, by modalities", { modalities: ["text", "audio"] }],
    ["no stream", { stream: false }],
  ] as const)("a reply with %s", async (_what, request) => {
    const { ask, attempts } = await open({ a: () => cut(WHOLE_A, 5), b: goesOn(0) });
    const heard = await ask(request);
    expect(heard.error).toBe(RESET);
    expect(attempts).toHaveLength(1);
  });

  it.each([
    { choiceCount: 1 },
    { logprobs: false },
    { responseFormat: { type: "text" } },
    { modalities: ["text"] },
  ] as const)("unlike one with %j", async (request) => {
    const { ask } = await open({ a: () => cut(WHOLE_A, 5), b: goesOn(0) });
    expect((await ask(request)).text).toBe(TEXT);
  });

  it("other operations", async () => {
    const { gateway } = await open({ a: () => stream(WHOLE_A) });
    const reply = gateway.open({ operation: "embed", request: { model: "m", input: ["a"] } as never }).reply;
    await expect(reply.next()).rejects.toMatchObject({ code: "unsupported_operation" });
  });
});

describe("reasoning", () => {
  const THOUGHT = { id: "a", reasoning: "Think first.", signature: "sig-a", text: PIECES };
  const events = answerEvents(THOUGHT);
  const other =
    (reasoning?: string): Script =>
    (attempt) =>
      stream(
        answerEvents({
          id: "b",
          ...(reasoning !== undefined && { reasoning, signature: "sig-b" }),
          text: pieces(TEXT.slice((saidIn(attempt) ?? "").length), 9),
        }),
      );

  it.each([2, 3, 4, 5])("alone (event %d): the request is asked again, and its answer follows", async (count) => {
    const messages = [userMessage("Tell me.")];
    for (const reasoning of [undefined, "Think again."]) {
      const { ask, attempts } = await open({ a: () => cut(events, count), b: other(reasoning) });
      const heard = await ask({ messages });
      checkWhole(heard);
      expect(attempts[1]?.request.messages).toBe(messages);
      const first = {
        type: "reasoning",
        origin: "vendor",
        text: count >= 3 ? "Think first." : "",
        ...(count >= 4 && { signature: "sig-a" }),
      };
      expect(heard.result?.choices[0]?.content).toEqual([
        first,
        ...(reasoning === undefined
          ? []
          : [{ type: "reasoning", origin: "vendor", text: reasoning, signature: "sig-b" }]),
        { type: "text", text: TEXT },
      ]);
      await bench?.gateway.close();
    }
  });

  it("of the first stays with it; that of the continuation comes after the text", async () => {
    const { ask, attempts } = await open({ a: () => cut(events, 9), b: other("Think again.") });
    const heard = await ask();
    checkWhole(heard);
    expect(JSON.stringify(attempts[1]?.request)).not.toContain("Think first");
    expect(JSON.stringify(attempts[1]?.request)).not.toContain("sig-a");
    expect(heard.result?.choices[0]?.content).toEqual([
      { type: "reasoning", origin: "vendor", text: "Think first.", signature: "sig-a" },
      { type: "text", text: TEXT },
      { type: "reasoning", origin: "vendor", text: "Think again.", signature: "sig-b" },
    ]);
  });
});

describe("citations", () => {
  const cite = (index: number, startIndex: number, endIndex: number): CanonicalChatEvent => ({
    type: "partDelta",
    choice: 0,
    index,
    delta: { type: "citation", citation: { type: "url", url: "https://example.com", startIndex, endIndex } },
  });

  it.each([0, 16])("of a continuation that repeats %d characters point to the right place", async (repeats) => {
    const rest = TEXT.slice(21 - repeats);
    const at = rest.indexOf("lazy dog");
    const b = answerEvents({ id: "b", text: [rest] });
    const { ask } = await open({
      a: () => cut(WHOLE_A, 5),
      b: () => stream([...b.slice(0, 3), cite(0, at, at + 8), ...b.slice(3)]),
    });
    const heard = await ask();
    checkWhole(heard);
    const [part] = heard.result?.choices[0]?.content ?? [];
    const citation = part?.type === "text" ? part.citations?.[0] : undefined;
    expect(heard.text.slice(citation?.startIndex, citation?.endIndex)).toBe("lazy dog");
  });

  it("and what else a part brings with its beginning is kept", async () => {
    const b: readonly CanonicalChatEvent[] = [
      { type: "replyStart", id: "b", model: "b", createdAt: 1 },
      {
        type: "partStart",
        choice: 0,
        index: 0,
        part: {
          type: "text",
          text: " rest",
          citations: [{ type: "url", url: "u", startIndex: 1, endIndex: 5 }],
          extra: { vendor: { mark: 1 } },
        },
      },
      { type: "partEnd", choice: 0, index: 0 },
      { type: "choiceEnd", choice: 0, finishReason: "stop" },
    ];
    const { ask } = await open({ a: () => cut(WHOLE_A, 4), b: () => stream(b) });
    const heard = await ask();
    expect(heard.result?.choices[0]?.content).toEqual([
      {
        type: "text",
        text: `${TEXT.slice(0, 14)} rest`,
        citations: [{ type: "url", url: "u", startIndex: 15, endIndex: 19 }],
        extra: { vendor: { mark: 1 } },
      },
    ]);
  });
});

describe("several texts", () => {
  const two: readonly CanonicalChatEvent[] = [
    { type: "replyStart", id: "a", model: "a", createdAt: 1 },
    { type: "partStart", choice: 0, index: 0, part: { type: "text", text: "First. " } },
    { type: "partEnd", choice: 0, index: 0 },
    { type: "partStart", choice: 0, index: 1, part: { type: "text", text: "Second " } },
    { type: "partDelta", choice: 0, index: 1, delta: { type: "text", text: "goes " } },
  ];

  it("keep their numbers; the open one goes on, later ones follow", async () => {
    const { ask, attempts } = await open({
      a: () => cut(two, 5),
      b: () =>
        stream([
          { type: "replyStart", id: "b", model: "b", createdAt: 1 },
          { type: "partStart", choice: 0, index: 0, part: { type: "text", text: "on." } },
          { type: "partEnd", choice: 0, index: 0 },
          { type: "partStart", choice: 0, index: 1, part: { type: "text", text: "Third." } },
          { type: "partEnd", choice: 0, index: 1 },
          { type: "choiceEnd", choice: 0, finishReason: "stop" },
        ]),
    });
    const heard = await ask();
    checkWhole(heard);
    expect(heard.result?.choices[0]?.content.map((part) => (part as { text: string }).text)).toEqual([
      "First. ",
      "Second goes on.",
      "Third.",
    ]);
    expect(attempts[1]?.request.messages.at(-2)?.content).toEqual([
      { type: "text", text: "First. " },
      { type: "text", text: "Second goes " },
    ]);
  });

  it("broken between two: the next is a part of its own", async () => {
    const { ask } = await open({
      a: () => cut(two, 3),
      b: () => stream(answerEvents({ text: ["First. ", "Second."] })),
    });
    const heard = await ask();
    checkWhole(heard);
    expect(heard.result?.choices[0]?.content.map((part) => (part as { text: string }).text)).toEqual([
      "First. ",
      "Second.",
    ]);
  });
});
