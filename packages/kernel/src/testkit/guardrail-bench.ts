import type { CanonicalChatEvent } from "../chat/event.ts";
import { ChatFold } from "../chat/fold.ts";
import type { Part } from "../chat/part.ts";
import type { ChatResult } from "../chat/result.ts";
import type { TextWindow } from "../guardrail.ts";
import type { EventOf, Reply } from "../operation.ts";

/** Where a text stands. */
export type TextKind = TextWindow["kind"];

/** An answer of a model on its way to a guardrail. */
export interface Streamed {
  readonly streamed: boolean;
  reply(): Reply<"chat">;
  /** The reader has let go of the reply: at its end, or before. */
  readonly closed: boolean;
  /** How the guardrail broke its contract, if it did. */
  breach: string | undefined;
}

function partOf(kind: TextKind, text: string): Part {
  if (kind === "arguments") return { type: "toolCall", id: "c-1", name: "get_weather", arguments: text };
  return { type: kind, text };
}

function textOfPart(part: Part, kind: TextKind): string | undefined {
  if (kind === "arguments") return part.type === "toolCall" ? part.arguments : undefined;
  return part.type === kind ? (part as { readonly text: string }).text : undefined;
}

/** The same pieces in each choice, in turn; or, when it is not streamed, the result alone. */
export function answer(
  pieces: readonly string[],
  kind: TextKind,
  streamed: boolean,
  choices: number = 1,
  onPiece: (charactersSoFar: number) => void = () => {},
): Streamed {
  let produced = 0;
  let closed = false;
  const indexes = Array.from({ length: choices }, (_, index) => index);
  const result: ChatResult = {
    id: "kit-1",
    model: "kit",
    createdAt: 1_760_000_000,
    choices: indexes.map((index) => ({ index, content: [partOf(kind, pieces.join(""))], finishReason: "stop" })),
    usage: { inputTokens: 3, outputTokens: 5 },
  };

  function* events(): Generator<CanonicalChatEvent> {
    yield { type: "replyStart", id: result.id, model: result.model, createdAt: result.createdAt };
    for (const choice of indexes) yield { type: "partStart", choice, index: 0, part: partOf(kind, "") };
    for (const text of pieces) {
      produced += text.length;
      onPiece(produced);
      for (const choice of indexes) yield { type: "partDelta", choice, index: 0, delta: { type: kind, text } };
    }
    for (const choice of indexes) yield { type: "partEnd", choice, index: 0 };
    for (const choice of indexes) yield { type: "choiceEnd", choice, finishReason: "stop" };
    yield { type: "usageUpdate", usage: result.usage };
  }

  async function* reply(): Reply<"chat"> {
    try {
      if (!streamed) return result;
      const fold = new ChatFold();
      for (const event of events()) {
        fold.push(event);
        yield event;
      }
      return fold.result();
    } finally {
      closed = true;
    }
  }

  return {
    streamed,
    reply,
    get closed() {
      return closed;
    },
    breach: undefined,
  };
}

/** Each choice's text of one kind. */
export function partTexts(result: ChatResult, kind: TextKind): readonly string[] {
  return result.choices.map(({ content }) => content.map((part) => textOfPart(part, kind) ?? "").join(""));
}

/** What a client has read of one choice when the stream is over. */
export function streamedText(events: readonly EventOf<"chat">[], choice: number, kind: TextKind): string {
  let text = "";
  for (const event of events) {
    if (event.type === "partStart" && event.choice === choice) text += textOfPart(event.part, kind) ?? "";
    if (event.type === "partDelta" && event.choice === choice && event.delta.type === kind) {
      text += (event.delta as { readonly text: string }).text;
    }
  }
  return text;
}

/** Every cut into two (of texts that are not too long), pieces of 1, 2, 3, 5, 7 and 13 characters, and uneven ones. */
export function* cuts(text: string): Generator<readonly string[]> {
  const step = Math.max(1, Math.ceil(text.length / 200));
  for (let at = 0; at <= text.length; at += step) yield [text.slice(0, at), text.slice(at)];
  for (const size of [1, 2, 3, 5, 7, 13]) {
    yield Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
      text.slice(index * size, (index + 1) * size),
    );
  }
  for (const seed of [1, 2, 3]) {
    const pieces: string[] = [];
    let state = seed;
    for (let at = 0; at < text.length; ) {
      state = (state * 16_807) % 2_147_483_647;
      const size = 1 + (state % 11);
      pieces.push(text.slice(at, at + size));
      at += size;
    }
    yield pieces;
  }
}
