import { describe, expect, it } from "vitest";
import { modelCapabilities, modelFamily } from "../src/capabilities.ts";

describe("modelFamily", () => {
  it.each([
    ["claude-opus-4-1-20250805", "opus-4-1"],
    ["claude-opus-4-1@20250805", "opus-4-1"],
    ["us.anthropic.claude-opus-4-1-20250805-v1:0", "opus-4-1"],
    ["anthropic/claude-sonnet-4.6", "sonnet-4-6"],
    ["claude-3-5-sonnet-latest", "3-5-sonnet"],
    ["claude-sonnet-4-20250514", "sonnet-4"],
    ["gpt-5", undefined],
  ])("%s is of the family %s", (model, family) => expect(modelFamily(model)).toBe(family));
});

describe("modelCapabilities", () => {
  it.each([
    ["claude-sonnet-5-5", { sampling: "refused", forcedToolChoice: false, thinking: ["adaptive", "between_tools"] }],
    ["claude-opus-5-5", { forcedToolChoice: false, thinking: ["adaptive"] }],
    ["claude-haiku-5-5", { forcedToolChoice: true, thinking: ["adaptive", "disabled"] }],
    ["claude-opus-5", { thinking: ["adaptive", "enabled", "disabled"], effortCaps: { disabled: "high" } }],
    ["claude-fable-5-1", { forcedToolChoice: false }],
    ["claude-fable-5", { forcedToolChoice: true, thinking: ["adaptive"] }],
    ["claude-opus-4-8", { systemMessages: true, sampling: "refused" }],
    ["claude-opus-4-7", { systemMessages: false, thinking: ["adaptive", "disabled"] }],
    ["claude-sonnet-4-6", { sampling: "exclusive", efforts: ["low", "medium", "high", "max"] }],
    ["claude-opus-4-5-20251101", { maxOutputTokens: 64_000, efforts: ["low", "medium", "high"] }],
    ["claude-haiku-4-5-20251001", { efforts: [], structuredOutput: true }],
    ["claude-opus-4-1-20250805", { maxOutputTokens: 32_000, structuredOutput: true, sampling: "exclusive" }],
    ["claude-sonnet-4-20250514", { structuredOutput: false, sampling: "accepted" }],
    ["claude-3-5-haiku-latest", { maxOutputTokens: 8_192, thinking: [] }],
    ["claude-opus-4-6-fast", { sampling: "exclusive" }],
    ["claude-opus-4-9", { maxOutputTokens: 128_000, sampling: "refused" }],
    ["claude-mythos", { maxOutputTokens: 128_000, sampling: "refused", systemMessages: true }],
  ])("knows %s", (model, expected) => expect(modelCapabilities(model)).toMatchObject(expected));
});
