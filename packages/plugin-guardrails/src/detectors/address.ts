import type { Finding } from "@signalbox/kernel";
import type { Detector } from "./detector.ts";
import { isDigit, isWord } from "./detector.ts";

// held fast, see detector.ts
const { charCodeAt } = String.prototype;

const LONGEST = 96;

/** A house number, up to four words with capitals, and what streets are called. */
const NUMBER_FIRST: readonly RegExp[] = [
  /\d{1,5}[A-Za-z]?(?:-\d{1,4})?,? (?:(?:[NSEW]|North|South|East|West|N\.|S\.|E\.|W\.) )?(?:(?:[A-Z][\p{L}'.-]{0,24}|\d{1,3}(?:st|nd|rd|th)) ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Way|Place|Pl|Square|Sq|Terrace|Crescent|Close|Highway|Hwy|Parkway|Pkwy|Circle|Mews|Row|Gardens)\b\.?(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|#)\.? ?[A-Za-z0-9]{1,5}\b)?/uy,
  /\d{1,4}(?: ?(?:bis|ter))?,? (?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Pp]lace|[Cc]hemin|[Ii]mpasse|[Aa]llée|[Qq]uai|[Rr]oute)(?: (?:de|du|des|la|le|les|l'|d'|de la)){0,2} ?(?:[\p{Lu}][\p{L}'-]{1,24})(?:[ -][\p{Lu}][\p{L}'-]{1,24}){0,3}/uy,
];

/** What streets are called, and then a house number. By first letters, of which one stands in front. */
const NAME_FIRST: readonly RegExp[] = [
  /(?:[Cc]alle|C\/|[Aa]venida|[Aa]vda\.|[Pp]laza|[Pp]aseo|[Cc]arrer)(?: (?:de|del|la|las|los|el)){0,2} ?[\p{Lu}][\p{L}'-]{1,24}(?: (?:de |del |la )?[\p{Lu}][\p{L}'-]{1,24}){0,3},? (?:n[.º°] ?)?\d{1,4}\b/uy,
  /(?:[Vv]ia|[Pp]iazza|[Cc]orso|[Vv]iale|[Ll]argo|[Vv]icolo)(?: (?:di|del|della|dei|delle|dello)){0,1} [\p{Lu}][\p{L}'.-]{1,24}(?: [\p{Lu}][\p{L}'.-]{1,24}){0,3},? \d{1,4}\b/uy,
  /(?:[Rr]ua|[Tt]ravessa|R\.)(?: (?:de|da|do|das|dos)){0,1} [\p{Lu}][\p{L}'.-]{1,24}(?: (?:de |da |do )?[\p{Lu}][\p{L}'.-]{1,24}){0,3},? (?:n[.º°] ?)?\d{1,4}\b/uy,
  /(?:P\.? ?O\.? Box|Post Office Box|Postfach|Postbus) \d{1,6}\b/y,
];

/** Of a word in any of the languages here. */
function isLetter(unit: number): boolean {
  return isWord(unit) || unit >= 0xc0;
}

function isCapital(text: string, at: number): boolean {
  const unit = charCodeAt.call(text, at);
  return (unit >= 0x41 && unit <= 0x5a) || (unit >= 0xc0 && unit <= 0xde);
}

/** Streets with house numbers, of the writing of several countries. Names of towns alone are no address. */
export const addressDetector: Detector = {
  find(text, from) {
    const findings: Finding[] = [];
    if (!/\d/.test(text)) return findings;
    let inside = from > 0 && isLetter(charCodeAt.call(text, from - 1));
    let nextDigit = -1;
    for (let at = from; at < text.length; at++) {
      const unit = charCodeAt.call(text, at);
      const word = isLetter(unit);
      if (word && !inside) {
        const digit = isDigit(unit);
        if (!digit && nextDigit < at) nextDigit = digitFrom(text, at);
        const near = digit || nextDigit - at <= LONGEST;
        if (near) {
          const end = !digit ? namedAt(text, at) : mayBegin(text, at) ? addressAt(text, at, NUMBER_FIRST) : undefined;
          if (end !== undefined) findings.push({ start: at, end, kind: "address", confidence: 0.7 });
        }
      }
      inside = word;
    }
    return findings;
  },
  settled: addressTail,
};

