import type { JsonLimits } from "./json-limits.ts";
import { tooDeep, tooMany } from "./json-limits.ts";

/** Where the members of a top-level object are, in bytes. */
export interface JsonScan {
  /** Position of the `{` of a top-level object; -1 for any other value. */
  readonly open: number;
  /** Four numbers for each member, in order: key from (its quote) and to, value from and to. */
  readonly members: readonly number[];
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Strings up to this length are walked in place; the native search pays for itself only on longer ones. */
const SHORT_STRING_BYTES = 48;

/**
 * Finds the top-level members in one pass, with limits when the body has not been parsed yet: on a large hostile body
 * `JSON.parse` would spend its time and memory before anything could refuse it.
 * Long strings are skipped natively, so that images cost next to nothing.
 * The result is right for valid JSON; for anything else it is merely safe, and `JSON.parse` reports the error.
 *
 * @throws {GatewayError} `invalid_request` over the depth or the number of values
 */
export function scanJson(bytes: Buffer, limits?: JsonLimits): JsonScan {
  const maxDepth = limits?.depth ?? Number.POSITIVE_INFINITY;
  const length = bytes.length;
  const members: number[] = [];
  let open = -1;
  let depth = 0;
  let items = 0;
  let index = 0;
  while (index < length) {
    const byte = bytes[index];
    if (byte === QUOTE) {
      const start = index;
      index = stringEnd(bytes, index + 1);
      if (depth !== 1) continue;
      const colon = skipSpace(bytes, index);
      if (bytes[colon] !== COLON) continue;
      members.push(start, index, skipSpace(bytes, colon + 1));
      index = colon + 1;
      continue;
    }
    if (byte === COMMA) {
      items++;
      if (depth === 1 && open >= 0) members.push(valueEnd(bytes, index));
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (depth === 0 && byte === OPEN_OBJECT && open < 0) open = index;
      if (++depth > maxDepth) throw tooDeep(limits as JsonLimits);
      items++;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (depth === 1 && members.length % 4 === 3) members.push(valueEnd(bytes, index));
      depth--;
    }
    index++;
  }
  // containers have been counted, empty or not, and items only from the second on: at most twice the real number
  if (limits !== undefined && items > 2 * limits.items) throw tooMany(limits);
  return { open, members };
}

/** Position after the closing quote; the length when there is none. `from` is the position after the opening quote. */
function stringEnd(bytes: Buffer, from: number): number {
  let index = from;
  for (;;) {
    const near = Math.min(index + SHORT_STRING_BYTES, bytes.length);
    while (index < near) {
      const byte = bytes[index];
      if (byte === QUOTE) return index + 1;
      index += byte === BACKSLASH ? 2 : 1;
    }
    const quote = bytes.indexOf(QUOTE, index);
    if (quote < 0) return bytes.length;
    let slash = quote;
    while (slash > index && bytes[slash - 1] === BACKSLASH) slash--;
    if ((quote - slash) % 2 === 0) return quote + 1;
    index = quote + 1;
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function skipSpace(bytes: Buffer, from: number): number {
  let index = from;
  while (isSpace(bytes[index])) index++;
  return index;
}

function valueEnd(bytes: Buffer, to: number): number {
  let index = to;
  while (isSpace(bytes[index - 1])) index--;
  return index;
}
