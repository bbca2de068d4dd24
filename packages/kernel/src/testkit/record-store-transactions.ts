import assert from "node:assert/strict";
import type { AddRecordCase, KitRecord } from "./record-store-kit.ts";
import { assertConflict } from "./record-store-kit.ts";

const FAILURE = new Error("changed my mind");

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}

/** All or nothing, also beside others. */
export function checkRecordTransactions(add: AddRecordCase): void {
  add("writes everything in a transaction, and answers its result", async ({ store, records }) => {
    const teams = await store.open<KitRecord>({ name: "kit_teams", indexes: [] });
    await records.insert({ id: "old", rank: 1 });
    const result = await store.transaction(async () => {
      await records.insert({ id: "new" });
      await pause();
      await teams.insert({ id: "team" });
      await records.update("old", (before) => ({ ...before, rank: 2 }));
      assert.deepEqual(await records.get("new"), { id: "new" }, "it sees its own writes");
      assert.equal((await records.list()).total, 2);
      return "done";
    });
    assert.equal(result, "done");
    assert.deepEqual(await records.get("old"), { id: "old", rank: 2 });
    assert.deepEqual(await teams.get("team"), { id: "team" });
  });

  add("writes nothing of a transaction that fails", async ({ store, records }) => {
    await records.insert({ id: "old", name: "a", rank: 1 });
    const told: string[] = [];
    const stop = records.watch((id) => void told.push(id));
    await pause();
    told.length = 0;
    const failing = store.transaction(async () => {
      await records.insert({ id: "new", name: "b" });
      await records.update("old", (before) => ({ ...before, rank: 2 }));
      await pause();
      await records.delete("old");
      throw FAILURE;
    });
    await assert.rejects(failing, (thrown) => thrown === FAILURE);
    assert.deepEqual(await records.list(), { items: [{ id: "old", name: "a", rank: 1 }], total: 1 });
    await records.insert({ id: "other", name: "b" });
    stop();
    assert.ok(!told.includes("new"), "word of something that never was");
  });

  add("writes nothing of a transaction with a conflict", async ({ store, records }) => {
    await records.insert({ id: "old", name: "a" });
    await assertConflict(() =>
      store.transaction(async () => {
        await records.insert({ id: "new", name: "b" });
        await records.insert({ id: "newer", name: "a" });
      }),
    );
    assert.equal((await records.list()).total, 1);
  });

  add("undoes nothing of others", async ({ store, records }) => {
    const failing = store.transaction(async () => {
      await records.insert({ id: "mine" });
      await pause();
      throw FAILURE;
    });
    const other = records.insert({ id: "other" });
    await assert.rejects(failing);
    await other;
    await store.transaction(async () => await records.insert({ id: "later" }));
    assert.deepEqual(
      (await records.list()).items.map(({ id }) => id),
      ["later", "other"],
    );
  });

  add("loses no updates of transactions at once", async ({ store, records }) => {
    await records.insert({ id: "one", rank: 0 });
    await Promise.all(
      Array.from({ length: 20 }, (_, turn) =>
        store
          .transaction(async () => {
            await records.update("one", (before) => ({ ...before, rank: Number(before.rank) + 1 }));
            if (turn % 4 === 0) throw FAILURE;
          })
          .catch((thrown: unknown) => assert.equal(thrown, FAILURE)),
      ),
    );
    assert.equal((await records.get("one"))?.rank, 15);
  });

  add("takes a transaction inside another for a part of it", async ({ store, records }) => {
    await assert.rejects(() =>
      store.transaction(async () => {
        await store.transaction(async () => await records.insert({ id: "inner" }));
        throw FAILURE;
      }),
    );
    assert.equal(await records.get("inner"), undefined);
  });
}
