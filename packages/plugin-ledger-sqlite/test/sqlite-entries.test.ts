import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, it } from "vitest";
import type { EntryStore } from "@signalbox/kernel";
import { testEntryStore } from "@signalbox/kernel/testkit";
import { Database } from "../src/database/database.ts";
import { SqliteEntries } from "../src/entries/sqlite-entries.ts";

const folder = mkdtempSync(join(tmpdir(), "ledger-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;

function entriesIn(file: string): EntryStore & { readonly file: string } {
  const database = new Database({ file, synchronous: "normal", busyTimeoutMs: 1_000 });
  database.open();
  const entries = new SqliteEntries(database, 2);
  return {
    file,
    append: (batch) => entries.append(batch),
    spent: (query) => entries.spent(query),
    report: (query) => entries.report(query),
    list: (query) => entries.list(query),
    count: (query, most) => entries.count(query, most),
    get: (id) => entries.get(id),
    close: () => database.close(),
  };
}

describe("entries in a file", () => {
  testEntryStore({
    runner: { describe, it },
    store: () => entriesIn(join(folder, `${files++}.db`)),
    reopen: async (store) => {
      await store.close?.();
      return entriesIn((store as ReturnType<typeof entriesIn>).file);
    },
  });
});

describe("entries in memory", () => {
  testEntryStore({
    runner: { describe, it },
    store: () => entriesIn(":memory:"),
    capabilities: { durable: false },
  });
});
