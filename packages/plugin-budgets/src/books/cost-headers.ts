import type { BudgetLine, NanoUsd, Trace } from "@signalbox/kernel";
import { formatUsd } from "@signalbox/kernel";
import type { Receipt } from "../receipts/receipt.ts";

/** Tells the client what the call has cost, in US dollars; and, where that differs, what of it the provider charges. */
export function addCostHeaders(trace: Trace, { billed, provider, cost }: Receipt): void {
  if (billed === undefined) return;
  trace.header("x-signalbox-response-cost", formatUsd(billed));
  if (provider === undefined || (cost?.discount === undefined && cost?.margin === undefined)) return;
  const { discount = 0n, margin = 0n } = cost;
  trace.header("x-signalbox-response-cost-original", formatUsd(provider));
  if (discount !== 0n) trace.header("x-signalbox-response-cost-discount-amount", formatUsd(discount));
  if (margin === 0n) return;
  trace.header("x-signalbox-response-cost-margin-amount", formatUsd(margin));
  const percent = percentOf(margin, provider - discount);
  if (percent !== undefined) trace.header("x-signalbox-response-cost-margin-percent", percent);
}

/** Of a stream: its headers leave before its cost is known. */
export function addEstimateHeader(trace: Trace, estimate: NanoUsd): void {
  trace.header("x-signalbox-response-cost-estimate", formatUsd(estimate));
}

/** Behind the last event of a stream. */
export function addCostComment(trace: Trace, { billed }: Receipt): void {
  if (billed !== undefined) trace.comment(`x-signalbox-response-cost ${formatUsd(billed)}`);
}

/** What the caller's own key may spend, in its tightest window; nothing where that is not limited. */
export function addKeyBudget(trace: Trace, key: string, lines: readonly BudgetLine[]): void {
  let least: NanoUsd | undefined;
  for (const { scope, limit } of lines) {
    if (scope.kind !== "key" || scope.id !== key || scope.model !== undefined || limit === null) continue;
    if (least === undefined || limit < least) least = limit;
  }
  if (least !== undefined) trace.header("x-signalbox-key-max-budget", formatUsd(least));
}

/** With two digits, rounded down; of nothing there is no share. */
function percentOf(part: NanoUsd, whole: NanoUsd): string | undefined {
  return whole <= 0n ? undefined : String(Number((part * 10_000n) / whole) / 100);
}
