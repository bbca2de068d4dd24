import type { Attempt, CompleteChoice, CompleteResult, Reply } from "@signalbox/kernel";
import { answerChat } from "./answer.ts";
import type { MockSettings } from "./options.ts";
import type { Run } from "./run.ts";
import { countTokens, cutText } from "./text.ts";
import { wait } from "./wait.ts";

/** Completes every prompt as if it were the only message of a chat; parts that are not text are left out. */
export async function* complete(attempt: Attempt<"complete">, run: Run, settings: MockSettings): Reply<"complete"> {
  const { request, signal, upstreamModel: model } = attempt;
  const prompts = request.prompts.map((prompt) => (typeof prompt === "string" ? prompt : prompt.join(" ")));
  const answers = prompts.map((text) => {
    const { maxOutputTokens, stop } = request;
    const message = { role: "user" as const, content: [{ type: "text" as const, text }] };
    const limits = { ...(maxOutputTokens !== undefined && { maxOutputTokens }), ...(stop !== undefined && { stop }) };
    return answerChat({ model, messages: [message], ...limits }, run.behaviour, settings);
  });
  await run.begin(answers[0]?.latencyMs ?? settings.latencyMs, request.stream === true);

  const copies = request.choiceCount ?? 1;
  const choices: CompleteChoice[] = answers.flatMap((answer, prompt) =>
    Array.from({ length: copies }, (_, copy) => {
      const text = answer.content.map((part) => (part.type === "text" ? part.text : "")).join("");
      const echoed = request.echo === true ? (prompts[prompt] ?? "") : "";
      return { index: prompt * copies + copy, text: echoed + text, finishReason: answer.finishReason };
    }),
  );
  const result: CompleteResult = {
    id: run.id,
    model,
    createdAt: settings.createdAt,
    choices,
    usage: {
      inputTokens: prompts.reduce((sum, prompt) => sum + countTokens(prompt), 0),
      outputTokens: choices.reduce((sum, choice) => sum + countTokens(choice.text), 0),
    },
  };
  if (request.stream !== true) {
    await run.breakOff();
    return result;
  }
  yield { type: "replyStart", id: result.id, model, createdAt: result.createdAt };
  for (const [at, { index: choice, text, finishReason }] of choices.entries()) {
    const answer = answers[Math.floor(at / copies)];
    const pieces = cutText(text, answer?.cut ?? settings.cut);
    for (const [number, piece] of pieces.entries()) {
      if (run.breaks && number >= pieces.length / 2) await run.breakOff();
      if (number > 0) await wait(answer?.gapMs ?? 0, signal, attempt.deployment.idleTimeoutMs);
      yield { type: "textDelta", choice, text: piece };
    }
    yield { type: "choiceEnd", choice, finishReason };
  }
  await run.breakOff();
  return result;
}
