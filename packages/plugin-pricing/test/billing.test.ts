import { describe, expect, it } from "vitest";
import { formatUsd } from "@signalbox/kernel";
import { currencies } from "../src/index.ts";
import { dividedUp, scaled } from "../src/prices/decimal.ts";
import { chatOf, deploymentOf, pricingAt } from "./priced.ts";

describe("discounts and margins", () => {
  const work = chatOf(deploymentOf("openai", "gpt-4o"));
  const EACH = { inputTokens: 1_000, outputTokens: 1_000 };

  it("come after the exact cost, the margin after the discount", async () => {
    const prices = await pricingAt({
      discounts: { openai: 10 },
      margins: { openai: { percent: "2.5", fixed: "0.000000001" } },
    });
    // 0.0125 − 0.00125 = 0.01125; 2.5 % of it is 0.00028125, and a nano-dollar
    expect(prices.cost(work, EACH)).toMatchObject({
      provider: 12_500_000n,
      discount: 1_250_000n,
      margin: 281_251n,
      billed: 11_531_251n,
    });
  });

  it("are the provider's own instead of the global ones", async () => {
    const prices = await pricingAt({ discounts: { global: 50, openai: 0 }, margins: { global: { percent: 100 } } });
    expect(prices.cost(work, EACH)).toMatchObject({ provider: 12_500_000n, margin: 12_500_000n, billed: 25_000_000n });
    const other = chatOf(deploymentOf("mistral", "codestral-latest"));
    expect(prices.cost(other, EACH)).toMatchObject({ provider: 1_200_000n, discount: 600_000n, billed: 1_200_000n });
  });

  it("round for the benefit of the budget's keeper", async () => {
    const prices = await pricingAt({
      discounts: { global: "33.333333" },
      margins: { global: { percent: "0.000001" } },
    });
    // 50 nano-dollars: 16.67 off is 16; a hundred-millionth of 34 is 1
    const cost = prices.cost(chatOf(deploymentOf("openai", "gpt-5-nano")), { inputTokens: 1, outputTokens: 0 });
    expect(cost).toMatchObject({ provider: 50n, discount: 16n, margin: 1n, billed: 35n });
  });

  it("are part of the bound", async () => {
    const plain = await pricingAt();
    const dearer = await pricingAt({ margins: { openai: { percent: 100, fixed: 1 } } });
    const limited = chatOf(deploymentOf("openai", "gpt-4o"), { maxOutputTokens: 100 });
    expect(dearer.bound(limited)).toBe((plain.bound(limited) as bigint) * 2n + 1_000_000_000n);
  });
});

describe("other currencies", () => {
  const table = currencies(
    {
      ZAR: [
        { date: "2026-11-01", perUsd: "17.25" },
        { date: "2026-11-20", perUsd: "17.1234" },
      ],
    },
    () => Date.parse("2026-11-20T08:00:00Z"),
  );

  it("are converted by the rate of the day", () => {
    expect(table.convert(1_000_000_000n, "ZAR")).toEqual({
      currency: "ZAR",
      nano: 17_123_400_000n,
      date: "2026-11-20",
      perUsd: "17.1234",
    });
    expect(table.convert(2_000_000_000n, "ZAR", Date.parse("2026-11-19T23:59:59Z"))).toMatchObject({
      nano: 34_500_000_000n,
      date: "2026-11-01",
    });
    expect(table.convert(1n, "ZAR").nano).toBe(18n);
    expect(table.convert(5n, "USD")).toMatchObject({ nano: 5n, perUsd: "1" });
  });

  it("are written with the decimals that are asked for", () => {
    expect(table.format(1_500_000_000n, "ZAR")).toBe("ZAR 25.69");
    expect(table.format(1_500_000_000n, "ZAR", { decimals: 5 })).toBe("ZAR 25.68510");
    expect(table.format(1_500_000_000n, "ZAR", { decimals: 0 })).toBe("ZAR 26");
    expect(table.format(-1_500_000_000n, "ZAR")).toBe("ZAR -25.69");
    expect(table.format(4_000_000n, "USD")).toBe("USD 0.00");
    expect(table.format(5_000_000n, "USD")).toBe("USD 0.01");
  });

  it.each<[string, unknown, string]>([
    ["zar", [{ date: "2026-11-20", perUsd: 17 }], '"currencies.zar": must be a currency code'],
    ["ZAR", [{ date: "20.11.2026", perUsd: 17 }], '"currencies.ZAR.0.date": '],
    ["ZAR", [{ date: "2026-11-20", perUsd: 0 }], '"currencies.ZAR.0.perUsd": must be more than zero'],
    ["ZAR", [], '"currencies.ZAR": '],
  ])("rates that are none are refused: %s %j", (currency, rates, message) => {
    expect(() => currencies({ [currency]: rates } as never)).toThrow(
      expect.objectContaining({ code: "option_invalid", message: expect.stringContaining(`pricing: ${message}`) }),
    );
  });

  it.each([
    ["EUR", Date.parse("2026-11-20")],
    ["ZAR", Date.parse("2026-10-31")],
    ["toString", Date.parse("2026-11-20")],
  ])("without a rate for %s are refused", (currency, at) => {
    expect(() => table.convert(1n, currency, at)).toThrow(
      expect.objectContaining({ code: "invalid_request", source: "pricing" }),
    );
  });
});

describe("decimals", () => {
  it.each<[number | string, number, bigint | undefined]>([
    [1.25e-6, 12, 1_250_000n],
    ["0.00000125", 12, 1_250_000n],
    [3e-7, 12, 300_000n],
    [0.1, 12, 100_000_000_000n],
    [1e21, 0, 10n ** 21n],
    ["1e-13", 12, 1n],
    ["1.0000000000001", 12, 1_000_000_000_001n],
    [0, 12, 0n],
    ["", 12, undefined],
    ["-1", 12, undefined],
    ["0x10", 12, undefined],
    [Number.NaN, 12, undefined],
    [Number.POSITIVE_INFINITY, 12, undefined],
    ["1e9999", 12, undefined],
  ])("%s with %i digits", (value, digits, expected) => expect(scaled(value, digits)).toBe(expected));

  it("round up when divided", () => {
    expect([dividedUp(0n, 3n), dividedUp(1n, 3n), dividedUp(3n, 3n), dividedUp(4n, 3n)]).toEqual([0n, 1n, 1n, 2n]);
    expect(formatUsd(35n)).toBe("0.000000035");
  });
});
