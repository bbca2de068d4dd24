const COLON = 0x3a;
const BACKSLASH = 0x5c;

/**
 * The same JSON with its keys written plainly: `"mod\u0065l"` becomes `"model"`.
 *
 * V8 (in Node 24) can take an escaped key for another one: where the process has parsed an object with the same keys so
 * far and then `mod\u`, it compares that with the raw text of the escaped key, and reads `mod\u`. A client could
 * prepare this, and then hide a member from every check that the vendor still reads. Values are not affected.
 */
export function plainKeys(text: string): string {
  // what other escapes stand for (quotes, backslashes, control characters) is in no name that a check looks for
  if (!text.includes("\\u") && !text.includes("\\/")) return text;
  let plain = "";
  let copied = 0;
  for (let start = text.indexOf('"'); start >= 0; ) {
    const end = stringEnd(text, start + 1);
    if (end < 0) break;
    if (isKey(text, end)) {
      const raw = text.slice(start, end);
      const key = raw.includes("\\") ? parsedString(raw) : undefined;
      if (key !== undefined) {
        plain += text.slice(copied, start) + JSON.stringify(key);
        copied = end;
      }
    }
    start = text.indexOf('"', end);
  }
  return copied === 0 ? text : plain + text.slice(copied);
}

/** Position after the closing quote, or -1. */
function stringEnd(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slash = quote;
    while (slash > from && text.charCodeAt(slash - 1) === BACKSLASH) slash--;
    if ((quote - slash) % 2 === 0) return quote + 1;
  }
  return -1;
}

/** In valid JSON a string is a key exactly when a colon follows it. */
function isKey(text: string, end: number): boolean {
  let index = end;
  let code = text.charCodeAt(index);
  while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++index);
  return code === COLON;
}

/** Undefined for a malformed string: parsing the whole reports it. */
function parsedString(raw: string): string | undefined {
  try {
    return JSON.parse(raw) as string;
  } catch {
    return undefined;
  }
}
