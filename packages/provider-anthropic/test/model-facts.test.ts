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
      promptCacheBreakpoints: 4,
      promptCacheMinTokens: 512,
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

  it.each([
    ["claude-opus-4-8", 1_024],
    ["claude-opus-4-7", 2_048],
    ["claude-opus-4-6", 4_096],
    ["claude-haiku-4-5", 4_096],
    ["claude-sonnet-4-6", 1_024],
    ["claude-3-haiku-20240307", 2_048],
    ["claude-2.1", undefined],
  ])("tell from how many tokens on %s caches", (model, expected) =>
    expect(facts(model).promptCacheMinTokens).toBe(expected),
  );

  it.each(["claude-mythos", "claude-opus-4-9"])("know of %j that it takes breakpoints", (model) =>
    expect(facts(model)).toEqual({ promptCacheBreakpoints: 4 }),
  );

  it.each(["gpt-5", ""])("know nothing about %j", (model) => expect(facts(model)).toEqual({}));
});
