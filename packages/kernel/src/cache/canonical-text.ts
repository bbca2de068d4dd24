import { createHash, hash } from "node:crypto";

/**
 * Stands behind a number that may be another one in the client's own words: 2^53 + 1 is read as 2^53. JSON text holds no
 * such character.
 */
const INEXACT = "\u0001";

/**
 * JSON in one form for one value: members sorted, those without a value left out, bytes by their digest, big integers
 * told apart from numbers. Two values have the same text if and only if they are equal.
 */
export function canonicalText(value: unknown): string {
  const pieces: string[] = [];
  write(value, pieces);
  return pieces.join("");
}

/** From here on a string goes to the digest as it stands in memory: escaping it takes longer than all the rest. */
const LONG = 256;
/** Characters that are handed over at once. */
const SLICE = 65_536;

/**
 * SHA-256 of a value, 43 characters of base64url: two values have the same if and only if they are equal. `suffix`, told
 * whether all numbers are exact, may add what is digested too.
 */
export function canonicalDigest(value: unknown, suffix?: (exact: boolean) => string): string {
  const pieces: string[] = [];
  const long: string[] = [];
  write(value, pieces, long);
  const text = pieces.join("");
  const whole = suffix === undefined ? text : text + suffix(!text.includes(INEXACT));
  if (long.length === 0) return hash("sha256", whole, "base64url");
  // the text names the length of each: where one ends and the next begins is certain
  const digest = createHash("sha256").update(whole);
  const longest = long.reduce((most, { length }) => Math.max(most, length), 0);
  const buffer = Buffer.allocUnsafe(Math.min(longest, SLICE) * 2);
  for (const each of long) {
    for (let at = 0; at < each.length; at += SLICE) {
      const slice = each.length <= SLICE ? each : each.slice(at, at + SLICE);
      digest.update(buffer.subarray(0, buffer.write(slice, "utf16le")));
    }
  }
  return digest.digest("base64url");
}

function write(value: unknown, pieces: string[], long?: string[]): void {
  if (typeof value === "string") writeString(value, pieces, long);
  else if (typeof value === "number") pieces.push(isExact(value) ? String(value) : `${value}${INEXACT}`);
  else if (typeof value === "bigint") pieces.push(`${value}n`);
  else if (typeof value !== "object" || value === null) pieces.push(JSON.stringify(value) ?? "null");
  else if (Array.isArray(value)) writeList(value, pieces, long);
  else if (ArrayBuffer.isView(value)) pieces.push(bytesText(value));
  else writeMembers(value as Readonly<Record<string, unknown>>, pieces, long);
}

function writeString(value: string, pieces: string[], long: string[] | undefined): void {
  if (long === undefined || value.length < LONG) {
    pieces.push(JSON.stringify(value));
    return;
  }
  pieces.push(`text:${value.length}`);
  long.push(value);
}

function writeList(list: readonly unknown[], pieces: string[], long: string[] | undefined): void {
  // what a client sends most of as a list of numbers: token ids
  if (list.length > 0 && list.every((item) => typeof item === "number" && isExact(item))) {
    pieces.push(JSON.stringify(list));
    return;
  }
  pieces.push("[");
  for (let at = 0; at < list.length; at++) {
    if (at > 0) pieces.push(",");
    write(list[at], pieces, long);
  }
  pieces.push("]");
}

function writeMembers(object: Readonly<Record<string, unknown>>, pieces: string[], long: string[] | undefined): void {
  let before = "{";
  for (const name of Object.keys(object).sort()) {
    const member = object[name];
    if (member === undefined) continue;
    pieces.push(before, JSON.stringify(name), ":");
    write(member, pieces, long);
    before = ",";
  }
  pieces.push(before === "{" ? "{}" : "}");
}

function isExact(number: number): boolean {
  return Math.abs(number) <= Number.MAX_SAFE_INTEGER;
}

/** Unlike any other value's: it is no JSON. The kind counts: the same bytes mean other numbers in another. */
function bytesText(view: ArrayBufferView): string {
  const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  return `${view.constructor.name === "Buffer" ? "Uint8Array" : view.constructor.name}:${hash("sha256", bytes, "base64url")}`;
}
