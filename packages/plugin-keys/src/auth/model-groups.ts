import type { RecordCollection } from "@signalbox/kernel";
import type { AccessGroupRecord } from "../records/records.ts";
import type { ModelGroups } from "./model-grants.ts";
import type { StoreGuard } from "./store-guard.ts";

const PAGE = 1_000;
const RETRY_MS = 1_000;

/** What a table of groups is made of, besides its records. */
interface GroupParts {
  readonly guard: StoreGuard;
  readonly now: () => number;
  readonly modelGroups?: ModelGroups;
}

/**
 * All groups of models: there are few, so that a key costs no lookup for each name that it is granted. Read again as soon
 * as one changes; while the store is silent they mean what they meant.
 */
export class GroupTable {
  readonly #collection: RecordCollection<AccessGroupRecord>;
  readonly #guard: StoreGuard;
  readonly #now: () => number;
  readonly #stop: () => void;
  /** Those of the configuration. */
  readonly #fixed: ModelGroups;
  #groups: ModelGroups;
  /** From when on they are to be read again. */
  #dueAt = 0;
  #version = 0;
  #loading: Promise<ModelGroups> | undefined;

  constructor(
    collection: RecordCollection<AccessGroupRecord>,
    { guard, now, modelGroups = new Map() }: GroupParts,
    changed: () => void,
  ) {
    this.#fixed = modelGroups;
    this.#groups = modelGroups;
    this.#collection = collection;
    this.#guard = guard;
    this.#now = now;
    this.#stop = collection.watch(() => {
      this.#version++;
      this.#dueAt = 0;
      this.#loading = undefined;
      changed();
    });
  }

  current(): ModelGroups | Promise<ModelGroups> {
    if (this.#now() < this.#dueAt) return this.#groups;
    this.#loading ??= this.#load(this.#version);
    return this.#loading;
  }

  close(): void {
    this.#stop();
  }

  async #load(version: number): Promise<ModelGroups> {
    let dueAt = Number.POSITIVE_INFINITY;
    let groups = this.#groups;
    try {
      groups = await this.#guard.run(() => this.#readAll());
    } catch {
      // as with other copies: what was known goes on, and is asked for again
      dueAt = this.#now() + RETRY_MS;
    }
    if (version !== this.#version) return await this.current();
    this.#groups = groups;
    this.#dueAt = dueAt;
    this.#loading = undefined;
    return groups;
  }

  async #readAll(): Promise<ModelGroups> {
    const groups = new Map<string, readonly string[]>();
    for (let offset = 0; ; offset += PAGE) {
      const { items, total } = await this.#collection.list({ offset, limit: PAGE });
      for (const { id, model_names } of items) groups.set(id, model_names);
      if (items.length === 0 || groups.size >= total) return joined(groups, this.#fixed);
    }
  }
}

/** A group that stands in the store and in the configuration has the models of both. */
function joined(groups: ModelGroups, fixed: ModelGroups): ModelGroups {
  if (fixed.size === 0) return groups;
  const all = new Map(groups);
  for (const [name, models] of fixed) all.set(name, [...new Set([...(groups.get(name) ?? []), ...models])]);
  return all;
}
