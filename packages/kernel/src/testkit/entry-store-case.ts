import { randomUUID } from "node:crypto";
import { IdSource } from "../ids.ts";
import type { Entry, Scope } from "../ledger.ts";
import type { EntryStore } from "../ledger-stores.ts";

/** 2026-11-20 12:00 UTC. */
export const NOON: number = Date.UTC(2026, 10, 20, 12);

/** An empty store, and entries to put into it. */
export class EntryStoreCase {
  readonly store: EntryStore;
  readonly #ids: IdSource = new IdSource();
  readonly #run: string = randomUUID();

  constructor(store: EntryStore) {
    this.store = store;
  }

  /** `callId/attempt`, with the time inside, as gateways make it. */
  id(at: number = NOON): string {
    return `${this.#ids.next(at)}/1`;
  }

  scope(name: string, kind: string = "key"): Scope {
    return { kind, id: `${name}-${this.#run}` };
  }

  entry(change: Partial<Entry> = {}): Entry {
    const startedAt = change.startedAt ?? NOON;
    const id = change.id ?? this.id(startedAt);
    const billed = change.billed ?? 10n;
    return {
      id,
      callId: id.slice(0, id.lastIndexOf("/")),
      attempt: 1,
      operation: "chat",
      model: "kit-model",
      deployment: "kit-1",
      provider: "kit",
      scopes: [],
      usage: { inputTokens: 10, outputTokens: 5 },
      cost: billed,
      billed,
      status: "final",
      startedAt,
      endedAt: startedAt + 1_000,
      ...change,
    };
  }

  async added(...changes: readonly Partial<Entry>[]): Promise<readonly Entry[]> {
    const entries = changes.map((change) => this.entry(change));
    await this.store.append(entries);
    return entries;
  }

  /** `[billed, entries]` of what a query finds. */
  async sum(query: Parameters<EntryStore["spent"]>[0] = {}): Promise<readonly [bigint, number]> {
    const { billed, entries } = await this.store.spent(query);
    return [billed, entries];
  }
}
