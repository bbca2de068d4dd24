import assert from "node:assert/strict";
import { isGatewayError } from "../errors.ts";
import type { CollectionDefinition, RecordCollection, RecordStore, StoredRecord } from "../record-store.ts";
import { checkRecordQueries } from "./record-store-queries.ts";
import { checkRecordTransactions } from "./record-store-transactions.ts";
import type { Runner } from "./runner.ts";
import { Cases } from "./runner.ts";

/** Everything is on unless declared `false`. */
export interface RecordStoreCapabilities {
  /** Off: what is kept does not outlive the store object. */
  readonly durable?: boolean;
  /** Off: one process alone may have it open. */
  readonly shared?: boolean;
}

/** What `testRecordStore` needs. */
export interface RecordStoreKit {
  readonly runner: Runner;
  /** An empty one; made anew for every case. */
  readonly store: () => RecordStore | Promise<RecordStore>;
  /** The same data as another process has it open. */
  readonly shared?: (store: RecordStore) => RecordStore | Promise<RecordStore>;
  /** Closes the store and opens another one on the same data. */
  readonly reopen?: (store: RecordStore) => RecordStore | Promise<RecordStore>;
  readonly capabilities?: RecordStoreCapabilities;
}

/** What the kit keeps: something like a key. */
export interface KitRecord extends StoredRecord {
  readonly name?: string | null;
  readonly team?: string | null;
  readonly rank?: number | null;
  readonly blocked?: boolean | null;
}

/** A name that only one record has; everything else by which records are found and sorted. */
const KIT_COLLECTION: CollectionDefinition = {
  name: "kit_keys",
  indexes: [{ field: "name", unique: true }, { field: "team" }, { field: "rank" }, { field: "blocked" }],
};

/** An empty store with a collection. */
export interface RecordStoreCase {
  readonly store: RecordStore;
  readonly records: RecordCollection<KitRecord>;
}

/** Registers one case of the suite. */
export type AddRecordCase = (
  name: string,
  body: (one: RecordStoreCase) => Promise<void>,
  needs?: readonly string[],
) => void;

const SOON_MS = 1_500;
const POLL_MS = 5;

/** The conformance suite of record stores: nothing lost between readers and writers, unique stays unique, all or nothing. */
export function testRecordStore(kit: RecordStoreKit): void {
  const cases = new Cases(kit.runner, kit.capabilities);
  const add: AddRecordCase = (name, body, needs = []) =>
    cases.add(
      name,
      async () => {
        const store = await kit.store();
        try {
          await body({ store, records: await store.open<KitRecord>(KIT_COLLECTION) });
        } finally {
          await store.close?.();
        }
      },
      needs,
    );
  cases.group("record store conformance", () => {
    checkValues(add);
    checkUnique(add);
    checkCollections(add);
    checkRecordQueries(add);
    checkRecordTransactions(add);
    checkWatch(add);
    checkOthers(add, kit);
  });
}

/** Fails unless the code is `conflict`. */
export async function assertConflict(work: () => Promise<unknown>): Promise<void> {
  await assert.rejects(work, (thrown: unknown) => {
    assert.ok(isGatewayError(thrown), `it should be a GatewayError, not ${String(thrown)}`);
    assert.equal(thrown.code, "conflict");
    return true;
  });
}

