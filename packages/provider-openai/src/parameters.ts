import type { Attempt, ChatParameter, ChatRequest, Reasoning } from "@signalbox/kernel";
import { parametersToDrop } from "@signalbox/kernel";
import type { ModelRules } from "./profile.ts";

/** Weakest first: the union of all vendors' words. */
const EFFORTS: readonly string[] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/** Thinking budgets, in tokens, up to which an effort word stands for them. */
const LOW_BUDGET = 2_048;
const MEDIUM_BUDGET = 8_192;

function wishedEffort(reasoning: Reasoning): string | undefined {
  if (reasoning.effort !== undefined) return reasoning.effort;
  if (reasoning.mode === "disabled") return "none";
  if (reasoning.budgetTokens === undefined) return undefined;
  if (reasoning.budgetTokens <= LOW_BUDGET) return "low";
  return reasoning.budgetTokens <= MEDIUM_BUDGET ? "medium" : "high";
}

/** The effort word to send: what was asked for, or the nearest weaker word the model knows, else its weakest. */
export function effortFor(reasoning: Reasoning | undefined, rules: ModelRules): string | undefined {
  const wished = reasoning === undefined ? undefined : wishedEffort(reasoning);
  const { efforts } = rules;
  if (wished === undefined || efforts === undefined || efforts.includes(wished)) return wished;
  const rank = EFFORTS.indexOf(wished);
  if (rank < 0) return wished;
  let best = efforts[0];
  for (const effort of efforts) if (EFFORTS.indexOf(effort) <= rank) best = effort;
  return best;
}

/** Values that mean the same as a missing field: every model takes them. */
function isNeutral(field: ChatParameter, request: ChatRequest): boolean {
  switch (field) {
    case "temperature":
    case "topP":
      return request[field] === 1;
    case "frequencyPenalty":
    case "presencePenalty":
      return request[field] === 0;
    case "logprobs":
      return request.logprobs === false;
    case "topLogprobs":
      return request.topLogprobs === 0;
    case "logitBias":
      return Object.keys(request.logitBias ?? {}).length === 0;
    case "choiceCount":
      return request.choiceCount === 1;
    case "reasoning":
      return request.reasoning?.mode === "disabled" || request.reasoning?.effort === "none";
    default:
      return false;
  }
}

function isSet(request: ChatRequest, field: ChatParameter): boolean {
  return request[field] !== undefined && !isNeutral(field, request);
}

/** Fields set in the request that the model does not take. */
function unsupportedParameters(request: ChatRequest, rules: ModelRules): readonly ChatParameter[] {
  const { unsupported, refusedWhileReasoning, serviceTiers } = rules;
  if (unsupported === undefined && refusedWhileReasoning === undefined && serviceTiers === undefined) return NONE;
  const found: ChatParameter[] = [];
  for (const field of unsupported ?? NONE) if (isSet(request, field)) found.push(field);
  if (refusedWhileReasoning !== undefined && (effortFor(request.reasoning, rules) ?? rules.defaultEffort) !== "none") {
    for (const field of refusedWhileReasoning) if (isSet(request, field)) found.push(field);
  }
  const tier = request.serviceTier;
  if (serviceTiers !== undefined && tier !== undefined && !serviceTiers.includes(tier)) found.push("serviceTier");
  return found;
}

const NONE: readonly ChatParameter[] = [];

/** The fields to leave out for this attempt, noted in its trace. @throws {GatewayError} `unsupported_parameter` */
export function droppedParameters(attempt: Attempt<"chat">, rules: ModelRules): readonly ChatParameter[] {
  const dropped = parametersToDrop(attempt, unsupportedParameters(attempt.request, rules));
  const wished = attempt.request.reasoning?.effort;
  if (wished !== undefined && rules.efforts !== undefined && !dropped.includes("reasoning")) {
    const sent = effortFor(attempt.request.reasoning, rules);
    if (sent !== wished) attempt.trace.note("attempt", `reasoning_effort ${wished} sent as ${sent}`);
  }
  return dropped;
}
