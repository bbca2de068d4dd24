const BYTES_PER_TOKEN = 4;

/** The mock's token count: a token is four bytes of UTF-8, the last one may be shorter. */
export function countTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
}

/** The longest start of a text that has at most this many tokens and splits no character. */
export function firstTokens(text: string, tokens: number): string {
  const bytes = Buffer.from(text);
  const limit = tokens * BYTES_PER_TOKEN;
  if (bytes.length <= limit) return text;
  let end = limit;
  // 0b10xxxxxx continues a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}

/** How a text is cut into deltas: into so many pieces, into pieces of so many UTF-16 code units, or as listed. */
export type Cut = { readonly count: number } | { readonly size: number } | { readonly pieces: readonly string[] };

/** The pieces of a text; joined they are the text. Surrogate pairs stay together. No piece is empty. */
export function cutText(text: string, cut: Cut): readonly string[] {
  if ("pieces" in cut) return cut.pieces.join("") === text ? cut.pieces.filter((piece) => piece !== "") : [text];
  const count = "count" in cut ? Math.min(cut.count, text.length) : Math.ceil(text.length / cut.size);
  const pieces: string[] = [];
  let start = 0;
  for (let number = 1; number <= count; number++) {
    let end = "count" in cut ? Math.floor((number * text.length) / count) : Math.min(number * cut.size, text.length);
    if (splitsPair(text, end)) end++;
    if (end <= start) continue;
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

function splitsPair(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  return before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff;
}

/** The words of a text, repeated or cut short until there are `count`; each but the first begins with its space. */
export function repeatWords(text: string, count: number): readonly string[] {
  const words = text.split(" ");
  return Array.from({ length: count }, (_, index) => {
    const word = words[index % words.length] ?? "";
    return index === 0 ? word : ` ${word}`;
  });
}
