import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatResult, Part } from "@signalbox/kernel";
import { ChatFold, resultEvents } from "@signalbox/kernel";

const text = fc.string({ minLength: 1 });
const part: fc.Arbitrary<Part> = fc.oneof(
  text.map((value): Part => ({ type: "text", text: value })),
  fc.record({ text, signature: text }).map((row): Part => ({ type: "reasoning", origin: "anthropic", ...row })),
  text.map((encrypted): Part => ({ type: "reasoning", text: "", encrypted, origin: "anthropic" })),
  text.map((value): Part => ({ type: "refusal", text: value })),
  fc
    .record({ id: text, name: text, arguments: text })
    .map((row): Part => ({ type: "toolCall", kind: "function", ...row })),
  text.map(
    (url): Part => ({ type: "text", text: "see", citations: [{ type: "url", url, startIndex: 0, endIndex: 3 }] }),
  ),
  text.map((query): Part => ({ type: "serverTool", phase: "call", origin: "anthropic", value: { query } })),
);
const result: fc.Arbitrary<ChatResult> = fc
  .record({ id: text, model: text, choices: fc.array(fc.array(part), { minLength: 1, maxLength: 3 }) })
  .map(({ id, model, choices }) => ({
    id,
    model,
    createdAt: 1,
    choices: choices.map((content, index) => ({ index, content, finishReason: "stop" as const })),
    usage: { inputTokens: 1, outputTokens: 2 },
  }));

describe("folding events", () => {
  it("gives back the result whose events they are", () => {
    fc.assert(
      fc.property(result, (expected) => {
        const fold = new ChatFold();
        for (const event of resultEvents(expected)) fold.push(event);
        expect(fold.result()).toEqual(expected);
        expect(fold.complete).toBe(true);
      }),
    );
  });

  it("keeps choices and parts that arrive interleaved in their places", () => {
    const fold = new ChatFold();
    fold.push({ type: "replyStart", id: "r", model: "m", createdAt: 1 });
    fold.push({ type: "partStart", choice: 1, index: 0, part: { type: "text", text: "" } });
    fold.push({ type: "partStart", choice: 0, index: 0, part: { type: "text", text: "" } });
    fold.push({ type: "partDelta", choice: 1, index: 0, delta: { type: "text", text: "b" } });
    fold.push({ type: "partDelta", choice: 0, index: 0, delta: { type: "text", text: "a" } });
    fold.push({ type: "choiceEnd", choice: 0, finishReason: "length" });
    expect(fold.complete).toBe(false);
    fold.push({ type: "choiceEnd", choice: 1, finishReason: "stop", stopSequence: "END" });
    expect(fold.result().choices).toEqual([
      { index: 0, content: [{ type: "text", text: "a" }], finishReason: "length" },
      { index: 1, content: [{ type: "text", text: "b" }], finishReason: "stop", stopSequence: "END" },
    ]);
  });

  it("calls a choice that never ended broken", () => {
    const fold = new ChatFold();
    fold.push({ type: "partStart", choice: 0, index: 0, part: { type: "text", text: "half" } });
    expect(fold.complete).toBe(false);
    expect(fold.result().choices[0]?.finishReason).toBe("error");
  });

  it("joins the log probabilities of all deltas", () => {
    const fold = new ChatFold();
    fold.push({ type: "partStart", choice: 0, index: 0, part: { type: "text", text: "" } });
    for (const token of ["a", "b"]) {
      const delta = { type: "text", text: token } as const;
      fold.push({ type: "partDelta", choice: 0, index: 0, delta, logprobs: { content: [{ token }] } });
    }
    fold.push({ type: "choiceEnd", choice: 0, finishReason: "stop" });
    expect(fold.result().choices[0]?.logprobs).toEqual({ content: [{ token: "a" }, { token: "b" }] });
  });
});

describe("numbers that are no index", () => {
  it.each([1e9, 4_294_967_296, -1, 0.5, Number.NaN])("%d is refused before room is made for it", (index) => {
    const part = { type: "text", text: "" } as const;
    expect(() => new ChatFold().push({ type: "partStart", choice: index, index: 0, part })).toThrow("no index");
    expect(() => new ChatFold().push({ type: "partStart", choice: 0, index, part })).toThrow("no index");
    expect(() => new ChatFold().push({ type: "choiceEnd", choice: index, finishReason: "stop" })).toThrow("no index");
  });
});
