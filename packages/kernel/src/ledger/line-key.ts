import type { BudgetLine, Scope } from "../ledger.ts";

/** Names a scope without doubt: ids may hold any separator. */
export function scopeKey({ kind, id, model }: Scope): string {
  return JSON.stringify(model === undefined ? [kind, id] : [kind, id, model]);
}

/** Names the counter of a line; its limit is no part of it. */
export function lineKey({ scope, period }: BudgetLine): string {
  return `${period} ${scopeKey(scope)}`;
}
