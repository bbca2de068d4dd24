import type { Finding } from "@signalbox/kernel";
import type { Detector } from "./detector.ts";
import { isWord, runTail } from "./detector.ts";

const LONGEST = 420;
// Only printable ASCII: what is settled is told by its runs.
const CREDENTIALS =
  /:\/\/((?:(?![:@/"'<>`])[!-~]){0,64}):((?:(?![@"'<>`])[!-~]){1,128})@(?:(?!["'<>`,;)\]}])[!-~]){1,200}/y;
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

const NAMES =
  /(?:api|access|secret|private|auth|client|account|shared|encryption|signing|webhook|bearer|db|user|admin|root)?[_ .-]?(?:key|token|secret|password|passwd|passphrase|pwd|credential|credentials)["'`\]]{0,2}$/i;
const LONGEST_VALUE = 200;
const LONGEST_NAME = 40;

/** Random-looking values with a name in front that says what they are: `api_key = "…"`, `Authorization: Bearer …`. */
export const assignmentDetector: Detector = {
  find(text, from) {
    const findings: Finding[] = [];
    for (let at = from; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      // the value's first character: behind `=`, `:`, a quote or a space that follows a name
      if (!isValue(unit) || (at > 0 && isValue(text.charCodeAt(at - 1)) && !isAssign(text.charCodeAt(at - 1))))
        continue;
      let end = at;
      while (end < text.length && end - at <= LONGEST_VALUE && isValue(text.charCodeAt(end))) end++;
      const next = end;
      if (end - at >= 8 && end - at <= LONGEST_VALUE && isNamed(text, at)) {
        while (end > at && /[.:=]/.test(text.charAt(end - 1)) && !/[A-Za-z0-9+/]={1,2}$/.test(text.slice(at, end)))
          end--;
        if (looksRandom(text.slice(at, end))) findings.push({ start: at, end, kind: "credential", confidence: 0.7 });
      }
      at = Math.max(at, nextStart(text, at, next) - 1);
    }
    return findings;
  },
  settled: (text, from) => runTail(text, from, LONGEST_VALUE + 2),
};

/** Within a run, a value may begin once more behind `=` or `:`. */
function nextStart(text: string, start: number, end: number): number {
  for (let at = start + 1; at < end; at++) if (isAssign(text.charCodeAt(at - 1))) return at;
  return end;
}

function isAssign(unit: number): boolean {
  return unit === 0x3d || unit === 0x3a;
}

function isValue(unit: number): boolean {
  return (
    isWord(unit) ||
    isAssign(unit) ||
    [0x2b, 0x2f, 0x2d, 0x2e, 0x7e, 0x21, 0x23, 0x24, 0x25, 0x5e, 0x26, 0x2a, 0x40, 0x3f].includes(unit)
  );
}

function isNamed(text: string, start: number): boolean {
  let at = start;
  const back = (test: RegExp, most: number): number => {
    let count = 0;
    while (at > 0 && count < most && test.test(text.charAt(at - 1))) {
      at--;
      count++;
    }
    return count;
  };
  back(/["'`]/, 1);
  back(/[ \t]/, 3);
  const assigned = back(/[=:>]/, 2);
  back(/[ \t]/, 3);
  const name = text.slice(Math.max(0, at - LONGEST_NAME), at);
  if (assigned > 0) return NAMES.test(name);
  return /\b(?:bearer|basic|password is|passwort ist|token is|key is|secret is)$/i.test(name);
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
