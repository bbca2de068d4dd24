import type { Attempt, CanonicalChatEvent, ChatResult, Provider, Reply } from "@signalbox/kernel";
import { resultEvents } from "@signalbox/kernel";

export function textResult(text: string, model: string = "m"): ChatResult {
  return {
    id: "reply-1",
    model,
    createdAt: 1_700_000_000,
    choices: [{ index: 0, content: [{ type: "text", text }], finishReason: "stop" }],
    usage: { inputTokens: 3, outputTokens: 2 },
  };
}

/** The events of one text, cut into the given pieces. */
export function textEvents(pieces: readonly string[]): readonly CanonicalChatEvent[] {
  return [
    { type: "replyStart", id: "reply-1", model: "m", createdAt: 1_700_000_000 },
    { type: "partStart", choice: 0, index: 0, part: { type: "text", text: "" } },
    ...pieces.map(
      (text): CanonicalChatEvent => ({ type: "partDelta", choice: 0, index: 0, delta: { type: "text", text } }),
    ),
    { type: "partEnd", choice: 0, index: 0 },
    { type: "choiceEnd", choice: 0, finishReason: "stop" },
    { type: "usageUpdate", usage: { inputTokens: 3, outputTokens: 2 } },
  ];
}

export type Script = (attempt: Attempt<"chat">) => Reply<"chat">;

/** A provider whose chat answers are given by a function; `seen` collects the attempts. */
export function scripted(name: string, script: Script): Provider & { readonly seen: Attempt<"chat">[] } {
  const seen: Attempt<"chat">[] = [];
  return {
    name,
    seen,
    operations: {
      chat(attempt) {
        seen.push(attempt);
        return script(attempt);
      },
    },
  };
}

/** Answers with a text; as events when a stream was asked for. */
export async function* sayText(attempt: Attempt<"chat">, text: string): Reply<"chat"> {
  const result = textResult(text, attempt.upstreamModel);
  if (attempt.request.stream === true) yield* resultEvents(result);
  return result;
}

// biome-ignore lint/correctness/useYield: fails before its first event
export async function* failWith(error: Error): Reply<"chat"> {
  throw error;
}
