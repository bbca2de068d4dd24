import type { Ledger } from "@signalbox/kernel";
import { MemoryEntries, MemoryReservations, SpooledLedger } from "@signalbox/kernel/ledger";

/** What operators are to know of a gateway without a ledger. */
export const SPEND_IN_MEMORY =
  "spend is kept in memory only: it is lost at a restart, and other processes do not count it; add a ledger plugin";

/** The ledger of a gateway that was given none: exact within one process, and gone with it. */
export async function memoryLedger(): Promise<Ledger & { close(): Promise<void> }> {
  const ledger = new SpooledLedger({ entries: new MemoryEntries(), flushMs: 0 });
  await ledger.start(new MemoryReservations());
  return ledger;
}
