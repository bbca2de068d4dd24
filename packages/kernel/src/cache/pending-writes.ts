/** Writes to caches that nobody waits for, until the gateway closes. */
export class PendingWrites {
  readonly #running = new Set<Promise<void>>();

  /** Of a write that never rejects. */
  add(write: Promise<void>): void {
    this.#running.add(write);
    void write.then(() => this.#running.delete(write));
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }
}
