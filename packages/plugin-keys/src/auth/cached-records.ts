import type { RecordCollection, StoredRecord } from "@signalbox/kernel";
import type { StoreGuard } from "./store-guard.ts";

/** How long copies live. */
export interface CacheTimes {
  readonly ttlMs: number;
  readonly maxAgeMs: number;
  readonly size: number;
}

interface Copy<Item> {
  readonly item: Item;
  /** From when on it is asked for again; moved while the store is out of reach. */
  freshUntil: number;
  readonly usableUntil: number;
}

interface Loading<Item> {
  readonly result: Promise<Item | undefined>;
  /** Something has changed since the store was asked. */
  outdated: boolean;
}

const MOST_MISSING = 10_000;
const MOST_READS = 3;

/**
 * Copies of records. A copy is dropped as soon as its record changes; one that is due is asked for again, and stays good
 * for a while when the store cannot answer. Absence is remembered too, but never outlives its time, and has a place of
 * its own: who guesses names drives no copy out.
 */
export class CachedRecords<Item extends StoredRecord> {
  readonly #copies = new Map<string, Copy<Item>>();
  /** By id of a record: the name it was found by. */
  readonly #names = new Map<string, string>();
  /** Until when a name counts as nobody's. */
  readonly #missing = new Map<string, number>();
  readonly #loading = new Map<string, Loading<Item>>();
  readonly #load: (name: string) => Promise<Item | undefined>;
  readonly #guard: StoreGuard;
  readonly #times: CacheTimes;
  readonly #now: () => number;
  readonly #unwatch: () => void;

  /** @param load finds a record by the name it is asked for: its id, or another */
  constructor(
    collection: RecordCollection<Item>,
    load: (name: string) => Promise<Item | undefined>,
    parts: { readonly guard: StoreGuard; readonly times: CacheTimes; readonly now: () => number },
    changed: () => void,
  ) {
    this.#load = load;
    this.#guard = parts.guard;
    this.#times = parts.times;
    this.#now = parts.now;
    this.#unwatch = collection.watch((id) => {
      this.drop(id);
      changed();
    });
  }

  /** @throws {GatewayError} `auth_unavailable` */
  get(name: string): Item | undefined | Promise<Item | undefined> {
    const copy = this.#copies.get(name);
    const now = this.#now();
    if (copy !== undefined && now < copy.freshUntil) return copy.item;
    const missingUntil = this.#missing.get(name);
    if (missingUntil !== undefined && now < missingUntil) return undefined;
    const running = this.#loading.get(name);
    if (running !== undefined) return running.result;
    const loading: Loading<Item> = {
      outdated: false,
      result: Promise.resolve()
        .then(() => this.#reload(name, loading))
        .finally(() => this.#loading.delete(name)),
    };
    this.#loading.set(name, loading);
    return loading.result;
  }

  /** A record has changed. */
  drop(id: string): void {
    if (id === "*") {
      // any record may be another one now; as long as the store is silent, what is known is the best there is
      for (const copy of this.#copies.values()) copy.freshUntil = 0;
    }
    const name = this.#names.get(id);
    this.#names.delete(id);
    this.#copies.delete(name ?? id);
    // it may be one that was found missing, under whatever name
    this.#missing.clear();
    if (name !== undefined) {
      const loading = this.#loading.get(name);
      if (loading !== undefined) loading.outdated = true;
    } else for (const loading of this.#loading.values()) loading.outdated = true;
  }

  close(): void {
    this.#unwatch();
  }

  async #reload(name: string, loading: Loading<Item>): Promise<Item | undefined> {
    const copy = this.#copies.get(name);
    let item: Item | undefined;
    for (let read = 1; read <= MOST_READS; read++) {
      loading.outdated = false;
      try {
        item = await this.#guard.run(() => this.#load(name));
      } catch (thrown) {
        const now = this.#now();
        // what has changed meanwhile is not what it was
        if (copy === undefined || now >= copy.usableUntil || this.#copies.get(name) !== copy) throw thrown;
        copy.freshUntil = Math.min(copy.usableUntil, now + this.#guard.pauseMs);
        return copy.item;
      }
      // a change that came while this was being read may not be in it
      if (loading.outdated) continue;
      this.#keep(name, item);
      break;
    }
    return item;
  }

  #keep(name: string, item: Item | undefined): void {
    const now = this.#now();
    this.#copies.delete(name);
    if (item === undefined) {
      this.#missing.set(name, now + this.#times.ttlMs);
      dropOldest(this.#missing, MOST_MISSING);
      return;
    }
    this.#names.set(item.id, name);
    this.#copies.set(name, { item, freshUntil: now + this.#times.ttlMs, usableUntil: now + this.#times.maxAgeMs });
    const gone = dropOldest(this.#copies, this.#times.size);
    if (gone !== undefined) this.#names.delete(gone.item.id);
  }
}

/** Maps keep the order in which entries came. */
function dropOldest<Value>(map: Map<string, Value>, most: number): Value | undefined {
  if (map.size <= most) return undefined;
  for (const [name, value] of map) {
    map.delete(name);
    return value;
  }
  return undefined;
}
