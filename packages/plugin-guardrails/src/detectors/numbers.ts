import type { Finding } from "@signalbox/kernel";
import { isCard } from "./card.ts";
import type { Detector } from "./detector.ts";
import { hasContext, isDigit, wordsBefore } from "./detector.ts";
import { isIpv4 } from "./ip.ts";
import { NATIONAL_NUMBERS } from "./national-numbers.ts";
import type { NumberGroups } from "./number-groups.ts";
import { numberStarts, numbersAt, numberTail } from "./number-groups.ts";
import { isPhone, PHONE_WORDS } from "./phone.ts";

// held fast, see detector.ts
const { charCodeAt } = String.prototype;

/** What is told by digits alone. */
export type NumberKind = "card" | "nationalId" | "ip" | "phone";

/**
 * Payment cards, national ids, addresses of the Internet and telephone numbers, in one pass: what several of them could
 * be is what its check digit says, and otherwise a telephone number.
 */
export function numberDetector(kinds: ReadonlySet<NumberKind>): Detector {
  return {
    find(text, from) {
      const findings: Finding[] = [];
      const named = wordsBefore(text, PHONE_WORDS);
      for (const start of numberStarts(text, from)) {
        // A sign or a point in front: a part of something longer.
        const before = charCodeAt.call(text, start - 1);
        if (before === 0x2e || before === 0x2d) continue;
        const numbers = numbersAt(text, start);
        for (let at = numbers.length - 1; at >= 0; at--) {
          const number = numbers[at] as NumberGroups;
          const found = judged(text, number, kinds, named);
          if (found === undefined) continue;
          findings.push({ start, end: number.end, ...found });
          break;
        }
      }
      return findings;
    },
    settled: numberTail,
  };
}

function judged(
  text: string,
  number: NumberGroups,
  kinds: ReadonlySet<NumberKind>,
  named: (place: number) => boolean,
): Pick<Finding, "kind" | "confidence"> | undefined {
  const { start, digits, prefix, groups } = number;
  const length = digits.length;
  if (kinds.has("ip") && groups === 4 && isIpv4(text, number)) return { kind: "ip", confidence: 0.9 };
  // People write numbers in groups of two and more.
  if (length < 7 || groups * 1.6 > length) return undefined;
  if (prefix === "") {
    if (charCodeAt.call(text, start - 1) === 0x2f) return undefined;
    if (kinds.has("card") && length >= 12 && isCard(number)) return { kind: "card", confidence: 0.95 };
    if (kinds.has("nationalId") && !goesOn(text, number)) {
      for (const { lengths, matches, words } of NATIONAL_NUMBERS) {
        if (!lengths.includes(length)) continue;
        const certainty = matches(number);
        if (certainty === "no") continue;
        if (certainty === "yes" || hasContext(text, start, words)) return { kind: "nationalId", confidence: 0.9 };
      }
    }
  }
  if (kinds.has("phone") && isPhone(number, () => named(start))) {
    return { kind: "phone", confidence: prefix === "+" ? 0.9 : 0.7 };
  }
  return undefined;
}

/** More groups stand in front or follow in the same way: it is a part of a longer number. */
function goesOn(text: string, { start, end, separator }: NumberGroups): boolean {
  if (separator === "") return false;
  const follows = text.charAt(end) === separator && isDigit(charCodeAt.call(text, end + 1));
  return follows || (text.charAt(start - 1) === separator && isDigit(charCodeAt.call(text, start - 2)));
}
