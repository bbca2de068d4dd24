import type { TextWindow, WindowVerdict } from "../guardrail.ts";
import { jsonText } from "./json-text.ts";
import type { Originals } from "./placeholders.ts";
import { findPlaceholders, settledPlaceholders } from "./placeholders.ts";
import { replaceFindings } from "./replace-findings.ts";
import type { Finding, TextFinder } from "./text-finder.ts";

/** A window as finders see it: what was released in front, escapes of JSON read, placeholders of the call told apart. */
export class WindowView {
  /** What finders look through. A character stands for each one of a placeholder that belongs to the call. */
  readonly seen: string;
  /** Where the window begins in it. */
  readonly from: number;
  readonly #window: TextWindow;
  readonly #words: string;
  readonly #offset: (place: number) => number;
  readonly #restored: ReadonlyMap<Finding, string>;
  readonly #hasOriginals: boolean;

  constructor(window: TextWindow, originals: Originals | undefined) {
    const { text, before, final, kind } = window;
    this.#window = window;
    const json = kind === "arguments";
    const { words, offset } = json ? jsonText(text, final) : { words: text, offset: (place: number): number => place };
    this.#words = final ? words : withoutHalfPair(words);
    this.#offset = offset;
    const behind = json ? jsonText(before, true).words : before;
    this.from = behind.length;
    this.#hasOriginals = originals !== undefined;
    const restored = new Map<Finding, string>();
    let seen = behind + this.#words;
    if (originals !== undefined) {
      for (const { start, end, original } of findPlaceholders(seen, 0, originals)) {
        if (start >= this.from) restored.set({ start, end, kind: "placeholder" }, original);
        seen = seen.slice(0, start) + "\uFFFC".repeat(end - start) + seen.slice(end);
      }
    }
    this.seen = seen;
    this.#restored = restored;
  }

  /** Up to where nothing can change any more. */
  settled(finder?: TextFinder): number {
    if (this.#window.final) return this.seen.length;
    const found = finder === undefined ? this.seen.length : (finder.settled?.(this.seen, this.from) ?? this.from);
    const whole = this.#hasOriginals ? settledPlaceholders(this.seen, this.from) : this.seen.length;
    return Math.min(found, whole);
  }

  /** Findings and placeholders in order. */
  merged(findings: readonly Finding[]): readonly Finding[] {
    if (this.#restored.size === 0) return findings;
    return [...this.#restored.keys(), ...findings].sort((one, other) => one.start - other.start);
  }

  /** What a placeholder stands for. */
  originalOf(finding: Finding): string | undefined {
    return this.#restored.get(finding);
  }

  /** Releases up to a place, with other texts for some findings. */
  release(upTo: number, changes: readonly Finding[], textOf: (finding: Finding) => string): WindowVerdict {
    const { text, final, kind, before } = this.#window;
    const consume = final ? text.length : this.#offset(upTo - this.from);
    if (changes.length === 0) return { action: "release", consume };
    const places = new Map(changes.map((each) => [this.#inWindow(each), each]));
    const released = replaceFindings(
      text.slice(0, consume),
      kind === "arguments",
      [...places.keys()],
      (_value, place) => textOf(places.get(place) as Finding),
      final && before === "",
    );
    return { action: "release", consume, text: released };
  }

  #inWindow({ start, end, kind }: Finding): Finding {
    return { start: start - this.from, end: end - this.from, kind };
  }
}

/** Without half a surrogate pair at the end, which more text completes. */
function withoutHalfPair(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}
