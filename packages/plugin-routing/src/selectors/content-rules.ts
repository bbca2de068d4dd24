import type { Call, ChatRequest } from "@signalbox/kernel";
import type { ContentCondition, ContentRule } from "./content-options.ts";
import type { Lexicon } from "./lexicon.ts";
import { estimateInputTokens, hasImages } from "./question.ts";

/** What rules are asked about. */
export interface AskedCall {
  readonly call: Call;
  readonly request: ChatRequest;
}

/** A rule with its words in the lexicons. */
export interface ReadyRule {
  readonly name: string;
  readonly use: string;
  holds(asked: AskedCall): boolean;
}

function reasoningWanted({ reasoning }: ChatRequest): boolean {
  if (reasoning === undefined || reasoning.mode === "disabled" || reasoning.effort === "none") return false;
  return reasoning.effort !== undefined || reasoning.mode !== undefined || reasoning.budgetTokens !== undefined;
}

function toolsMatch(tools: NonNullable<ContentCondition["tools"]>, request: ChatRequest): boolean {
  const offered = request.tools ?? [];
  if (typeof tools === "boolean") return offered.length > 0 === tools;
  return offered.some(({ name }) => name !== undefined && tools.includes(name));
}

function hasTag(tags: readonly string[], { options, principal }: Call): boolean {
  return tags.some((tag) => options.tags?.includes(tag) === true || principal.tags?.includes(tag) === true);
}

/** Everything but words, cheapest first. */
function shapeMatches(when: ContentCondition, { call, request }: AskedCall): boolean {
  if (when.reasoning !== undefined && reasoningWanted(request) !== when.reasoning) return false;
  if (when.tools !== undefined && !toolsMatch(when.tools, request)) return false;
  if (when.tags !== undefined && !hasTag(when.tags, call)) return false;
  if (when.images !== undefined && hasImages(request) !== when.images) return false;
  if (when.minInputTokens === undefined && when.maxInputTokens === undefined) return true;
  const tokens = estimateInputTokens(request);
  return tokens >= (when.minInputTokens ?? 0) && tokens <= (when.maxInputTokens ?? Number.POSITIVE_INFINITY);
}

/**
 * Puts a rule's words into the lexicons of the two texts.
 *
 * @param meaning what its words are called there
 */
export function readyRule(
  { name, when, use }: ContentRule,
  meaning: number,
  user: Lexicon,
  system: Lexicon,
): ReadyRule {
  for (const words of when.contains ?? []) user.add(words, meaning);
  for (const words of when.system?.contains ?? []) system.add(words, meaning);
  return {
    name,
    use,
    holds(asked) {
      if (when.contains !== undefined && user.found[meaning] === 0) return false;
      if (when.system !== undefined && system.found[meaning] === 0) return false;
      return shapeMatches(when, asked);
    },
  };
}
