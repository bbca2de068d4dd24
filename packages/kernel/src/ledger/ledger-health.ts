import type { Health } from "../plugin.ts";

/** What may be wrong with a ledger. */
export interface LedgerState {
  /** Why attempts are refused. */
  readonly obstacle: string | undefined;
  readonly spoolFailure: unknown;
  /** Lost counters are being rebuilt. */
  readonly recovering: boolean;
  /** Ends of attempts that are not written. */
  readonly waiting: number;
  /** The last try to write some has failed. */
  readonly writeFailed: boolean;
  /** The last try to reach the counters has failed. */
  readonly countersFailed: boolean;
  /** Counters that differ from their entries. */
  readonly drifting: number;
  /** Of entries that were put aside. */
  readonly refused: string | undefined;
}

/** Whether attempts are admitted, or why not; and what else should be known. */
export function ledgerHealth(state: LedgerState): Health {
  const { obstacle, spoolFailure, recovering, waiting, writeFailed, countersFailed, drifting, refused } = state;
  if (obstacle !== undefined) return { ok: false, detail: obstacle };
  if (spoolFailure !== undefined) {
    const why = spoolFailure instanceof Error ? spoolFailure.message : String(spoolFailure);
    return { ok: false, detail: `the spool cannot be written: ${why}` };
  }
  if (recovering) return { ok: false, detail: "the counters of budgets are being rebuilt" };
  if (writeFailed) return { ok: true, detail: `${waiting} ends of attempts wait for the store` };
  if (countersFailed) return { ok: true, detail: "the counters of budgets cannot be reached" };
  if (drifting > 0) return { ok: true, detail: `${drifting} counters of budgets differ from their entries` };
  return refused === undefined ? { ok: true } : { ok: true, detail: refused };
}
