/** An amount of money in nano-US-dollars (10⁻⁹ USD). */
export type NanoUsd = bigint;

const NANO_DIGITS = 9;

/**
 * Reads a decimal amount of US dollars: `"1.25"` → `1_250_000_000n`. Digits beyond the ninth are rounded up.
 * @throws {RangeError} when the text is not a plain decimal number
 */
export function parseUsd(text: string): NanoUsd {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) throw new RangeError(`not a decimal amount of US dollars: ${JSON.stringify(text)}`);
  const [, sign = "", whole = "0", fraction = ""] = match;
  const kept = fraction.slice(0, NANO_DIGITS).padEnd(NANO_DIGITS, "0");
  const roundUp = /[1-9]/.test(fraction.slice(NANO_DIGITS)) ? 1n : 0n;
  const nano = BigInt(whole + kept) + roundUp;
  return sign === "-" ? -nano : nano;
}

/** Writes an amount without trailing zeros: `1_250_000_000n` → `"1.25"`. */
export function formatUsd(amount: NanoUsd): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(NANO_DIGITS + 1, "0");
  const fraction = digits.slice(-NANO_DIGITS).replace(/0+$/, "");
  return `${amount < 0n ? "-" : ""}${digits.slice(0, -NANO_DIGITS)}${fraction === "" ? "" : `.${fraction}`}`;
}
