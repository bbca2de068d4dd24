import type { ClientConfig } from "pg";
import type { EntryStore, Health, Ledger, Plugin, RecordStore, ReservationStore } from "@signalbox/kernel";
import { RESERVATION_STORE } from "@signalbox/kernel";
import { SpooledLedger } from "@signalbox/kernel/ledger";
import { Changes } from "./changes.ts";
import { checkOptions } from "./check-options.ts";
import { Database } from "./database.ts";
import { PostgresEntries } from "./entry-store.ts";
import { Maintenance } from "./maintenance.ts";
import { Partitions } from "./partitions.ts";
import { PostgresRecords } from "./record-store.ts";
import { PostgresReservations } from "./reservation-store.ts";
import { setUp } from "./set-up.ts";
import { Sums } from "./sums.ts";

/** Where the database is, and how it is used. */
export interface PostgresLedgerOptions {
  /** `postgres://user:password@host:5432/database?sslmode=verify-full`. */
  readonly url: string;
  /** Most connections at once, besides one that listens for changes. Default 10. */
  readonly pool?: number;
  /** Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Of every statement that a call may wait for; reports may take longer. Default 5,000. */
  readonly statementTimeoutMs?: number;
  /** Where the tables stand; made when it is missing. Default `signalbox`. */
  readonly schema?: string;
  /** TLS as `pg` takes it; `sslmode` in the URL wins. */
  readonly ssl?: ClientConfig["ssl"];
  /** When the database cannot be reached at start. Default `fail`. */
  readonly onUnreachable?: "fail" | "wait";
  /**
   * Offers the counters behind budgets to the whole gateway: exact over many processes without Redis, at a lower rate. The
   * ledger uses them in any case when no other plugin brings counters.
   */
  readonly reservations?: boolean;
  /**
   * Below it, what has not been written yet is kept safe from a sudden end of the process. At most 84 bytes long. Without
   * it, readiness says that the last moments would be lost.
   */
  readonly spoolDirectory?: string;
  /** How long a reservation is held without a sign of life of its process. Default 120,000. */
  readonly leaseMs?: number;
  /** How many months of entries are kept, the current one included; sums stay. Default: all. */
  readonly retentionMonths?: number;
}

/** What the plugin gives a gateway. */
export interface PostgresLedgerPlugin extends Plugin {
  readonly entryStore: EntryStore;
  readonly recordStore: RecordStore;
  readonly ledger: Ledger;
  /** Only with the option `reservations`. */
  readonly reservationStore?: ReservationStore;
  /**
   * Does at once what is otherwise done every few seconds beside the calls: sums, tables of months, retention. When it
   * returns, sums hold every entry that was written before.
   */
  maintain(): Promise<void>;
}

/** Entries, records and, if wanted, the counters behind budgets in PostgreSQL. */
export function postgresLedger(options: PostgresLedgerOptions): PostgresLedgerPlugin {
  checkOptions(options);
  const database = new Database(options);
  const partitions = new Partitions(database);
  const changes = new Changes(database);
  const maintenance = new Maintenance({
    sums: new Sums(database),
    partitions,
    retentionMonths: options.retentionMonths,
  });
  const entries = new PostgresEntries(database, partitions);
  const reservations = new PostgresReservations(database);
  const { spoolDirectory, leaseMs } = options;
  const ledger = new SpooledLedger({
    entries,
    ...(spoolDirectory !== undefined && { directory: spoolDirectory }),
    ...(leaseMs !== undefined && { leaseMs }),
  });
  return {
    name: "ledger-postgres",
    entryStore: entries,
    recordStore: new PostgresRecords(database, changes),
    ledger,
    ...(options.reservations === true ? { reservationStore: reservations } : {}),
    async setup() {
      await setUp(database, partitions, options.onUnreachable ?? "fail");
      maintenance.start();
    },
    async start(container) {
      const shared = container.isRegistered(RESERVATION_STORE, true);
      await ledger.start(shared ? container.resolve(RESERVATION_STORE) : reservations);
    },
    maintain: () => maintenance.all(),
    async check(): Promise<Health> {
      try {
        await database.query("SELECT 1");
        const health = ledger.health();
        if (!health.ok) return health;
        if (spoolDirectory === undefined) {
          return { ok: true, detail: "without a spoolDirectory the last moments of a killed process are lost" };
        }
        return { ok: true, ...maintenance.detail() };
      } catch (error) {
        return { ok: false, detail: database.error(error).message };
      }
    },
    async close() {
      await ledger.close();
      await maintenance.close();
      await changes.close();
      await database.close();
    },
  };
}
