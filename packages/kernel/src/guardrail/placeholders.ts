import { createHmac, randomBytes } from "node:crypto";
import type { Call } from "../call.ts";

/** The pieces of one call's text that were replaced, by what stands in their place. Never leaves the call. */
export type Originals = Map<string, string>;

/** Longest form: `[`, 30 characters of kind, `_`, 13 of digest, `]`. */
const PLACEHOLDER = /\[[A-Z][A-Z0-9_]{0,29}_[A-Z2-7]{13}\]/g;
const BEGUN = /\[(?:[A-Z][A-Z0-9_]{0,43})?$/;
const LONGEST = 46;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/**
 * Placeholders that a caller's values are replaced by. One value has the same one in all calls of a caller, so that the
 * model and its prompt cache see the same conversation in every turn; no two callers share any.
 */
export class Placeholders {
  readonly #key: Buffer;
  readonly #slot: symbol = Symbol("placeholders");

  /** @param key what they are derived from; processes that share it make the same ones. Default: random. */
  constructor(key: string | undefined) {
    this.#key = key === undefined ? randomBytes(32) : Buffer.from(key);
  }

  /** What to put in a value's place. The value is remembered for this call. */
  replace(call: Call, kind: string, value: string): string {
    const label =
      kind
        .toUpperCase()
        .replace(/[^A-Z0-9]/g, "_")
        .replace(/^[^A-Z]/, "X")
        .slice(0, 30) || "X";
    const { id, teamId = "" } = call.principal;
    const digest = createHmac("sha256", this.#key)
      .update(JSON.stringify([id, teamId, kind, value]))
      .digest();
    let word = "";
    for (let at = 0; at < 13; at++) word += ALPHABET[(digest[at] as number) & 31];
    const placeholder = `[${label}_${word}]`;
    let originals = this.originals(call);
    if (originals === undefined) {
      originals = new Map();
      call.state.set(this.#slot, originals);
    }
    originals.set(placeholder, value);
    return placeholder;
  }

  /** What this call has replaced; undefined: nothing. */
  originals(call: Call): Originals | undefined {
    return call.state.get(this.#slot) as Originals | undefined;
  }
}

/** Where placeholders of a call stand in a text, from `from` on. */
export function findPlaceholders(
  text: string,
  from: number,
  originals: Originals,
): readonly { readonly start: number; readonly end: number; readonly original: string }[] {
  const found: { start: number; end: number; original: string }[] = [];
  if (!text.includes("[", from)) return found;
  const pattern = new RegExp(PLACEHOLDER);
  pattern.lastIndex = from;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const original = originals.get(match[0]);
    if (original !== undefined) found.push({ start: match.index, end: match.index + match[0].length, original });
  }
  return found;
}

/** The place from which a placeholder may have begun that the text cuts off. */
export function settledPlaceholders(text: string, from: number): number {
  const tail = Math.max(from, text.length - LONGEST);
  const begun = BEGUN.exec(text.slice(tail));
  return begun === null ? text.length : tail + begun.index;
}
