import type { Finding } from "@signalbox/kernel";
import type { Detector } from "./detector.ts";
import { isWord, runTail } from "./detector.ts";
import type { TokenRule } from "./token-rules.ts";
import { TOKEN_RULES } from "./token-rules.ts";

// held fast, see detector.ts
const { charCodeAt } = String.prototype;

const LONGEST_TOKEN = 320;

const BY_FIRST: readonly (readonly TokenRule[])[] = Array.from({ length: 128 }, (_, unit) =>
  TOKEN_RULES.filter(({ prefix }) => prefix.charCodeAt(0) === unit),
);

function isTokenPart(unit: number): boolean {
  return isWord(unit) || unit === 0x2d;
}

/** Keys that are known by how they begin. */
export const tokenDetector: Detector = {
  find(text, from) {
    const findings: Finding[] = [];
    let inside = from > 0 && isTokenPart(charCodeAt.call(text, from - 1));
    for (let at = from; at < text.length; at++) {
      const unit = charCodeAt.call(text, at);
      if (!inside && unit < 0x80) {
        for (const { kind, prefix, pattern } of BY_FIRST[unit] as readonly TokenRule[]) {
          if (!text.startsWith(prefix, at)) continue;
          pattern.lastIndex = at;
          const match = pattern.exec(text);
          if (match === null || isWord(charCodeAt.call(text, at + match[0].length))) continue;
          findings.push({ start: at, end: at + match[0].length, kind });
          break;
        }
      }
      inside = isTokenPart(unit);
    }
    return findings;
  },
  settled: (text, from) => runTail(text, from, LONGEST_TOKEN),
};

const LONGEST_JWT = 4096;
const JWT = /eyJ[A-Za-z0-9_-]{10,1000}\.eyJ[A-Za-z0-9_-]{10,2500}\.[A-Za-z0-9_-]{10,550}/y;

function isJwtCharacter(unit: number): boolean {
  return isWord(unit) || unit === 0x2d || unit === 0x2e;
}

/** JSON web tokens (RFC 7519), signed ones. */
export const jwtDetector: Detector = {
  find(text, from) {
    const findings: Finding[] = [];
    for (let at = text.indexOf("eyJ", from); at !== -1; at = text.indexOf("eyJ", at + 1)) {
      if (isJwtCharacter(charCodeAt.call(text, at - 1)) && charCodeAt.call(text, at - 1) !== 0x2e) continue;
      JWT.lastIndex = at;
      const match = JWT.exec(text);
      if (match === null) continue;
      findings.push({ start: at, end: at + match[0].length, kind: "jwt" });
      at += match[0].length;
    }
    return findings;
  },
  settled(text, from) {
    const stop = Math.max(from, text.length - LONGEST_JWT);
    let at = text.length;
    while (at > stop && isJwtCharacter(charCodeAt.call(text, at - 1))) at--;
    const run = text.slice(at);
    const begun = run.startsWith("eyJ") || "eyJ".startsWith(run) ? at : run.indexOf(".eyJ");
    if (begun === at) return at;
    if (begun !== -1) return at + begun + 1;
    return /\.e?y?$/.test(run) ? text.length - 3 : text.length;
  },
};

const BEGIN = "-----BEGIN ";
const HEADER = /-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----/y;
const END = /-----END (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----/y;
const LONGEST_KEY = 8192;
const LONGEST_HEADER = 96;

/** PEM blocks of private keys (RFC 7468), and what is left of one that is cut off. */
export const privateKeyDetector: Detector = {
  find(text, from) {
    const findings: Finding[] = [];
    for (let at = text.indexOf(BEGIN, from); at !== -1; at = text.indexOf(BEGIN, at + 1)) {
      HEADER.lastIndex = at;
      const header = HEADER.exec(text);
      if (header === null) continue;
      findings.push({ start: at, end: keyEnd(text, at, at + header[0].length), kind: "privateKey" });
    }
    return findings;
  },
  settled(text, from) {
    for (
      let at = text.lastIndexOf(BEGIN);
      at !== -1 && at >= from;
      at = at === 0 ? -1 : text.lastIndexOf(BEGIN, at - 1)
    ) {
      if (text.length - at > LONGEST_KEY + LONGEST_HEADER) break;
      HEADER.lastIndex = at;
      const header = HEADER.exec(text);
      if (header === null ? text.length - at < LONGEST_HEADER : isOpen(text, at, at + header[0].length)) {
        return earlier(text, from, at);
      }
    }
    for (let length = Math.min(BEGIN.length - 1, text.length - from); length > 0; length--) {
      if (text.endsWith(BEGIN.slice(0, length))) return text.length - length;
    }
    return text.length;
  },
};

/** Of two that are open, the first counts. */
function earlier(text: string, from: number, place: number): number {
  const before = text.lastIndexOf(BEGIN, place - 1);
  if (place === 0 || before === -1 || before < from || place - before > LONGEST_KEY + LONGEST_HEADER) return place;
  HEADER.lastIndex = before;
  const header = HEADER.exec(text);
  return header !== null && isOpen(text, before, before + header[0].length) ? earlier(text, from, before) : place;
}

function isOpen(text: string, start: number, body: number): boolean {
  const end = keyEnd(text, start, body);
  return end >= text.length && end - start < LONGEST_KEY;
}

function isKeyCharacter(unit: number): boolean {
  return isWord(unit) || [0x2b, 0x2f, 0x3d, 0x0a, 0x0d, 0x20, 0x2d, 0x3a, 0x2c, 0x5c].includes(unit);
}

/** Behind the last line, or where something else than a key goes on. */
function keyEnd(text: string, start: number, body: number): number {
  const limit = Math.min(text.length, start + LONGEST_KEY);
  let at = body;
  while (at < limit && isKeyCharacter(charCodeAt.call(text, at))) {
    if (charCodeAt.call(text, at) === 0x2d && text.startsWith("-----", at)) {
      END.lastIndex = at;
      const end = END.exec(text);
      if (end !== null) return at + end[0].length;
      // the last line, cut off
      if (text.length - at < LONGEST_HEADER && "-----END".startsWith(text.slice(at, at + 8))) return text.length;
      return at;
    }
    at++;
  }
  return at;
}
