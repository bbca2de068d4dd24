import type { NanoUsd, Trace } from "@signalbox/kernel";
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

/** With two digits, rounded down; of nothing there is no share. */
function percentOf(part: NanoUsd, whole: NanoUsd): string | undefined {
  return whole <= 0n ? undefined : String(Number((part * 10_000n) / whole) / 100);
}
