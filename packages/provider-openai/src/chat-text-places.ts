import type { Citation, Extra, Part, TextPart } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { isJsonObject } from "@signalbox/kernel/http";
import type { Block } from "./chat-blocks.ts";
import { listOf, objectOf, WIRE } from "./json.ts";

/**
 * An entry of `provider_specific_fields.blocks` for a text. `content` joins all texts of an answer; where each of them
 * stood, and what another vendor said of it, is kept here: `content` from `start` to `end`, in UTF-16 code units.
 */
export interface TextPlace extends Block {
  /** Without its text. */
  readonly part: TextPart;
  readonly start: number;
  readonly end: number;
}

/** Follows the texts of one choice, and says in the end where they stood. */
export class TextPlaces {
  readonly #places: { index: number; part: TextPart; start: number; end: number }[] = [];
  #calls = false;
  /** A client's message says as much without them. */
  #needed = false;
  /** Texts that grew in turns have no places of their own. */
  #mixed = false;

  start(index: number, part: Part): void {
    if (part.type === "toolCall") this.#calls = true;
    else if (part.type === "reasoning") this.#needed ||= this.#places.length > 0;
    else if (part.type === "text") {
      this.#needed ||= this.#calls || this.#places.length > 0 || isForeign(part);
      const start = this.#places.at(-1)?.end ?? 0;
      this.#places.push({ index, part: { ...part, text: "" }, start, end: start + part.text.length });
    }
  }

  grow(index: number, length: number): void {
    const last = this.#places.at(-1);
    if (last?.index === index) last.end += length;
    else this.#mixed = true;
  }

  cite(index: number, citation: Citation): void {
    const place = this.#places.find((each) => each.index === index);
    if (place === undefined) return;
    place.part = { ...place.part, citations: [...(place.part.citations ?? []), citation] };
    this.#needed ||= isForeign(citation);
  }

  end(): readonly TextPlace[] {
    return this.#needed && !this.#mixed ? this.#places : [];
  }
}

/** Whether a text or citation carries what this wire format has no words for. */
function isForeign(value: { readonly extra?: Extra; readonly citations?: readonly Citation[] }): boolean {
  for (const origin in value.extra) if (origin !== WIRE) return true;
  return value.citations?.some(isForeign) === true;
}

/** The places of the texts of a whole answer. */
export function textPlaces(content: readonly Part[]): readonly TextPlace[] {
  const places = new TextPlaces();
  for (const [index, part] of content.entries()) places.start(index, part);
  return places.end();
}

/**
 * The texts of a client's message in their places. Undefined when it has no entries for them, or they no longer fit
 * its content: then a client has changed the text, and the content alone counts.
 */
export function placedTexts(message: JsonObject): readonly Block[] | undefined {
  const { content } = message;
  if (typeof content !== "string") return undefined;
  const texts: Block[] = [];
  let end = 0;
  for (const entry of listOf(objectOf(message["provider_specific_fields"])?.["blocks"])) {
    const place = placeOf(entry);
    if (place === undefined) continue;
    if (place.start !== end || place.end < end || place.end > content.length) return undefined;
    end = place.end;
    texts.push({ index: place.index, part: { ...place.part, text: content.slice(place.start, end) } });
  }
  return texts.length > 0 && end === content.length ? texts : undefined;
}

function placeOf(entry: unknown): TextPlace | undefined {
  if (!isJsonObject(entry)) return undefined;
  const part = objectOf(entry["part"]);
  const { index, start, end } = entry;
  if (part?.["type"] !== "text" || !isCount(index) || !isCount(start) || !isCount(end)) return undefined;
  const { citations, extra } = part;
  if (citations !== undefined && !(Array.isArray(citations) && citations.every(isJsonObject))) return undefined;
  if (extra !== undefined && !isJsonObject(extra)) return undefined;
  return {
    index,
    part: {
      type: "text",
      text: "",
      ...(citations !== undefined && { citations: citations as unknown as readonly Citation[] }),
      ...(extra !== undefined && { extra: extra as Extra }),
    },
    start,
    end,
  };
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}
