import type { Finding } from "@signalbox/kernel";

/**
 * Looks for one kind of thing. What it finds at a place depends on nothing but the text around it: up to 128 characters
 * behind the place, and in front of it what `settled` waits for. So it finds the same in every cut of a stream.
 */
export interface Detector {
  /** Findings that begin at `from` or behind, by their beginnings; they may overlap. */
  find(text: string, from: number): readonly Finding[];
  /** The place up to which no finding can still begin or change; at least `from`. */
  settled?(text: string, from: number): number;
  /** It finds other things when it begins elsewhere, as expressions do: it is asked again behind an accepted finding. */
  readonly sequential?: true;
}

// `text.charCodeAt(at)` takes four times as long in a process where anybody has a class that extends `String`, as clients of
// Redis do: V8 then no longer knows at once which function that is. So here, and in the detectors, it is held fast.
const { charCodeAt } = String.prototype;

/** One character as it counts: `0x30` to `0x39`. */
export function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** A letter or digit of ASCII, or `_`: a name goes on here. Not a number is the end of the text. */
export function isWord(unit: number): boolean {
  return unit < 128 && WORD[unit] === 1;
}

const WORD: Uint8Array = Uint8Array.from({ length: 128 }, (_, unit) => (/\w/.test(String.fromCharCode(unit)) ? 1 : 0));

/**
 * Where the last run of characters in `0x21` to `0x7e` begins, if it reaches the end of the text; at most `longest` back.
 * Everything without spaces in it may still grow there.
 */
export function runTail(text: string, from: number, longest: number): number {
  const stop = Math.max(from, text.length - longest);
  let at = text.length;
  while (at > stop) {
    const unit = charCodeAt.call(text, at - 1);
    if (unit < 0x21 || unit > 0x7e) break;
    at--;
  }
  return at;
}

/** Whether one of some words stands in the 48 characters in front of a place. The expression must have no flag `g`. */
export function hasContext(text: string, place: number, words: RegExp): boolean {
  return words.test(text.slice(Math.max(0, place - 48), place));
}

/**
 * Whether one of some words ends in the 48 characters in front of a place, for places that are asked for in order: the text
 * is looked through once, and only if anybody asks. The expression must have the flag `g`.
 */
export function wordsBefore(text: string, words: RegExp): (place: number) => boolean {
  let ends: number[] | undefined;
  let at = 0;
  return (place) => {
    ends ??= Array.from(text.matchAll(words), ({ 0: word, index }) => index + word.length);
    while (at < ends.length && (ends[at] as number) <= place) at++;
    while (at > 0 && (ends[at - 1] as number) > place) at--;
    return at > 0 && place - (ends[at - 1] as number) <= 48;
  };
}
