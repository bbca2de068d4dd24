import type { ChatResult, Choice } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import { ANTHROPIC } from "./names.ts";
import type { Note } from "./reply-blocks.ts";
import { encodeReplyPart } from "./reply-blocks.ts";
import { stopReasonOf } from "./stop-reason.ts";
import { encodeUsage } from "./usage.ts";

/** A whole answer of any provider as a message of Anthropic's. `callId` names answers that have no id. */
export function encodeMessage(result: ChatResult, callId: string, note: Note): JsonObject {
  const choice = result.choices[0];
  if (result.choices.length > 1) note("only the first of several choices was sent");
  const content: JsonObject[] = [];
  for (const part of choice?.content ?? []) {
    const block = encodeReplyPart(part, note);
    if (block !== undefined) content.push(block);
  }
  const { usage: _, ...members } = result.extra?.[ANTHROPIC] ?? {};
  return {
    id: messageId(result.id, callId),
    type: "message",
    role: "assistant",
    model: result.model,
    content,
    ...encodeEnd(choice),
    usage: encodeResultUsage(result),
    ...members,
  };
}

export function messageId(id: string, callId: string): string {
  return id === "" ? `msg_${callId}` : id;
}

export function encodeResultUsage(result: Pick<ChatResult, "usage" | "serviceTier" | "extra">): JsonObject {
  const usage = result.extra?.[ANTHROPIC]?.usage;
  return encodeUsage(result.usage, result.serviceTier, isJsonObject(usage) ? usage : undefined);
}

/** `stop_reason` and what belongs to it. A refusal in words is its explanation. */
export function encodeEnd(choice: Choice | undefined): JsonObject {
  if (choice === undefined) return { stop_reason: "end_turn", stop_sequence: null };
  const refusal = choice.content.find((part) => part.type === "refusal");
  const own = choice.extra?.[ANTHROPIC]?.stop_details;
  const details = isJsonObject(own) || refusal !== undefined;
  const stopReason = refusal === undefined ? stopReasonOf(choice) : "refusal";
  return {
    stop_reason: stopReason,
    stop_sequence: stopReason === "stop_sequence" ? (choice.stopSequence ?? null) : null,
    ...(details && {
      stop_details: {
        ...(isJsonObject(own) ? own : { type: "refusal", category: null }),
        ...(refusal !== undefined && { explanation: refusal.text }),
      },
    }),
  };
}
