import { expect } from "vitest";
import { ChatFold } from "@signalbox/kernel";
import { checkChatEvents } from "@signalbox/kernel/testkit";
import type { Heard, Script } from "./broken-streams.ts";
import { answerEvents, saidIn, stream } from "./broken-streams.ts";

export const TEXT =
  "The quick brown fox jumps over the lazy dog, and then it sleeps until the evening comes. 🦊 Good night!";
export const PIECES = TEXT.match(/.{1,7}/gu) as string[];
export const A = { id: "a", text: PIECES, usage: { inputTokens: 10, outputTokens: 30 } };

/** What every whole reply has to be, however it came about. */
export function checkWhole({ events, result, error }: Heard): void {
  expect(error).toBeUndefined();
  checkChatEvents(events);
  const fold = new ChatFold();
  for (const event of events) fold.push(event);
  expect(result?.choices).toEqual(fold.result().choices);
  expect(result?.usage).toEqual(fold.usage);
  expect(result).toMatchObject({ id: events[0]?.type === "replyStart" ? events[0].id : "" });
}

export function pieces(text: string, size: number): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; at += size) found.push(text.slice(at, at + size));
  return found;
}

/** Goes on with `TEXT` after repeating so many of the last characters. */
export function goesOn(repeats: number, size: number = 5, id: string = "b"): Script {
  return (attempt) => {
    const said = saidIn(attempt) ?? "";
    const rest = TEXT.slice(Math.max(0, said.length - repeats));
    return stream(answerEvents({ id, text: pieces(rest, size), usage: { inputTokens: 20, outputTokens: 7 } }));
  };
}

export const WHOLE_A = answerEvents(A);
export const LAST_OF_TEXT = WHOLE_A.findIndex(({ type }) => type === "choiceEnd");
