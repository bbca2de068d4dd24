/** The words in a piece of JSON: its text with escapes read, and where each code unit of it began. */
interface JsonText {
  readonly words: string;
  /** Place in the JSON of a place in the words. */
  offset(place: number): number;
}

const ESCAPE = /\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])|\\(?:u[0-9a-fA-F]{0,3})?$/g;

/**
 * Reads the escapes in a piece of JSON that begins outside of one. An escape at its end that is cut off is left out,
 * unless nothing follows; what is no escape stands for itself.
 */
export function jsonText(json: string, final: boolean): JsonText {
  if (!json.includes("\\")) return { words: json, offset: (place) => place };
  let words = "";
  let read = 0;
  /** Of each escape: its place in the words, and how many code units it is shorter there. */
  const escapes: { readonly place: number; readonly shorter: number }[] = [];
  for (const { 0: written, index } of json.matchAll(ESCAPE)) {
    const whole = written.length === (written[1] === "u" ? 6 : 2);
    if (!whole && final) break;
    words += json.slice(read, index);
    if (!whole) {
      read = json.length;
      break;
    }
    read = index + written.length;
    escapes.push({ place: words.length, shorter: written.length - 1 });
    words += JSON.parse(`"${written}"`);
  }
  words += json.slice(read);
  return {
    words,
    offset: (place) => escapes.reduce((sum, each) => (each.place < place ? sum + each.shorter : sum), place),
  };
}
