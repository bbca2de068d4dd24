import { hash } from "node:crypto";

/**
 * Stands behind a number that may be another one in the client's own words: 2^53 + 1 is read as 2^53. JSON text holds no
 * such character.
 */
export const INEXACT = "\u0001";

/**
 * JSON in one form for one value: members sorted, those without a value left out, bytes by their digest, big integers
 * told apart from numbers. Two values have the same text if and only if they are equal.
 */
export function canonicalText(value: unknown): string {
  const pieces: string[] = [];
  write(value, pieces);
  return pieces.join("");
}

function write(value: unknown, pieces: string[]): void {
  if (typeof value === "string") pieces.push(JSON.stringify(value));
  else if (typeof value === "number") pieces.push(isExact(value) ? String(value) : `${value}${INEXACT}`);
  else if (typeof value === "bigint") pieces.push(`${value}n`);
  else if (typeof value !== "object" || value === null) pieces.push(JSON.stringify(value) ?? "null");
  else if (Array.isArray(value)) writeList(value, pieces);
  else if (ArrayBuffer.isView(value)) pieces.push(bytesText(value));
  else writeMembers(value as Readonly<Record<string, unknown>>, pieces);
}

function writeList(list: readonly unknown[], pieces: string[]): void {
  // what a client sends most of as a list of numbers: token ids
  if (list.length > 0 && list.every((item) => typeof item === "number" && isExact(item))) {
    pieces.push(JSON.stringify(list));
    return;
  }
  pieces.push("[");
  for (let at = 0; at < list.length; at++) {
    if (at > 0) pieces.push(",");
    write(list[at], pieces);
  }
  pieces.push("]");
}

function writeMembers(object: Readonly<Record<string, unknown>>, pieces: string[]): void {
  let before = "{";
  for (const name of Object.keys(object).sort()) {
    const member = object[name];
    if (member === undefined) continue;
    pieces.push(before, JSON.stringify(name), ":");
    write(member, pieces);
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
