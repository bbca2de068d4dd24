import type { BudgetRule, Directory, EntryStore, Ledger, ModelTable, Pricing } from "@signalbox/kernel";

/** What reports are made from. */
export interface Sources {
  readonly entries: EntryStore;
  readonly pricing: Pricing | undefined;
  readonly ledger: Ledger | undefined;
  readonly models: ModelTable;
  /** Asked for late: whoever keeps keys may start after this plugin. */
  readonly directory: () => Directory | undefined;
  readonly timezone: string;
  readonly budgets: readonly BudgetRule[];
  readonly now: () => number;
}
