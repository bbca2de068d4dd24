import type { Attempt, ChatParameter } from "@signalbox/kernel";
import { nativeRequest, parametersToDrop } from "@signalbox/kernel";
import type { ModelCapabilities } from "./capabilities.ts";
import { MESSAGES_DIALECT } from "./names.ts";
import { canReplayThinking, unthinkingTurn } from "./replayed-thinking.ts";
import { takesThinking } from "./request-thinking.ts";
import { refusedSampling } from "./unsupported-parameters.ts";

/** Parameters that are one member of the body, under Anthropic's name. */
const MEMBERS: { readonly [Field in ChatParameter]?: string } = {
  tools: "tools",
  temperature: "temperature",
  topP: "top_p",
  topK: "top_k",
  stop: "stop_sequences",
  serviceTier: "service_tier",
  user: "metadata",
};

/**
 * The client's bytes for this attempt's model. Undefined when they cannot be sent as they are: another dialect, a
 * request that a layer rewrote, or wishes that this model takes only in other words.
 *
 * @throws {GatewayError} `unsupported_parameter`
 */
export function nativeBody(attempt: Attempt<"chat">, capabilities: ModelCapabilities): Buffer | undefined {
  const { request, record, upstreamModel } = attempt;
  const choice = request.toolChoice?.type;
  const forced = choice === "required" || choice === "tool";
  if ((forced && !capabilities.forcedToolChoice) || !takesThinking(request.reasoning, { capabilities }))
    return undefined;
  if (!canReplayThinking(request.messages, upstreamModel)) return undefined;
  if (request.reasoning?.mode === "enabled" && unthinkingTurn(request.messages, upstreamModel) !== undefined)
    return undefined;
  const native = nativeRequest(attempt, MESSAGES_DIALECT);
  if (native === undefined) return undefined;
  const edits: Record<string, string | undefined> = { ...native.edits };
  for (const field of parametersToDrop(attempt, refusedSampling(request, capabilities))) {
    const member = MEMBERS[field];
    if (member === undefined) {
      // taking it out means more than leaving out a member
      record.lane = "translated";
      return undefined;
    }
    edits[member] = undefined;
  }
  if (upstreamModel !== request.model) edits.model = JSON.stringify(upstreamModel);
  const { max_tokens: written } = native.body.value as { readonly max_tokens?: unknown };
  // a layer may have lowered it
  if (written !== request.maxOutputTokens) edits.max_tokens = String(request.maxOutputTokens);
  const { extraBody } = attempt.deployment;
  for (const name in extraBody) edits[name] = JSON.stringify(extraBody[name]);
  return native.body.edit(edits);
}
