import type { CharacterTable } from "./character-table.ts";
import { ACCENT, IDEOGRAPH, LETTER } from "./character-table.ts";
import type { Lexicon } from "./lexicon.ts";
import { HASH_FACTOR, WORD_HASH } from "./lexicon.ts";

/** Two characters that stand together in programs and hardly ever in prose. */
const CODE_PAIRS = [
  "=>",
  "->",
  "()",
  "==",
  "!=",
  "&&",
  "||",
  "::",
  "</",
  "/>",
  ");",
  "};",
  "{}",
  "[]",
  "+=",
  "{\n",
  ";\n",
];
const ASCII = 128;

const NEW_LINE = 10;
const TAB = 9;
const SPACE = 32;
const RIGHT_PARENTHESIS = 41;
const ASTERISK = 42;
const DASH = 45;
const FULL_STOP = 46;
const QUESTION = 63;
const COMMA = 44;
const COLON = 58;
const SEMICOLON = 59;
const BACKSLASH = 92;
const UNDERSCORE = 95;
const BACKTICK = 96;
const BULLET = 0x2022;

/** `?`, `؟` and `？` */
const isQuestionMark = (unit: number): boolean => unit === QUESTION || unit === 0x61f || unit === 0xff1f;

/** Commas, semicolons and colons, those of Arabic, Chinese and Japanese among them. */
function isClauseMark(unit: number): boolean {
  if (unit < ASCII) return unit === COMMA || unit === SEMICOLON || unit === COLON;
  return unit === 0x60c || unit === 0x61b || unit === 0x3001 || unit === 0xff0c || unit === 0xff1a || unit === 0xff1b;
}

/** `= < > + ^ ± × ÷`, arrows and mathematical operators. */
function isMathSign(unit: number): boolean {
  if (unit < ASCII) return unit === 0x3d || unit === 0x3c || unit === 0x3e || unit === 0x2b || unit === 0x5e;
  return unit === 0xb1 || unit === 0xd7 || unit === 0xf7 || (unit >= 0x2190 && unit <= 0x22ff);
}

const isDigit = (unit: number): boolean => unit >= 48 && unit <= 57;

/**
 * Reads texts once, character by character, and counts what their shape says about them: the same steps for every
 * character, whatever came before. Gives the words to a lexicon.
 */
export class TextScan {
  readonly lexicon: Lexicon;
  /** Words of scripts with spaces. */
  words = 0;
  /** Characters of scripts without. */
  ideographs = 0;
  /** Words that begin with a digit. */
  numbers = 0;
  questions = 0;
  /** Commas, semicolons and colons. */
  clauses = 0;
  /** Lines that begin with a number or a bullet. */
  listItems = 0;
  /** Fences around blocks of code: two for each. */
  fences = 0;
  codePairs = 0;
  /** `snake_case` and `camelCase`. */
  identifiers = 0;
  mathSigns = 0;
  readonly #characters: CharacterTable;
  readonly #pairs = new Uint8Array(ASCII * ASCII);
  /** Backticks in a row. */
  #ticks = 0;

  constructor(characters: CharacterTable, lexicon: Lexicon) {
    this.#characters = characters;
    this.lexicon = lexicon;
    for (const pair of CODE_PAIRS) this.#pairs[pair.charCodeAt(0) * ASCII + pair.charCodeAt(1)] = 1;
  }

  begin(): void {
    this.words = 0;
    this.ideographs = 0;
    this.numbers = 0;
    this.questions = 0;
    this.clauses = 0;
    this.listItems = 0;
    this.fences = 0;
    this.codePairs = 0;
    this.identifiers = 0;
    this.mathSigns = 0;
    this.lexicon.begin();
  }

  /** Reads a piece of a text. It may be called again for others; words and phrases do not go over their borders. */
  read(text: string, from: number, to: number): void {
    const { lexicon } = this;
    const { kinds, forms } = this.#characters;
    let before = 0;
    let lineStart = from;
    let words = 0;
    /** Where the word that is being read begins; -1 between words. */
    let wordStart = -1;
    let hash = WORD_HASH;
    let identifier = false;
    this.#ticks = 0;
    for (let at = from; at < to; at++) {
      const unit = text.charCodeAt(at);
      const kind = kinds[unit];
      if (kind === LETTER) {
        if (wordStart < 0) {
          wordStart = at;
          hash = WORD_HASH;
          identifier = false;
          words += 1;
          if (isDigit(unit)) this.numbers += 1;
          if (before === BACKSLASH) this.mathSigns += 1;
        } else if (unit <= UNDERSCORE && (unit === UNDERSCORE || (unit >= 65 && before >= 97 && before <= 122))) {
          identifier = true;
        }
        hash = Math.imul(hash ^ (forms[unit] as number), HASH_FACTOR);
        before = unit;
        continue;
      }
      if (kind === ACCENT) continue;
      if (wordStart >= 0) {
        lexicon.word(hash, text, wordStart, at);
        if (identifier) this.identifiers += 1;
        // `1.` and `1)` at the start of a line
        if (wordStart === lineStart && at - wordStart <= 2 && (unit === FULL_STOP || unit === RIGHT_PARENTHESIS)) {
          if (isDigit(before)) this.listItems += 1;
        }
        wordStart = -1;
      }
      if (kind === IDEOGRAPH) {
        this.ideographs += 1;
        lexicon.word(Math.imul(WORD_HASH ^ (forms[unit] as number), HASH_FACTOR), text, at, at + 1);
      } else if (unit === SPACE || unit === TAB) {
        if (at === lineStart) lineStart = at + 1;
        else if (at - 1 === lineStart && (before === DASH || before === ASTERISK || before === BULLET)) {
          this.listItems += 1;
        }
        this.#ticks = 0;
      } else {
        if (unit === NEW_LINE) lineStart = at + 1;
        this.#sign(before, unit);
      }
      before = unit;
    }
    if (wordStart >= 0) {
      lexicon.word(hash, text, wordStart, to);
      if (identifier) this.identifiers += 1;
    }
    this.words += words;
    lexicon.breakOff();
  }

  /** A character that is neither in a word nor a space. */
  #sign(before: number, unit: number): void {
    if (unit === BACKTICK) {
      this.#ticks += 1;
      if (this.#ticks === 3) this.fences += 1;
      return;
    }
    this.#ticks = 0;
    if (unit < ASCII && before < ASCII && this.#pairs[before * ASCII + unit] === 1) this.codePairs += 1;
    else if (isMathSign(unit)) this.mathSigns += 1;
    else if (isQuestionMark(unit)) this.questions += 1;
    else if (isClauseMark(unit)) this.clauses += 1;
  }
}
