import { isDigit, isWord } from "./detector.ts";

// held fast, see detector.ts
const { charCodeAt } = String.prototype;

/** Digits in groups, as people write numbers: `4111 1111 1111 1111`. */
export interface NumberGroups {
  readonly start: number;
  /** Behind the last group. */
  readonly end: number;
  readonly digits: string;
  /** `4-4-4-4` */
  readonly shape: string;
  /** How many groups. */
  readonly groups: number;
  /** What stands between the groups: one character, `mixed`, or nothing. */
  readonly separator: string;
  /** `+` or `(` in front belongs to it. */
  readonly prefix: "" | "+" | "(";
}

/** Shorter ones are nobody's: no number is made of them. */
const FEWEST_DIGITS = 4;
const MOST_DIGITS = 20;
const MOST_GROUPS = 8;
/** `+`, brackets and separators included. */
const LONGEST_NUMBER = 48;

function isSeparator(unit: number): boolean {
  return unit === 0x20 || unit === 0x2d || unit === 0x2e || unit === 0x2f || unit === 0xa0;
}

/**
 * The numbers that begin at a place: what stands there up to each group's end, shortest first; those of four digits and
 * more. A group ends where no digit, letter or `_` follows.
 */
export function numbersAt(text: string, start: number): readonly NumberGroups[] {
  const first = charCodeAt.call(text, start);
  const prefix = first === 0x2b ? "+" : first === 0x28 ? "(" : "";
  let at = prefix === "" ? start : start + 1;
  let open = prefix === "(";
  if (!isDigit(charCodeAt.call(text, at)) && !(prefix === "+" && charCodeAt.call(text, at) === 0x28)) return NONE;
  let numbers: NumberGroups[] | undefined;
  let [digits, groups] = [0, 0];
  let separator = "";
  for (;;) {
    const group = at;
    while (isDigit(charCodeAt.call(text, at)) && at - group <= MOST_DIGITS) at++;
    digits += at - group;
    groups++;
    if (at === group || groups > MOST_GROUPS || digits > MOST_DIGITS) break;
    // People write groups of two digits and more; addresses of the Internet have four, with points.
    if (groups > 2 && digits < groups * 1.6 && !(separator === "." && groups <= 4)) break;
    if (isWord(charCodeAt.call(text, at))) break;
    if (!open && digits >= FEWEST_DIGITS) {
      numbers ??= [];
      numbers.push({ start, end: at, groups, separator, prefix, ...written(text, start, at) });
    }
    // what may stand between this group and the next
    const between = at;
    if (open && charCodeAt.call(text, at) === 0x29) {
      open = false;
      at++;
    }
    if (isSeparator(charCodeAt.call(text, at))) at++;
    if (!open && charCodeAt.call(text, at) === 0x28) {
      open = true;
      at++;
    }
    if (at === between || at - start > LONGEST_NUMBER || !isDigit(charCodeAt.call(text, at))) break;
    const mark = text.slice(between, at);
    separator = groups > 1 && separator !== mark ? "mixed" : mark;
  }
  return numbers ?? NONE;
}

const NONE: readonly NumberGroups[] = [];

function written(text: string, start: number, end: number): Pick<NumberGroups, "digits" | "shape"> {
  let [digits, shape] = ["", ""];
  for (let at = start; at < end; at++) {
    const group = at;
    while (at < end && isDigit(charCodeAt.call(text, at))) at++;
    if (at === group) continue;
    digits += text.slice(group, at);
    shape += shape === "" ? at - group : `-${at - group}`;
  }
  return { digits, shape };
}

/**
 * Where a number may begin: at a digit, `+` or `(` that follows no letter, digit or `_`, and no decimal point or sign of a
 * longer number.
 */
export function numberStarts(text: string, from: number): readonly number[] {
  const starts: number[] = [];
  let inside = from > 0 && isWord(charCodeAt.call(text, from - 1));
  for (let at = from; at < text.length; at++) {
    const unit = charCodeAt.call(text, at);
    if (isDigit(unit)) {
      if (!inside) starts.push(at);
      inside = true;
    } else {
      if (!inside && (unit === 0x2b || unit === 0x28)) starts.push(at);
      inside = isWord(unit);
    }
  }
  return starts;
}

/** Where the text may end in the middle of a number: the first of the last characters that all may be part of one. */
export function numberTail(text: string, from: number): number {
  const stop = Math.max(from, text.length - LONGEST_NUMBER - MOST_DIGITS - 12);
  let at = text.length;
  while (at > stop) {
    const unit = charCodeAt.call(text, at - 1);
    if (!isDigit(unit) && !isSeparator(unit) && unit !== 0x2b && unit !== 0x28 && unit !== 0x29) break;
    at--;
  }
  return at;
}
