import type { Finding } from "@signalbox/kernel";
import type { Detector } from "./detector.ts";
import { isWord } from "./detector.ts";

// held fast, see detector.ts
const { charCodeAt } = String.prototype;

/** A turn of phrase of attempts to take a model over, and how much it says. */
interface InjectionRule {
  /** Stands in every match: looked for first. Lower case. */
  readonly trigger: string;
  /** Sticky, from the trigger on; of lower-case text with single spaces. */
  readonly pattern: RegExp;
  readonly score: number;
}

const RULES: readonly InjectionRule[] = [
  ...["ignore", "disregard", "forget", "override", "bypass"].map((trigger) => ({
    trigger,
    pattern:
      /[a-z]+ (?:(?:all|any|every|of|the|your|my|these|those|and|everything in|completely) ){0,4}(?:previous|prior|above|earlier|preceding|original|existing|system|developer|safety|former)(?: and [a-z]+)? (?:instruction|prompt|rule|direction|message|guideline|command|context|constraint|polic|training|filter|restriction)/y,
    score: 0.9,
  })),
  ...["ignore", "disregard", "forget"].map((trigger) => ({
    trigger,
    pattern:
      /[a-z]+ (?:all |everything )?(?:of )?(?:your|what you were told|the above|that you (?:were|have been) told|everything above) ?(?:instructions|rules|guidelines|restrictions|programming|before|and|$)/y,
    score: 0.7,
  })),
  {
    trigger: "system prompt",
    pattern: /system prompt/y,
    score: 0.25,
  },
  ...[
    "reveal",
    "print",
    "show",
    "repeat",
    "output",
    "leak",
    "display",
    "tell me",
    "give me",
    "what is",
    "what are",
  ].map((trigger) => ({
    trigger,
    pattern:
      /[a-z]+(?: me| us| is| are| out)? (?:(?:the|full|entire|exact|complete|all|of|above) ){0,4}(?:your|initial|hidden|secret|original|system)(?: (?:full|entire|exact|initial|hidden|secret|original|complete|system|internal)){0,3} (?:prompt|message|instructions|rules|guidelines|configuration)/y,
    score: 0.6,
  })),
  {
    trigger: "you are now",
    pattern:
      /you are now (?:a |an |in |the )?(?:dan\b|unrestricted|jailbroken|free|evil|uncensored|developer mode|unfiltered|no longer)/y,
    score: 0.8,
  },
  { trigger: "do anything now", pattern: /do anything now/y, score: 0.8 },
  { trigger: "developer mode", pattern: /developer mode (?:enabled|on|output|is now|activated)/y, score: 0.7 },
  { trigger: "jailbreak", pattern: /jailbreak(?:ed)? (?:mode|prompt|yourself|enabled)/y, score: 0.6 },
  {
    trigger: "pretend",
    pattern:
      /pretend (?:that )?(?:you|to) (?:are|have|be|can)(?: not| no| an?| without)? (?:\w+ ){0,3}(?:restriction|rule|filter|limit|guideline|unrestricted|unfiltered|uncensored|ethic)/y,
    score: 0.7,
  },
  {
    trigger: "act as",
    pattern: /act as (?:if you (?:have|had) no |an? (?:unrestricted|unfiltered|uncensored|evil|jailbroken))/y,
    score: 0.7,
  },
  {
    trigger: "no longer",
    pattern: /no longer (?:bound|restricted|limited|constrained|have to follow|need to follow)/y,
    score: 0.5,
  },
  {
    trigger: "without any",
    pattern: /without any (?:restrictions|filters|limitations|censorship|ethical)/y,
    score: 0.4,
  },
  { trigger: "new instructions", pattern: /new instructions ?:/y, score: 0.5 },
  { trigger: "<|im_start|>", pattern: /<\|im_start\|>/y, score: 0.8 },
  { trigger: "[inst]", pattern: /\[inst\]/y, score: 0.5 },
  { trigger: "<<sys>>", pattern: /<<sys>>/y, score: 0.7 },
  { trigger: "### system", pattern: /### system(?: message| prompt)? ?:/y, score: 0.6 },
  { trigger: "do not tell the user", pattern: /do not tell the user/y, score: 0.5 },
  { trigger: "don't tell the user", pattern: /don't tell the user/y, score: 0.5 },
  {
    trigger: "ignoriere",
    pattern:
      /ignoriere (?:alle |sämtliche |die |deine |bitte ){0,3}(?:vorherigen|bisherigen|obigen|früheren|vorigen) (?:anweisungen|instruktionen|regeln|befehle)/y,
    score: 0.9,
  },
  {
    trigger: "vergiss",
    pattern:
      /vergiss (?:alle |alles |deine |die ){0,3}(?:vorherigen |bisherigen |obigen )?(?:anweisungen|instruktionen|regeln|was)/y,
    score: 0.7,
  },
  {
    trigger: "ignore",
    pattern:
      /ignorez? (?:toutes |les |tes |vos ){0,3}(?:instructions|consignes|règles) (?:précédentes|antérieures|ci-dessus)/y,
    score: 0.9,
  },
  {
    trigger: "ignora",
    pattern:
      /ignora (?:todas |tutte |las |le |tus ){0,3}(?:instrucciones|istruzioni|reglas|regole) (?:anteriores|previas|precedenti)/y,
    score: 0.9,
  },
];

const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u{e0000}-\u{e007f}]/gu;
/** How far a rule reads behind its trigger. */
const REACH = 160;

/**
 * Attempts to take a model over, scored by turns of phrase in several languages; invisible characters, fullwidth letters
 * and other spellings of letters do not hide them. A heuristic: it finds the usual, and is no proof.
 *
 * @param threshold the score from which a text counts, 0 to 1. Default 0.6
 */
export function injectionDetector(threshold: number = 0.6): Detector {
  return {
    find(text, from) {
      const score = injectionScore(text.slice(from));
      if (score < threshold || text.length === from) return [];
      return [{ start: from, end: text.length, kind: "injection", confidence: Math.min(1, score) } satisfies Finding];
    },
  };
}

/** How much a text looks like an attempt to take a model over: 0 not at all, 1 very much. */
export function injectionScore(text: string): number {
  const plain = folded(text);
  let score = 0;
  const counted = new Set<InjectionRule>();
  let inside = false;
  for (let at = 0; at < plain.length && score < 1; at++) {
    const unit = charCodeAt.call(plain, at);
    const rules = inside ? undefined : BY_BEGINNING.get(unit * 256 + (charCodeAt.call(plain, at + 1) & 255));
    inside = isWord(unit);
    if (rules === undefined) continue;
    for (const rule of rules) {
      if (counted.has(rule) || !plain.startsWith(rule.trigger, at)) continue;
      rule.pattern.lastIndex = 0;
      if (!rule.pattern.test(plain.slice(at, at + REACH))) continue;
      counted.add(rule);
      score += rule.score;
    }
  }
  return Math.min(1, score);
}

/** Rules by the first two characters of their triggers. */
const BY_BEGINNING: ReadonlyMap<number, readonly InjectionRule[]> = Map.groupBy(
  RULES,
  ({ trigger }) => trigger.charCodeAt(0) * 256 + trigger.charCodeAt(1),
);

function folded(text: string): string {
  let plain = text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what lies outside of ASCII
  if (/[^\u0000-\u007f]/.test(text)) plain = text.replace(INVISIBLE, "").normalize("NFKC");
  const lower = plain.toLowerCase();
  return /[^\S ]| {2}/.test(lower) ? lower.replace(/\s+/g, " ") : lower;
}
