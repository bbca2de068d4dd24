import type { Entry } from "../ledger.ts";
import type { ReservationStore } from "../ledger-stores.ts";
import { outlinedEntry } from "./fold-records.ts";

/** Books reservations that nobody renews any more: each at its estimate, with an entry. */
export class Reaper {
  readonly #write: (entry: Entry) => Promise<void>;
  #writing = false;

  /** `write` resolves when an entry is written. */
  constructor(write: (entry: Entry) => Promise<void>) {
    this.#write = write;
  }

  /** Does not wait for the entries; but nothing is reaped until they are written, since that says that they are. */
  async round(store: ReservationStore): Promise<void> {
    if (this.#writing) return;
    const written = (await store.reap()).map(({ id, estimate, lines }) =>
      this.#write(outlinedEntry({ id, estimate, lines }, Date.now(), { actual: estimate, status: "estimated" })),
    );
    this.#writing = true;
    void Promise.all(written).finally(() => {
      this.#writing = false;
    });
  }
}
