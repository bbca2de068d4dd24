interface Waiting<Item> {
  readonly item: Item;
  readonly done: () => void;
}

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 5_000;

/** What a batch writer is told. */
export interface BatcherOptions<Item> {
  /** Writes all, or throws; then it is given the same items again. */
  readonly write: (items: readonly Item[]) => Promise<void>;
  readonly mostItems: number;
  /**
   * How long the first item of a batch waits for others. 0: only while another batch is being written; `turn`: until the
   * event loop has come round.
   */
  readonly waitMs: number | "turn";
}

/** Writes items in batches, in order, one batch at a time. A batch that fails is tried again until it is written. */
export class Batcher<Item> {
  readonly #options: BatcherOptions<Item>;
  #waiting: Waiting<Item>[] = [];
  #running: Promise<void> | undefined;
  #hurry: (() => void) | undefined;
  #closed = false;
  #writing: Promise<void> | undefined;
  #paused: PromiseWithResolvers<void> | undefined;
  /** What the last try failed with; undefined when it has succeeded. */
  failure: unknown;

  constructor(options: BatcherOptions<Item>) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** What is not written yet. */
  waiting(): readonly Item[] {
    return this.#waiting.map(({ item }) => item);
  }

  /** Resolves when the item is written. */
  push(item: Item): Promise<void> {
    return new Promise((done) => this.add(item, done));
  }

  /** `push` for those who need no promise. */
  add(item: Item, done: () => void): void {
    this.#waiting.push({ item, done });
    if (this.#waiting.length >= this.#options.mostItems) this.#hurry?.();
    this.#running ??= this.#run();
  }

  /** Nothing is written until `resume`. Resolves when nothing is being written any more. */
  async pause(): Promise<void> {
    this.#paused ??= Promise.withResolvers();
    // whether it succeeds is known to whoever waits for it
    await this.#writing?.catch(() => undefined);
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  /** What failed is tried again now. */
  hurry(): void {
    this.#hurry?.();
  }

  /** Waits for what is left, but no longer than this; tells whether all is written. */
  async close(patienceMs: number): Promise<boolean> {
    this.#hurry?.();
    const late = this.#pause(patienceMs, false);
    await Promise.race([this.#running ?? Promise.resolve(), late]);
    this.#closed = true;
    this.resume();
    this.#hurry?.();
    return this.#waiting.length === 0;
  }

  async #run(): Promise<void> {
    const { write, mostItems, waitMs } = this.#options;
    let retryMs = FIRST_RETRY_MS;
    await this.#others(waitMs);
    while (this.#waiting.length > 0 && !this.#closed) {
      if (this.#paused !== undefined) {
        await this.#paused.promise;
        continue;
      }
      const batch = this.#waiting.slice(0, mostItems);
      try {
        this.#writing = write(batch.map(({ item }) => item));
        await this.#writing;
      } catch (error) {
        this.failure = error;
        await this.#pause(retryMs);
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
        continue;
      }
      this.failure = undefined;
      retryMs = FIRST_RETRY_MS;
      this.#waiting = this.#waiting.slice(batch.length);
      for (const { done } of batch) done();
      if (this.#waiting.length < mostItems && (waitMs !== "turn" || this.#waiting.length > 0))
        await this.#others(waitMs);
    }
    this.#running = undefined;
  }

  #others(waitMs: number | "turn"): Promise<unknown> | undefined {
    if (waitMs === "turn") return new Promise((resolve) => setImmediate(resolve));
    return waitMs > 0 ? this.#pause(waitMs) : undefined;
  }

  #pause(ms: number, hurried: boolean = true): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      if (!hurried) {
        timer.unref();
        return;
      }
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
