import type { ChatParameter } from "@signalbox/kernel";
import type { ModelRule, ModelRules, WireProfile } from "./profile.ts";

/** No OpenAI model takes `top_k`. */
const NEVER: readonly ChatParameter[] = ["topK"];
const NO_PENALTIES: readonly ChatParameter[] = [
  "topK",
  "frequencyPenalty",
  "presencePenalty",
  "logitBias",
  "topLogprobs",
];
const NO_SAMPLING: readonly ChatParameter[] = [...NO_PENALTIES, "temperature", "topP", "logprobs"];
const WHILE_REASONING: readonly ChatParameter[] = ["temperature", "topP", "logprobs"];
const FLEX = ["auto", "default", "flex", "scale"];
const FLEX_AND_PRIORITY = [...FLEX, "priority", "fast"];

const REASONING = { maxTokens: "max_completion_tokens", instructions: "developer" } as const;
const FIXED = { ...REASONING, unsupported: NO_SAMPLING } as const;
const OPTIONAL = { ...REASONING, unsupported: NO_PENALTIES, refusedWhileReasoning: WHILE_REASONING } as const;

/**
 * What OpenAI's models take in Chat Completions, first match first. Models that are not listed take everything but
 * `top_k`. Source: the model pages and the reasoning guide of https://platform.openai.com/docs.
 */
export const OPENAI_MODELS: readonly ModelRule[] = [
  { match: "gpt-5*-chat*", unsupported: NEVER },
  { match: "gpt-6*-chat*", unsupported: NEVER },
  { match: "gpt-5-nano*", ...FIXED, efforts: ["minimal", "low", "medium", "high"], serviceTiers: FLEX },
  { match: "gpt-5", ...FIXED, efforts: ["minimal", "low", "medium", "high"], serviceTiers: FLEX_AND_PRIORITY },
  { match: "gpt-5-*", ...FIXED, efforts: ["minimal", "low", "medium", "high"], serviceTiers: FLEX_AND_PRIORITY },
  {
    match: "gpt-5.1*",
    ...OPTIONAL,
    efforts: ["none", "low", "medium", "high"],
    defaultEffort: "none",
    serviceTiers: FLEX_AND_PRIORITY,
  },
  {
    match: "gpt-5.6*",
    ...OPTIONAL,
    efforts: ["none", "low", "medium", "high", "xhigh", "max"],
    defaultEffort: "none",
    serviceTiers: FLEX_AND_PRIORITY,
  },
  {
    match: "gpt-5.*",
    ...OPTIONAL,
    efforts: ["none", "low", "medium", "high", "xhigh"],
    defaultEffort: "none",
    serviceTiers: FLEX_AND_PRIORITY,
  },
  {
    match: "gpt-6-astra*",
    ...FIXED,
    efforts: ["low", "medium", "high", "xhigh", "max"],
    serviceTiers: FLEX_AND_PRIORITY,
  },
  {
    match: "gpt-6.1-sol*",
    ...FIXED,
    efforts: ["low", "medium", "high", "xhigh", "max"],
    serviceTiers: FLEX_AND_PRIORITY,
  },
  {
    match: "gpt-6*",
    ...OPTIONAL,
    efforts: ["none", "low", "medium", "high", "xhigh", "max"],
    serviceTiers: FLEX_AND_PRIORITY,
  },
  { match: "o1*", ...FIXED, efforts: ["low", "medium", "high"] },
  { match: "o3-mini*", ...FIXED, efforts: ["low", "medium", "high"] },
  { match: "o3*", ...FIXED, efforts: ["low", "medium", "high"], serviceTiers: FLEX_AND_PRIORITY },
  { match: "o4*", ...FIXED, efforts: ["low", "medium", "high"], serviceTiers: FLEX_AND_PRIORITY },
  { match: "gpt-4o*-search-preview*", unsupported: ["topK", "temperature", "reasoning"] },
  { match: "gpt-4*", unsupported: ["topK", "reasoning"] },
  { match: "gpt-3.5*", unsupported: ["topK", "reasoning"] },
  { match: "chatgpt-*", unsupported: ["topK", "reasoning"] },
  { match: "*", unsupported: NEVER },
];

/** Models that only answer legacy text completions (`*` as in capability tables). */
export const TEXT_COMPLETION_MODELS: readonly string[] = ["gpt-3.5-turbo-instruct*", "davinci-*", "babbage-*"];

/** Whether a model name matches a row: `*` stands for any characters, case and an `ft:` prefix do not count. */
export function matches(pattern: string, model: string): boolean {
  const name = (model.startsWith("ft:") ? model.slice(3) : model).toLowerCase();
  const pieces = pattern.toLowerCase().split("*");
  const first = pieces[0] as string;
  if (pieces.length === 1) return name === first;
  const last = pieces.at(-1) as string;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let from = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, from);
    if (found < 0) return false;
    from = found + piece.length;
  }
  return from <= name.length - last.length;
}

const MOST_MODELS = 1_000;

/** Looks up rules by model name and remembers them: patterns are compared once per name. */
export function ruleBook(profile: WireProfile): (model: string) => ModelRules {
  const known = new Map<string, ModelRules>();
  return function rulesOf(model) {
    const before = known.get(model);
    if (before !== undefined) return before;
    const row = profile.models?.find(({ match }) => matches(match, model));
    const rules = row === undefined ? (profile.rules ?? {}) : { ...profile.rules, ...row };
    // Names come from clients where a deployment is a wildcard.
    if (known.size >= MOST_MODELS) known.clear();
    known.set(model, rules);
    return rules;
  };
}
