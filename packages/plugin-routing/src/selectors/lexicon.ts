import type { CharacterTable } from "./character-table.ts";
import { ACCENT, IDEOGRAPH, LETTER, SEPARATOR } from "./character-table.ts";

/** Of a word no letters: what its hash begins with. 32-bit FNV-1a. */
export const WORD_HASH = -0x7ee3623b;
/** `hash = Math.imul(hash ^ form, HASH_FACTOR)` for each letter's plain form. */
export const HASH_FACTOR = 0x01000193;

/** Words per slot, at most: half of the slots stay free, so that a search ends soon. */
const FILL = 0.5;

/** A place in the tree of phrases: what the words so far mean, and which may follow. */
class Phrase {
  readonly next = new Map<number, Phrase>();
  readonly meanings: number[] = [];
  /** The last text in which it was found. */
  seen = 0;
}

/**
 * Finds many words and phrases in one pass over a text. Every character costs the same few steps, whatever the text and
 * however many words there are to find: a word is hashed by the reader as it goes, and looked up once.
 *
 * A phrase is found where its words follow one another, whatever separates them: `step-by-step` holds `step by step`.
 */
export class Lexicon {
  /** How many different words and phrases of each meaning the text holds. */
  readonly found: Int32Array;
  readonly #kinds: Uint8Array;
  readonly #forms: Uint16Array;
  /** Plain forms of the letters of each word; the word with index 1 is the first. */
  readonly #words: Uint16Array[] = [];
  readonly #indexes = new Map<string, number>();
  /** The phrase that each word begins. */
  readonly #begun: (Phrase | undefined)[] = [];
  /** Open addressing: the index of a word, 0 in a free slot; and its hash. */
  #slots = new Int32Array(16);
  #hashes = new Int32Array(16);
  /** Phrases that the words read last have begun. */
  readonly #open: Phrase[] = [];
  #openCount = 0;
  #text = 0;

  /** @param meanings how many there are: 0 is the first one */
  constructor({ kinds, forms }: CharacterTable, meanings: number) {
    this.#kinds = kinds;
    this.#forms = forms;
    this.found = new Int32Array(meanings);
  }

  /** Adds a word or phrase. One without letters and digits is never found. */
  add(phrase: string, meaning: number): void {
    let at: Phrase | undefined;
    for (const word of this.#split(phrase)) {
      const index = this.#indexOf(word);
      const known = at === undefined ? this.#begun[index] : at.next.get(index);
      const next = known ?? new Phrase();
      if (at === undefined) this.#begun[index] = next;
      else at.next.set(index, next);
      at = next;
    }
    if (at !== undefined && !at.meanings.includes(meaning)) at.meanings.push(meaning);
  }

  /** Forgets the text before. */
  begin(): void {
    this.found.fill(0);
    this.#text += 1;
    this.#openCount = 0;
  }

  /** No phrase goes on from here: what follows is another text. */
  breakOff(): void {
    this.#openCount = 0;
  }

  /** The next word: its hash, and where it stands. */
  word(hash: number, text: string, from: number, to: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    let index = this.#slots[slot] as number;
    while (index !== 0 && (this.#hashes[slot] !== hash || !this.#isWord(index, text, from, to))) {
      slot = (slot + 1) & mask;
      index = this.#slots[slot] as number;
    }
    if (index !== 0) this.#follow(index);
    else if (this.#openCount !== 0) this.#openCount = 0;
  }

  #follow(index: number): void {
    const open = this.#open;
    let kept = 0;
    for (let at = 0; at < this.#openCount; at++) {
      const longer = open[at]?.next.get(index);
      if (longer !== undefined && this.#note(longer)) open[kept++] = longer;
    }
    const begun = this.#begun[index];
    if (begun !== undefined && this.#note(begun)) open[kept++] = begun;
    this.#openCount = kept;
  }

  /** Counts what the phrase means; whether it may go on. */
  #note(phrase: Phrase): boolean {
    if (phrase.seen !== this.#text) {
      phrase.seen = this.#text;
      for (const meaning of phrase.meanings) this.found[meaning] = (this.found[meaning] as number) + 1;
    }
    return phrase.next.size > 0;
  }

  #isWord(index: number, text: string, from: number, to: number): boolean {
    const word = this.#words[index - 1] as Uint16Array;
    let length = 0;
    for (let at = from; at < to; at++) {
      const unit = text.charCodeAt(at);
      if (this.#kinds[unit] === ACCENT) continue;
      if (word[length] !== this.#forms[unit]) return false;
      length += 1;
    }
    return length === word.length;
  }

  /** Index of a word, which gets one if it has none. */
  #indexOf(word: readonly number[]): number {
    const letters = String.fromCharCode(...word);
    const known = this.#indexes.get(letters);
    if (known !== undefined) return known;
    const index = this.#words.push(Uint16Array.from(word));
    this.#indexes.set(letters, index);
    if (index > this.#slots.length * FILL) {
      this.#slots = new Int32Array(this.#slots.length * 2);
      this.#hashes = new Int32Array(this.#slots.length);
      for (let at = 1; at <= index; at++) this.#place(at);
    } else {
      this.#place(index);
    }
    return index;
  }

  #place(index: number): void {
    const mask = this.#slots.length - 1;
    const word = this.#words[index - 1] as Uint16Array;
    const hash = word.reduce((before, form) => Math.imul(before ^ form, HASH_FACTOR), WORD_HASH);
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = index;
    this.#hashes[slot] = hash;
  }

  /** The words of a phrase, as they are found in a text. */
  #split(phrase: string): readonly (readonly number[])[] {
    const words: number[][] = [];
    let word: number[] = [];
    const end = (): void => {
      if (word.length > 0) words.push(word);
      word = [];
    };
    for (let at = 0; at < phrase.length; at++) {
      const unit = phrase.charCodeAt(at);
      const kind = this.#kinds[unit];
      if (kind === SEPARATOR || kind === IDEOGRAPH) end();
      if (kind === LETTER || kind === IDEOGRAPH) word.push(this.#forms[unit] as number);
      if (kind === IDEOGRAPH) end();
    }
    end();
    return words;
  }
}
