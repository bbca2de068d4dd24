import { isIPv6 } from "node:net";
import type { Finding } from "@signalbox/kernel";
import type { Detector } from "./detector.ts";
import { hasContext, isWord, runTail } from "./detector.ts";
import type { NumberGroups } from "./number-groups.ts";

// held fast, see detector.ts
const { charCodeAt } = String.prototype;

const VERSION = /(?:\bversion|\bver|\brelease|\bbuild|\bv)[\s.:=]*$/i;

/** Whether four numbers are an address of somebody: not a version, and not one that every machine has. */
export function isIpv4(text: string, { start, end, separator, prefix }: NumberGroups): boolean {
  if (separator !== "." || prefix !== "") return false;
  if (charCodeAt.call(text, end) === 0x2e && /\d/.test(text.charAt(end + 1))) return false;
  const parts = text.slice(start, end).split(".");
  if (!parts.every((part) => part.length <= 3 && Number(part) <= 255 && (part === "0" || !part.startsWith("0")))) {
    return false;
  }
  if (parts[0] === "0" || parts[0] === "127" || parts.join(".") === "255.255.255.255") return false;
  return !hasContext(text, start, VERSION);
}

const LONGEST = 45;

function isPart(unit: number): boolean {
  return (
    (unit >= 0x30 && unit <= 0x3a) || unit === 0x2e || (unit >= 0x41 && unit <= 0x46) || (unit >= 0x61 && unit <= 0x66)
  );
}

/** Addresses of IP version 6 (RFC 4291). */
export const ipv6Detector: Detector = {
  find(text, from) {
    const findings: Finding[] = [];
    let done = 0;
    for (let colon = text.indexOf(":", from); colon !== -1; colon = text.indexOf(":", Math.max(done, colon + 1))) {
      let start = colon;
      while (start > 0 && colon - start <= LONGEST && isPart(charCodeAt.call(text, start - 1))) start--;
      let end = colon;
      while (end < text.length && isPart(charCodeAt.call(text, end))) end++;
      done = end;
      if (isWord(charCodeAt.call(text, start - 1)) || isWord(charCodeAt.call(text, end)) || end - start > LONGEST)
        continue;
      // the end of a sentence
      while (end > start && /[.:]/.test(text.charAt(end - 1)) && !text.endsWith("::", end)) end--;
      const address = text.slice(start, end);
      if (start >= from && address.length >= 6 && /\d/.test(address) && isIPv6(address)) {
        findings.push({ start, end, kind: "ip", confidence: 0.9 });
      }
    }
    return findings;
  },
  settled: (text, from) => runTail(text, from, LONGEST + 2),
};
