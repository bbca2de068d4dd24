import type { Call } from "../call.ts";
import type { Part } from "../chat/part.ts";
import type { ChatResult } from "../chat/result.ts";
import { isGatewayError } from "../errors.ts";
import type { AskAgain, Block, Guardrail, TextWindow } from "../guardrail.ts";
import type { OperationName, RequestOf, ResultOf } from "../operation.ts";
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
  return await window.whole(text);
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

/** What one guardrail says about a whole result, through both of its checks. */
interface WindowedVerdict<Name extends OperationName> {
  readonly value: ResultOf<Name>;
  readonly block?: Block;
  readonly reason?: string;
  readonly again?: AskAgain<RequestOf<Name>>;
}

/** A whole result through a guardrail, as a verdict: a block is an answer here, and no error. */
export async function checkWindowed<Name extends OperationName>(
  guardrail: Guardrail,
  call: Call<Name>,
  result: ResultOf<Name>,
): Promise<WindowedVerdict<Name>> {
  let value = result;
  try {
    if (guardrail.checkWindow !== undefined) value = await windowResult(guardrail, call, value);
  } catch (thrown) {
    const block = blockOf(guardrail, thrown);
    if (block === undefined) throw thrown;
    return { value: result, block };
  }
  const verdict = await guardrail.checkResult?.(call, value);
  if (verdict?.action === "block") return { value, block: verdict };
  if (verdict?.action === "again") return { value, again: verdict };
  return verdict?.action === "rewrite" ? { value: verdict.value, reason: verdict.reason } : { value };
}

/** The block that a window of this guardrail has thrown. */
function blockOf(guardrail: Guardrail, thrown: unknown): Block | undefined {
  if (!isGatewayError(thrown) || thrown.code !== "guardrail_blocked" || thrown.source !== guardrail.name)
    return undefined;
  const category = thrown.details?.["category"];
  const reason = thrown.message.slice(thrown.message.indexOf('": ') + 3);
  return { action: "block", reason, ...(typeof category === "string" && { category }) };
}
