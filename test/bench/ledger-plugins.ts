import type { Plugin } from "@signalbox/kernel";
import type { PostgresLedgerPlugin } from "@signalbox/plugin-ledger-postgres";
import { postgresLedger } from "@signalbox/plugin-ledger-postgres";
import type { SqliteLedgerPlugin } from "@signalbox/plugin-ledger-sqlite";
import { sqliteLedger } from "@signalbox/plugin-ledger-sqlite";
import { redis } from "@signalbox/plugin-redis";

/** Others may have the processor for a while: that is no outage. */
const BUSY_TIMEOUT_MS = 2_000;

/** Where a measured ledger is, as words: a folder; then URLs of PostgreSQL and of Redis, or nothing for SQLite. */
export function ledgerPlugins([folder = "", database, shared]: readonly string[]): {
  readonly ledger: SqliteLedgerPlugin | PostgresLedgerPlugin;
  readonly plugins: readonly Plugin[];
} {
  const ledger =
    database === undefined
      ? sqliteLedger({ file: `${folder}/ledger.sqlite` })
      : postgresLedger({ url: database, spoolDirectory: `${folder}/spool` });
  const plugins =
    shared === undefined ? [ledger] : [redis({ url: shared, namespace: folder, timeoutMs: BUSY_TIMEOUT_MS }), ledger];
  return { ledger, plugins };
}
