import { expect } from "vitest";

/** A repeatable source of chance (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** About 3.1 standard deviations: one in a thousand fair samples is farther off. */
const ONE_IN_A_THOUSAND = 3.09;

/** Fails when counts are farther from what was expected than one fair sample in a thousand (chi-square). */
export function expectShares(counts: Readonly<Record<string, number>>, shares: Readonly<Record<string, number>>): void {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  let statistic = 0;
  let freedom = -1;
  for (const [name, share] of Object.entries(shares)) {
    const expected = share * total;
    if (expected === 0) {
      expect(counts[name] ?? 0, name).toBe(0);
      continue;
    }
    expect(expected, `too few samples of ${name} are expected`).toBeGreaterThan(5);
    statistic += ((counts[name] ?? 0) - expected) ** 2 / expected;
    freedom += 1;
  }
  expect(Object.keys(counts).filter((name) => shares[name] === undefined)).toEqual([]);
  expect(statistic, JSON.stringify({ counts, shares })).toBeLessThan(chiSquareLimit(freedom));
}

/** Wilson and Hilferty's approximation of the chi-square distribution. */
function chiSquareLimit(freedom: number): number {
  const spread = 2 / (9 * freedom);
  return freedom * (1 - spread + ONE_IN_A_THOUSAND * Math.sqrt(spread)) ** 3;
}

/** How often each was drawn. */
export function counted(draws: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const draw of draws) counts[draw] = (counts[draw] ?? 0) + 1;
  return counts;
}

/** Normally distributed (Box and Muller). */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
