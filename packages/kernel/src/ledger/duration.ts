/** `30d` taken apart: `{ count: 30, unit: "d" }`. */
export interface Duration {
  readonly count: number;
  readonly unit: "s" | "m" | "h" | "d" | "w" | "mo";
}

const GRAMMAR = /^([1-9]\d{0,5})(s|m|h|d|w|mo)$/;

/**
 * Reads the duration of a budget: a whole number and `s`, `m` (minutes), `h`, `d`, `w` or `mo` (months).
 * @throws {RangeError} when it is none
 */
export function parseDuration(text: string): Duration {
  const match = GRAMMAR.exec(text);
  if (match === null) {
    throw new RangeError(
      `not a duration: ${JSON.stringify(text)}; write it like 30s, 30m, 24h, 1d, 7d, 1w, 30d or 1mo`,
    );
  }
  return { count: Number(match[1]), unit: match[2] as Duration["unit"] };
}
