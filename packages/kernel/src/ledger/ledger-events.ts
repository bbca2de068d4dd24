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
  /** The store will never take this entry: it was put aside. */
  | { readonly kind: "entryRefused"; readonly id: string; readonly file: string | undefined; readonly cause: unknown };

export const LEDGER_CHANNEL: Channel<LedgerEvent> = channel("signalbox:ledger") as Channel<LedgerEvent>;
