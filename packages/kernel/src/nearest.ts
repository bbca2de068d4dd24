/** Edit distance with transpositions (optimal string alignment), in characters; stops counting above `limit`. */
function distance(one: string, other: string, limit: number): number {
  if (Math.abs(one.length - other.length) > limit) return limit + 1;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1];
      let cost = Math.min(
        (previous[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (previous[column - 1] as number) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]) {
        cost = Math.min(cost, (beforePrevious[column - 2] as number) + 1);
      }
      current.push(cost);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[other.length] as number;
}

const LONGEST = 128;

/** The words most like a misspelt one, best first: what an error suggests. Case does not count. */
export function nearest(word: string, candidates: Iterable<string>, count: number = 3): readonly string[] {
  const wanted = word.slice(0, LONGEST).toLowerCase();
  const limit = Math.max(2, Math.floor(wanted.length / 3));
  const found: { readonly candidate: string; readonly cost: number }[] = [];
  for (const candidate of candidates) {
    const known = candidate.slice(0, LONGEST).toLowerCase();
    const part = known.includes(wanted) || (known.length > 2 && wanted.includes(known));
    const cost = distance(wanted, known, limit);
    if (cost <= limit) found.push({ candidate, cost });
    else if (part) found.push({ candidate, cost: limit + Math.abs(known.length - wanted.length) / LONGEST });
  }
  found.sort((one, other) => one.cost - other.cost);
  return found.slice(0, count).map(({ candidate }) => candidate);
}

/** ` Did you mean "a" or "b"?`, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const words = nearest(word, candidates).map((candidate) => JSON.stringify(candidate));
  return words.length === 0 ? "" : ` Did you mean ${words.join(" or ")}?`;
}
