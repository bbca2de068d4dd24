import type { Finding } from "../text-finder.ts";

const TOKEN = /\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu;
const MOST_CELLS = 250_000;

/** What a service has changed in a text, as findings with replacements. Words that stand in both stay outside of them. */
export function textChanges(before: string, after: string, kind: string): readonly Finding[] {
  if (before === after) return [];
  const [old, young] = [before.match(TOKEN) ?? [], after.match(TOKEN) ?? []];
  let start = 0;
  while (start < old.length && start < young.length && old[start] === young[start]) start++;
  let [oldEnd, youngEnd] = [old.length, young.length];
  while (oldEnd > start && youngEnd > start && old[oldEnd - 1] === young[youngEnd - 1]) {
    oldEnd--;
    youngEnd--;
  }
  const same = commonTokens(old.slice(start, oldEnd), young.slice(start, youngEnd));
  const findings: Finding[] = [];
  let place = length(old.slice(0, start));
  let [oldAt, youngAt] = [start, start];
  for (const [oldNext, youngNext] of [...same, [oldEnd - start, youngEnd - start] as const]) {
    const removed = length(old.slice(oldAt, start + oldNext));
    const replacement = young.slice(youngAt, start + youngNext).join("");
    if (removed > 0 || replacement !== "") findings.push({ start: place, end: place + removed, kind, replacement });
    place += removed + (old[start + oldNext]?.length ?? 0);
    [oldAt, youngAt] = [start + oldNext + 1, start + youngNext + 1];
  }
  return findings;
}

function length(tokens: readonly string[]): number {
  return tokens.reduce((sum, token) => sum + token.length, 0);
}

/** Places of a longest common subsequence; none where the texts are too long to look for it. */
function commonTokens(old: readonly string[], young: readonly string[]): readonly (readonly [number, number])[] {
  const width = young.length + 1;
  if ((old.length + 1) * width > MOST_CELLS) return [];
  const lengths = new Uint32Array((old.length + 1) * width);
  for (let at = old.length - 1; at >= 0; at--) {
    for (let other = young.length - 1; other >= 0; other--) {
      const [diagonal, below, right] = [(at + 1) * width + other + 1, (at + 1) * width + other, at * width + other + 1];
      lengths[at * width + other] =
        old[at] === young[other]
          ? (lengths[diagonal] as number) + 1
          : Math.max(lengths[below] as number, lengths[right] as number);
    }
  }
  const places: (readonly [number, number])[] = [];
  for (let at = 0, other = 0; at < old.length && other < young.length; ) {
    if (old[at] === young[other]) places.push([at++, other++]);
    else if ((lengths[(at + 1) * width + other] as number) >= (lengths[at * width + other + 1] as number)) at++;
    else other++;
  }
  return places;
}
