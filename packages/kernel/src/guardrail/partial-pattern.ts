/**
 * A regular expression as text, beside the one that also matches where a match is only begun. Both are meant for the
 * expression's own flags without `m`, which is written out.
 */
interface PartialPattern {
  /** The expression itself, without capturing groups. */
  readonly whole: string;
  /** Matches what the end of the text cuts off, too: of `cat`, `ca` at the end. */
  readonly partial: string;
  /** Bounds of a match, in UTF-16 code units. */
  readonly shortest: number;
  /** Infinity when there is none. */
  readonly longest: number;
  /** How far it looks beyond a match, and back before one. */
  readonly lookAhead: number;
  readonly lookBehind: number;
}

/** The end of the text, the flag `m` being off. */
const END = "$";
const TO_END = "[\\s\\S]*";

const NOTHING: PartialPattern = { whole: "", partial: "", shortest: 0, longest: 0, lookAhead: 0, lookBehind: 0 };

/**
 * Takes an expression that `RegExp` accepts apart. In `partial` every piece may be missing once the end of the text is
 * reached, so that it matches to the end exactly where more text could make or change a match.
 *
 * @throws {SyntaxError} for back references, which have no partial form
 */
export function partialPattern(pattern: RegExp): PartialPattern {
  return new PatternReader(pattern).alternatives();
}

const LINE_START = "(?<![^\\n\\r\\u2028\\u2029])";
const LINE_END = "(?![^\\n\\r\\u2028\\u2029])";

const GROUP = /\((?:\?(?:<(?![=!])[^>]*>|<?[=!]|[ims]*(?:-[ims]*)?:))?/y;
const QUANTIFIER = /(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/y;
const ESCAPE = /\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|0[0-7]{0,2}|[\s\S])/y;
const UNICODE_ESCAPE =
  /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u\{[^}]*\}|[pP]\{[^}]*\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[\s\S])/y;

class PatternReader {
  readonly #source: string;
  readonly #unicode: boolean;
  readonly #sets: boolean;
  readonly #lines: boolean;
  #at = 0;

  constructor({ source, unicode, unicodeSets, multiline }: RegExp) {
    this.#source = source;
    this.#lines = multiline;
    this.#unicode = unicode || unicodeSets;
    this.#sets = unicodeSets;
  }

  /** Up to the end, or to the bracket that closes the group. */
  alternatives(): PartialPattern {
    let all = this.#sequence();
    while (this.#source[this.#at] === "|") {
      this.#at++;
      const next = this.#sequence();
      all = {
        whole: `${all.whole}|${next.whole}`,
        partial: `${all.partial}|${next.partial}`,
        shortest: Math.min(all.shortest, next.shortest),
        longest: Math.max(all.longest, next.longest),
        lookAhead: Math.max(all.lookAhead, next.lookAhead),
        lookBehind: Math.max(all.lookBehind, next.lookBehind),
      };
    }
    return all;
  }

