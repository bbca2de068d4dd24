export type { BudgetEvent, SpendEvent } from "./books/channels.ts";
export { SPEND_IN_MEMORY } from "./books/memory-ledger.ts";
export { budgets } from "./budgets.ts";
export type { BudgetsOptions } from "./options.ts";
