import { AsyncLocalStorage } from "node:async_hooks";
import { GatewayError } from "../errors.ts";
import type {
  CollectionDefinition,
  RecordCollection,
  RecordPage,
  RecordQuery,
  RecordStore,
  StoredRecord,
} from "../record-store.ts";

const DEFAULT_LIMIT = 100;

/** Undoes what a failed transaction has done, and holds back the news of it. */
interface Transaction {
  readonly undo: (() => void)[];
  readonly news: (() => void)[];
}

/**
 * The contract of a record store in its shortest form: in memory, for tests, lost when the process ends. Transactions
 * run one after the other; what is outside of them waits.
 */
export class MemoryRecords implements RecordStore {
  readonly #collections = new Map<
    string,
    { readonly shape: string; readonly records: MemoryCollection<StoredRecord> }
  >();
  readonly #inside = new AsyncLocalStorage<Transaction>();
  #last: Promise<unknown> = Promise.resolve();

  async open<Item extends StoredRecord>(definition: CollectionDefinition): Promise<RecordCollection<Item>> {
    if (!/^[a-z][a-z0-9_]*$/.test(definition.name)) {
      throw new GatewayError("invalid_request", `${JSON.stringify(definition.name)} is no name of a collection`);
    }
    const shape = JSON.stringify(definition.indexes.map(({ field, unique }) => [field, unique === true]).toSorted());
    const known = this.#collections.get(definition.name);
    if (known !== undefined && known.shape !== shape) {
      throw new GatewayError("conflict", `the collection "${definition.name}" is open with other indexes`);
    }
    const records = known?.records ?? new MemoryCollection(definition, (work) => this.#alone(work));
    if (known === undefined) this.#collections.set(definition.name, { shape, records });
    return records as unknown as RecordCollection<Item>;
  }

  transaction<Result>(body: () => Promise<Result>): Promise<Result> {
    if (this.#inside.getStore() !== undefined) return body();
    return this.#turn(() => {
      const transaction: Transaction = { undo: [], news: [] };
      return this.#inside.run(transaction, async () => {
        try {
          const result = await body();
          for (const tell of transaction.news) tell();
          return result;
        } catch (failure) {
          for (const undo of transaction.undo.toReversed()) undo();
          throw failure;
        }
      });
    });
  }

  #alone<Result>(work: (transaction: Transaction | undefined) => Result): Promise<Result> {
    const transaction = this.#inside.getStore();
    return transaction === undefined ? this.#turn(async () => work(undefined)) : (async () => work(transaction))();
  }

  #turn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

type Alone = <Result>(work: (transaction: Transaction | undefined) => Result) => Promise<Result>;

class MemoryCollection<Item extends StoredRecord> implements RecordCollection<Item> {
  readonly #name: string;
  readonly #fields: ReadonlySet<string>;
  readonly #unique: readonly string[];
  readonly #alone: Alone;
  readonly #records = new Map<string, Item>();
  readonly #listeners = new Set<(id: string) => void>();

  constructor({ name, indexes }: CollectionDefinition, alone: Alone) {
    this.#name = name;
    this.#fields = new Set(["id", ...indexes.map(({ field }) => field)]);
    this.#unique = indexes.filter(({ unique }) => unique).map(({ field }) => field);
    this.#alone = alone;
  }

  get(id: string): Promise<Item | undefined> {
    return this.#alone(() => structuredClone(this.#records.get(id)));
  }

  find(field: string, value: string): Promise<Item | undefined> {
    return this.#alone(() => {
      if (!this.#unique.includes(field)) throw this.#unknown(field);
      return structuredClone([...this.#records.values()].find((record) => record[field] === value));
    });
  }

  list(query: RecordQuery = {}): Promise<RecordPage<Item>> {
    return this.#alone(() => {
      const { where = {}, search = {}, sortBy = "id", descending = false, offset = 0, limit = DEFAULT_LIMIT } = query;
      for (const field of [...Object.keys(where), ...Object.keys(search), sortBy]) {
        if (!this.#fields.has(field)) throw this.#unknown(field);
      }
      const found = [...this.#records.values()].filter(
        (record) =>
          Object.entries(where).every(([field, wanted]) => equals(record[field] ?? null, wanted)) &&
          Object.entries(search).every(([field, text]) => contains(record[field], text)),
      );
      found.sort((a, b) => {
        const [one, other] = [a[sortBy] ?? null, b[sortBy] ?? null];
        if (one === null || other === null) {
          if (one !== other) return one === null ? 1 : -1;
          return compare(a.id, b.id);
        }
        const order = descending ? compare(other, one) : compare(one, other);
        return order === 0 ? compare(a.id, b.id) : order;
      });
      return { items: structuredClone(found.slice(offset, offset + limit)), total: found.length };
    });
  }

  insert(item: Item): Promise<void> {
    return this.#alone((transaction) => {
      if (this.#records.has(item.id)) throw this.#conflict("id", item.id);
      this.#write(item.id, item, transaction);
    });
  }

  update(id: string, change: (before: Item) => Item | undefined): Promise<Item | undefined> {
    return this.#alone((transaction) => {
      const before = this.#records.get(id);
      if (before === undefined) return undefined;
      const after = change(structuredClone(before));
      if (after === undefined) return structuredClone(before);
      if (after.id !== id) throw new GatewayError("invalid_request", `the record ${JSON.stringify(id)} keeps its id`);
      this.#write(id, after, transaction);
      return structuredClone(after);
    });
  }

  delete(id: string): Promise<Item | undefined> {
    return this.#alone((transaction) => {
      const before = this.#records.get(id);
      if (before !== undefined) this.#write(id, undefined, transaction);
      return before;
    });
  }

  watch(listener: (id: string) => void): () => void {
    const own = (id: string): void => listener(id);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  #write(id: string, item: Item | undefined, transaction: Transaction | undefined): void {
    for (const field of item === undefined ? [] : this.#unique) {
      const value = item?.[field] ?? null;
      if (value === null) continue;
      for (const other of this.#records.values()) {
        if (other.id !== id && other[field] === value) throw this.#conflict(field, value);
      }
    }
    const before = this.#records.get(id);
    this.#put(id, structuredClone(item));
    transaction?.undo.push(() => this.#put(id, before));
    const tell = (): void => {
      for (const listener of this.#listeners) listener(id);
    };
    if (transaction === undefined) tell();
    else transaction.news.push(tell);
  }

  #put(id: string, item: Item | undefined): void {
    if (item === undefined) this.#records.delete(id);
    else this.#records.set(id, item);
  }

  #conflict(field: string, value: unknown): GatewayError {
    return new GatewayError("conflict", `${this.#name} has a record with ${field} ${JSON.stringify(value)} already`);
  }

  #unknown(field: string): GatewayError {
    return new GatewayError("invalid_request", `${this.#name} cannot be searched by ${JSON.stringify(field)}`);
  }
}

function equals(value: unknown, wanted: unknown): boolean {
  return Array.isArray(wanted) ? wanted.includes(value) : value === wanted;
}

function contains(value: unknown, text: string): boolean {
  return typeof value === "string" && value.toLowerCase().includes(text.toLowerCase());
}

function compare(one: unknown, other: unknown): number {
  if (one === other) return 0;
  return (one as string) < (other as string) ? -1 : 1;
}
