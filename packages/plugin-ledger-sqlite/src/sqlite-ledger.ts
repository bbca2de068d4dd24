import type { EntryStore, Health, Plugin, RecordStore } from "@signalbox/kernel";
import { checkOptions } from "./check-options.ts";
import { Database } from "./database/database.ts";
import { SqliteEntries } from "./entries/sqlite-entries.ts";
import type { SqliteLedgerOptions } from "./options.ts";
import { SqliteRecords } from "./records/sqlite-records.ts";
import { Retention } from "./retention.ts";

/** What the plugin gives a gateway. */
export interface SqliteLedgerPlugin extends Plugin {
  readonly entryStore: EntryStore;
  readonly recordStore: RecordStore;
}

const DEFAULT_BUSY_TIMEOUT_MS = 5_000;
const DEFAULT_BATCH_MS = 4;

/** Entries and records in one SQLite file, for a gateway of one process. */
export function sqliteLedger(options: SqliteLedgerOptions): SqliteLedgerPlugin {
  checkOptions(options);
  const database = new Database({
    file: options.file,
    synchronous: options.synchronous ?? "normal",
    busyTimeoutMs: options.busyTimeoutMs ?? DEFAULT_BUSY_TIMEOUT_MS,
  });
  const entries = new SqliteEntries(database, options.batchMs ?? DEFAULT_BATCH_MS);
  let retentionFailure: string | undefined;
  const retention =
    options.retentionDays === undefined
      ? undefined
      : new Retention(entries, options.retentionDays, (thrown) => {
          retentionFailure = thrown instanceof Error ? thrown.message : String(thrown);
        });
  return {
    name: "ledger-sqlite",
    entryStore: entries,
    recordStore: new SqliteRecords(database),
    setup() {
      database.open();
      retention?.start();
    },
    check(): Health {
      const health = database.health();
      if (health.ok && retentionFailure !== undefined) {
        return { ok: true, detail: `old entries could not be deleted: ${retentionFailure}` };
      }
      return health;
    },
    async close() {
      retention?.stop();
      await database.close();
    },
  };
}
