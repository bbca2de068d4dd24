import { describe, expect, it } from "vitest";
import { NO_USAGE, Trace } from "@signalbox/kernel";
import { addCostHeaders } from "../src/books/cost-headers.ts";
import type { Receipt } from "../src/receipts/receipt.ts";

function headersOf(receipt: Partial<Receipt>): Readonly<Record<string, string>> {
  const trace = new Trace();
  addCostHeaders(trace, { status: "final", usage: NO_USAGE, provider: undefined, billed: undefined, ...receipt });
  const flat = trace.headers ?? [];
  return Object.fromEntries(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] as string]] : [])));
}

const LINES = { lines: [], priceVersion: "p" };

describe("headers about the cost", () => {
  it("tell what was charged, and no more where that is the price", () => {
    expect(
      headersOf({ provider: 1_000n, billed: 1_000n, cost: { provider: 1_000n, billed: 1_000n, ...LINES } }),
    ).toEqual({
      "x-signalbox-response-cost": "0.000001",
    });
    expect(headersOf({})).toEqual({});
  });

  it("tell the price, the discount and the margin", () => {
    const cost = { provider: 1_000_000n, billed: 990_000n, discount: 100_000n, margin: 90_000n, ...LINES };
    expect(headersOf({ provider: cost.provider, billed: cost.billed, cost })).toEqual({
      "x-signalbox-response-cost": "0.00099",
      "x-signalbox-response-cost-original": "0.001",
      "x-signalbox-response-cost-discount-amount": "0.0001",
      "x-signalbox-response-cost-margin-amount": "0.00009",
      "x-signalbox-response-cost-margin-percent": "10",
    });
  });

  it("know no share of nothing", () => {
    const cost = { provider: 0n, billed: 500n, margin: 500n, ...LINES };
    expect(headersOf({ provider: 0n, billed: 500n, cost })).toEqual({
      "x-signalbox-response-cost": "0.0000005",
      "x-signalbox-response-cost-original": "0",
      "x-signalbox-response-cost-margin-amount": "0.0000005",
    });
  });
});
