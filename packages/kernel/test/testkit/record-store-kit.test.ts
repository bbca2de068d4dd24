import { describe, expect, it } from "vitest";
import type { RecordCollection, RecordStore, StoredRecord } from "@signalbox/kernel";
import { MemoryRecords, testRecordStore } from "@signalbox/kernel/testkit";
import { failuresOf, fakeRunner } from "./fake-runner.ts";

const capabilities = { durable: false, shared: false };

describe("testRecordStore on records in memory", () => {
  testRecordStore({ runner: { describe, it }, store: () => new MemoryRecords(), capabilities });
});

type Collection = RecordCollection<StoredRecord>;

/** Right records with one operation replaced. */
function broken(
  change: (inner: Collection) => Partial<Collection>,
  store: (inner: MemoryRecords) => Partial<RecordStore> = () => ({}),
): () => RecordStore {
  return () => {
    const records = new MemoryRecords();
    return {
      async open(definition) {
        const inner: Collection = await records.open(definition);
        const right: Collection = {
          get: (id) => inner.get(id),
          find: (field, value) => inner.find(field, value),
          list: (query) => inner.list(query),
          insert: (item) => inner.insert(item),
          update: (id, by) => inner.update(id, by),
          delete: (id) => inner.delete(id),
          watch: (listener) => inner.watch(listener),
        };
        return { ...right, ...change(inner) } as unknown as RecordCollection<never>;
      },
      transaction: (body) => records.transaction(body),
      ...store(records),
    };
  };
}

describe("testRecordStore on stores that are wrong", () => {
  const wrong: Readonly<Record<string, readonly [() => RecordStore, RegExp]>> = {
    "reads, waits, then writes": [
      broken((inner) => ({
        async update(id, change) {
          const before = await inner.get(id);
          if (before === undefined) return undefined;
          const after = change(before);
          return after === undefined ? before : await inner.update(id, () => after);
        },
      })),
      /loses none of 100 updates at once/,
    ],
    "overwrites on insert": [
      broken((inner) => ({
        async insert(item) {
          await inner.delete(item.id);
          await inner.insert(item);
        },
      })),
      /refuses an id that is there/,
    ],
    "has no transactions": [
      broken(
        () => ({}),
        () => ({ transaction: (body) => body() }),
      ),
      /writes nothing of a transaction that fails/,
    ],
    "finds nothing by null": [
      broken((inner) => ({
        list: (query) =>
          Object.values(query?.where ?? {}).includes(null)
            ? Promise.resolve({ items: [], total: 0 })
            : inner.list(query),
      })),
      /finds by null/,
    ],
    "takes an empty list for any": [
      broken((inner) => ({
        list: ({ where = {}, ...query } = {}) =>
          inner.list({
            ...query,
            where: Object.fromEntries(Object.entries(where).filter(([, wanted]) => String(wanted) !== "")),
          }),
      })),
      /finds by fields/,
    ],
    "counts the page": [
      broken((inner) => ({
        async list(query) {
          const { items } = await inner.list(query);
          return { items, total: items.length };
        },
      })),
      /answers by page/,
    ],
    "searches by case": [
      broken((inner) => ({
        async list(query) {
          const { items } = await inner.list(query);
          const kept = items.filter((item) =>
            Object.entries(query?.search ?? {}).every(([field, text]) => String(item[field]).includes(text)),
          );
          return { items: kept, total: kept.length };
        },
      })),
      /searches whatever the case/,
    ],
    "sorts what has no value first": [
      broken((inner) => ({
        async list(query) {
          const { items, total } = await inner.list(query);
          const field = query?.sortBy ?? "id";
          const empty = items.filter((item) => (item[field] ?? null) === null);
          return { items: [...empty, ...items.filter((item) => !empty.includes(item))], total };
        },
      })),
      /sorts: numbers by value, what has none last/,
    ],
    "tells watchers nothing": [broken(() => ({ watch: () => () => {} })), /tells of changes/],
    "goes on telling": [
      broken((inner) => ({
        watch(listener) {
          inner.watch(listener);
          return () => {};
        },
      })),
      /tells of changes/,
    ],
    "deletes and says nothing": [
      broken((inner) => ({
        async delete(id) {
          await inner.delete(id);
          return undefined;
        },
      })),
      /deletes once/,
    ],
  };

  for (const [name, [store, caught]] of Object.entries(wrong)) {
    it(`catches one that ${name}`, async () => {
      const runner = fakeRunner();
      testRecordStore({ runner, store, capabilities });
      expect((await failuresOf(runner.cases)).join("\n")).toMatch(caught);
    });
  }

  it("asks for what it needs", async () => {
    const runner = fakeRunner();
    testRecordStore({ runner, store: () => new MemoryRecords() });
    expect(await failuresOf(runner.cases)).toEqual([
      "keeps everything when it is opened again: give reopen, or declare capabilities.durable: false",
      "shares records, updates and news with other processes: give shared, or declare capabilities.shared: false",
    ]);
  });
});
