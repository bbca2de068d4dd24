import type { Channel } from "node:diagnostics_channel";
import { channel } from "node:diagnostics_channel";
import type { NanoUsd, Scope } from "@signalbox/kernel";

/** A budget has come to a threshold; on the `diagnostics_channel` named `signalbox:budget`. */
export interface BudgetEvent {
  readonly scope: Scope;
  readonly period: string;
  /** The amount that the threshold is of: the hard budget, or the soft one. */
  readonly limit: NanoUsd;
  readonly spent: NanoUsd;
  /** A share of the hard budget, or the soft budget. */
  readonly threshold: number | "soft";
}

/** Something about an entry that operators should know; on the `diagnostics_channel` named `signalbox:spend`. */
export interface SpendEvent {
  /**
   * `priceUnknown`: recorded without a cost. `aboveEstimate`: it cost more than was set aside, so that a budget may have
   * been passed. `ledgerFailed`: the ledger refused it. `pricingFailed`: the price could not be worked out.
   */
  readonly kind: "priceUnknown" | "aboveEstimate" | "ledgerFailed" | "pricingFailed";
  /** Of the entry. */
  readonly id: string;
  readonly deployment: string;
  readonly model: string;
  readonly cause?: unknown;
}

export const BUDGET_CHANNEL: Channel<BudgetEvent> = channel("signalbox:budget") as Channel<BudgetEvent>;
export const SPEND_CHANNEL: Channel<SpendEvent> = channel("signalbox:spend") as Channel<SpendEvent>;
