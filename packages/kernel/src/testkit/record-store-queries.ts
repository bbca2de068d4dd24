import assert from "node:assert/strict";
import type { RecordQuery } from "../record-store.ts";
import type { AddRecordCase, KitRecord, RecordStoreCase } from "./record-store-kit.ts";

const RECORDS: readonly KitRecord[] = [
  { id: "a", name: "Alpha", team: "red", rank: 2, blocked: false },
  { id: "b", name: "beta", team: "blue", rank: 10, blocked: true },
  { id: "c", name: "Gamma 100%", team: "red", rank: -1.5 },
  { id: "d", name: "delta_x", team: null, rank: 2, blocked: null },
  { id: "e", name: "ZÜRICH" },
];

async function filled({ records }: RecordStoreCase): Promise<(query: RecordQuery) => Promise<string>> {
  for (const record of RECORDS) await records.insert(record);
  return async (query) => {
    const { items, total } = await records.list(query);
    for (const item of items)
      assert.deepEqual(
        item,
        RECORDS.find(({ id }) => id === item.id),
      );
    const ids = items.map(({ id }) => id).join("");
    return ids.length === total ? ids : `${ids} of ${total}`;
  };
}

/** Lists: which records, in which order, how many in all. */
export function checkRecordQueries(add: AddRecordCase): void {
  add("finds by fields", async (one) => {
    const found = await filled(one);
    assert.equal(await found({}), "abcde");
    assert.equal(await found({ where: {} }), "abcde");
    assert.equal(await found({ where: { team: "red" } }), "ac");
    assert.equal(await found({ where: { team: "red", rank: 2 } }), "a");
    assert.equal(await found({ where: { team: ["red", "blue"] } }), "abc");
    assert.equal(await found({ where: { team: [] } }), "");
    assert.equal(await found({ where: { rank: [2, 10] } }), "abd");
    assert.equal(await found({ where: { blocked: true } }), "b");
    assert.equal(await found({ where: { blocked: false } }), "a");
    assert.equal(await found({ where: { team: "Red" } }), "");
    assert.equal(await found({ where: { name: "Gamma 100%" } }), "c");
  });

  add("finds by null what has no value or no such field", async (one) => {
    const found = await filled(one);
    assert.equal(await found({ where: { team: null } }), "de");
    assert.equal(await found({ where: { blocked: null } }), "cde");
    assert.equal(await found({ where: { blocked: null, team: null, rank: 2 } }), "d");
  });

  add("keeps texts, numbers and truth apart", async ({ records }) => {
    const values: readonly unknown[] = [1, "1", true, "true", 0, "0", false, "", null, "null"];
    for (const [index, rank] of values.entries()) await records.insert({ id: `r${index}`, rank: rank as number });
    for (const [index, rank] of values.entries()) {
      const { items } = await records.list({ where: { rank: rank as number } });
      assert.deepEqual(
        items.map(({ id }) => id),
        [`r${index}`],
        `what has ${JSON.stringify(rank)}`,
      );
    }
  });

  add("searches whatever the case, and takes wildcards for plain characters", async (one) => {
    const found = await filled(one);
    assert.equal(await found({ search: { name: "ALPHA" } }), "a");
    assert.equal(await found({ search: { name: "eta" } }), "b");
    assert.equal(await found({ search: { name: "ta" } }), "bd");
    assert.equal(await found({ search: { name: "zürich" } }), "e");
    assert.equal(await found({ search: { name: "0%" } }), "c");
    assert.equal(await found({ search: { name: "%" } }), "c");
    assert.equal(await found({ search: { name: "_" } }), "d");
    assert.equal(await found({ search: { name: "\\" } }), "");
    assert.equal(await found({ search: { name: "a", team: "re" } }), "ac");
    assert.equal(await found({ search: { name: "a" }, where: { team: "blue" } }), "b");
  });

  add("sorts: numbers by value, what has none last, equals by id", async (one) => {
    const found = await filled(one);
    assert.equal(await found({ sortBy: "rank" }), "cadbe");
    assert.equal(await found({ sortBy: "rank", descending: true }), "badce");
    assert.equal(await found({ sortBy: "id", descending: true }), "edcba");
    assert.equal(await found({ descending: true }), "edcba");
    assert.equal(await found({ sortBy: "team" }), "bacde");
    assert.equal(await found({ sortBy: "team", where: { rank: 2 } }), "ad");
  });

  add("answers by page, and how many there are in all", async (one) => {
    const found = await filled(one);
    assert.equal(await found({ limit: 2 }), "ab of 5");
    assert.equal(await found({ limit: 2, offset: 2 }), "cd of 5");
    assert.equal(await found({ limit: 2, offset: 4 }), "e of 5");
    assert.equal(await found({ offset: 5 }), " of 5");
    assert.equal(await found({ limit: 0 }), " of 5");
    assert.equal(await found({ where: { team: "red" }, limit: 1, sortBy: "rank" }), "c of 2");
    assert.equal(await found({ where: { team: "red" }, limit: 1, offset: 1, sortBy: "rank" }), "a of 2");
  });

  add("answers 100 where nobody said how many", async ({ records }) => {
    for (let index = 0; index < 105; index++) await records.insert({ id: `r${String(index).padStart(3, "0")}` });
    const { items, total } = await records.list();
    assert.deepEqual([items.length, total, items[99]?.id], [100, 105, "r099"]);
  });

  add("refuses fields that have no index", async ({ records }) => {
    const name = `colour" = 1; --`;
    await assert.rejects(() => records.list({ where: { [name]: "red" } }), "where");
    await assert.rejects(() => records.list({ search: { [name]: "red" } }), "search");
    await assert.rejects(() => records.list({ sortBy: name }), "sortBy");
    await assert.rejects(() => records.find(name, "red"), "find");
    await assert.rejects(() => records.find("team", "red"), "find by what is not unique");
  });
}
