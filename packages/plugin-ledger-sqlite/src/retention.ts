import { setImmediate as breathe } from "node:timers/promises";
import type { SqliteEntries } from "./entries/sqlite-entries.ts";

const DAY_MS = 86_400_000;
const INTERVAL_MS = 3_600_000;
const ENTRIES_PER_SLICE = 200;

/** Deletes what is older than it is to be kept: every hour, a few entries at a time. */
export class Retention {
  readonly #entries: SqliteEntries;
  readonly #days: number;
  readonly #failed: (thrown: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(entries: SqliteEntries, days: number, failed: (thrown: unknown) => void) {
    this.#entries = entries;
    this.#days = days;
    this.#failed = failed;
  }

  start(): void {
    this.#timer = setInterval(() => void this.deleteOld().catch(this.#failed), INTERVAL_MS);
    this.#timer.unref();
    void this.deleteOld().catch(this.#failed);
  }

  /** Answers how many entries were deleted. */
  async deleteOld(now: number = Date.now()): Promise<number> {
    const before = now - this.#days * DAY_MS;
    let deleted = 0;
    while (!this.#stopped) {
      const some = await this.#entries.deleteSome(before, ENTRIES_PER_SLICE);
      deleted += some;
      if (some < ENTRIES_PER_SLICE) break;
      await breathe();
    }
    return deleted;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }
}
