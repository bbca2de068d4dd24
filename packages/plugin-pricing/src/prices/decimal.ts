const DECIMAL = /^(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/i;

/**
 * A decimal number as a whole number of units of 10^-`digits`; what is smaller is rounded up. The digits are taken
 * from the text: a number is read as its shortest decimal form, which is the one it was written in.
 *
 * ```ts
 * scaled(1.25e-6, 12); // 1_250_000n pico-dollars
 * ```
 * Undefined when it is not a plain, finite decimal number that is zero or more.
 */
export function scaled(value: number | string, digits: number): bigint | undefined {
  const match = DECIMAL.exec(String(value).trim());
  if (match === null) return undefined;
  const [, whole = "0", fraction = "", exponent = "0"] = match;
  const shift = digits + Number(exponent) - fraction.length;
  const number = BigInt(whole + fraction);
  if (shift >= 0) return number * 10n ** BigInt(shift);
  return dividedUp(number, 10n ** BigInt(-shift));
}

/** The quotient of two numbers that are not negative, rounded up. */
export function dividedUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}
