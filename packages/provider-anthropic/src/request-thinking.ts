import type { Reasoning } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import type { Effort, ThinkingMode } from "./capabilities.ts";
import { ANTHROPIC } from "./names.ts";
import type { RequestContext } from "./request-context.ts";

export interface EncodedThinking {
  readonly thinking?: JsonObject;
  readonly effort?: Effort;
  /** The model will think: sampling parameters are restricted. */
  readonly on: boolean;
}

/** The request forces a tool call, or goes on after tool calls that were made without thinking. */
export type ThinkingConflict = "forced tool call" | "unthinking turn";

const CONFLICTS: Readonly<Record<ThinkingConflict, string>> = {
  "forced tool call": "it cannot be combined with a forced tool call",
  "unthinking turn": "the tool calls that this request answers were made without it",
};

const MIN_BUDGET = 1024;
const MAX_DERIVED_BUDGET = 32_000;

/** Part of `max_tokens` that may go into thinking, for models that want a number of tokens instead of an effort. */
const BUDGET_SHARES: Readonly<Record<string, number>> = {
  minimal: 0.1,
  low: 0.2,
  medium: 0.5,
  high: 0.8,
  xhigh: 0.95,
  max: 0.95,
};

const STRENGTH: readonly string[] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/**
 * The wish to reason in the words of the model at hand: adaptive thinking with an effort, or a budget on older models.
 *
 * @param conflict what excludes a budget of thinking
 */
export function encodeThinking(
  reasoning: Reasoning | undefined,
  maxTokens: number,
  conflict: ThinkingConflict | undefined,
  context: RequestContext,
): EncodedThinking {
  if (reasoning === undefined) return { on: false };
  const modes = context.capabilities.thinking;
  const wanted = reasoning.mode ?? (reasoning.effort === "none" ? "disabled" : undefined);
  if (modes.length === 0) {
    if (wanted !== "disabled") context.drop("reasoning_effort", "this model cannot think");
    return { on: false };
  }
  if (wanted === "disabled") return encodeDisabled(reasoning, context);
  // a client of Anthropic's own dialect that sets an effort alone leaves thinking as it is
  if (wanted === undefined && reasoning.extra?.[ANTHROPIC]?.thinking === "default") {
    const effort = encodeEffort(reasoning.effort, undefined, context);
    return { ...(effort !== undefined && { effort }), on: false };
  }
  const mode = chooseMode(wanted, context);
  const effort = encodeEffort(reasoning.effort ?? effortOfBudget(reasoning, mode, maxTokens), mode, context);
  const shared = { ...(effort !== undefined && { effort }) };
  if (mode !== "enabled") return { ...shared, thinking: thinkingBlock(mode, reasoning), on: true };
  if (conflict === "unthinking turn" || (conflict === "forced tool call" && wanted === undefined)) {
    if (effort === undefined) context.report("reasoning_effort");
    context.note(`thinking was left out: ${CONFLICTS[conflict]}`);
    return { ...shared, on: false };
  }
  const budget = budgetOf(reasoning, maxTokens);
  if (budget === undefined) {
    if (effort === undefined) context.report("reasoning_effort");
    context.note(`thinking was left out: its smallest budget of ${MIN_BUDGET} tokens does not fit into max_tokens`);
    return { ...shared, on: false };
  }
  if (reasoning.budgetTokens !== undefined && budget !== reasoning.budgetTokens) {
    context.note(`the thinking budget was changed from ${reasoning.budgetTokens} to ${budget} tokens`);
  }
  return { ...shared, thinking: { ...thinkingBlock(mode, reasoning), budget_tokens: budget }, on: true };
}

/** Whether the model takes the mode and the effort of a request as they are. */
export function takesThinking(
  reasoning: Reasoning | undefined,
  context: Pick<RequestContext, "capabilities">,
): boolean {
  const mode = reasoning?.mode;
  return mode === undefined || context.capabilities.thinking.includes(mode as ThinkingMode) || !isKnownMode(mode);
}

function isKnownMode(mode: string): mode is ThinkingMode {
  return mode === "adaptive" || mode === "between_tools" || mode === "enabled" || mode === "disabled";
}

function encodeDisabled(reasoning: Reasoning, context: RequestContext): EncodedThinking {
  if (context.capabilities.thinking.includes("disabled")) {
    const effort = reasoning.effort === "none" ? undefined : encodeEffort(reasoning.effort, "disabled", context);
    return {
      thinking: { ...extraMembers(reasoning), type: "disabled" },
      ...(effort !== undefined && { effort }),
      on: false,
    };
  }
  const [least] = context.capabilities.efforts;
  context.note("thinking cannot be switched off on this model; it was sent with the lowest effort");
  return { ...(least !== undefined && { effort: least }), on: true };
}

function chooseMode(wanted: string | undefined, context: RequestContext): string {
  const modes = context.capabilities.thinking;
  if (wanted !== undefined && (modes.includes(wanted as ThinkingMode) || !isKnownMode(wanted))) return wanted;
  const mode = modes.includes("adaptive") ? "adaptive" : "enabled";
  if (wanted !== undefined)
    context.note(`thinking of type ${JSON.stringify(wanted)} was sent as ${JSON.stringify(mode)}`);
  return mode;
}

function thinkingBlock(mode: string, reasoning: Reasoning): JsonObject {
  return {
    ...extraMembers(reasoning),
    type: mode,
    ...(reasoning.display !== undefined && { display: reasoning.display }),
  };
}

function extraMembers(reasoning: Reasoning): JsonObject | undefined {
  const own = reasoning.extra?.[ANTHROPIC];
  if (own === undefined || !("thinking" in own)) return own;
  const { thinking: _, ...members } = own;
  return members;
}

/** The word nearest to the wish that the model takes in this mode, and not stronger than the wish if it can be. */
function encodeEffort(wish: string | undefined, mode: string | undefined, context: RequestContext): Effort | undefined {
  const { efforts, effortCaps } = context.capabilities;
  if (wish === undefined || wish === "none" || efforts.length === 0) return undefined;
  const cap = mode === undefined ? undefined : effortCaps?.[mode as ThinkingMode];
  const limit = Math.min(STRENGTH.indexOf(wish), cap === undefined ? STRENGTH.length : STRENGTH.indexOf(cap));
  const effort = efforts.findLast((word) => STRENGTH.indexOf(word) <= limit) ?? (efforts[0] as Effort);
  if (effort !== wish) context.note(`the effort ${JSON.stringify(wish)} was sent as ${JSON.stringify(effort)}`);
  return effort;
}

/** A budget said as an effort, for models that take no budget. */
function effortOfBudget(reasoning: Reasoning, mode: string, maxTokens: number): string | undefined {
  if (reasoning.budgetTokens === undefined || mode === "enabled") return undefined;
  const share = reasoning.budgetTokens / maxTokens;
  return share <= 0.2 ? "low" : share <= 0.5 ? "medium" : "high";
}

/** 1024 ≤ budget < max_tokens; undefined when there is no such number. */
function budgetOf(reasoning: Reasoning, maxTokens: number): number | undefined {
  if (maxTokens <= MIN_BUDGET) return undefined;
  const derived = Math.min(
    MAX_DERIVED_BUDGET,
    Math.floor(maxTokens * (BUDGET_SHARES[reasoning.effort ?? "medium"] ?? 0.5)),
  );
  const wish = reasoning.budgetTokens ?? derived;
  return Math.max(MIN_BUDGET, Math.min(wish, maxTokens - 1));
}