/** Waits until it holds. */
async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const until = performance.now() + SOON_MS;
  while (!(await holds())) {
    if (performance.now() > until) assert.fail(`${what} did not happen within ${SOON_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const ODD_TEXTS = [
  `x'); DROP TABLE kit_keys; --`,
  `"quoted" 'twice' \\ $1 ? :id`,
  "Zürich \u{1F600} \u4e2d\u6587",
  "a/b/c%_*[x]",
  "__proto__",
  "constructor",
  " spaces and\nline break ",
  "x".repeat(500),
];

function checkValues(add: AddRecordCase): void {
  add("answers a record as it was", async ({ records }) => {
    const record = {
      id: "one",
      name: "first",
      rank: 1.5,
      blocked: false,
      team: null,
      list: [1, "two", null, { three: [] }],
      nested: { "odd key\n": { deep: true, text: "nul \u0000" } },
      big: 9_007_199_254_740_991,
      empty: "",
    };
    await records.insert(record);
    assert.deepEqual(await records.get("one"), record);
    assert.deepEqual(await records.find("name", "first"), record);
    assert.deepEqual(await records.list(), { items: [record], total: 1 });
    assert.equal(await records.get("two"), undefined);
    assert.equal(await records.find("name", "second"), undefined);
  });

  add("takes any text", async ({ records }) => {
    for (const text of ODD_TEXTS) await records.insert({ id: text, name: text, team: text, [`x${text}`]: text });
    for (const text of ODD_TEXTS) {
      const record = { id: text, name: text, team: text, [`x${text}`]: text };
      assert.deepEqual(await records.get(text), record);
      assert.deepEqual(await records.find("name", text), record);
      assert.deepEqual(await records.list({ where: { team: text } }), { items: [record], total: 1 });
      assert.equal((await records.list({ search: { team: text } })).total, 1);
      assert.deepEqual(await records.update(text, (before) => ({ ...before, rank: 1 })), { ...record, rank: 1 });
      assert.deepEqual(await records.delete(text), { ...record, rank: 1 });
    }
    assert.equal((await records.list()).total, 0);
  });

  add("keeps its own copy", async ({ records }) => {
    const record = { id: "one", tags: ["a"] };
    await records.insert(record);
    record.tags.push("b");
    const read = (await records.get("one")) as unknown as { tags: string[] };
    read.tags.push("c");
    await records.update("one", (before) => {
      (before as unknown as { tags: string[] }).tags.push("d");
      return undefined;
    });
    assert.deepEqual(await records.get("one"), { id: "one", tags: ["a"] });
  });

  add("updates what is there", async ({ records }) => {
    await records.insert({ id: "one", name: "a", team: "red" });
    assert.deepEqual(await records.update("one", ({ id }) => ({ id, name: "b" })), { id: "one", name: "b" });
    assert.deepEqual(await records.get("one"), { id: "one", name: "b" });
    assert.deepEqual(
      await records.update("one", () => undefined),
      { id: "one", name: "b" },
      "nothing was to be written",
    );
    let asked = false;
    const missing = await records.update("two", (before) => {
      asked = true;
      return before;
    });
    assert.deepEqual([missing, asked], [undefined, false]);
    assert.deepEqual((await records.list({ where: { team: "red" } })).items, []);
    await assert.rejects(() => records.update("one", (before) => ({ ...before, id: "two" })), "an id stays");
    await assert.rejects(() =>
      records.update("one", () => {
        throw new Error("changed my mind");
      }),
    );
    assert.deepEqual(await records.list(), { items: [{ id: "one", name: "b" }], total: 1 });
  });

  add("loses none of 100 updates at once", async ({ records }) => {
    await records.insert({ id: "one", rank: 0 });
    const seen = await Promise.all(
      Array.from({ length: 100 }, () =>
        records.update("one", (before) => ({ ...before, rank: Number(before.rank) + 1 })),
      ),
    );
    assert.equal((await records.get("one"))?.rank, 100);
    assert.equal(new Set(seen.map((after) => after?.rank)).size, 100, "two updates answered the same");
  });

  add("deletes once", async ({ records }) => {
    await records.insert({ id: "one", name: "a" });
    const answers = await Promise.all([records.delete("one"), records.delete("one"), records.delete("two")]);
    assert.deepEqual(
      answers.filter((answer) => answer !== undefined),
      [{ id: "one", name: "a" }],
    );
    assert.equal(await records.find("name", "a"), undefined);
    await records.insert({ id: "one", name: "a" });
  });
}

function checkUnique(add: AddRecordCase): void {
  add("refuses an id that is there", async ({ records }) => {
    await records.insert({ id: "one", rank: 1 });
    await assertConflict(() => records.insert({ id: "one", rank: 2 }));
    assert.deepEqual(await records.list(), { items: [{ id: "one", rank: 1 }], total: 1 });
  });

  add("refuses a unique value that is there", async ({ records }) => {
    await records.insert({ id: "one", name: "a" });
    await records.insert({ id: "two", name: "b" });
    await assertConflict(() => records.insert({ id: "three", name: "a" }));
    await assertConflict(() => records.update("two", (before) => ({ ...before, name: "a" })));
    assert.deepEqual((await records.find("name", "a"))?.id, "one");
    assert.deepEqual((await records.find("name", "b"))?.id, "two");
    assert.equal((await records.list()).total, 2);
    await records.update("one", (before) => ({ ...before, rank: 1 }));
    await records.update("one", (before) => ({ ...before, name: "c" }));
    await records.update("two", (before) => ({ ...before, name: "a" }));
    await records.insert({ id: "four", name: "A" });
  });

  add("lets any number be without a unique value", async ({ records }) => {
    for (const [index, name] of [undefined, null, undefined, null].entries()) {
      await records.insert({ id: `r${index}`, ...(name !== undefined && { name }) });
    }
    assert.equal((await records.list()).total, 4);
  });

  add("admits one of many that insert the same at once", async ({ records }) => {
    const insert = (id: string) =>
      records.insert({ id, name: "same" }).then(
        () => 1,
        () => 0,
      );
    const admitted = await Promise.all(Array.from({ length: 20 }, (_, index) => insert(`r${index % 10}`)));
    assert.equal(
      admitted.reduce<number>((sum, one) => sum + one, 0),
      1,
    );
    assert.equal((await records.list()).total, 1);
  });
}

function checkCollections(add: AddRecordCase): void {
  add("keeps collections apart", async ({ store, records }) => {
    const others = await store.open<KitRecord>({ ...KIT_COLLECTION, name: "kit_teams" });
    await records.insert({ id: "one", name: "a" });
    await others.insert({ id: "one", name: "a", rank: 2 });
    assert.deepEqual(await records.delete("one"), { id: "one", name: "a" });
    assert.deepEqual(await others.get("one"), { id: "one", name: "a", rank: 2 });
  });

  add("opens the same collection again, and no other one of its name", async ({ store, records }) => {
    await records.insert({ id: "one" });
    const again = await store.open<KitRecord>({ ...KIT_COLLECTION, indexes: [...KIT_COLLECTION.indexes] });
    assert.deepEqual(await again.get("one"), { id: "one" });
    await assert.rejects(async () => store.open({ ...KIT_COLLECTION, indexes: [{ field: "name" }] }));
  });

  add("refuses names that are none", async ({ store }) => {
    for (const name of ["", "Kit", "a b", `x"; DROP TABLE y; --`]) {
      await assert.rejects(async () => store.open({ name, indexes: [] }), `the name ${JSON.stringify(name)}`);
    }
  });
}

function checkWatch(add: AddRecordCase): void {
  add("tells of changes, until it is no longer asked to", async ({ store, records }) => {
    const others = await store.open({ name: "kit_others", indexes: [] });
    const told: string[] = [];
    const stop = records.watch((id) => void told.push(id));
    await others.insert({ id: "other" });
    await records.insert({ id: "a" });
    await eventually("word of an insertion", () => told.includes("a"));
    await records.insert({ id: "b" });
    await eventually("word of another one", () => told.includes("b"));
    told.length = 0;
    await records.update("a", (before) => ({ ...before, rank: 1 }));
    await eventually("word of an update", () => told.includes("a"));
    told.length = 0;
    await records.delete("b");
    await eventually("word of a deletion", () => told.includes("b"));
    assert.ok(!told.includes("other"), "word of another collection");
    stop();
    stop();
    told.length = 0;
    await records.insert({ id: "c" });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(told, []);
  });
}

function checkOthers(add: AddRecordCase, { shared, reopen }: RecordStoreKit): void {
  add(
    "keeps everything when it is opened again",
    async ({ store, records }) => {
      assert.ok(reopen !== undefined, "give reopen, or declare capabilities.durable: false");
      await records.insert({ id: "one", name: "a", rank: 3 });
      await records.insert({ id: "two", name: "b", rank: 2 });
      const again = await reopen(store);
      try {
        const kept = await again.open<KitRecord>(KIT_COLLECTION);
        assert.deepEqual((await kept.list({ sortBy: "rank" })).items, [
          { id: "two", name: "b", rank: 2 },
          { id: "one", name: "a", rank: 3 },
        ]);
        await assertConflict(() => kept.insert({ id: "three", name: "a" }));
      } finally {
        await again.close?.();
      }
    },
    ["durable"],
  );

  add(
    "shares records, updates and news with other processes",
    async ({ store, records }) => {
      assert.ok(shared !== undefined, "give shared, or declare capabilities.shared: false");
      const other = await shared(store);
      try {
        const theirs = await other.open<KitRecord>(KIT_COLLECTION);
        const told: string[] = [];
        theirs.watch((id) => void told.push(id));
        await records.insert({ id: "one", name: "a", rank: 0 });
        assert.deepEqual(await theirs.get("one"), { id: "one", name: "a", rank: 0 });
        await eventually("word from another process", () => told.includes("one"));
        await assertConflict(() => theirs.insert({ id: "two", name: "a" }));
        await Promise.all(
          Array.from({ length: 100 }, (_, turn) =>
            (turn % 2 === 0 ? records : theirs).update("one", (before) => ({
              ...before,
              rank: Number(before.rank) + 1,
            })),
          ),
        );
        assert.equal((await theirs.get("one"))?.rank, 100);
        told.length = 0;
        await records.delete("one");
        assert.equal(await theirs.get("one"), undefined);
        await eventually("word of a deletion by another process", () => told.includes("one"));
      } finally {
        await other.close?.();
      }
    },
    ["shared"],
  );
}
