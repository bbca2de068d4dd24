import type { Finding } from "@signalbox/kernel";
import type { Detector } from "./detector.ts";

const MARKS = /[.*+?^${}()|[\]\\/-]/g;
const WORD = /[\p{L}\p{N}_]/u;
const LONGEST_GAP = 4;

/**
 * Words and phrases of a list, whatever their case (Unicode simple folding), as whole words. A space in a phrase stands for
 * up to four spaces, line ends or hyphens.
 */
export function keywordDetector(phrases: readonly string[], kind: string): Detector {
  const sorted = [...new Set(phrases.map((phrase) => phrase.trim().normalize("NFC")))]
    .filter((phrase) => phrase !== "")
    .sort((one, other) => other.length - one.length);
  if (sorted.length === 0) return { find: () => [], settled: (text) => text.length };
  const whole = new RegExp(sorted.map((phrase) => bounded(phrase, pattern(phrase))).join("|"), "giu");
  const begun = new RegExp(sorted.map((phrase) => `(?:${begunPattern(phrase)})`).join("|"), "iuy");
  const longest = Math.max(...sorted.map((phrase) => phrase.length + LONGEST_GAP * (phrase.split(/\s+/).length - 1)));
  return {
    sequential: true,
    find(text, from) {
      const findings: Finding[] = [];
      whole.lastIndex = from;
      for (let match = whole.exec(text); match !== null; match = whole.exec(text)) {
        findings.push({ start: match.index, end: match.index + match[0].length, kind });
      }
      return findings;
    },
    settled(text, from) {
      for (let at = Math.max(from, text.length - 2 * longest - 1); at < text.length; at++) {
        begun.lastIndex = at;
        if (begun.test(text)) return at;
      }
      return text.length;
    },
  };
}

function pattern(phrase: string): string {
  return phrase
    .split(/\s+/)
    .map((word) => word.replace(MARKS, "\\$&"))
    .join(`[\\s-]{1,${LONGEST_GAP}}`);
}

/** Whole words only, where the phrase begins or ends with a letter. */
function bounded(phrase: string, expression: string): string {
  const [first = "", last = ""] = [[...phrase][0], [...phrase].at(-1)];
  const before = WORD.test(first) ? "(?<![\\p{L}\\p{N}_])" : "";
  const behind = WORD.test(last) ? "(?![\\p{L}\\p{N}_])" : "";
  return `${before}${expression}${behind}`;
}

/** The phrase, cut off at any place by the end of the text. */
function begunPattern(phrase: string): string {
  const pieces: string[] = [];
  for (const [at, word] of phrase.split(/\s+/).entries()) {
    if (at > 0) pieces.push(`[\\s-]{1,${LONGEST_GAP}}`);
    for (const character of word) pieces.push(character.replace(MARKS, "\\$&"));
  }
  return pieces.reduceRight((rest, piece) => `${piece}(?:$|${rest})`, "$");
}
