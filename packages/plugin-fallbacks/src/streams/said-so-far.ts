import type { CanonicalChatEvent, ChatResult, Part } from "@signalbox/kernel";
import { ChatFold, textOf } from "@signalbox/kernel";

interface OpenPart {
  readonly type: Part["type"];
  /** Of its text. */
  length: number;
}

/** What the client has been sent of a reply. */
export class SaidSoFar {
  readonly #fold: ChatFold = new ChatFold();
  readonly #open: Map<number, OpenPart> = new Map();
  /** The number of the next part. */
  nextIndex = 0;
  /** Nothing but counts can follow. */
  ended = false;
  /** Why nobody else can go on from here. */
  obstacle: string | undefined;

  push(event: CanonicalChatEvent): void {
    this.#fold.push(event);
    switch (event.type) {
      case "partStart": {
        const { type } = event.part;
        if (event.choice !== 0) this.obstacle ??= "it has several choices";
        // arguments from two models would be a call that neither has made; and what a provider's own tools have found,
        // pictures and refusals are nothing that the next one could go on from
        if (type !== "text" && type !== "reasoning") this.obstacle ??= `a part of type ${type} had begun`;
        this.#open.set(event.index, { type, length: type === "text" ? event.part.text.length : 0 });
        this.nextIndex = Math.max(this.nextIndex, event.index + 1);
        break;
      }
      case "partDelta": {
        const open = this.#open.get(event.index);
        if (open !== undefined && event.delta.type === "text") open.length += event.delta.text.length;
        break;
      }
      case "partEnd":
        this.#open.delete(event.index);
        break;
      case "choiceEnd":
        this.ended = true;
        break;
    }
  }

  /** The text part that was broken off, and how long its text is; the last one if there are several. */
  get brokenText(): { readonly index: number; readonly length: number } | undefined {
    let last: { readonly index: number; readonly length: number } | undefined;
    for (const [index, { type, length }] of this.#open) {
      if (type === "text" && index > (last?.index ?? -1)) last = { index, length };
    }
    return last;
  }

  /** Ends what cannot go on. Whoever reads the reply needs to be told. */
  close(): readonly CanonicalChatEvent[] {
    const broken = this.brokenText?.index;
    const closing = [...this.#open.keys()].filter((index) => index !== broken).sort((one, other) => one - other);
    const events = closing.map((index): CanonicalChatEvent => ({ type: "partEnd", choice: 0, index }));
    for (const event of events) this.push(event);
    return events;
  }

  /** The parts of the answer, as far as they have come. */
  get content(): readonly Part[] {
    return this.#fold.result().choices[0]?.content ?? [];
  }

  get text(): string {
    return textOf(this.content);
  }

  result(): ChatResult {
    return this.#fold.result();
  }
}
