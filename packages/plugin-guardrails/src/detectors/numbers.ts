import type { Finding } from "@signalbox/kernel";
import { isCard } from "./card.ts";
import type { Detector } from "./detector.ts";
import { hasContext } from "./detector.ts";
import { isIpv4 } from "./ip.ts";
import { NATIONAL_NUMBERS } from "./national-numbers.ts";
import type { NumberGroups } from "./number-groups.ts";
import { numberStarts, numbersAt, numberTail } from "./number-groups.ts";
import { isPhone, PHONE_WORDS } from "./phone.ts";

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
      for (const start of numberStarts(text, from)) {
        const numbers = numbersAt(text, start);
        for (let at = numbers.length - 1; at >= 0; at--) {
          const number = numbers[at] as NumberGroups;
          if (number.digits.length < 4) break;
          const found = judged(text, number, kinds);
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
): Pick<Finding, "kind" | "confidence"> | undefined {
  const { start, digits, prefix, shape } = number;
  const length = digits.length;
  if (kinds.has("ip") && shape.split("-").length === 4 && isIpv4(text, number)) return { kind: "ip", confidence: 0.9 };
  if (length < 7) return undefined;
  if (prefix === "") {
    // A sign or a point in front: a part of something longer.
    const before = text.charCodeAt(start - 1);
    const attached = before === 0x2e || before === 0x2d || before === 0x2f;
    if (!attached && kinds.has("card") && length >= 12 && isCard(number)) return { kind: "card", confidence: 0.95 };
    if (!attached && kinds.has("nationalId")) {
      for (const { matches, words } of NATIONAL_NUMBERS) {
        const certainty = matches(number);
        if (certainty === "no") continue;
        if (certainty === "yes" || hasContext(text, start, words)) return { kind: "nationalId", confidence: 0.9 };
      }
    }
    if (attached) return undefined;
  }
  if (kinds.has("phone") && isPhone(number, () => hasContext(text, start, PHONE_WORDS))) {
    return { kind: "phone", confidence: prefix === "+" ? 0.9 : 0.7 };
  }
  return undefined;
}
