import { describe, expect, it } from "vitest";
import { anthropic } from "../src/index.ts";

const facts = anthropic({ apiKey: "sk-ant-test" }).facts as NonNullable<ReturnType<typeof anthropic>["facts"]>;

describe("facts", () => {
  it("tell what a current model takes", () => {
    expect(facts("claude-opus-5-5")).toEqual({
      maxInputTokens: 1_000_000,
      maxOutputTokens: 128_000,
      supportsVision: true,
      supportsPdfInput: true,
      supportsAudioInput: false,
      supportsFunctionCalling: true,
      supportsPromptCaching: true,
      supportsResponseSchema: true,
      supportsReasoning: true,
      supportsAssistantPrefill: false,
    });
  });

  it.each([
    ["claude-opus-4-5-20251101", { maxInputTokens: 200_000, supportsAssistantPrefill: true, supportsReasoning: true }],
    ["claude-sonnet-4-6", { maxInputTokens: 1_000_000, supportsAssistantPrefill: false }],
    ["anthropic/claude-haiku-4.5", { maxInputTokens: 200_000, maxOutputTokens: 64_000 }],
    ["claude-3-opus-20240229", { maxInputTokens: 200_000, supportsVision: true, supportsReasoning: false }],
    ["claude-2.0", { maxInputTokens: 100_000, supportsVision: false, supportsPdfInput: false }],
  ])("know %s", (model, expected) => expect(facts(model)).toMatchObject(expected));

  it("leave out what depends or is not said", () => {
    expect(facts("claude-sonnet-4-5-20250929")).not.toHaveProperty("maxInputTokens");
    expect(facts("claude-3-5-haiku-latest")).not.toHaveProperty("supportsVision");
    expect(facts("claude-sonnet-4-20250514")).not.toHaveProperty("supportsResponseSchema");
    expect(facts("claude-2.1")).not.toHaveProperty("supportsFunctionCalling");
  });

  it.each(["claude-mythos", "claude-opus-4-9", "gpt-5", ""])("know nothing about %j", (model) =>
    expect(facts(model)).toEqual({}),
  );
});
