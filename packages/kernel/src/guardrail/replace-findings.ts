import { jsonText } from "./json-text.ts";
import type { Finding } from "./text-finder.ts";

/**
 * A text with other pieces in the places of findings. In JSON the findings' places are those in its words; pieces are
 * written as parts of strings, and as strings where a bare number stood. What is not the whole of a JSON text
 * (`whole: false`) has its findings in strings.
 */
export function replaceFindings(
  text: string,
  json: boolean,
  findings: readonly Finding[],
  replaced: (value: string, finding: Finding) => string,
  whole: boolean = true,
): string {
  if (findings.length === 0) return text;
  const { words, offset } = json ? jsonText(text, true) : { words: text, offset: (place: number): number => place };
  const structured = json && (!whole || isJson(text));
  const quotes = structured && whole ? quotePlaces(text) : [];
  let result = "";
  let read = 0;
  let quote = 0;
  for (const finding of findings) {
    const start = offset(finding.start);
    result += text.slice(read, start);
    read = offset(finding.end);
    while (quote < quotes.length && (quotes[quote] as number) < start) quote++;
    const piece = replaced(words.slice(finding.start, finding.end), finding);
    const written = structured ? JSON.stringify(piece) : piece;
    result += structured && (!whole || quote % 2 === 1) ? written.slice(1, -1) : written;
  }
  return result + text.slice(read);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Where strings of a piece of JSON begin and end, in turn. */
function quotePlaces(json: string): readonly number[] {
  const places: number[] = [];
  for (let at = 0; at < json.length; at++) {
    const unit = json.charCodeAt(at);
    if (unit === 0x5c) at++;
    else if (unit === 0x22) places.push(at);
  }
  return places;
}
