import type { Price, PriceKind, Prices } from "./price-table.ts";

const TWICE = 2n;

/** Which price holds for a kind that has none of its own. Never a cheaper one than the provider may charge. */
const INSTEAD: { readonly [Kind in PriceKind]?: PriceKind } = {
  cacheRead: "input",
  cacheReadAudio: "cacheRead",
  cacheReadImage: "cacheRead",
  cacheWrite: "input",
  reasoning: "output",
  inputAudio: "input",
  inputImage: "input",
  outputAudio: "output",
  outputImage: "output",
};

/** The price of a kind, its own or the one that stands in for it; undefined: unknown. */
export function kindPrice(prices: Prices, kind: PriceKind): Price | undefined {
  const own = prices[kind];
  if (own !== undefined) return own;
  if (kind === "cacheWrite1h") return oneHourWrite(prices);
  const instead = INSTEAD[kind];
  return instead === undefined ? undefined : kindPrice(prices, instead);
}

/**
 * Where writing for five minutes costs more than input, writing for an hour costs twice the input:
 * https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing
 */
function oneHourWrite(prices: Prices): Price | undefined {
  const { input, cacheWrite } = prices;
  if (input === undefined || cacheWrite === undefined || cacheWrite.pico <= input.pico) {
    return kindPrice(prices, "cacheWrite");
  }
  const steps = input.steps?.map(({ above, pico }) => ({ above, pico: pico * TWICE }));
  return { pico: input.pico * TWICE, ...(steps !== undefined && { steps }) };
}
