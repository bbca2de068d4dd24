import type { CanonicalChatEvent, Citation, Part, PartDelta, Usage } from "@signalbox/kernel";
import { addUsage } from "@signalbox/kernel";
import type { SaidSoFar } from "./said-so-far.ts";
import { Seam } from "./seam.ts";

type ChoiceEvent<Type extends CanonicalChatEvent["type"]> = Extract<CanonicalChatEvent, { readonly type: Type }>;

/**
 * Turns the events of a second reply into the rest of the first: its beginning is left out, its text goes on in the text
 * part that was broken off, its other parts follow, and its counts are added to what the first one has cost.
 */
export class SplicedReply {
  readonly #spent: Usage | undefined;
  /** Numbers of parts, in this reply and as the client knows them. */
  readonly #indexes: Map<number, number> = new Map();
  readonly #before: string;
  #nextIndex: number;
  /** The part that was broken off, until its text goes on. */
  #broken: number | undefined;
  /** The part in which the text goes on, by its number in this reply. */
  #seamPart: number | undefined;
  #seam: Seam | undefined;
  /** The beginning of that part, where it is a new one, until there is something in it that was not said before. */
  #unopened: ChoiceEvent<"partStart"> | undefined;
  /** What stood in that part already. */
  #lengthBefore = 0;
  readonly #lengthOfBroken: number;

  /** @param spent what is known of the cost of the broken replies */
  constructor(said: SaidSoFar, spent: Usage | undefined) {
    this.#spent = spent;
    this.#before = said.text;
    this.#nextIndex = said.nextIndex;
    this.#broken = said.brokenText?.index;
    this.#lengthOfBroken = said.brokenText?.length ?? 0;
  }

  push(event: CanonicalChatEvent): readonly CanonicalChatEvent[] {
    switch (event.type) {
      case "replyStart":
        return [];
      case "usageUpdate":
        return [this.#spent === undefined ? event : { ...event, usage: addUsage(this.#spent, event.usage) }];
      case "partStart":
        return this.#partStart(event);
      case "partDelta":
        return this.#partDelta(event);
      case "partEnd":
        return this.#partEnd(event);
      case "choiceEnd":
        return [...this.end(), event];
    }
  }

  /** What is still held back; ends the broken part if nothing went on in it. */
  end(): readonly CanonicalChatEvent[] {
    return [...this.#release(), ...this.#abandonBroken()];
  }

  #partStart(event: ChoiceEvent<"partStart">): readonly CanonicalChatEvent[] {
    const { part } = event;
    if (part.type === "text" && this.#seam === undefined) return this.#resume(event, part.text, part);
    const closing = part.type === "text" || part.type === "reasoning" ? [] : this.#abandonBroken();
    return [...closing, { ...event, index: this.#number(event.index) }];
  }

  /** The first text of this reply. */
  #resume(event: ChoiceEvent<"partStart">, text: string, part: Part): readonly CanonicalChatEvent[] {
    this.#seam = new Seam(this.#before);
    this.#seamPart = event.index;
    const broken = this.#broken;
    if (broken === undefined) {
      this.#unopened = { ...event, part: { ...part, text: "" } as Part };
      return [...(this.#before === "" ? this.#opened() : []), ...this.#text(this.#seam.push(text))];
    }
    this.#broken = undefined;
    this.#lengthBefore = this.#lengthOfBroken;
    this.#indexes.set(event.index, broken);
    const events = [...this.#text(this.#seam.push(text))];
    for (const delta of openingDeltas(part)) {
      events.push(...this.#partDelta({ type: "partDelta", choice: event.choice, index: event.index, delta }));
    }
    return events;
  }

  #partDelta(event: ChoiceEvent<"partDelta">): readonly CanonicalChatEvent[] {
    const { delta } = event;
    if (event.index !== this.#seamPart) {
      const index = this.#indexes.get(event.index);
      return index === undefined ? [] : [{ ...event, index }];
    }
    if (delta.type === "text") return this.#text(this.#seam?.push(delta.text) ?? delta.text);
    const before = [...this.#release(), ...this.#opened()];
    const own = delta.type === "citation" ? { ...delta, citation: this.#moved(delta.citation) } : delta;
    return [...before, { ...event, index: this.#indexes.get(event.index) as number, delta: own }];
  }

  #partEnd(event: ChoiceEvent<"partEnd">): readonly CanonicalChatEvent[] {
    const released = event.index === this.#seamPart ? this.#release() : [];
    const index = this.#indexes.get(event.index);
    return index === undefined ? released : [...released, { ...event, index }];
  }

  /** What the seam has held back. */
  #release(): readonly CanonicalChatEvent[] {
    return this.#text(this.#seam?.end() ?? "");
  }

  /** More of the text that goes on. */
  #text(text: string): readonly CanonicalChatEvent[] {
    if (text === "" || this.#seamPart === undefined) return [];
    const opened = this.#opened();
    const index = this.#indexes.get(this.#seamPart) as number;
    return [...opened, { type: "partDelta", choice: 0, index, delta: { type: "text", text } }];
  }

  #opened(): readonly CanonicalChatEvent[] {
    const event = this.#unopened;
    this.#unopened = undefined;
    return event === undefined ? [] : [{ ...event, index: this.#number(event.index) }];
  }

  #abandonBroken(): readonly CanonicalChatEvent[] {
    const index = this.#broken;
    this.#broken = undefined;
    return index === undefined ? [] : [{ type: "partEnd", choice: 0, index }];
  }

  #number(index: number): number {
    const own = this.#nextIndex++;
    this.#indexes.set(index, own);
    return own;
  }

  /** Positions count from the beginning of the part, of which this reply has written only the end. */
  #moved(citation: Citation): Citation {
    const by = this.#lengthBefore - (this.#seam?.removed ?? 0);
    const { startIndex, endIndex } = citation;
    return {
      ...citation,
      ...(startIndex !== undefined && { startIndex: Math.max(0, startIndex + by) }),
      ...(endIndex !== undefined && { endIndex: Math.max(0, endIndex + by) }),
    };
  }
}

/** What a part brought with its beginning, for one that had begun before. */
function openingDeltas(part: Part): readonly PartDelta[] {
  const deltas: PartDelta[] = [];
  if (part.type === "text") for (const citation of part.citations ?? []) deltas.push({ type: "citation", citation });
  for (const [origin, value] of Object.entries(part.extra ?? {})) deltas.push({ type: "opaque", origin, value });
  return deltas;
}
