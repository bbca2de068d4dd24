import type { EntryStore } from "../ledger-stores.ts";
import type { Durability } from "./spool.ts";

/** What a `SpooledLedger` is made of. */
export interface SpooledLedgerOptions {
  /** Where entries are kept for good. */
  readonly entries: EntryStore;
  /**
   * Below it every process has a spool of its own, from which the next one learns what a process that ended suddenly has
   * left. Without it, what is not yet written is lost with the process.
   */
  readonly directory?: string;
  /**
   * Processes of several hosts may share the directory: one that has given no sign of life for as long is taken for dead, and
   * what it has left is ended. The same for all of them. Default 60,000.
   */
  readonly abandonedMs?: number;
  /** When the end of an attempt counts as written. Default `group`. */
  readonly durability?: Durability;
  /** How long a reservation is held without a sign of life. Default 120,000. */
  readonly leaseMs?: number;
  /** How long entries wait to be written together. Default 50. */
  readonly flushMs?: number;
  /** Attempts are refused while the spool is larger. Default 1 GiB. */
  readonly mostSpoolBytes?: number;
  /** How often counters are compared with entries, and what processes of this host have left is ended. Default 60,000. */
  readonly reconcileMs?: number;
}

export const DEFAULTS: Required<Pick<SpooledLedgerOptions, "leaseMs" | "flushMs" | "reconcileMs" | "mostSpoolBytes">> =
  {
    leaseMs: 120_000,
    flushMs: 50,
    reconcileMs: 60_000,
    mostSpoolBytes: 1_073_741_824,
  };
