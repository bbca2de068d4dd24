import type { RE2JS } from "re2js";
import type { Finding } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Detector } from "./detector.ts";
import { longestMatch } from "./pattern-bound.ts";

/** An expression of the operator's own, in the syntax of RE2. */
export interface UserPattern {
  /** `\\bPRJ-[0-9]{4}\\b`; no look-around and no back references, as in RE2. */
  readonly pattern: string;
  /** What it finds: in masks and in the category of blocks. Default `pattern`. */
  readonly kind?: string;
  readonly ignoreCase?: boolean;
}

const MOST_WINDOW = 200;

/**
 * What an expression finds, in time that is linear in the text. Where it has a longest match of at most 200 characters,
 * streams flow; otherwise it needs the whole text.
 *
 * @param library the module `re2js`, which only those load who have patterns
 * @throws {GatewayError} `option_invalid` for what is no expression, or matches the empty text
 */
export function userPatternDetector(user: UserPattern, library: { readonly RE2JS: typeof RE2JS }): Detector {
  const { RE2JS: Engine } = library;
  const { pattern, kind = "pattern", ignoreCase = false } = user;
  const refused = (why: string, cause?: unknown): GatewayError =>
    new GatewayError("option_invalid", `guardrails(patterns): ${JSON.stringify(pattern)} ${why}`, { cause });
  let compiled: RE2JS;
  try {
    compiled = Engine.compile(pattern, ignoreCase ? Engine.CASE_INSENSITIVE : 0);
  } catch (thrown) {
    throw refused(`is no expression of RE2: ${(thrown as Error).message}`, thrown);
  }
  if (compiled.matcher("").find()) throw refused("matches the empty text");
  const longest = longestMatch(pattern);

  function find(text: string, from: number): readonly Finding[] {
    const findings: Finding[] = [];
    const matcher = compiled.matcher(text);
    let more = from === 0 ? matcher.find() : from <= text.length && matcher.find(from);
    while (more) {
      const [start, end] = [matcher.start(), matcher.end()];
      if (end > start) findings.push({ start, end, kind });
      more = matcher.find();
    }
    return findings;
  }

  if (longest > MOST_WINDOW) return { sequential: true, find };
  return { sequential: true, find, settled: (text, from) => Math.max(from, text.length - longest - 1) };
}
