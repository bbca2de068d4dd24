import type { CounterRecovery, ReservationStore } from "../ledger-stores.ts";

/** What a watch needs of the ledger it belongs to. */
export interface CounterWatchOptions {
  readonly store: ReservationStore;
  /** What this process has under way. Asked while no entry is being written. */
  readonly part: (first: boolean) => CounterRecovery;
  /** Resolves when no entry is being written; none is until `resume`. */
  readonly pause: () => Promise<void>;
  readonly resume: () => void;
}

/** Sees to it that counters which were lost are rebuilt, and that what this process has under way is among them. */
export class CounterWatch {
  readonly #options: CounterWatchOptions;
  #generation: string | undefined;
  #looking: Promise<void> | undefined;
  #recovering = false;

  constructor(options: CounterWatchOptions) {
    this.#options = options;
  }

  /** Counters are being rebuilt. */
  get recovering(): boolean {
    return this.#recovering;
  }

  /**
   * Resolves when the counters are open, with what this process knows in them. `first`: nothing is on record, so that
   * nothing can have been lost.
   */
  look(first: boolean = false): Promise<void> {
    this.#looking ??= this.#look(first).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(first: boolean): Promise<void> {
    const { store, part, pause, resume } = this.#options;
    if (store.generation === undefined || store.recover === undefined) return;
    const generation = await store.generation();
    if (generation !== undefined && (this.#generation ?? generation) === generation) {
      this.#generation = generation;
      return;
    }
    this.#recovering = true;
    try {
      await pause();
      await store.recover(part(first));
      this.#generation = await store.generation();
    } finally {
      this.#recovering = false;
      resume();
    }
  }
}
