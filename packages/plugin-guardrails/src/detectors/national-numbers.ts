import { isDay, luhn, mod11And10, verhoeff, weighted } from "./checksums.ts";
import type { NumberGroups } from "./number-groups.ts";

/** `yes`: form and check digits say so. `named`: only where words in front say so, too. */
type Certainty = "yes" | "named" | "no";

/** A national id that is written in digits. */
interface NationalNumber {
  readonly country: string;
  /** How many digits it has. */
  readonly lengths: readonly number[];
  readonly words: RegExp;
  matches(number: NumberGroups): Certainty;
}

function part(digits: string, from: number, to: number): number {
  return Number(digits.slice(from, to));
}

/** The forms that stand for themselves, and whether a bare run of digits does, too. */
function formed({ shape }: NumberGroups, forms: RegExp, bare: "yes" | "named"): Certainty {
  return forms.test(shape) ? "yes" : shape.includes("-") ? "no" : bare;
}

/** US social security number: areas and groups that are never given out (SSA, "SSN randomization"). */
const SSN: NationalNumber = {
  country: "US",
  lengths: [9],
  words: /\b(?:ssn|social security)\b/i,
  matches(number) {
    const { digits, shape, separator } = number;
    if (digits.length !== 9 || !/^0(?!00)|^[1-8]/.test(digits) || digits.startsWith("666")) return "no";
    if (digits.slice(3, 5) === "00" || digits.endsWith("0000") || /^(\d)\1+$|^123456789$/.test(digits)) return "no";
    if (shape === "3-2-4") return separator === "-" ? "yes" : separator === "mixed" ? "no" : "named";
    return shape === "9" ? "named" : "no";
  },
};

/** South African identity number: birth date, citizenship, Luhn. */
const SOUTH_AFRICA: NationalNumber = {
  country: "ZA",
  lengths: [13],
  words: /\bid\b|identity/i,
  matches(number) {
    const { digits } = number;
    if (digits.length !== 13 || !isDay(part(digits, 2, 4), part(digits, 4, 6)) || !/^\d{10}[0-2][89]/.test(digits)) {
      return "no";
    }
    return luhn(digits) ? formed(number, /^(?:13|6-4-3|6-4-2-1)$/, "yes") : "no";
  },
};

/** Canadian social insurance number. */
const SIN: NationalNumber = {
  country: "CA",
  lengths: [9],
  words: /\b(?:sin|social insurance|nas)\b/i,
  matches: ({ digits, shape }) =>
    digits.length === 9 && /^[1-79]/.test(digits) && luhn(digits) && /^(?:9|3-3-3)$/.test(shape) ? "named" : "no",
};

/** Dutch citizen service number: the "eleven test". */
const BSN: NationalNumber = {
  country: "NL",
  lengths: [9],
  words: /\b(?:bsn|burgerservicenummer|sofi(?:nummer)?)\b/i,
  matches({ digits, shape }) {
    if (digits.length !== 9 || !/^(?:9|4-2-3|3-3-3)$/.test(shape)) return "no";
    return weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0 && !/^0+$/.test(digits) ? "named" : "no";
  },
};

/** Polish PESEL: birth date with the century in the month, weighted check digit. */
const PESEL: NationalNumber = {
  country: "PL",
  lengths: [11],
  words: /pesel/i,
  matches({ digits, shape }) {
    if (shape !== "11" || !isDay(part(digits, 2, 4) % 20, part(digits, 4, 6))) return "no";
    return weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0 ? "yes" : "no";
  },
};

/** Belgian national register number: birth date and order, 97 minus the rest; of those born since 2000 with a 2 in front. */
const BELGIUM: NationalNumber = {
  country: "BE",
  lengths: [11],
  words: /\b(?:rijksregister|registre national|national number|nrn)/i,
  matches(number) {
    const { digits } = number;
    if (digits.length !== 11 || !isDay(part(digits, 2, 4), part(digits, 4, 6))) return "no";
    const check = part(digits, 9, 11);
    const [old, young] = [Number(digits.slice(0, 9)), Number(`2${digits.slice(0, 9)}`)];
    if (97 - (old % 97) !== check && 97 - (young % 97) !== check) return "no";
    return formed(number, /^(?:2-2-2-3-2|6-3-2)$/, "yes");
  },
};

