import type { Message, Part } from "@signalbox/kernel";
import { modelFamily } from "./capabilities.ts";
import { ANTHROPIC } from "./names.ts";

/**
 * Whether the thinking of earlier turns can be sent back as the client sent it. Not another vendor's, and not what was
 * broken off before its signature: Claude models refuse the whole request for it. Models of other vendors behind the same
 * API sign nothing.
 */
export function canReplayThinking(messages: readonly Message[], model: string): boolean {
  const signs = modelFamily(model) !== undefined;
  for (const message of messages) {
    if (message.role !== "assistant") continue;
    for (const part of message.content) {
      if (part.type === "reasoning" && (part.origin !== ANTHROPIC || (signs && !isSigned(part)))) return false;
    }
  }
  return true;
}

/**
 * Where a turn begins that is still waiting for its end and whose tool calls were made without thinking: by another
 * vendor's model, or by one that did not think. Claude models refuse to think from there on in the mode `enabled`
 * (https://platform.claude.com/docs/en/build-with-claude/extended-thinking).
 */
export function unthinkingTurn(messages: readonly Message[], model: string): number | undefined {
  if (modelFamily(model) === undefined) return undefined;
  const start = openTurn(messages);
  if (start === undefined) return undefined;
  const first = messages[start]?.content.find(isSent);
  return first?.type === "reasoning" ? undefined : start;
}

/** The first message of the assistant's turn that ends with tool results; undefined when the user spoke last. */
function openTurn(messages: readonly Message[]): number | undefined {
  let start: number | undefined;
  let index = messages.length - 1;
  for (;;) {
    let answered = false;
    for (; index >= 0 && messages[index]?.role !== "assistant"; index--) answered ||= messages[index]?.role === "tool";
    if (index < 0 || !answered) return start;
    for (; messages[index]?.role === "assistant"; index--) start = index;
  }
}

function isSent(part: Part): boolean {
  if (part.type === "text") return part.text !== "";
  return part.type !== "reasoning" || (part.origin === ANTHROPIC && isSigned(part));
}

function isSigned(part: Part & { readonly type: "reasoning" }): boolean {
  return part.signature !== undefined || part.encrypted !== undefined;
}
