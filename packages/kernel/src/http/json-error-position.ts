/**
 * Where a text stops being JSON: the index of the first character that cannot be there, or the text's length when it
 * ends too early. The engine knows, but tells only some of its messages, and those quote the text.
 * Only called for text that `JSON.parse` has refused, so it need not be fast.
 */
export function jsonErrorPosition(text: string): number {
  const reader = new Reader(text);
  reader.read();
  return reader.index;
}

class Reader {
  readonly #space = /[ \t\n\r]*/y;
  readonly #number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
  readonly #literal = /true|false|null/y;
  readonly #escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
  readonly #text: string;
  index = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads one value and the space around it, without recursion; stops at the first error. */
  read(): void {
    const closers: string[] = [];
    for (;;) {
      this.#match(this.#space);
      if (!this.#value(closers)) return;
      // a value is complete: close what ends here, or go on to the next
      for (;;) {
        this.#match(this.#space);
        const closer = closers.at(-1);
        if (closer === undefined) return;
        if (this.#text[this.index] === closer) {
          this.index++;
          closers.pop();
          continue;
        }
        if (this.#text[this.index] !== ",") return;
        this.index++;
        this.#match(this.#space);
        if (closer === "}" && !this.#key()) return;
        break;
      }
    }
  }

  /** A scalar, an empty container, or the opening of a container up to its first value. False at an error. */
  #value(closers: string[]): boolean {
    for (;;) {
      const first = this.#text[this.index];
      if (first === '"') return this.#string();
      if (first !== "{" && first !== "[") return this.#match(this.#literal) || this.#match(this.#number);
      this.index++;
      this.#match(this.#space);
      const closer = first === "{" ? "}" : "]";
      if (this.#text[this.index] === closer) {
        this.index++;
        return true;
      }
      closers.push(closer);
      if (first === "{" && !this.#key()) return false;
      this.#match(this.#space);
    }
  }

  #key(): boolean {
    if (this.#text[this.index] !== '"' || !this.#string()) return false;
    this.#match(this.#space);
    if (this.#text[this.index] !== ":") return false;
    this.index++;
    return true;
  }

  #string(): boolean {
    this.index++;
    for (;;) {
      const code = this.#text.charCodeAt(this.index);
      if (Number.isNaN(code) || code < 0x20) return false;
      if (code === 0x5c) {
        if (!this.#match(this.#escape)) return false;
        continue;
      }
      this.index++;
      if (code === 0x22) return true;
    }
  }

  #match(pattern: RegExp): boolean {
    pattern.lastIndex = this.index;
    if (!pattern.test(this.#text)) return false;
    this.index = pattern.lastIndex;
    return true;
  }
}
