import type { EntryStore, Health, Ledger, Plugin, RecordStore } from "@signalbox/kernel";
import { RESERVATION_STORE } from "@signalbox/kernel";
import { SpooledLedger } from "@signalbox/kernel/ledger";
import { checkOptions } from "./check-options.ts";
import { Database } from "./database/database.ts";
import { EmbeddedReservations } from "./embedded-reservations.ts";
import { SqliteEntries } from "./entries/sqlite-entries.ts";
import type { SqliteLedgerOptions } from "./options.ts";
import { SqliteRecords } from "./records/sqlite-records.ts";
import { Retention } from "./retention.ts";

/** What the plugin gives a gateway. */
export interface SqliteLedgerPlugin extends Plugin {
  readonly entryStore: EntryStore;
  readonly recordStore: RecordStore;
  readonly ledger: Ledger;
}

const DEFAULT_BUSY_TIMEOUT_MS = 5_000;
const DEFAULT_BATCH_MS = 4;

/**
 * Ledger, entries and records in one SQLite file, for a gateway of one process. Budgets are counted in memory, from the
 * sums of the file, unless another plugin brings the counters.
 */
export function sqliteLedger(options: SqliteLedgerOptions): SqliteLedgerPlugin {
  checkOptions(options);
  const database = new Database({
    file: options.file,
    synchronous: options.synchronous ?? "normal",
    busyTimeoutMs: options.busyTimeoutMs ?? DEFAULT_BUSY_TIMEOUT_MS,
  });
  const entries = new SqliteEntries(database, options.batchMs ?? DEFAULT_BATCH_MS);
  const spool = options.spoolDirectory ?? (options.file === ":memory:" ? undefined : `${options.file}.spool`);
  const ledger = new SpooledLedger({ entries, ...(spool !== undefined && { directory: spool }) });
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
    ledger,
    setup() {
      database.open();
      retention?.start();
    },
    async start(container) {
      const shared = container.isRegistered(RESERVATION_STORE, true);
      await ledger.start(shared ? container.resolve(RESERVATION_STORE) : new EmbeddedReservations(entries));
    },
    check(): Health {
      const file = database.health();
      const own = ledger.health();
      const health = !file.ok || (own.ok && own.detail === undefined) ? file : own;
      if (health.ok && retentionFailure !== undefined) {
        return { ok: true, detail: `old entries could not be deleted: ${retentionFailure}` };
      }
      return health;
    },
    async close() {
      retention?.stop();
      await ledger.close();
      await database.close();
    },
  };
}