  #sequence(): PartialPattern {
    let all = NOTHING;
    while (this.#at < this.#source.length && !"|)".includes(this.#source[this.#at] as string)) {
      const next = this.#quantified(this.#term());
      all = {
        whole: all.whole + next.whole,
        partial: all.partial + next.partial,
        shortest: all.shortest + next.shortest,
        longest: all.longest + next.longest,
        lookAhead: Math.max(all.lookAhead, next.lookAhead),
        lookBehind: Math.max(all.lookBehind, next.lookBehind),
      };
    }
    return all;
  }

  #quantified(term: PartialPattern): PartialPattern {
    const match = this.#take(QUANTIFIER);
    if (match === undefined) return term;
    const [words, from, comma, to] = match;
    const least = from === undefined ? (words.startsWith("+") ? 1 : 0) : Number(from);
    const limit = comma === "" ? least : to === "" ? Number.POSITIVE_INFINITY : Number(to);
    const most = from === undefined ? (words.startsWith("?") ? 1 : Number.POSITIVE_INFINITY) : limit;
    return {
      ...term,
      whole: term.whole + words,
      partial: term.partial + words,
      shortest: term.shortest * least,
      longest: term.longest === 0 || most === 0 ? 0 : term.longest * most,
    };
  }

  #term(): PartialPattern {
    switch (this.#source[this.#at]) {
      case "(":
        return this.#group();
      case "[":
        return this.#characters(this.#class());
      case "^":
        this.#at++;
        return this.#assertion(this.#lines ? LINE_START : "^");
      case "$":
        this.#at++;
        return this.#assertion(this.#lines ? LINE_END : "$");
      case "\\":
        return this.#escape();
      default: {
        const codePoint = this.#source.codePointAt(this.#at) as number;
        const character = this.#unicode ? String.fromCodePoint(codePoint) : (this.#source[this.#at] as string);
        this.#at += character.length;
        return this.#characters(character);
      }
    }
  }

  #group(): PartialPattern {
    const opening = (this.#take(GROUP) as RegExpExecArray)[0];
    if (/^\(\?[is-]*m/.test(opening)) throw new SyntaxError("it changes the flag m for a part of itself");
    const inner = this.alternatives();
    this.#at++;
    if (opening.endsWith("=") || opening.endsWith("!")) return this.#look(opening, inner);
    const open = opening.endsWith(":") ? opening : "(?:";
    return { ...inner, whole: `${open}${inner.whole})`, partial: `(?:${open}${inner.partial})|${END})` };
  }

  #look(opening: string, inner: PartialPattern): PartialPattern {
    const whole = `${opening}${inner.whole})`;
    if (opening.includes("<")) {
      if (inner.lookAhead > 0) throw new SyntaxError("it looks ahead inside of looking behind");
      const lookBehind = inner.lookBehind + inner.longest;
      return { ...this.#assertion(whole), lookBehind };
    }
    // What is looked at may still come: then everything up to the end belongs to the match that is begun.
    return {
      ...NOTHING,
      whole,
      partial: `(?:${whole}|(?=(?:${inner.partial})${END})${TO_END})`,
      lookAhead: inner.lookAhead + inner.longest,
      lookBehind: inner.lookBehind,
    };
  }

  #escape(): PartialPattern {
    const [text] = this.#take(this.#unicode ? UNICODE_ESCAPE : ESCAPE) as RegExpExecArray;
    if (/^\\[1-9k]/.test(text)) throw new SyntaxError("it refers back to a group");
    if (text === "\\b" || text === "\\B") return this.#assertion(text);
    return this.#characters(text);
  }

  /** Only the end of the text can change what it says. */
  #assertion(whole: string): PartialPattern {
    return { ...NOTHING, whole, partial: `(?:${whole}|${END})`, lookBehind: 1 };
  }

  #characters(whole: string): PartialPattern {
    return { ...NOTHING, whole, partial: `(?:${whole}|${END})`, shortest: 1, longest: this.#longest(whole) };
  }

  /** Of one character as the expression writes it. */
  #longest(character: string): number {
    if (!this.#unicode) return 1;
    // Under the flag v, sets may hold texts of several characters; how long those are is not told.
    if (this.#sets && /\\q|\\p\{[^}]*(?:RGI_|Emoji_Keycap|Basic_Emoji)/.test(character))
      return Number.POSITIVE_INFINITY;
    return /^(?:[\0-\uffff]|\\[a-z0-9\\])$/.test(character) && !/^(?:\.|\\[DSW])$/.test(character) ? 1 : 2;
  }

  #class(): string {
    const start = this.#at;
    let depth = 0;
    do {
      const character = this.#source[this.#at];
      if (character === "\\") this.#at++;
      else if (character === "[" && (depth === 0 || this.#sets)) depth++;
      else if (character === "]") depth--;
      this.#at++;
    } while (depth > 0);
    return this.#source.slice(start, this.#at);
  }

  #take(expression: RegExp): RegExpExecArray | undefined {
    const sticky = new RegExp(expression);
    sticky.lastIndex = this.#at;
    const match = sticky.exec(this.#source);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match;
  }
}
