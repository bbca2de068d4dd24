import type { NumberGroups } from "./number-groups.ts";

/** Words that make a bare run of digits a telephone number. */
export const PHONE_WORDS: RegExp =
  /\b(?:tel|phone|telephone|telefon|téléphone|teléfono|telefono|telefoon|mobile|mob|cell|call|fax|whatsapp|handy|móvil|portable|sms|text me|ring|dial|rufnummer|numéro)\b/gi;

/** ITU-T E.164: first digits of country codes; `1` and `7` stand alone. */
const COUNTRY =
  /^(?:1[2-9]|7[3-9]|2(?:0|1[1-368]|[2-46]\d|5[0-8]|7|9[017-9])|3(?:[0-469]|[578]\d)|4(?:[013-9]|2[013])|5(?:[1-8]|0\d|9\d)|6(?:[0-6]|[789]\d)|8(?:[1246]|[058]\d)|9(?:[0-58]|[679]\d))/;

/** How numbers are written at home, by groups and first digits. */
const NATIONAL: readonly { readonly shape: RegExp; readonly digits: RegExp }[] = [
  // North America
  { shape: /^3-3-4$/, digits: /^[2-9]\d{2}[2-9]\d{6}$/ },
  { shape: /^1-3-3-4$/, digits: /^1[2-9]\d{2}[2-9]\d{6}$/ },
  // Great Britain
  { shape: /^(?:5-6|5-3-3|4-3-4|3-4-4|4-6|3-8|4-7)$/, digits: /^0[12378]\d{8,9}$/ },
  // France
  { shape: /^2-2-2-2-2$/, digits: /^0[1-9]\d{8}$/ },
  // Germany, Austria, Switzerland
  { shape: /^(?:[3-5]-[4-8]|[3-5]-\d-\d\d?|[34]-[2-4]-[2-4](?:-[2-4])?|3-3-2-2)$/, digits: /^0[1-9]\d{7,10}$/ },
  // Netherlands, Belgium
  { shape: /^(?:2-8|3-7|2-2-2-2-2|4-2-2-2|2-4-4)$/, digits: /^0[1-9]\d{7,8}$/ },
  // South Africa, Australia
  { shape: /^(?:3-3-4|2-4-4|4-3-3)$/, digits: /^0[1-9]\d{8}$/ },
  // Spain, Portugal, Poland
  { shape: /^(?:3-3-3|3-2-2-2)$/, digits: /^[6-9]\d{8}$/ },
  // Italy, mobile
  { shape: /^3-(?:3-4|7|6)$/, digits: /^3[2-9]\d{7,8}$/ },
  // India
  { shape: /^5-5$/, digits: /^[6-9]\d{9}$/ },
  // Brazil
  { shape: /^2-[45]-4$/, digits: /^[1-9]{2}9?\d{8}$/ },
  // Japan
  { shape: /^(?:3-4-4|2-4-4)$/, digits: /^0[1-9]\d{8,9}$/ },
];

/** Whether digits are a telephone number's: international, written as somewhere at home, or with a word that says so. */
export function isPhone({ digits, shape, separator, prefix }: NumberGroups, named: () => boolean): boolean {
  const { length } = digits;
  if (prefix === "+") return length >= 8 && length <= 15 && COUNTRY.test(digits);
  if (length < 7 || length > 14) return false;
  // A date or a decimal number is none.
  if (separator === "." && /^(?:1|2)-|^4-2-2/.test(shape) && !/^2-2-2-2-2$/.test(shape)) return false;
  if (digits.startsWith("00") && length >= 10 && COUNTRY.test(digits.slice(2))) return shape !== "8" || named();
  if (NATIONAL.some((each) => each.shape.test(shape) && each.digits.test(digits))) return true;
  if (/^(?:4-2-2|2-2-4|4)(?:-|$)/.test(shape) && /^(?:19|20)/.test(digits)) return false;
  return length <= 12 && !/^(\d)\1+$/.test(digits) && named();
}
