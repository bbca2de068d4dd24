/** Texts of lists that many entries share, remembered by the list: only what is frozen stays as it was. */
export class ListTexts<Item> {
  readonly #write: (list: readonly Item[]) => string;
  readonly #texts = new WeakMap<readonly Item[], string>();

  constructor(write: (list: readonly Item[]) => string) {
    this.#write = write;
  }

  of(list: readonly Item[]): string {
    if (!Object.isFrozen(list)) return this.#write(list);
    let text = this.#texts.get(list);
    if (text === undefined) {
      text = this.#write(list);
      this.#texts.set(list, text);
    }
    return text;
  }
}
