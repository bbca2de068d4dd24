import type { ModelFacts } from "@signalbox/kernel";
import { matches, OPENAI_MODELS } from "./capabilities.ts";

interface FactsRow {
  /** As in capability tables; the first row that matches holds. */
  readonly match: readonly string[];
  readonly facts: ModelFacts;
}

const SEES: ModelFacts = { supportsVision: true, supportsPdfInput: true, supportsAudioInput: false };
const BLIND: ModelFacts = { supportsVision: false, supportsPdfInput: false, supportsAudioInput: false };
const ABLE: ModelFacts = { supportsFunctionCalling: true, supportsResponseSchema: true, supportsPromptCaching: true };
const EARLY: ModelFacts = {
  supportsFunctionCalling: true,
  supportsResponseSchema: false,
  supportsPromptCaching: false,
};
const UNABLE: ModelFacts = { supportsFunctionCalling: false, supportsResponseSchema: false };

function size(maxInputTokens: number, maxOutputTokens: number): ModelFacts {
  return { maxInputTokens, maxOutputTokens };
}

/**
 * The context window stands for the most input, where no smaller number is documented. Models that are not chat models
 * have no facts. Source: the model pages of https://developers.openai.com/api/docs/models.
 */
const ROWS: readonly FactsRow[] = [
  { match: ["*-realtime*", "*-transcribe*", "*-tts*", "*deep-research*", "*-search-*"], facts: {} },
  { match: ["gpt-5*-chat*"], facts: { ...size(128_000, 16_384), ...SEES } },
  { match: ["gpt-5-pro*"], facts: { ...size(400_000, 272_000), ...SEES, ...ABLE } },
  { match: ["gpt-5.4-mini*", "gpt-5.4-nano*"], facts: { ...size(400_000, 128_000), ...SEES, ...ABLE } },
  {
    match: ["gpt-5.4*", "gpt-5.5*", "gpt-5.6*", "gpt-6-astra*", "gpt-6.1-sol*", "gpt-6.2-astra*", "gpt-6.2-sol*"],
    facts: { ...size(1_050_000, 128_000), ...SEES, ...ABLE },
  },
  {
    match: ["gpt-5", "gpt-5-*", "gpt-5.1*", "gpt-5.2*", "gpt-5.3*"],
    facts: { ...size(400_000, 128_000), ...SEES, ...ABLE },
  },
  { match: ["gpt-4.1*"], facts: { ...size(1_047_576, 32_768), ...SEES, ...ABLE } },
  {
    match: ["gpt-4o*-audio*", "gpt-audio*"],
    facts: { supportsVision: false, supportsAudioInput: true, supportsFunctionCalling: true },
  },
  {
    match: ["gpt-4o-2024-05-13"],
    facts: { ...size(128_000, 4_096), ...SEES, supportsFunctionCalling: true, supportsResponseSchema: false },
  },
  { match: ["gpt-4o*"], facts: { ...size(128_000, 16_384), ...SEES, ...ABLE } },
  { match: ["chatgpt-4o*"], facts: { ...size(128_000, 16_384), ...SEES } },
  {
    match: ["gpt-4-turbo", "gpt-4-turbo-2024*"],
    facts: { ...size(128_000, 4_096), ...EARLY, supportsVision: true, supportsAudioInput: false },
  },
  {
    match: ["gpt-4-turbo-preview", "gpt-4-1106-preview", "gpt-4-0125-preview"],
    facts: { ...size(128_000, 4_096), ...BLIND, ...EARLY },
  },
  { match: ["gpt-4-32k*"], facts: { ...size(32_768, 32_768), ...BLIND, ...EARLY } },
  { match: ["gpt-4", "gpt-4-0613"], facts: { ...size(8_192, 8_192), ...BLIND, ...EARLY } },
  { match: ["gpt-3.5-turbo-instruct*"], facts: { ...size(4_096, 4_096), ...BLIND, ...UNABLE } },
  { match: ["gpt-3.5-turbo*"], facts: { ...size(16_385, 4_096), ...BLIND, ...EARLY } },
  { match: ["o1-mini*"], facts: { ...size(128_000, 65_536), ...BLIND, ...UNABLE } },
  { match: ["o1-preview*"], facts: { ...size(128_000, 32_768), ...BLIND, ...UNABLE } },
  { match: ["o3-mini*"], facts: { ...size(200_000, 100_000), ...BLIND, ...ABLE } },
  {
    match: ["o1", "o1-pro*", "o1-2024*", "o3*", "o4-mini*", "codex-mini*"],
    facts: { ...size(200_000, 100_000), ...SEES, ...ABLE },
  },
  { match: ["text-embedding-3-*", "text-embedding-ada-002"], facts: { maxInputTokens: 8_192 } },
  { match: ["babbage-002", "davinci-002"], facts: { ...size(16_384, 16_384), ...BLIND, ...UNABLE } },
];

/** What is known about one of OpenAI's models, for routing. */
export function modelFacts(model: string): ModelFacts {
  const row = ROWS.find(({ match }) => match.some((pattern) => matches(pattern, model)));
  const reasons = supportsReasoning(model);
  return reasons === undefined ? (row?.facts ?? {}) : { ...row?.facts, supportsReasoning: reasons };
}

function supportsReasoning(model: string): boolean | undefined {
  const rules = OPENAI_MODELS.find(({ match }) => matches(match, model));
  if (rules?.unsupported?.includes("reasoning") === true) return false;
  return rules?.efforts === undefined ? undefined : true;
}
