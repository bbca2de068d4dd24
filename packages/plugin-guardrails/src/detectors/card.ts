import { luhn } from "./checksums.ts";
import type { NumberGroups } from "./number-groups.ts";

/** Issuers by what their numbers begin with, and how long those are (ISO/IEC 7812; ranges as the networks publish them). */
const ISSUERS: readonly { readonly from: number; readonly to: number; readonly lengths: readonly number[] }[] = [
  { from: 4000, to: 4999, lengths: [13, 16, 19] },
  { from: 5100, to: 5599, lengths: [16] },
  { from: 2221, to: 2720, lengths: [16] },
  { from: 3400, to: 3499, lengths: [15] },
  { from: 3700, to: 3799, lengths: [15] },
  { from: 3000, to: 3059, lengths: [14] },
  { from: 3600, to: 3699, lengths: [14] },
  { from: 3800, to: 3999, lengths: [14] },
  { from: 3528, to: 3589, lengths: [16, 17, 18, 19] },
  { from: 6011, to: 6011, lengths: [16, 19] },
  { from: 6440, to: 6599, lengths: [16, 19] },
  { from: 6200, to: 6299, lengths: [16, 17, 18, 19] },
  { from: 5018, to: 5038, lengths: [12, 13, 14, 15, 16, 17, 18, 19] },
  { from: 6304, to: 6304, lengths: [16, 18, 19] },
  { from: 6759, to: 6763, lengths: [16, 18, 19] },
];

const SHAPE = /^(?:\d\d|4-4-4-[1-4]|4-4-4-4-[1-3]|4-6-[45]|6-\d\d?)$/;

/** Whether digits are a payment card's: issuer, length, grouping and check digit. */
export function isCard({ digits, shape, separator }: NumberGroups): boolean {
  if (!SHAPE.test(shape) || !["", " ", "-", "\u00a0", "."].includes(separator)) return false;
  const head = Number(digits.slice(0, 4));
  const known = ISSUERS.some(({ from, to, lengths }) => head >= from && head <= to && lengths.includes(digits.length));
  return known && luhn(digits) && !/^(\d)\1+$/.test(digits);
}
