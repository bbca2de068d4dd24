import { GatewayError } from "../errors.ts";
import type { Guardrail, TextWindow, WindowVerdict } from "../guardrail.ts";
import { ALLOW } from "../guardrail.ts";
import { jsonText } from "./json-text.ts";
import { mapRequestText } from "./map-request-text.ts";
import { partialPattern } from "./partial-pattern.ts";

/** What `maskPattern` looks for, and what it puts there. */
export interface MaskPatternOptions {
  /** Name of the guardrail. */
  readonly name: string;
  /**
   * What to mask. Every match must have a longest length (`{1,64}` instead of `+`), because a stream is kept back while
   * a match may still go on. No back references; the flags `g` and `y` have no meaning here.
   */
  readonly pattern: RegExp;
  /** What stands in a match's place. */
  readonly mask: string | ((match: string) => string);
}

/** A window shows 256 characters of what was released; in JSON one may be written as six (`\u00e9`). */
const MAX_LOOK_BEHIND = 40;

/**
 * A guardrail that masks what a pattern matches: in requests of every operation, and in replies, reasoning and arguments
 * of tool calls included. A reply is the same for every split of a stream, and only what may still become a match, or a
 * longer one, waits for more text.
 *
 * ```ts
 * const keys = maskPattern({ name: "mask-keys", pattern: /\bsk-[A-Za-z0-9]{20,64}\b/, mask: "[key]" });
 * ```
 *
 * In the arguments of tool calls, which are JSON, the pattern sees characters, not the escapes they are written as, and
 * the mask is written as a piece of a string. A pattern that takes quotes or bare numbers out of JSON breaks it.
 *
 * The work is that of the pattern at every position of a text that is no longer than a piece of the stream and a match.
 * An expression that backtracks a lot is as slow here as elsewhere; the bound on matches bounds that, too.
 *
 * @throws {GatewayError} `option_invalid` for a pattern that has no longest match, matches the empty text, refers back
 *   to a group, or looks back further than 40 characters
 */
export function maskPattern(options: MaskPatternOptions): Guardrail {
  const { name, mask } = options;
  const { whole, begun } = compiled(options);
  const maskOf = (match: string): string => (typeof mask === "function" ? mask(match) : mask);
  const jsonMaskOf = (match: string): string => JSON.stringify(maskOf(match)).slice(1, -1);

  function release({ text, before, final, kind }: Omit<TextWindow, "choice">): WindowVerdict & { text: string } {
    const json = kind === "arguments";
    const { words, offset } = json ? jsonText(text, final) : { words: text, offset: (place: number) => place };
    const behind = json ? jsonText(before, true).words : before;
    const maskFor = json ? jsonMaskOf : maskOf;
    const seen = behind + (final ? words : withoutHalfPair(words));
    const place = (at: number): number => offset(at - behind.length);
    const pattern = final ? whole : begun;
    let released = "";
    let consumed = 0;
    pattern.lastIndex = behind.length;
    for (let match = pattern.exec(seen); match !== null; match = pattern.exec(seen)) {
      const [found] = match;
      const end = match.index + found.length;
      // More text may still change this one: wait for it.
      if (!final && end === seen.length) {
        const settled = place(match.index);
        return { action: "release", consume: settled, text: released + text.slice(consumed, settled) };
      }
      released += text.slice(consumed, place(match.index)) + maskFor(found);
      consumed = place(end);
    }
    return { action: "release", consume: text.length, text: released + text.slice(consumed) };
  }

  return {
    name,
    checkRequest(call) {
      const value = mapRequestText(
        call.operation,
        call.request,
        (text, kind) => release({ text, kind, before: "", final: true }).text,
      );
      return value === call.request ? ALLOW : { action: "rewrite", value, reason: `what ${name} matches was masked` };
    },
    checkWindow: (_call, window) => release(window),
  };
}

interface Compiled {
  readonly whole: RegExp;
  /** Also matches up to the end of the text where more text may change what `whole` matches. */
  readonly begun: RegExp;
}

function compiled({ name, pattern }: MaskPatternOptions): Compiled {
  const refused = (why: string, cause?: unknown): GatewayError =>
    new GatewayError("option_invalid", `maskPattern(pattern) of ${JSON.stringify(name)}: ${why}`, { cause });
  let parts: ReturnType<typeof partialPattern>;
  try {
    parts = partialPattern(pattern);
  } catch (thrown) {
    throw refused((thrown as Error).message, thrown);
  }
  const { whole, partial, shortest, longest, lookAhead, lookBehind } = parts;
  if (shortest === 0) throw refused("it matches the empty text");
  if (longest === Number.POSITIVE_INFINITY)
    throw refused("a match has no longest length; write {1,64} instead of + or *");
  if (lookAhead === Number.POSITIVE_INFINITY)
    throw refused("it looks ahead without end; write {0,64} instead of + or *");
  if (lookBehind > MAX_LOOK_BEHIND) throw refused(`it looks back further than ${MAX_LOOK_BEHIND} characters`);
  const flags = `${pattern.flags.replace(/[dgmy]/g, "")}g`;
  return { whole: new RegExp(whole, flags), begun: new RegExp(`(?:${partial})$|(?:${whole})`, flags) };
}

/** Without half a surrogate pair at the end, which expressions take for another character. */
function withoutHalfPair(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}
