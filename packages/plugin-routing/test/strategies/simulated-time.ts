import type { SharedState } from "@signalbox/kernel";

/** A clock that goes on when it is told to. */
export class SimulatedClock {
  #now = 0;
  /** The last one is the next one. */
  readonly #events: { readonly at: number; readonly run: () => void }[] = [];

  readonly now = (): number => this.#now;

  after(milliseconds: number, run: () => void): void {
    const event = { at: this.#now + milliseconds, run };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle] as { at: number }).at > event.at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
  }

  /** Lets the time pass, and everything happen that is due. */
  pass(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = this.#events.at(-1);
      if (next === undefined || next.at > end) break;
      this.#events.pop();
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }
}

/** The shared state of several processes in simulated time: `process()` is one process's view. */
export class SimulatedState {
  readonly #clock: SimulatedClock;
  readonly #parts = new Map<string, Map<number, { amount: number; until: number }>>();
  #processes = 0;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  /** Keys of sums that have not expired. */
  keys(): readonly string[] {
    const now = this.#clock.now();
    return [...this.#parts]
      .filter(([, parts]) => [...parts.values()].some(({ until }) => until > now))
      .map(([key]) => key);
  }

  process(): SharedState {
    const self = this.#processes++;
    const live = (key: string, process: number): number => {
      const part = this.#parts.get(key)?.get(process);
      return part === undefined || part.until <= this.#clock.now() ? 0 : part.amount;
    };
    return {
      get: () => undefined,
      set: () => undefined,
      delete: () => undefined,
      watch: () => () => undefined,
      add: (key, amount, ttlMs) => {
        const parts = this.#parts.get(key) ?? new Map();
        this.#parts.set(key, parts);
        parts.set(self, { amount: live(key, self) + amount, until: this.#clock.now() + ttlMs });
      },
      sum: (key) => [...(this.#parts.get(key)?.keys() ?? [])].reduce((sum, process) => sum + live(key, process), 0),
    };
  }
}
