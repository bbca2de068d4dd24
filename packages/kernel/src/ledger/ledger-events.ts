import type { Channel } from "node:diagnostics_channel";
import { channel } from "node:diagnostics_channel";
import type { LineSum } from "../ledger-stores.ts";
import type { NanoUsd } from "../money.ts";

/** What operators should know of a ledger; on the `diagnostics_channel` named `signalbox:ledger`. */
export type LedgerEvent =
  /** A counter differs from what its entries say: it has so much more. `corrected`: no longer. */
  | {
      readonly kind: "drift";
      readonly line: LineSum["line"];
      readonly difference: NanoUsd;
      readonly corrected: boolean;
    }
  /** What is reserved on a counter is not the sum of the reservations on it: a defect, which blocks or opens a budget. */
  | { readonly kind: "heldDrift"; readonly line: LineSum["line"]; readonly pending: NanoUsd; readonly held: NanoUsd }
  /** Reservations that nobody renews, and nobody reaps. */
  | { readonly kind: "overdue"; readonly reservations: number }
  /** The store will never take this entry: it was put aside. */
  | { readonly kind: "entryRefused"; readonly id: string; readonly file: string | undefined; readonly cause: unknown };

export const LEDGER_CHANNEL: Channel<LedgerEvent> = channel("signalbox:ledger") as Channel<LedgerEvent>;
