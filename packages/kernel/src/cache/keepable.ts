import type { ChatResult } from "../chat/result.ts";
import type { OperationName, ResultOf } from "../operation.ts";

/** Why an answer is not kept: a cut or filtered one would be served again and again. */
export function notKeepable(operation: OperationName, result: unknown): string | undefined {
  if (operation !== "chat" && operation !== "complete") return undefined;
  const { choices } = result as Pick<ChatResult, "choices">;
  if (choices.length === 0) return "it holds no answer";
  const ending = choices.find(({ finishReason }) => finishReason !== "stop" && finishReason !== "toolCalls");
  return ending === undefined ? undefined : `it ended with ${ending.finishReason ?? "no reason"}`;
}

/** The content of a result without the bytes in which it came. */
export function contentOf<Name extends OperationName>(result: ResultOf<Name>): ResultOf<Name> {
  const { native: _, ...content } = result as ResultOf<Name> & { native?: unknown };
  return content as unknown as ResultOf<Name>;
}
