import type { Call, ChatRequest, Message, Part } from "@signalbox/kernel";
import { isCall } from "@signalbox/kernel";
import type { TextScan } from "./text-scan.ts";

/** Of a long text the beginning and the end are read: that is where the question stands. */
const HEAD = 8_192;
const TAIL = 4_096;
/** Of the system prompt its beginning. */
const SYSTEM_HEAD = 4_096;

/** A rule of thumb for tokens: four characters of English text. */
const CHARACTERS_PER_TOKEN = 4;
const TOKENS_PER_IMAGE = 765;

/** The chat whose content decides: of a chat, and of a question about its size. Others have no content to look at. */
export function chatOf(call: Call): ChatRequest | undefined {
  if (isCall(call, "chat")) return call.request;
  return isCall(call, "countTokens") ? call.request.chat : undefined;
}

/** The last user message: what a tool loop works on stays the same question until it ends. */
export function lastUserTurn({ messages }: ChatRequest): Message | undefined {
  for (let at = messages.length - 1; at >= 0; at--) {
    const message = messages[at] as Message;
    if (message.role === "user") return message;
  }
  return undefined;
}

/** Whether there are pictures anywhere in the chat. */
export function hasImages({ messages }: ChatRequest): boolean {
  return messages.some(({ content }) => content.some(isImage));
}

function isImage(part: Part): boolean {
  return part.type === "image" || (part.type === "toolResult" && part.content.some(isImage));
}

function textOfPart(part: Part): string {
  if (part.type === "text") return part.text;
  return part.type === "document" && part.source.type === "text" ? part.source.text : "";
}

/** Reads the texts of a message: at most 8,192 characters from its beginning and 4,096 from its end. */
export function scanQuestion(scan: TextScan, message: Message | undefined): void {
  const content = message?.content ?? [];
  let total = 0;
  for (const part of content) total += textOfPart(part).length;
  const tailFrom = Math.max(HEAD, total - TAIL);
  let at = 0;
  for (const part of content) {
    const text = textOfPart(part);
    const end = at + text.length;
    if (at < HEAD) scan.read(text, 0, Math.min(text.length, HEAD - at));
    if (end > tailFrom && text !== "") scan.read(text, Math.max(0, tailFrom - at), text.length);
    at = end;
  }
}

/** Reads the beginning of the system prompt. */
export function scanSystem(scan: TextScan, { messages }: ChatRequest): void {
  let left = SYSTEM_HEAD;
  for (const message of messages) {
    if (message.role !== "system" && message.role !== "developer") continue;
    for (const part of message.content) {
      const text = textOfPart(part);
      scan.read(text, 0, Math.min(text.length, left));
      left -= Math.min(text.length, left);
      if (left === 0) return;
    }
  }
}

/** Rough count of the input's tokens, from the lengths of its texts. */
export function estimateInputTokens({ messages }: ChatRequest): number {
  let characters = 0;
  let tokens = 0;
  const count = (part: Part): void => {
    if (part.type === "image") tokens += TOKENS_PER_IMAGE;
    else if (part.type === "toolCall") characters += part.arguments.length;
    else if (part.type === "toolResult") part.content.forEach(count);
    else if (part.type === "reasoning") characters += part.text.length;
    else characters += textOfPart(part).length;
  };
  for (const message of messages) message.content.forEach(count);
  return tokens + Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

/** How many messages the user has written. */
export function userTurns({ messages }: ChatRequest): number {
  let turns = 0;
  for (const { role } of messages) if (role === "user") turns += 1;
  return turns;
}
