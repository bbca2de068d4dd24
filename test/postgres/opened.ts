import type { PostgresLedgerOptions, PostgresLedgerPlugin } from "@signalbox/plugin-ledger-postgres";
import { postgresLedger } from "@signalbox/plugin-ledger-postgres";

/** As a gateway sets it up; without one, nothing is there to be resolved. */
export async function opened(options: PostgresLedgerOptions): Promise<PostgresLedgerPlugin> {
  const plugin = postgresLedger(options);
  await plugin.setup?.(undefined as never);
  return plugin;
}

let schemas = 0;

/** A name that no other test of this database uses. */
export function ownSchema(): string {
  schemas++;
  return `test_${schemas}`;
}

/** A contract of a plugin that closes the plugin when it is closed. */
export function closing<Contract extends object>(contract: Contract, plugin: PostgresLedgerPlugin): Contract {
  return Object.assign(contract, { close: async () => plugin.close?.() });
}
