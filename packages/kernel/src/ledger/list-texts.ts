/** Remembers the texts of lists that many records share. Only what is frozen stays as it was. */
export class ListTexts {
  readonly #texts = new WeakMap<readonly object[], string>();
  readonly #write: (list: readonly object[]) => string;

  constructor(write: (list: readonly object[]) => string) {
    this.#write = write;
  }

  of(list: readonly object[]): string {
    if (!Object.isFrozen(list)) return this.#write(list);
    let text = this.#texts.get(list);
    if (text === undefined) {
      text = this.#write(list);
      this.#texts.set(list, text);
    }
    return text;
  }
}
