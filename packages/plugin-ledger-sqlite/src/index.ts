export type { SqliteLedgerOptions } from "./options.ts";
export type { SqliteLedgerPlugin } from "./sqlite-ledger.ts";
export { sqliteLedger } from "./sqlite-ledger.ts";
