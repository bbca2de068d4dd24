import type { Attempt, CanonicalChatEvent, ChatResult, PartDelta, Reply } from "@signalbox/kernel";
import { resultEvents } from "@signalbox/kernel";
import type { Answer } from "./answer.ts";
import { answerChat } from "./answer.ts";
import type { MockSettings } from "./options.ts";
import type { Run } from "./run.ts";
import type { Cut } from "./text.ts";
import { cutText } from "./text.ts";
import { wait } from "./wait.ts";

/** Answers a chat attempt after the model's latency, with the model's faults. Without `stream` there are no events. */
export async function* chat(attempt: Attempt<"chat">, run: Run, settings: MockSettings): Reply<"chat"> {
  const { request, signal } = attempt;
  const { behaviour } = run;
  const answer = answerChat(request, behaviour, settings);
  await run.begin(answer.latencyMs, request.stream === true);
  const result = chatResult(answer, run.id, attempt.upstreamModel, request.choiceCount ?? 1, settings.createdAt);
  if (request.stream !== true) {
    await run.breakOff();
    return result;
  }
  const events = chatEvents(result, answer.cut);
  const breaksAfter = run.breaks ? Math.ceil(countDeltas(events) / 2) : Number.POSITIVE_INFINITY;
  let deltas = 0;
  for (const event of events) {
    if (event.type === "partDelta") {
      if (deltas === breaksAfter) break;
      if (deltas++ > 0 && answer.gapMs > 0) await wait(answer.gapMs, signal, attempt.deployment.idleTimeoutMs);
    }
    yield event;
  }
  await run.breakOff();
  signal.throwIfAborted();
  return result;
}

export function chatResult(answer: Answer, id: string, model: string, choices: number, createdAt: number): ChatResult {
  const { content, finishReason, stopSequence, usage } = answer;
  return {
    id,
    model,
    createdAt,
    choices: Array.from({ length: choices }, (_, index) => ({
      index,
      content,
      finishReason,
      ...(stopSequence !== undefined && { stopSequence }),
    })),
    usage,
  };
}

/** The events of an answer, its texts cut into deltas. */
export function chatEvents(result: ChatResult, cut: Cut): readonly CanonicalChatEvent[] {
  const events: CanonicalChatEvent[] = [];
  for (const event of resultEvents(result)) {
    if (event.type !== "partDelta" || !("text" in event.delta)) {
      events.push(event);
      continue;
    }
    const { type, text } = event.delta;
    for (const piece of cutText(text, cut)) events.push({ ...event, delta: { type, text: piece } as PartDelta });
  }
  return events;
}

function countDeltas(events: readonly CanonicalChatEvent[]): number {
  return events.reduce((sum, event) => (event.type === "partDelta" ? sum + 1 : sum), 0);
}
