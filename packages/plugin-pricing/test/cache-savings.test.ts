import { describe, expect, it } from "vitest";
import type { Usage } from "@signalbox/kernel";
import { chatOf, deploymentOf, pricingAt } from "./priced.ts";

const usage = (inputTokens: number, rest: Partial<Usage> = {}): Usage => ({ inputTokens, outputTokens: 500, ...rest });

describe("what a provider's cache saves", () => {
  it.each([
    // 3 plain, 0.30 read: 4,000 × 2.70 µ$
    ["anthropic", "claude-sonnet-4-5", usage(10_000, { cacheReadTokens: 4_000 }), 10_800_000n],
    // 3.75 written, and never read: 4,000 × −0.75 µ$
    ["anthropic", "claude-sonnet-4-5", usage(10_000, { cacheWriteTokens: 4_000 }), -3_000_000n],
    // 6 written for an hour: 4,000 × −3 µ$
    ["anthropic", "claude-sonnet-4-5", usage(4_000, { cacheWrite1hTokens: 4_000 }), -12_000_000n],
    // all of them: 10,800 − 2,250 − 3,000 µ$
    [
      "anthropic",
      "claude-sonnet-4-5",
      usage(10_000, { cacheReadTokens: 4_000, cacheWriteTokens: 3_000, cacheWrite1hTokens: 1_000 }),
      5_550_000n,
    ],
    // above 200,000 tokens: 6 plain, 0.60 read: 200,000 × 5.40 µ$
    ["anthropic", "claude-sonnet-4-5", usage(300_001, { cacheReadTokens: 200_000 }), 1_080_000_000n],
    // 1.25 plain, 0.125 read: 200 × 1.125 µ$; nothing is paid for writing
    ["openai", "gpt-5", usage(1_000, { cacheReadTokens: 200 }), 225_000n],
  ] as const)("of %s %s", async (provider, model, used, expected) => {
    const prices = await pricingAt();
    expect(prices.cost(chatOf(deploymentOf(provider, model)), used)?.cacheSavings).toBe(expected);
  });

  it("is what the caller saves: after discounts", async () => {
    const prices = await pricingAt({ discounts: { anthropic: 50 } });
    const work = chatOf(deploymentOf("anthropic", "claude-sonnet-4-5"));
    expect(prices.cost(work, usage(10_000, { cacheReadTokens: 4_000 }))?.cacheSavings).toBe(5_400_000n);
  });

  it("is not told where nothing was read or written, or the provider tells its own cost", async () => {
    const prices = await pricingAt();
    const work = chatOf(deploymentOf("anthropic", "claude-sonnet-4-5"));
    expect(prices.cost(work, usage(10_000, { cacheReadTokens: 0 }))).not.toHaveProperty("cacheSavings");
    const reported = usage(10_000, { cacheReadTokens: 4_000, reportedCost: 1n });
    expect(prices.cost(work, reported)).not.toHaveProperty("cacheSavings");
  });
});
