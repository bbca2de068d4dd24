import type { Partitions } from "./partitions.ts";
import type { Sums } from "./sums.ts";

const SUMS_EVERY_MS = 2_000;
const MONTHS_EVERY_MS = 3_600_000;

export interface MaintenanceParts {
  readonly sums: Sums;
  readonly partitions: Partitions;
  readonly retentionMonths?: number | undefined;
}

/** What is done beside the calls: sums, the tables of coming months, and those of months that may go. */
export class Maintenance {
  readonly #parts: MaintenanceParts;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #monthsAt = Number.NEGATIVE_INFINITY;
  #failure: string | undefined;
  #closed = false;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#schedule();
  }

  /** What fails again and again; nothing is lost by it, but sums take longer. */
  detail(): { readonly detail?: string } {
    return this.#failure === undefined ? {} : { detail: `maintenance fails: ${this.#failure}` };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#run().finally(() => this.#schedule());
    }, SUMS_EVERY_MS).unref();
  }

  /** Everything, now. Returns when the sums hold all that was written before. */
  async all(): Promise<void> {
    await this.#parts.sums.complete();
    await this.#months();
  }

  async #months(): Promise<void> {
    const { partitions, retentionMonths } = this.#parts;
    await partitions.ensureAhead();
    if (retentionMonths !== undefined) await partitions.drop(retentionMonths);
    this.#monthsAt = performance.now();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#closed && (await this.#parts.sums.refresh()));
      if (performance.now() - this.#monthsAt >= MONTHS_EVERY_MS) await this.#months();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
  }
}
