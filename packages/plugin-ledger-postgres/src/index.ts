export type { PostgresLedgerOptions, PostgresLedgerPlugin } from "./postgres-ledger.ts";
export { postgresLedger } from "./postgres-ledger.ts";
