/**
 * The longest match of an RE2 expression, in UTF-16 code units; infinity where there is none, or where the expression looks
 * at where the text begins or ends, which a window does not show.
 */
export function longestMatch(source: string): number {
  return new BoundReader(source).alternatives();
}

const CLASS = /\[\^?\]?(?:\[:\^?\w+:\]|\\[pP]\{[^}]*\}|\\[\s\S]|[^\]\\])*\]/y;
const ESCAPE = /\\(?:[pP]\{[^}]*\}|[pP].|x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|[0-7]{1,3}|[\s\S])/y;
const GROUP = /\((?:\?(?:P?<\w+>|[imsU-]*:))?/y;
const FLAGS = /\(\?[imsU-]+\)/y;
const QUANTIFIER = /(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/y;

class BoundReader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  alternatives(): number {
    let longest = this.#sequence();
    while (this.#source[this.#at] === "|") {
      this.#at++;
      longest = Math.max(longest, this.#sequence());
    }
    return longest;
  }

  #sequence(): number {
    let longest = 0;
    while (this.#at < this.#source.length && this.#source[this.#at] !== "|" && this.#source[this.#at] !== ")") {
      longest += this.#times(this.#term());
    }
    return longest;
  }

  #times(term: number): number {
    const quantifier = this.#take(QUANTIFIER);
    if (quantifier === undefined || term === 0) return term;
    const [word, least, comma, most] = quantifier;
    if (least !== undefined) return comma === "" ? term * Number(least) : most === "" ? Infinity : term * Number(most);
    return word.startsWith("?") ? term : Infinity;
  }

  #term(): number {
    if (this.#take(FLAGS) !== undefined) return 0;
    switch (this.#source[this.#at]) {
      case "(": {
        this.#take(GROUP);
        const inner = this.alternatives();
        this.#at++;
        return inner;
      }
      case "[":
        return this.#take(CLASS) === undefined ? Infinity : 2;
      case "^":
      case "$":
        this.#at++;
        return Infinity;
      case "\\": {
        const [written] = this.#take(ESCAPE) ?? ["\\Q"];
        if (written === "\\b" || written === "\\B") return 0;
        return /^\\[AzQEC]$/.test(written) ? Infinity : 2;
      }
      default: {
        const width = (this.#source.codePointAt(this.#at) ?? 0) > 0xffff ? 2 : 1;
        const any = this.#source[this.#at] === ".";
        this.#at += width;
        return any ? 2 : width;
      }
    }
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
