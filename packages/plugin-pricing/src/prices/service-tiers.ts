import { dividedUp } from "./decimal.ts";
import type { Price, PriceKind, Prices } from "./price-table.ts";

/**
 * Tiers at half the price of the standard one, for tokens in, cached and out.
 *
 * - OpenAI: flex is priced as batch, batch is half: https://platform.openai.com/docs/pricing (read 2026-11)
 * - Azure: global batch is half: https://azure.microsoft.com/pricing/details/cognitive-services/openai-service
 * - Anthropic: batches are half: https://platform.claude.com/docs/en/about-claude/pricing
 * - Google: batch mode is half: https://ai.google.dev/gemini-api/docs/pricing
 */
const AT_HALF: Readonly<Record<string, readonly string[]>> = {
  openai: ["flex", "batch"],
  azure: ["batch"],
  anthropic: ["batch"],
  google: ["batch"],
};

/** Words that mean the standard tier, one that is paid for beforehand, or one that never costs more. */
const STANDARD: readonly string[] = [
  "auto",
  "default",
  "standard",
  "standard_only",
  "on_demand",
  "scale",
  "flex",
  "batch",
];

/** Prices that no tier changes. */
const PER_CALL: ReadonlySet<PriceKind> = new Set<PriceKind>([
  "request",
  "query",
  "webSearch",
  "webSearchLow",
  "webSearchMedium",
  "webSearchHigh",
  "fileSearch",
  "codeSession",
]);

/** The tiers that are known to have other prices than the standard one. */
export function tiersOf(provider: string, prices: Prices): Readonly<Record<string, Prices>> | undefined {
  const names = AT_HALF[provider];
  if (names === undefined) return undefined;
  const half = times(prices, 1n, 2n);
  const tiers: Record<string, Prices> = Object.fromEntries(names.map((name) => [name, half]));
  // bought beforehand, counted at the standard price: https://platform.claude.com/docs/en/api/service-tiers
  if (provider === "anthropic") {
    tiers["priority"] = prices;
    // kept within the United States: a tenth more
    tiers["us"] = times(prices, 11n, 10n);
  }
  return tiers;
}

/**
 * The prices of a tier; undefined when the tier may cost more than the standard one and its prices are not known.
 * Kinds without a price of their own in the tier have the standard one.
 */
export function pricesOfTier(
  table: { readonly prices: Prices; readonly tiers?: Readonly<Record<string, Prices>> },
  tier: string | undefined,
): Prices | undefined {
  if (tier === undefined) return table.prices;
  const special = table.tiers?.[tier];
  if (special !== undefined) return { ...table.prices, ...special };
  return STANDARD.includes(tier) ? table.prices : undefined;
}

/** Tokens at a multiple of the price; calls and searches cost what they cost. */
export function times(prices: Prices, factor: bigint, divisor: bigint): Prices {
  const multiplied: { [Kind in PriceKind]?: Price } = { ...prices };
  for (const kind of Object.keys(prices) as PriceKind[]) {
    if (PER_CALL.has(kind)) continue;
    const { pico, steps } = prices[kind] as Price;
    multiplied[kind] = {
      pico: dividedUp(pico * factor, divisor),
      ...(steps !== undefined && {
        steps: steps.map((step) => ({ ...step, pico: dividedUp(step.pico * factor, divisor) })),
      }),
    };
  }
  return multiplied;
}
