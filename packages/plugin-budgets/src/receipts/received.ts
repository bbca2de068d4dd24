import type { ChatEvent, Usage } from "@signalbox/kernel";
import { isFrame } from "@signalbox/kernel";
import { KeptFrames } from "./kept-frames.ts";

/** What one string holds: no tokenizer makes more tokens of a text than it has bytes of UTF-8. */
function tokensIn(text: string | undefined): number {
  return text === undefined ? 0 : Buffer.byteLength(text);
}

/**
 * What has been received of a reply. Frames of the native lane are kept as they are, and read only when the reply
 * breaks off without its usage.
 */
export class Received {
  /** Epoch milliseconds of the first event; 0 before. */
  firstEventAt = 0;
  #frames: KeptFrames | undefined;
  /** Upper bound of the tokens that were seen. */
  #tokens = 0;
  #choicesEnded = 0;
  #usage: Usage | undefined;
  #usageTold = false;
  /** Something was received that tokens do not measure: sound, pictures. */
  #unmeasured = false;

  /** Answers the event to pass on. */
  take<Event>(event: Event): Event {
    if (this.firstEventAt === 0) this.firstEventAt = Date.now();
    if (!isFrame(event)) {
      this.#count(event as ChatEvent);
      return event;
    }
    this.#frames ??= new KeptFrames((read) => this.#count(read as ChatEvent));
    return this.#frames.keep(event) as Event;
  }

  /** Reads what has been kept. Afterwards the counts are whole. */
  read(): void {
    // reading adds to the count itself
    const unreadable = this.#frames?.readAll() ?? 0;
    this.#tokens += unreadable;
  }

  get tokens(): number {
    return this.#tokens;
  }

  get measured(): boolean {
    return !this.#unmeasured;
  }

  /** The counts so far, as the provider told them; undefined when it told none. */
  get usage(): Usage | undefined {
    return this.#usage;
  }

  /** Whether all choices have ended and the provider has told its counts: nothing can be added to them. */
  complete(choices: number): boolean {
    return this.#usageTold && this.#choicesEnded >= choices;
  }

  #count(event: ChatEvent | { readonly type: "textDelta"; readonly text: string }): void {
    switch (event.type) {
      case "replyStart":
        if (event.usage !== undefined) this.#usage = event.usage;
        return;
      case "usageUpdate":
        if (event.usage.inputTokens + event.usage.outputTokens === 0) return;
        this.#usage = event.usage;
        this.#usageTold = true;
        return;
      case "partDelta": {
        const { delta } = event;
        if (delta.type === "text" || delta.type === "refusal" || delta.type === "reasoning") {
          this.#tokens += tokensIn(delta.text);
        } else if (delta.type === "arguments") this.#tokens += tokensIn(delta.text);
        else if (delta.type === "audio") this.#unmeasured = true;
        else if (delta.type === "opaque") this.#tokens += tokensIn(JSON.stringify(delta.value));
        return;
      }
      case "partStart": {
        const { part } = event;
        if (part.type === "text" || part.type === "refusal" || part.type === "reasoning") {
          this.#tokens += tokensIn(part.text);
        } else if (part.type === "toolCall") this.#tokens += tokensIn(part.name) + tokensIn(part.arguments);
        else if (part.type === "audio" || part.type === "image") this.#unmeasured = true;
        else this.#tokens += tokensIn(JSON.stringify(part));
        return;
      }
      case "textDelta":
        this.#tokens += tokensIn(event.text);
        return;
      case "choiceEnd":
        this.#choicesEnded++;
        return;
      case "partEnd":
      case "frame":
        return;
      default:
        this.#unmeasured = true;
    }
  }
}