/** Behind the number comes a space, and then a word, or a number with letters behind it: `5 3rd Street`. */
function mayBegin(text: string, start: number): boolean {
  let at = start;
  while (charCodeAt.call(text, at) !== 0x20) if (++at > start + LONGEST_HOUSE) return false;
  const digits = ++at;
  while (isDigit(charCodeAt.call(text, at)) && at - digits <= 3) at++;
  return isLetter(charCodeAt.call(text, at)) && !isDigit(charCodeAt.call(text, at));
}

/** `12345b-1234,` */
const LONGEST_HOUSE = 12;

function digitFrom(text: string, from: number): number {
  for (let at = from; at < text.length; at++) if (isDigit(charCodeAt.call(text, at))) return at;
  return Number.MAX_SAFE_INTEGER;
}

function addressAt(text: string, start: number, patterns: readonly RegExp[]): number | undefined {
  for (const pattern of patterns) {
    pattern.lastIndex = start;
    const match = pattern.exec(text);
    if (match !== null && match[0].length <= LONGEST) return start + match[0].length;
  }
  return undefined;
}

/** Most words are none of these. */
const NAMED_FIRST = /av(?:enida|da)|c(?:alle|\/|arrer|orso)|largo|p(?:laza|aseo|iazza|\.? ?o|ost)|r(?:ua|\.)|trav|vi/iy;

/** The address that begins with the name of a street. */
function namedAt(text: string, start: number): number | undefined {
  NAMED_FIRST.lastIndex = start;
  if (NAMED_FIRST.test(text)) {
    const end = addressAt(text, start, NAME_FIRST);
    if (end !== undefined) return end;
  }
  if (!isCapital(text, start)) return undefined;
  // Hauptstraße 12; Lange Straße 12
  const first = wordEnd(text, start);
  const second = charCodeAt.call(text, first) === 0x20 ? wordEnd(text, first + 1) : first;
  for (const [from, end] of [
    [start, first],
    [first + 1, second],
  ] as const) {
    if (end - from < 3 || !GERMANIC.test(text.slice(from, end))) continue;
    HOUSE.lastIndex = end;
    const house = HOUSE.exec(text);
    if (house !== null) return end + house[0].length;
  }
  return undefined;
}

const GERMANIC = /(?:straße|strasse|str|straat|laan|plein|gracht|weg|allee|gasse|platz|ring|damm|ufer|kade)$/i;
const HOUSE = /\.?,? \d{1,4}(?: ?[a-z])?\b/y;

function wordEnd(text: string, start: number): number {
  let at = start;
  while (at < start + 40) {
    const unit = charCodeAt.call(text, at);
    if (!(isLetter(unit) || unit === 0x2d) || isDigit(unit)) break;
    at++;
  }
  return at;
}

const OPEN_NUMBER = /\d{1,5}[A-Za-z]?[-,\d]{0,6}(?: [\p{L}\p{N}'.#,-]*)*$/uy;
const OPEN_NAME = /[\p{L}'./-]+(?: [\p{L}\p{N}'./º°,-]*)*$/uy;

/** An address may be begun at a number or at a word with a capital, with words behind it up to the end of the text. */
function addressTail(text: string, from: number): number {
  const stop = Math.max(from, text.length - LONGEST - 8);
  for (let at = stop; at < text.length; at++) {
    const unit = charCodeAt.call(text, at);
    if (!isLetter(unit) || isLetter(charCodeAt.call(text, at - 1))) continue;
    const digit = isDigit(unit);
    if (!digit && !isCapital(text, at) && !STREET_BEGUN.test(text.slice(at, at + 8))) continue;
    const pattern = digit ? OPEN_NUMBER : OPEN_NAME;
    pattern.lastIndex = at;
    if (pattern.test(text)) return at;
  }
  return text.length;
}

const STREET_BEGUN =
  /^(?:calle|avenida|plaza|paseo|via |piazza|corso|viale|rua |carrer)|^(?:c(?:a(?:l(?:le?)?|r(?:r(?:er?)?)?)?|o(?:r(?:so?)?)?)?|a(?:v(?:e(?:n(?:i(?:da?)?)?)?)?)?|p(?:l(?:a(?:za?)?)?|a(?:s(?:eo?)?)?|i(?:a(?:z(?:za?)?)?)?)?|v(?:ia?l?e?)?|r(?:ua?)?)$/;
