/**
 * Turns places counted in Unicode code points, as services in Python count them, into places in UTF-16 code units.
 *
 * ```ts
 * const place = utf16Offsets("👋 Ada");
 * place(2); // 3
 * ```
 */
export function utf16Offsets(text: string): (codePoints: number) => number {
  // Only characters outside the basic plane differ; most texts have none.
  const pairs: number[] = [];
  let at = 0;
  let codePoint = 0;
  while (at < text.length) {
    const wide = (text.codePointAt(at) as number) > 0xffff;
    if (wide) pairs.push(codePoint);
    at += wide ? 2 : 1;
    codePoint += 1;
  }
  if (pairs.length === 0) return (place) => place;
  return (place) => {
    let [low, high] = [0, pairs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[middle] as number) < place) low = middle + 1;
      else high = middle;
    }
    return place + low;
  };
}
