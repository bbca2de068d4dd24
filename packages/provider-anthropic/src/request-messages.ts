import type { Message } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { ANTHROPIC } from "./names.ts";
import type { RequestContext } from "./request-context.ts";
import { encodeParts, shorthand } from "./request-parts.ts";

export interface EncodedMessages {
  /** Empty: no system prompt. */
  readonly system: JsonObject[];
  readonly messages: readonly JsonObject[];
}

type Role = "user" | "assistant" | "system";

interface Turn {
  readonly role: Role;
  readonly blocks: JsonObject[];
  readonly extra: JsonObject | undefined;
}

function isInstruction(message: Message | undefined): boolean {
  return message?.role === "system" || message?.role === "developer";
}

/**
 * Leading instructions become the system prompt. Turns alternate: neighbours of one role are joined, and tool results
 * stand in user turns, before everything else there.
 *
 * @param withoutThinkingFrom the message from which on thinking is left out
 */
export function encodeMessages(
  messages: readonly Message[],
  context: RequestContext,
  withoutThinkingFrom: number = messages.length,
): EncodedMessages {
  const system: JsonObject[] = [];
  let first = 0;
  while (isInstruction(messages[first])) {
    system.push(...encodeParts((messages[first] as Message).content, `messages[${first}]`, context));
    first++;
  }
  const turns: Turn[] = [];
  for (let index = first; index < messages.length; index++) {
    const message = messages[index] as Message;
    const role = roleOf(message, context);
    if (role !== "assistant") refuseForeign(message, `messages[${index}]`, context);
    const content = index < withoutThinkingFrom ? message.content : withoutReasoning(message.content);
    const blocks = encodeParts(content, `messages[${index}]`, context);
    const last = turns.at(-1);
    if (last !== undefined && last.role === role) last.blocks.push(...blocks);
    // an assistant turn of which nothing is left says nothing
    else if (blocks.length > 0 || role === "user") turns.push({ role, blocks, extra: message.extra?.[ANTHROPIC] });
  }
  return { system, messages: turns.map(encodeTurn) };
}

function withoutReasoning(content: Message["content"]): Message["content"] {
  return content.filter(({ type }) => type !== "reasoning");
}

/** What a user says in a form of another vendor's cannot be left out: the answer would be to something else. */
function refuseForeign(message: Message, at: string, context: RequestContext): void {
  for (const [index, part] of message.content.entries()) {
    if (part.type !== "opaque" || part.origin === ANTHROPIC) continue;
    throw context.refuseContent(`content of type ${JSON.stringify(part.value["type"])}`, `${at}.content[${index}]`);
  }
}

function roleOf(message: Message, context: RequestContext): Role {
  switch (message.role) {
    case "assistant":
      return "assistant";
    case "system":
    case "developer":
      if (context.capabilities.systemMessages) return "system";
      context.note("instructions within the conversation were sent as a user message");
      return "user";
    default:
      return "user";
  }
}

function encodeTurn({ role, blocks, extra }: Turn): JsonObject {
  const isResult = (block: JsonObject): boolean => block.type === "tool_result";
  const ordered =
    role === "user" && blocks.some(isResult)
      ? [...blocks.filter(isResult), ...blocks.filter((block) => !isResult(block))]
      : blocks;
  return { ...extra, role, content: ordered.length === 0 ? "" : shorthand(ordered) };
}
