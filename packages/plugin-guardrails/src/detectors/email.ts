import type { Finding } from "@signalbox/kernel";
import type { Detector } from "./detector.ts";
import { isWord } from "./detector.ts";

// held fast, see detector.ts
const { charCodeAt } = String.prototype;

const LONGEST_LOCAL = 64;
const LONGEST_DOMAIN = 128;
const LOCAL = /[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]/u;
const DOMAIN = /^[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,62})(?:\.[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,62})){1,6}/u;

const ASCII_DOMAIN = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})){1,6}/;

function hostIn(text: string, form: RegExp): string | undefined {
  const name = form.exec(text)?.[0].replace(/-+$/, "");
  if (name === undefined) return undefined;
  const top = name.slice(name.lastIndexOf(".") + 1);
  return /^(?:\p{L}{2,24}|xn--[a-z0-9-]{2,24})$/iu.test(top) ? name : undefined;
}

function isLocal(text: string, at: number): boolean {
  const unit = charCodeAt.call(text, at);
  return unit < 0x80 ? LOCAL_ASCII[unit] === true : LOCAL.test(text.charAt(at));
}

const LOCAL_ASCII: readonly boolean[] = Array.from({ length: 128 }, (_, unit) => LOCAL.test(String.fromCharCode(unit)));

/** E-mail addresses as people write them: RFC 5321 without quoted local parts and without bare hosts. */
export const emailDetector: Detector = {
  find(text, from) {
    const findings: Finding[] = [];
    for (let at = text.indexOf("@", from); at !== -1; at = text.indexOf("@", at + 1)) {
      if (!hasDot(text, at + 1)) continue;
      let start = at;
      while (start > 0 && at - start < LONGEST_LOCAL && isLocal(text, start - 1)) start--;
      // quotes and other marks around an address are no part of it
      while (start < at && /[.'`{|}~!/=?&*^$#%]/.test(text.charAt(start))) start++;
      if (start === at || start < from || text.charAt(at - 1) === "." || text.slice(start, at).includes("..")) continue;
      // the part with a password in a URL
      if (text.slice(Math.max(0, start - 3), start) === "://") continue;
      const behind = text.slice(at + 1, at + 1 + LONGEST_DOMAIN);
      // Languages without spaces go on right behind an address: what is one in ASCII alone ends there.
      const name = hostIn(behind, ASCII_DOMAIN) ?? hostIn(behind, DOMAIN);
      if (name === undefined) continue;
      findings.push({ start, end: at + 1 + name.length, kind: "email" });
    }
    return findings;
  },
  settled(text, from) {
    const stop = Math.max(from, text.length - LONGEST_LOCAL - LONGEST_DOMAIN - 2);
    let at = text.length;
    while (at > stop && (charCodeAt.call(text, at - 1) === 0x40 || isLocal(text, at - 1))) at--;
    return at;
  },
};

/** Whether what follows could be a name of a host at all. */
function hasDot(text: string, from: number): boolean {
  for (let at = from; at < from + LONGEST_DOMAIN; at++) {
    const unit = charCodeAt.call(text, at);
    if (unit === 0x2e) return at > from;
    if (!isWord(unit) && unit !== 0x2d && !(unit >= 0x80)) return false;
  }
  return false;
}
