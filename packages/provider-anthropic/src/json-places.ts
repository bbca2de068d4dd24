/** From, inclusive, to, exclusive: positions in a JSON text. */
export interface JsonPlace {
  readonly start: number;
  readonly end: number;
}

/** One member of an object in a JSON text. */
export interface JsonMemberPlace extends JsonPlace {
  readonly name: string;
}

/** Where the elements of the array that begins at `open` stand. The text must be valid JSON. */
export function elementPlaces(text: string, open: number): readonly JsonPlace[] {
  const places: JsonPlace[] = [];
  let at = skipSpace(text, open + 1);
  while (text[at] !== "]") {
    const end = valueEnd(text, at);
    places.push({ start: at, end });
    at = skipComma(text, end);
  }
  return places;
}

/** Where the values of the object that begins at `open` stand, in order. The text must be valid JSON. */
export function memberPlaces(text: string, open: number): readonly JsonMemberPlace[] {
  const places: JsonMemberPlace[] = [];
  let at = skipSpace(text, open + 1);
  while (text[at] !== "}") {
    const keyEnd = stringEnd(text, at);
    const name = JSON.parse(text.slice(at, keyEnd)) as string;
    // the colon stands between
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = valueEnd(text, start);
    places.push({ name, start, end });
    at = skipComma(text, end);
  }
  return places;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  return at;
}

function skipComma(text: string, from: number): number {
  const at = skipSpace(text, from);
  return text[at] === "," ? skipSpace(text, at + 1) : at;
}

/** `open` is the position of the quote that begins it. */
function stringEnd(text: string, open: number): number {
  let quote = text.indexOf('"', open + 1);
  while (isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote + 1;
}

function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === "\\") before--;
  return (at - before) % 2 === 0;
}

function valueEnd(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return stringEnd(text, start);
  let at = start;
  if (first !== "{" && first !== "[") {
    while (at < text.length && !isDelimiter(text.charCodeAt(at))) at++;
    return at;
  }
  let depth = 0;
  for (;;) {
    const character = text[at];
    if (character === '"') {
      at = stringEnd(text, at);
      continue;
    }
    if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    at++;
    if (depth === 0) return at;
  }
}

/** A comma, a closing bracket, or space. */
function isDelimiter(code: number): boolean {
  return code === 0x2c || code === 0x5d || code === 0x7d || code <= 0x20;
}
