import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { RecordStore } from "@signalbox/kernel";
import { testRecordStore } from "@signalbox/kernel/testkit";
import { Database } from "../src/database/database.ts";
import { SqliteRecords } from "../src/records/sqlite-records.ts";

const folder = mkdtempSync(join(tmpdir(), "ledger-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const newFile = (): string => join(folder, `${files++}.db`);

function recordsIn(file: string): RecordStore & { readonly file: string; readonly close: () => Promise<void> } {
  const database = new Database({ file, synchronous: "normal", busyTimeoutMs: 1_000 });
  database.open();
  const records = new SqliteRecords(database);
  return {
    file,
    open: (definition) => records.open(definition),
    transaction: (body) => records.transaction(body),
    close: () => database.close(),
  };
}

describe("records in a file", () => {
  testRecordStore({
    runner: { describe, it },
    store: () => recordsIn(newFile()),
    reopen: async (store) => {
      await store.close?.();
      return recordsIn((store as ReturnType<typeof recordsIn>).file);
    },
    capabilities: { shared: false },
  });
});

describe("records in memory", () => {
  testRecordStore({
    runner: { describe, it },
    store: () => recordsIn(":memory:"),
    capabilities: { durable: false, shared: false },
  });
});

describe("a collection of a later release", () => {
  it("gets its new indexes, with what is there", async () => {
    const file = newFile();
    const first = recordsIn(file);
    const before = await first.open({ name: "teams", indexes: [{ field: "alias", unique: true }] });
    await before.insert({ id: "a", alias: "one", rank: 2 });
    await before.insert({ id: "b", alias: "two", rank: 1 });
    await first.close();
    const second = recordsIn(file);
    const after = await second.open({ name: "teams", indexes: [{ field: "alias", unique: true }, { field: "rank" }] });
    const { items } = await after.list({ sortBy: "rank" });
    expect(items.map(({ id }) => id)).toEqual(["b", "a"]);
    await expect(after.insert({ id: "c", alias: "two" })).rejects.toMatchObject({ code: "conflict", param: "alias" });
    await expect(after.insert({ id: "b", alias: "three" })).rejects.toMatchObject({ code: "conflict", param: "id" });
    await second.close();
  });

  it("keeps the old ones when what is there is not unique", async () => {
    const file = newFile();
    const first = recordsIn(file);
    const before = await first.open({ name: "teams", indexes: [{ field: "alias" }] });
    await before.insert({ id: "a", alias: "same" });
    await before.insert({ id: "b", alias: "same" });
    await first.close();
    const second = recordsIn(file);
    await expect(second.open({ name: "teams", indexes: [{ field: "alias", unique: true }] })).rejects.toThrow();
    const again = await second.open({ name: "teams", indexes: [{ field: "alias" }] });
    expect((await again.list({ where: { alias: "same" } })).total).toBe(2);
    await second.close();
  });
});
