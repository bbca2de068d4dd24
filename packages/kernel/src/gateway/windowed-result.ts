import type { Call } from "../call.ts";
import type { Part } from "../chat/part.ts";
import type { ChatResult } from "../chat/result.ts";
import type { Guardrail, TextWindow } from "../guardrail.ts";
import type { OperationName, ResultOf } from "../operation.ts";
import type { CompleteResult } from "../operations/complete.ts";
import { kindOf, textField, toolOf, withText } from "./part-text.ts";
import { WindowedText } from "./text-window.ts";

/** A whole text is a window that is final at once. */
async function wholeText(
  guardrail: Guardrail,
  call: Call,
  choice: number,
  kind: TextWindow["kind"],
  text: string,
  tool?: string,
): Promise<string> {
  const window = new WindowedText(guardrail, call, choice, kind, tool);
  return (await window.push(text)) + (await window.end());
}

/** A whole result through the windows of a guardrail; the same object when nothing changed. */
export async function windowResult<Name extends OperationName>(
  guardrail: Guardrail,
  call: Call<Name>,
  result: ResultOf<Name>,
): Promise<ResultOf<Name>> {
  if (call.operation === "chat") return (await windowChat(guardrail, call, result as ChatResult)) as ResultOf<Name>;
  if (call.operation === "complete") {
    const complete = result as CompleteResult;
    const choices = await Promise.all(
      complete.choices.map(async (choice) => ({
        ...choice,
        text: await wholeText(guardrail, call, choice.index, "text", choice.text),
      })),
    );
    const same = choices.every((choice, at) => choice.text === complete.choices[at]?.text);
    return same ? result : ({ ...complete, choices } as ResultOf<Name>);
  }
  if (typeof (result as { text?: unknown }).text === "string") {
    const before = (result as { text: string }).text;
    const text = await wholeText(guardrail, call, 0, "text", before);
    return text === before ? result : { ...result, text };
  }
  return result;
}

async function windowChat(guardrail: Guardrail, call: Call, result: ChatResult): Promise<ChatResult> {
  let changed = false;
  const choices = [];
  for (const choice of result.choices) {
    const content: Part[] = [];
    let choiceChanged = false;
    for (const part of choice.content) {
      const kind = kindOf(part);
      const before = kind === undefined ? "" : textField(part);
      const after =
        kind === undefined ? "" : await wholeText(guardrail, call, choice.index, kind, before, toolOf(part));
      choiceChanged ||= after !== before;
      content.push(after === before ? part : withText(part, after));
    }
    changed ||= choiceChanged;
    // Log probabilities spell out the text that was masked.
    const { logprobs: _, ...withoutLogprobs } = choice;
    choices.push(choiceChanged ? { ...withoutLogprobs, content } : choice);
  }
  return changed ? { ...result, choices } : result;
}
