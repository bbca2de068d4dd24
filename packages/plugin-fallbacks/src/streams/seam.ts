/** How much of the text before the seam is looked at. */
const LONGEST_OVERLAP = 200;
/**
 * What is shorter, or has fewer different characters, repeats by chance: in lists, tables, code, rhymes. In bytes, because
 * a character of Chinese says as much as several letters.
 */
const LEAST_OVERLAP = { bytes: 12, distinctBytes: 6 };
/** The same for a text that is begun anew: it is repeated from its first character. */
const LEAST_RESTART = { bytes: 5, distinctBytes: 3 };

/**
 * The place where a text goes on after it was broken off. Takes away what the continuation repeats of the text before it:
 * the longest end of that text with which the continuation begins. Holds back text only as long as it may still be part
 * of such a repetition, 200 characters at most.
 */
export class Seam {
  readonly #tail: string;
  /** The tail, and something before it. */
  readonly #end: string;
  #held = "";
  #open: boolean;
  /** Characters that were taken away. */
  removed = 0;

  /** @param before the text that was broken off */
  constructor(before: string) {
    this.#tail = before.slice(-LONGEST_OVERLAP);
    this.#end = before.slice(-2 * LONGEST_OVERLAP);
    this.#open = before !== "";
  }

  /** What of the text may be shown now. */
  push(text: string): string {
    if (!this.#open) return text;
    this.#held += text;
    return this.#held.length < LONGEST_OVERLAP && this.#mayGrow() ? "" : this.end();
  }

  /** What was held back, without the repetition. The seam is closed. */
  end(): string {
    if (!this.#open) return "";
    this.#open = false;
    const held = this.#held;
    this.#held = "";
    this.removed = this.#repeated(held);
    return held.slice(this.removed);
  }

  /** Whether more text could make a longer repetition. */
  #mayGrow(): boolean {
    const held = this.#held;
    const bare = held.trimStart();
    return this.#isWithin(held) || bare === "" || (bare.length < held.length && this.#isWithin(bare));
  }

  /** Whether it stands in the tail with something after it. */
  #isWithin(text: string): boolean {
    const at = this.#tail.indexOf(text);
    return at >= 0 && at + text.length < this.#tail.length;
  }

  /** How many characters at the beginning of the text repeat the tail. */
  #repeated(text: string): number {
    const exact = this.#overlap(text);
    if (exact > 0) return exact;
    const bare = text.trimStart();
    const loose = bare.length < text.length ? this.#overlap(bare) : 0;
    return loose === 0 ? 0 : text.length - bare.length + loose;
  }

  #overlap(text: string): number {
    for (let length = Math.min(text.length, this.#tail.length); length > 0; length--) {
      const overlap = text.slice(0, length);
      if (!this.#tail.endsWith(overlap)) continue;
      // what stands there more than once may well come once more
      const isUnique = this.#end.indexOf(overlap) === this.#end.length - length;
      const least = length === this.#end.length ? LEAST_RESTART : LEAST_OVERLAP;
      return isUnique && isTelling(overlap, least) ? length : 0;
    }
    return 0;
  }
}

function isTelling(overlap: string, least: typeof LEAST_OVERLAP): boolean {
  return (
    Buffer.byteLength(overlap) >= least.bytes &&
    Buffer.byteLength([...new Set(overlap)].join("")) >= least.distinctBytes
  );
}
