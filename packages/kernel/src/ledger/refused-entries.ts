import { appendFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { isGatewayError } from "../errors.ts";
import type { Entry } from "../ledger.ts";
import type { EntryStore } from "../ledger-stores.ts";
import { LEDGER_CHANNEL } from "./ledger-events.ts";
import { RecordWriter } from "./spool-records.ts";

const FILE = "refused-entries.jsonl";

/** Entries that a store will never take: put aside into a file beside the spools, so that they keep no others waiting. */
export class RefusedEntries {
  readonly #directory: string | undefined;
  readonly #file: string | undefined;
  #count = 0;

  constructor(directory: string | undefined) {
    this.#directory = directory;
    this.#file = directory === undefined ? undefined : join(directory, FILE);
  }

  /** There are some, of this process or of one before it. */
  get any(): boolean {
    return this.#count > 0 || (this.#file !== undefined && existsSync(this.#file));
  }

  /** For health; undefined when there are none. */
  get detail(): string | undefined {
    if (!this.any) return undefined;
    return this.#file === undefined
      ? `${this.#count} entries were refused by the store and are lost`
      : `entries that the store refused are in ${this.#file}`;
  }

  /** Appends to the store what it takes, and puts aside the rest. Throws when the store fails otherwise. */
  async append(store: EntryStore, entries: readonly Entry[]): Promise<void> {
    try {
      await store.append(entries);
    } catch (error) {
      const [first] = entries;
      if (first === undefined || !isRefusal(error)) throw error;
      if (entries.length === 1) {
        this.#putAside(first, error);
        return;
      }
      const half = entries.length >> 1;
      await this.append(store, entries.slice(0, half));
      await this.append(store, entries.slice(half));
    }
  }

  #putAside(entry: Entry, cause: unknown): void {
    if (this.#file !== undefined && this.#directory !== undefined) {
      mkdirSync(this.#directory, { recursive: true });
      appendFileSync(this.#file, `${new RecordWriter().entry(entry)}\n`);
    }
    this.#count++;
    LEDGER_CHANNEL.publish({ kind: "entryRefused", id: entry.id, file: this.#file, cause });
  }
}

/** The same entry would be refused again. */
function isRefusal(error: unknown): boolean {
  if (isGatewayError(error)) return error.code === "invalid_request";
  return error instanceof TypeError || error instanceof RangeError;
}
