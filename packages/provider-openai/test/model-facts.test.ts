import { describe, expect, it } from "vitest";
import { openai } from "../src/index.ts";

const facts = openai({ apiKey: "sk-test" }).facts as NonNullable<ReturnType<typeof openai>["facts"]>;

describe("facts", () => {
  it("tell what a current model takes", () => {
    expect(facts("gpt-5")).toEqual({
      maxInputTokens: 400_000,
      maxOutputTokens: 128_000,
      supportsVision: true,
      supportsPdfInput: true,
      supportsAudioInput: false,
      supportsFunctionCalling: true,
      supportsResponseSchema: true,
      supportsPromptCaching: true,
      supportsReasoning: true,
    });
  });

  it.each([
    ["gpt-5-mini-2025-08-07", { maxInputTokens: 400_000, supportsReasoning: true }],
    ["gpt-5.4", { maxInputTokens: 1_050_000 }],
    ["gpt-5.4-mini", { maxInputTokens: 400_000 }],
    ["gpt-5.1-chat-latest", { maxInputTokens: 128_000 }],
    ["gpt-6-astra", { maxInputTokens: 1_050_000, supportsReasoning: true }],
    ["gpt-4.1-nano", { maxInputTokens: 1_047_576, supportsVision: true, supportsReasoning: false }],
    ["gpt-4o", { maxInputTokens: 128_000, supportsVision: true, supportsAudioInput: false }],
    ["gpt-4o-2024-05-13", { maxOutputTokens: 4_096, supportsResponseSchema: false }],
    ["gpt-4o-audio-preview", { supportsAudioInput: true, supportsVision: false }],
    ["gpt-4-turbo", { supportsVision: true, supportsResponseSchema: false }],
    ["gpt-4", { maxInputTokens: 8_192, supportsVision: false, supportsFunctionCalling: true }],
    ["gpt-3.5-turbo", { maxInputTokens: 16_385, supportsVision: false, supportsReasoning: false }],
    ["ft:gpt-3.5-turbo-0125:acme::abc", { maxInputTokens: 16_385 }],
    ["o1", { maxInputTokens: 200_000, supportsVision: true }],
    ["o1-mini", { supportsVision: false, supportsFunctionCalling: false, supportsReasoning: true }],
    ["o3-mini", { supportsVision: false, supportsFunctionCalling: true }],
    ["text-embedding-3-small", { maxInputTokens: 8_192 }],
  ])("know %s", (model, expected) => expect(facts(model)).toMatchObject(expected));

  it.each(["*", "gpt-7", "gpt-oss-120b", "llama-3", "gpt-realtime", ""])("know nothing about %j", (model) =>
    expect(facts(model)).toEqual({}),
  );

  it("of other kinds of models say nothing but whether they reason", () => {
    expect(facts("gpt-4o-transcribe")).toEqual({ supportsReasoning: false });
    expect(facts("o3-deep-research")).toEqual({ supportsReasoning: true });
  });
});
