import { isDay } from "./checksums.ts";
import { hasContext } from "./detector.ts";

/** A national id that holds letters: its form from its first character on, and its check. */
interface NationalCode {
  readonly country: string;
  /** What it begins with. */
  readonly first: "digit" | "letter" | "either";
  /** Sticky, with a longest match of 20 characters, and a digit among the first nine. */
  readonly pattern: RegExp;
  matches(code: string, text: string, start: number): boolean;
}

/** Great Britain, national insurance number: prefixes that are never given out (HMRC NIM39110). */
const NINO: NationalCode = {
  country: "GB",
  first: "letter",
  pattern: /[A-Za-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-Da-d]/y,
  matches: (code) =>
    /^(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]/.test(code) && !/^..(\d)\1{5}/.test(code),
};

const DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE";

/** Spain, DNI and NIE: the letter is the number modulo 23. */
const DNI: NationalCode = {
  country: "ES",
  first: "either",
  pattern: /(?:\d{8}|[XYZxyz][ -]?\d{7})[ -]?[A-Za-z]/y,
  matches(code) {
    const number = Number(code.slice(0, -1).replace("X", "0").replace("Y", "1").replace("Z", "2"));
    return DNI_LETTERS[number % 23] === code.at(-1);
  },
};

const ODD: readonly number[] = [
  1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
];

/** Italy, codice fiscale: month letter, day, check letter (Decreto 23/12/1976). */
const CODICE_FISCALE: NationalCode = {
  country: "IT",
  first: "letter",
  pattern: /[A-Za-z]{6}\d{2}[A-EHLMPRSTa-ehlmprst]\d{2}[A-Za-z]\d{3}[A-Za-z]/y,
  matches(code) {
    const day = Number(code.slice(9, 11)) % 40;
    if (day < 1 || day > 31) return false;
    let sum = 0;
    for (let at = 0; at < 15; at++) {
      const unit = code.charCodeAt(at);
      const value = unit < 58 ? unit - 48 : unit - 65;
      sum += at % 2 === 0 ? (ODD[value] as number) : value;
    }
    return 65 + (sum % 26) === code.charCodeAt(15);
  },
};

/** China, resident number that ends with X: ISO 7064 mod 11-2. */
const RESIDENT: NationalCode = {
  country: "CN",
  first: "digit",
  pattern: /[1-6]\d{16}[Xx]/y,
  matches(code) {
    const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const sum = weights.reduce((all, weight, at) => all + weight * Number(code[at]), 0);
    return sum % 11 === 2 && isDay(Number(code.slice(10, 12)), Number(code.slice(12, 14)));
  },
};

const HETU_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY";

/** Finland, personal identity code: the last character is the number modulo 31. */
const HETU: NationalCode = {
  country: "FI",
  first: "digit",
  pattern: /\d{6}[-+A-FU-Ya-fu-y]\d{3}[0-9A-FHJ-NPR-Ya-fhj-npr-y]/y,
  matches(code, text, start) {
    const raw = text.slice(start, start + 11).toUpperCase();
    if (!isDay(Number(raw.slice(2, 4)), Number(raw.slice(0, 2))) || code.length < 10) return false;
    return HETU_LETTERS[Number(raw.slice(0, 6) + raw.slice(7, 10)) % 31] === raw.at(-1);
  },
};

/** Passports have no check that people write down: only with a word in front. */
const PASSPORT: NationalCode = {
  country: "",
  first: "either",
  pattern: /(?:[A-Za-z]{1,2}\d{6,8}|[CFGHJKLMNPRTVWXYZ0-9]{9})/y,
  matches: (code, text, start) =>
    /\d.*\d/.test(code) &&
    hasContext(text, start, /\b(?:passport|reisepass|passeport|pasaporte|passaporto|paspoort)\b/i),
};

export const NATIONAL_CODES: readonly NationalCode[] = [NINO, DNI, CODICE_FISCALE, RESIDENT, HETU, PASSPORT];
