import { describe, expect, it } from "vitest";
import type { Call, OperationName, Part, RequestOf } from "@signalbox/kernel";
import { estimatedTokens } from "@signalbox/kernel";
import { testCall } from "@signalbox/kernel/testkit";

function estimate<Name extends OperationName>(operation: Name, request: RequestOf<Name>) {
  return estimatedTokens(testCall({ operation, request }) as unknown as Call);
}

const text = (length: number): Part => ({ type: "text", text: "x".repeat(length) });
const chat = (...content: readonly Part[]) => ({ model: "m", messages: [{ role: "user" as const, content }] });

describe("estimatedTokens", () => {
  it("takes four characters for a token, and four tokens for a message", () => {
    expect(estimate("chat", chat(text(400), text(40)))).toEqual({ input: 114, output: 500 });
    expect(estimate("chat", { ...chat(text(40)), maxOutputTokens: 70, choiceCount: 3 })).toEqual({
      input: 14,
      output: 210,
    });
  });

  it("counts every kind of part", () => {
    const tokens = (part: Part): number => estimate("chat", chat(part)).input - 4;
    expect(tokens({ type: "image", source: { type: "url", url: "https://example.com/a.png" } })).toBe(800);
    expect(tokens({ type: "audio", source: { type: "data", mediaType: "audio/wav", data: "A".repeat(6_400) } })).toBe(
      100,
    );
    expect(
      tokens({ type: "document", source: { type: "data", mediaType: "application/pdf", data: "A".repeat(6_400) } }),
    ).toBe(100);
    expect(tokens({ type: "document", source: { type: "text", text: "x".repeat(40) } })).toBe(10);
    expect(tokens({ type: "document", source: { type: "file", fileId: "f" } })).toBe(0);
    expect(tokens({ type: "reasoning", text: "x".repeat(40), encrypted: "A".repeat(640) })).toBe(20);
    expect(tokens({ type: "refusal", text: "x".repeat(40) })).toBe(10);
    expect(tokens({ type: "toolCall", id: "1", name: "find", arguments: "x".repeat(40) })).toBe(11);
    expect(tokens({ type: "toolResult", toolCallId: "1", content: [text(40)] })).toBe(10);
    expect(tokens({ type: "opaque", origin: "vendor", value: { some: "x".repeat(387) } })).toBe(100);
  });

  it("counts tools and schemas as about their JSON, and bounds what it looks at", () => {
    const schema = {
      type: "object",
      properties: { city: { type: "string", description: "Where it is" } },
      required: ["city"],
    };
    const tool = { type: "function" as const, name: "weather", description: "How the weather is", parameters: schema };
    const tokens = estimate("chat", { ...chat(), tools: [tool] }).input - 4;
    const length = JSON.stringify(tool).length / 4;
    expect(tokens).toBeGreaterThan(length * 0.8);
    expect(tokens).toBeLessThan(length * 1.3);
    const format = { type: "jsonSchema" as const, name: "answer", schema };
    expect(estimate("chat", { ...chat(), responseFormat: format }).input).toBeGreaterThan(20);
    const huge = { ...tool, parameters: { enum: Array.from({ length: 1_000_000 }, () => "x") } };
    const startedAt = performance.now();
    expect(estimate("chat", { ...chat(), tools: [huge] }).input).toBeLessThan(10_000);
    expect(performance.now() - startedAt).toBeLessThan(500);
  });

  it("knows the other operations", () => {
    expect(estimate("embed", { model: "m", inputs: ["x".repeat(40), [1, 2, 3]] })).toEqual({ input: 13, output: 0 });
    expect(estimate("complete", { model: "m", prompts: ["x".repeat(40), [1, 2]], maxOutputTokens: 5 })).toEqual({
      input: 12,
      output: 10,
    });
    expect(estimate("moderate", { model: "m", inputs: [[text(40)]] })).toEqual({ input: 10, output: 0 });
    expect(estimate("countTokens", { model: "m", chat: chat(text(40)) })).toEqual({ input: 14, output: 0 });
    // a query is read with each document; what is no token of a text counts as its JSON
    expect(
      estimate("rerank", { model: "m", query: "x".repeat(40), documents: ["x".repeat(37), "x".repeat(37)] }),
    ).toEqual({ input: 40, output: 0 });
    expect(estimate("speak", { model: "m", text: "x".repeat(40), voice: "a" })).toEqual({ input: 10, output: 0 });
    expect(estimate("generateImage", { model: "m", prompt: "x".repeat(40) })).toEqual({ input: 10, output: 0 });
    const audio = { fileName: "a.wav", mediaType: "audio/wav", data: Buffer.alloc(10) };
    expect(estimate("transcribe", { model: "m", audio })).toEqual({ input: 0, output: 0 });
  });
});
