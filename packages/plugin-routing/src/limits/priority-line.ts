/** Waits in order: a lower priority number before a higher one, and among equals who came first. */
export class PriorityLine<Item extends { readonly priority: number }> {
  /** The most urgent first. */
  readonly #priorities: number[] = [];
  readonly #items: Map<number, Set<Item>> = new Map();

  get isEmpty(): boolean {
    return this.#priorities.length === 0;
  }

  first(): Item | undefined {
    const priority = this.#priorities[0];
    if (priority === undefined) return undefined;
    for (const item of this.#items.get(priority) as Set<Item>) return item;
    return undefined;
  }

  add(item: Item): void {
    const { priority } = item;
    const equals = this.#items.get(priority);
    if (equals !== undefined) {
      equals.add(item);
      return;
    }
    this.#items.set(priority, new Set([item]));
    const at = this.#priorities.findIndex((other) => other > priority);
    this.#priorities.splice(at < 0 ? this.#priorities.length : at, 0, priority);
  }

  delete(item: Item): void {
    const equals = this.#items.get(item.priority);
    if (equals?.delete(item) !== true || equals.size > 0) return;
    this.#items.delete(item.priority);
    this.#priorities.splice(this.#priorities.indexOf(item.priority), 1);
  }
}
