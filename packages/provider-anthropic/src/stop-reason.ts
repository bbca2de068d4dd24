import type { Choice, FinishReason } from "@signalbox/kernel";

/** Anthropic's stop reasons. */
const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: "stop",
  stop_sequence: "stop",
  pause_turn: "stop",
  compaction: "stop",
  tool_use: "toolCalls",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  refusal: "contentFilter",
};

const STOP_REASONS: Readonly<Record<FinishReason, string>> = {
  stop: "end_turn",
  toolCalls: "tool_use",
  length: "max_tokens",
  contentFilter: "refusal",
  error: "end_turn",
};

/** The canonical reason, with Anthropic's own word where it says more. */
export function finishReasonFrom(stopReason: string): Pick<Choice, "finishReason" | "nativeFinishReason"> {
  const finishReason = FINISH_REASONS[stopReason] ?? "stop";
  return STOP_REASONS[finishReason] === stopReason
    ? { finishReason }
    : { finishReason, nativeFinishReason: stopReason };
}

/** Anthropic's word for the end of an answer that any provider gave. */
export function stopReasonOf(end: Pick<Choice, "finishReason" | "nativeFinishReason" | "stopSequence">): string {
  if (end.finishReason === "stop" && end.stopSequence !== undefined) return "stop_sequence";
  const { nativeFinishReason } = end;
  // another vendor's word means nothing to an Anthropic client
  if (nativeFinishReason !== undefined && FINISH_REASONS[nativeFinishReason] === end.finishReason)
    return nativeFinishReason;
  return STOP_REASONS[end.finishReason];
}
