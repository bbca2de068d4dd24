export type { SqliteLedgerOptions } from "./options.ts";
