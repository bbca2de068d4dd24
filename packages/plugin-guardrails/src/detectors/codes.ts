import type { Finding } from "@signalbox/kernel";
import { mod97 } from "./checksums.ts";
import type { Detector } from "./detector.ts";
import { isDigit, isWord } from "./detector.ts";
import { IBAN_LENGTHS } from "./iban-lengths.ts";
import { NATIONAL_CODES } from "./national-codes.ts";

// held fast, see detector.ts
const { charCodeAt } = String.prototype;

const LONGEST = 44;

/** International bank account numbers and national ids that hold letters. */
export function codeDetector(kinds: ReadonlySet<"iban" | "nationalId">): Detector {
  return {
    find(text, from) {
      const findings: Finding[] = [];
      let digit = -1;
      let inside = from > 0 && isWord(charCodeAt.call(text, from - 1));
      for (let at = from; at < text.length; at++) {
        const word = isWord(charCodeAt.call(text, at));
        if (word && !inside) {
          // Most words are none of these: every code has a digit among its first nine characters.
          if (digit < at) digit = nextDigit(text, at);
          const found = digit - at < 9 ? codeAt(text, at, kinds) : undefined;
          if (found !== undefined) findings.push(found);
        }
        inside = word;
      }
      return findings;
    },
    settled: codeTail,
  };
}

const BY_DIGIT = NATIONAL_CODES.filter(({ first }) => first !== "letter");
const BY_LETTER = NATIONAL_CODES.filter(({ first }) => first !== "digit");

function codeAt(text: string, start: number, kinds: ReadonlySet<"iban" | "nationalId">): Finding | undefined {
  const first = charCodeAt.call(text, start);
  if (
    kinds.has("iban") &&
    !isDigit(first) &&
    isDigit(charCodeAt.call(text, start + 2)) &&
    isDigit(charCodeAt.call(text, start + 3))
  ) {
    const end = ibanEnd(text, start);
    if (end !== undefined) return { start, end, kind: "iban", confidence: 1 };
  }
  // Those that begin with a digit have six word characters at least before anything else may stand.
  if (!kinds.has("nationalId") || (isDigit(first) && !isWord(charCodeAt.call(text, start + 5)))) return undefined;
  for (const { pattern, matches } of isDigit(first) ? BY_DIGIT : BY_LETTER) {
    pattern.lastIndex = start;
    const match = pattern.exec(text);
    if (match === null || isWord(charCodeAt.call(text, start + match[0].length))) continue;
    if (matches(match[0].replace(/[ .-]/g, "").toUpperCase(), text, start)) {
      return { start, end: start + match[0].length, kind: "nationalId", confidence: 0.9 };
    }
  }
  return undefined;
}

function nextDigit(text: string, from: number): number {
  for (let at = from; at < text.length; at++) if (isDigit(charCodeAt.call(text, at))) return at;
  return Number.MAX_SAFE_INTEGER;
}

/** Where the IBAN that begins here ends: as long as its country's are, and with a check of 1 (ISO 13616). */
function ibanEnd(text: string, start: number): number | undefined {
  const country = text.slice(start, start + 2).toUpperCase();
  const length = IBAN_LENGTHS[country];
  if (length === undefined) return undefined;
  let characters = 0;
  let at = start;
  while (characters < length && at - start < LONGEST) {
    const unit = charCodeAt.call(text, at);
    if (unit === 0x20 || unit === 0x2d) {
      if (!isWord(charCodeAt.call(text, at + 1))) return undefined;
    } else if (!isWord(unit) || unit === 0x5f) return undefined;
    else characters++;
    at++;
  }
  if (characters < length || isWord(charCodeAt.call(text, at))) return undefined;
  const compact = text.slice(start, at).replace(/[ -]/g, "");
  const upper = compact.toUpperCase();
  return mod97(upper.slice(4) + upper.slice(0, 4)) === 1 ? at : undefined;
}

/** The first of the last characters that all may be part of a code. */
function codeTail(text: string, from: number): number {
  const stop = Math.max(from, text.length - LONGEST - 4);
  let at = text.length;
  let start = at;
  while (at > stop) {
    const unit = charCodeAt.call(text, at - 1);
    if (!isWord(unit) && unit !== 0x20 && unit !== 0x2d && unit !== 0x2e) break;
    at--;
    if (isWord(unit) && !isWord(charCodeAt.call(text, at - 1))) {
      // A code may begin here only if what follows could be its first group.
      if (mayBegin(text, at)) start = at;
    }
  }
  return start;
}

const BEGUN = /[A-Za-z0-9]{0,9}$|[A-Za-z0-9]{0,8}\d|[A-Za-z]{2} (?:\d|$)|[A-Za-z] ?-?(?:\d|$)/y;

function mayBegin(text: string, at: number): boolean {
  BEGUN.lastIndex = at;
  return BEGUN.test(text);
}
