import type { ChatResult, Choice, Extra, Part } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { membersBesides, stringOf } from "./json-object.ts";
import { ANTHROPIC } from "./names.ts";
import type { StandInTools } from "./reply-parts.ts";
import { NO_STAND_INS, partFrom } from "./reply-parts.ts";
import { finishReasonFrom } from "./stop-reason.ts";
import { serviceTierFrom, usageExtra, usageFrom } from "./usage.ts";

/** Members of a message that have a place in the canonical form. */
const MESSAGE_MEMBERS: ReadonlySet<string> = new Set([
  "id",
  "type",
  "role",
  "model",
  "content",
  "stop_reason",
  "stop_sequence",
  "stop_details",
  "usage",
]);

/** A message that is not streamed. @throws {GatewayError} `provider_error` when it is not one */
export function chatResult(body: unknown, createdAt: number, standIns: StandInTools = NO_STAND_INS): ChatResult {
  const message = messageOf(body);
  const usage = usageOf(message);
  const serviceTier = serviceTierFrom(usage);
  const extra = messageExtra(message, usage);
  return {
    id: stringOf(message.id) ?? "",
    model: stringOf(message.model) ?? "",
    createdAt,
    choices: [messageChoice(message, standIns)],
    usage: usageFrom(usage),
    ...(serviceTier !== undefined && { serviceTier }),
    ...(extra !== undefined && { extra }),
  };
}

function messageOf(body: unknown): JsonObject {
  if (isJsonObject(body) && Array.isArray(body.content)) return body;
  throw new GatewayError("provider_error", "the upstream's reply is not a message", { source: ANTHROPIC });
}

export function usageOf(message: JsonObject): JsonObject {
  return isJsonObject(message.usage) ? message.usage : {};
}

/** The single choice of a message. */
function messageChoice(message: JsonObject, standIns: StandInTools): Choice {
  const content = (message.content as readonly unknown[])
    .filter(isJsonObject)
    .map((block) => partFrom(block, standIns));
  const end = choiceEndFrom(message, content, standIns);
  const { refusal, ...fields } = end;
  return {
    index: 0,
    content: refusal === undefined ? content : [...content, { type: "refusal", text: refusal }],
    ...fields,
  };
}

/** How an answer ended, from the members that a message and a `message_delta` share. */
export function choiceEndFrom(
  end: JsonObject,
  content: readonly Part[],
  standIns: StandInTools,
): Omit<Choice, "index" | "content"> & { readonly refusal?: string } {
  const reason = finishReasonFrom(stringOf(end.stop_reason) ?? "end_turn");
  const stopSequence = stringOf(end.stop_sequence);
  const details = isJsonObject(end.stop_details) ? end.stop_details : undefined;
  const { explanation, ...otherDetails } = details ?? {};
  const refusal = stringOf(explanation);
  const answered =
    reason.finishReason === "toolCalls" &&
    standIns.answer !== undefined &&
    !content.some((part) => part.type === "toolCall");
  return {
    ...(answered ? { finishReason: "stop" as const } : reason),
    ...(stopSequence !== undefined && { stopSequence }),
    ...(details !== undefined && { extra: { [ANTHROPIC]: { stop_details: otherDetails } } }),
    ...(refusal !== undefined && { refusal }),
  };
}

/** What the canonical form has no place for: `container`, `context_management`, unknown members, details of the usage. */
export function messageExtra(message: JsonObject, usage: JsonObject): Extra | undefined {
  const members = membersBesides(message, MESSAGE_MEMBERS);
  const usageMembers = usageExtra(usage);
  if (members === undefined && usageMembers === undefined) return undefined;
  return { [ANTHROPIC]: { ...members, ...(usageMembers !== undefined && { usage: usageMembers }) } };
}
