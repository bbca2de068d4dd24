import type { Finding } from "../text-finder.ts";
import { textChanges } from "./text-changes.ts";
import type { Judgement } from "./text-judge.ts";

/** Where a piece of a text stands in what a service is sent. */
export interface Piece {
  /** Which text it is of. */
  readonly of: number;
  /** Where it begins in what is sent, and in its text. */
  readonly at: number;
  readonly from: number;
  /** Findings count that begin between these places of its text; what is around them is context. */
  readonly first: number;
  readonly last: number;
  readonly end: number;
}

/** What a service is sent as one text: a text, a part of a long one, or several short ones. */
export interface JudgedText {
  readonly text: string;
  readonly pieces: readonly Piece[];
}

/** A part of a text, with context on both sides. */
export function partOf(text: string, of: number, first: number, last: number, overlap: number, least = 0): JudgedText {
  const from = wholePair(text, Math.max(least, first - overlap));
  const end = wholePair(text, Math.min(text.length, last + overlap));
  return { text: text.slice(from, end), pieces: [{ of, at: 0, from, first, last, end }] };
}

/** A place that is not in the middle of a surrogate pair: this one or the next. */
export function wholePair(text: string, place: number): number {
  const unit = text.charCodeAt(place);
  const before = text.charCodeAt(place - 1);
  return unit >= 0xdc00 && unit <= 0xdfff && before >= 0xd800 && before <= 0xdbff ? place + 1 : place;
}

/** A text in parts that are not longer than a service takes. */
export function parts(text: string, of: number, most: number, overlap: number): readonly JudgedText[] {
  if (text.length <= most) return [partOf(text, of, 0, text.length, 0)];
  const step = Math.max(1, most - 2 * overlap - 2);
  const result: JudgedText[] = [];
  for (let first = 0; first < text.length; ) {
    const last = wholePair(text, Math.min(text.length, first + step));
    result.push(partOf(text, of, first, last, overlap));
    first = last;
  }
  return result;
}

/** Puts short texts that follow each other together: descriptions of tools are hundreds of words, each a text. */
export function joined(list: readonly JudgedText[], short: number, most: number): readonly JudgedText[] {
  const result: JudgedText[] = [];
  let [text, pieces]: [string, Piece[]] = ["", []];
  const flush = (): void => {
    if (pieces.length > 0) result.push({ text, pieces });
    [text, pieces] = ["", []];
  };
  for (const each of list) {
    if (each.text.length > short) {
      flush();
      result.push(each);
      continue;
    }
    if (text.length + 1 + each.text.length > most) flush();
    if (text !== "") text += "\n";
    pieces.push(...each.pieces.map((piece) => ({ ...piece, at: piece.at + text.length })));
    text += each.text;
  }
  flush();
  return result;
}

/** Adds what was said about a judged text to the findings of the texts it is made of. */
export function addFindings({ text, pieces }: JudgedText, judgement: Judgement, found: Finding[][]): void {
  const changes = judgement.text === undefined ? [] : textChanges(text, judgement.text, "changed");
  for (const { of, at, from, first, last, end } of pieces) {
    const list = found[of] as Finding[];
    for (const { kind, confidence, reason } of judgement.categories ?? []) {
      list.push({
        start: first,
        end: last,
        kind,
        ...(confidence !== undefined && { confidence }),
        ...(reason !== undefined && { reason }),
      });
    }
    for (const finding of [...(judgement.findings ?? []), ...changes]) {
      checkPlace(finding, text);
      const start = Math.max(from, finding.start - at + from);
      const stop = Math.min(end, finding.end - at + from);
      const isLast = last === end;
      if (stop < start || start < first || (isLast ? start > last : start >= last)) continue;
      if (stop === start && finding.end > finding.start) continue;
      list.push({ ...finding, start, end: stop });
    }
  }
}

function checkPlace({ start, end }: Finding, text: string): void {
  if (Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= text.length) return;
  throw new RangeError("a finding stands outside of its text");
}

/** In order; of findings of places, those that overlap one before them are left out. */
export function inOrder(findings: readonly Finding[], isWhole: (finding: Finding) => boolean): readonly Finding[] {
  const sorted = [...findings].sort((one, other) => one.start - other.start || other.end - one.end);
  let end = 0;
  return sorted.filter((finding) => {
    if (isWhole(finding)) return true;
    if (finding.start < end) return false;
    end = finding.end;
    return true;
  });
}