/** German tax id: among the first ten digits one stands twice or three times, ISO 7064 mod 11,10. */
const STEUER_ID: NationalNumber = {
  country: "DE",
  lengths: [11],
  words: /\b(?:steuer|idnr|id-nr|tin\b|tax id|identifikationsnummer)/i,
  matches(number) {
    const { digits } = number;
    if (digits.length !== 11 || digits.startsWith("0")) return "no";
    const counts = new Map<string, number>();
    for (const digit of digits.slice(0, 10)) counts.set(digit, (counts.get(digit) ?? 0) + 1);
    const repeated = [...counts.values()].filter((count) => count > 1);
    if (repeated.length !== 1 || (repeated[0] as number) > 3 || !mod11And10(digits)) return "no";
    return formed(number, /^2-3-3-3$/, "named");
  },
};

/** Brazilian CPF: two check digits modulo 11. */
const CPF: NationalNumber = {
  country: "BR",
  lengths: [11],
  words: /cpf/i,
  matches(number) {
    const { digits } = number;
    if (digits.length !== 11 || /^(\d)\1+$/.test(digits)) return "no";
    const check = (length: number): boolean => {
      const weights = Array.from({ length }, (_, at) => length + 1 - at);
      return ((weighted(digits, weights) * 10) % 11) % 10 === Number(digits[length]);
    };
    return check(9) && check(10) ? formed(number, /^3-3-3-2$/, "yes") : "no";
  },
};

/** Indian Aadhaar: Verhoeff, never begins with 0 or 1. */
const AADHAAR: NationalNumber = {
  country: "IN",
  lengths: [12],
  words: /aadhaar|aadhar|uidai/i,
  matches: (number) =>
    number.digits.length === 12 && /^[2-9]/.test(number.digits) && verhoeff(number.digits)
      ? formed(number, /^4-4-4$/, "named")
      : "no",
};

/** French NIR: sex, month of birth, 97 minus the rest. Corsica's letters are not told here. */
const NIR: NationalNumber = {
  country: "FR",
  lengths: [15],
  words: /\b(?:nir|sécurité sociale|securite sociale|insee)\b/i,
  matches({ digits, shape }) {
    if (digits.length !== 15 || !/^[1278]\d\d(?:0[1-9]|1[0-2]|[2-4]\d|[5-9]\d)/.test(digits)) return "no";
    if (!/^(?:15|13-2|1-2-2-2-3-3-2)$/.test(shape)) return "no";
    return 97 - (Number(digits.slice(0, 13)) % 97) === part(digits, 13, 15) ? "yes" : "no";
  },
};

/** Swiss AHV number: 756 and an EAN-13 check digit. */
const AHV: NationalNumber = {
  country: "CH",
  lengths: [13],
  words: /ahv|avs/i,
  matches: ({ digits, shape }) =>
    digits.length === 13 &&
    digits.startsWith("756") &&
    /^(?:13|3-4-4-2)$/.test(shape) &&
    weighted(digits, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 === 0
      ? "yes"
      : "no",
};

/** Swedish personal identity number: birth date and Luhn, written with a hyphen. */
const PERSONNUMMER: NationalNumber = {
  country: "SE",
  lengths: [10, 12],
  words: /personnummer/i,
  matches({ digits, shape, separator }) {
    const short = digits.slice(-10);
    if (!/^(?:6-4|8-4|10|12)$/.test(shape) || !isDay(part(short, 2, 4), part(short, 4, 6)) || !luhn(short)) return "no";
    if (digits.length === 12 && !/^(?:19|20)/.test(digits)) return "no";
    return separator === "-" ? "yes" : separator === "" ? "named" : "no";
  },
};

/** The Chinese resident number that ends with a digit: birth date, ISO 7064 mod 11-2. */
const CHINA: NationalNumber = {
  country: "CN",
  lengths: [18],
  words: /身份证/,
  matches({ digits, shape }) {
    if (shape !== "18" || !/^[1-6]\d{5}(?:19|20)/.test(digits) || !isDay(part(digits, 10, 12), part(digits, 12, 14))) {
      return "no";
    }
    return weighted(digits, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 1]) % 11 === 1 ? "yes" : "no";
  },
};

/** Those with the strongest checks first. */
export const NATIONAL_NUMBERS: readonly NationalNumber[] = [
  SSN,
  SOUTH_AFRICA,
  AHV,
  NIR,
  CHINA,
  BELGIUM,
  CPF,
  PESEL,
  STEUER_ID,
  AADHAAR,
  BSN,
  SIN,
  PERSONNUMMER,
];
