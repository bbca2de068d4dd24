import type { Finding } from "@signalbox/kernel";
import type { Detector } from "./detector.ts";
import { runTail } from "./detector.ts";

// held fast, see detector.ts
const { charCodeAt } = String.prototype;

const LONGEST = 420;
// Only printable ASCII: what is settled is told by its runs.
const CREDENTIALS =
  /:\/\/((?:(?![:@/"'<>`])[!-~]){0,64}):((?:(?![@/"'<>`])[!-~]){1,128})@(?:(?!["'<>`,;)\]}])[!-~]){1,200}/y;
const NO_SECRET =
  /^(?:\*+|x+|\.+|<.*|\$.*|\{.*|%.*|#.*|password|passwd|pass|pwd|secret|changeme|change_me|example|your.*|my.*|test|todo|null|none|undefined|redacted|hidden|removed)$/i;

/** Addresses of services with user and password in them. The whole address is one finding. */
export const connectionDetector: Detector = {
  find(text, from) {
    const findings: Finding[] = [];
    for (let at = text.indexOf("://", from); at !== -1; at = text.indexOf("://", at + 1)) {
      let start = at;
      while (start > 0 && at - start < 24 && /[A-Za-z0-9+.-]/.test(text.charAt(start - 1))) start--;
      if (start === at || start < from) continue;
      CREDENTIALS.lastIndex = at;
      const match = CREDENTIALS.exec(text);
      if (match === null || NO_SECRET.test(match[2] as string)) continue;
      findings.push({ start, end: at + match[0].length, kind: "connectionString" });
    }
    return findings;
  },
  settled: (text, from) => runTail(text, from, LONGEST),
};

const NAMES: readonly string[] = [
  "key",
  "token",
  "secret",
  "password",
  "passwd",
  "passphrase",
  "pwd",
  "credential",
  "credentials",
  "passwort",
];
const LONGEST_VALUE = 200;

/** Random-looking values with a name in front that says what they are: `api_key = "…"`, `Authorization: Bearer …`. */
export const assignmentDetector: Detector = {
  find(text, from) {
    const findings: Finding[] = [];
    let end = from;
    for (let at = from; at < text.length; at++) {
      const unit = charCodeAt.call(text, at);
      if (unit > 0x7e || VALUE[unit] !== 1) continue;
      if (end <= at) {
        end = at + 1;
        while (end < text.length && isValue(charCodeAt.call(text, end))) end++;
      }
      const before = charCodeAt.call(text, at - 1);
      // the value's first character: of a run, or behind `=` or `:` in it
      const begins = !isAssign(unit) && (at === 0 || !isValue(before) || isAssign(before));
      if (begins && end - at >= 8 && end - at <= LONGEST_VALUE && isNamed(text, at)) {
        let last = end;
        while (last > at && /[.:=]/.test(text.charAt(last - 1)) && !/[A-Za-z0-9+/]={1,2}$/.test(text.slice(at, last)))
          last--;
        if (looksRandom(text.slice(at, last)))
          findings.push({ start: at, end: last, kind: "credential", confidence: 0.7 });
      }
      // on to where the next one may begin
      while (at + 1 < end && !isAssign(charCodeAt.call(text, at))) at++;
    }
    return findings;
  },
  settled: (text, from) => runTail(text, from, LONGEST_VALUE + 2),
};

function isAssign(unit: number): boolean {
  return unit === 0x3d || unit === 0x3a;
}

/** ASCII that values are made of: 1. */
const VALUE: Uint8Array = Uint8Array.from({ length: 128 }, (_, unit) =>
  /[A-Za-z0-9_+/.~!#$%^&*@?=:-]/.test(String.fromCharCode(unit)) ? 1 : 0,
);

function isValue(unit: number): boolean {
  return unit < 0x80 && VALUE[unit] === 1;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x09;
}

function isQuote(unit: number): boolean {
  return unit === 0x22 || unit === 0x27 || unit === 0x60;
}

/** Whether a name stands in front of a value that says it is a secret. */
function isNamed(text: string, start: number): boolean {
  let at = start;
  if (isQuote(charCodeAt.call(text, at - 1))) at--;
  for (let count = 0; count < 3 && isSpace(charCodeAt.call(text, at - 1)); count++) at--;
  let assigned = false;
  for (let count = 0; count < 2; count++) {
    const unit = charCodeAt.call(text, at - 1);
    if (!isAssign(unit) && unit !== 0x3e) break;
    assigned = true;
    at--;
  }
  for (let count = 0; count < 3 && isSpace(charCodeAt.call(text, at - 1)); count++) at--;
  if (!assigned) {
    const last = charCodeAt.call(text, at - 1) | 0x20;
    // r, c, s, t
    if (last !== 0x72 && last !== 0x63 && last !== 0x73 && last !== 0x74) return false;
    return /\b(?:bearer|basic|password is|passwort ist|token is|key is|secret is)$/i.test(
      text.slice(Math.max(0, at - 16), at),
    );
  }
  for (
    let count = 0;
    count < 2 && (isQuote(charCodeAt.call(text, at - 1)) || charCodeAt.call(text, at - 1) === 0x5d);
    count++
  )
    at--;
  const name = text.slice(Math.max(0, at - 12), at).toLowerCase();
  return NAMES.some((each) => name.endsWith(each));
}

/** Letters and digits in a mixture that words do not have. */
function looksRandom(value: string): boolean {
  if (NO_SECRET.test(value) || /^(?:https?:|\/|\.\/|process\.env|os\.environ|env[.:])/i.test(value)) return false;
  const digits = value.replace(/[^0-9]/g, "").length;
  const letters = value.replace(/[^A-Za-z]/g, "").length;
  if (digits === 0 || letters === 0)
    return value.length >= 24 && /[a-z]/.test(value) && /[A-Z]/.test(value) && entropy(value) > 4;
  if (/^[A-Za-z]{3,}(?:[_.-][A-Za-z]+)*[_.-]?\d{1,4}$/.test(value) && value.length < 16)
    return /[!#$%&*@?]/.test(value);
  return entropy(value) > (value.length < 16 ? 2.6 : 3);
}

/** Bits for a character, by how often each one stands in the text itself. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
