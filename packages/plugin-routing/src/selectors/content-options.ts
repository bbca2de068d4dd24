import { z } from "zod";
import { checkOptions, optionInvalid } from "./check-options.ts";
import type { ComplexitySignal } from "./complexity.ts";
import { COMPLEXITY_SIGNALS } from "./complexity.ts";

/** From the easiest to the hardest. */
export const COMPLEXITY_TIERS = ["simple", "medium", "complex", "reasoning"] as const;
/** How hard a question is. */
export type ComplexityTier = (typeof COMPLEXITY_TIERS)[number];

/** What a rule asks for. All that is given must hold; at least one must be given. */
export interface ContentCondition {
  /**
   * One of these words or phrases stands in the last user message. Whole words; case, accents and what stands between
   * the words do not count. In scripts without spaces they may stand anywhere. Of a long text 8,192 characters from the
   * beginning and 4,096 from the end are read.
   */
  readonly contains?: readonly string[];
  /** The same for the system prompt, of which 4,096 characters are read. */
  readonly system?: { readonly contains: readonly string[] };
  /** Tools are offered, or none are; or one with one of these names is. */
  readonly tools?: boolean | readonly string[];
  /** There are pictures in the chat, or there are none. */
  readonly images?: boolean;
  /** Estimated: four characters of the whole chat for a token. */
  readonly minInputTokens?: number;
  readonly maxInputTokens?: number;
  /** The client asks for reasoning, or does not. */
  readonly reasoning?: boolean;
  /** The call, or its key, has one of these tags. */
  readonly tags?: readonly string[];
}

/** A rule of a content router. */
export interface ContentRule {
  /** For the trace. */
  readonly name: string;
  readonly when: ContentCondition;
  /** Public model name. */
  readonly use: string;
}

/** Options of `contentRouter`. Without `tiers` there must be a `defaultModel`. */
export interface ContentRouterOptions {
  /** The first one whose conditions hold decides. */
  readonly rules?: readonly ContentRule[];
  /**
   * Tier → public model name. A tier without a model is served by the next harder one that has one; the hardest by the
   * next easier one.
   */
  readonly tiers?: Readonly<Partial<Record<ComplexityTier, string>>> & { readonly simple: string };
  /**
   * The least score of each tier, 0 to 1, ascending. Default 0.25, 0.5, 0.75. Without `reasoning` and `maths` a score
   * goes no higher than 0.65.
   */
  readonly thresholds?: Readonly<Partial<Record<Exclude<ComplexityTier, "simple">, number>>>;
  /** What each signal adds to the score at its strongest, instead of its default; 0 switches it off. */
  readonly weights?: Readonly<Partial<Record<ComplexitySignal, number>>>;
  /** For calls without a chat, and without `tiers` for all that no rule is for. Default: the model of `simple`. */
  readonly defaultModel?: string;
}

const MAX_PHRASE = 200;
const WORDLIKE = /[\p{L}\p{N}]/u;
const phrase = z
  .string()
  .max(MAX_PHRASE)
  .refine((text) => WORDLIKE.test(text), "a word or phrase has letters or digits");
const phrases = z.array(phrase).min(1);
const name = z.string().min(1);
const tokens = z.int().nonnegative();

const condition: z.ZodType<ContentCondition> = z
  .strictObject({
    contains: phrases.exactOptional(),
    system: z.strictObject({ contains: phrases }).exactOptional(),
    tools: z.union([z.boolean(), z.array(name).min(1)]).exactOptional(),
    images: z.boolean().exactOptional(),
    minInputTokens: tokens.exactOptional(),
    maxInputTokens: tokens.exactOptional(),
    reasoning: z.boolean().exactOptional(),
    tags: z.array(name).min(1).exactOptional(),
  })
  .refine((when) => Object.keys(when).length > 0, "a rule without conditions holds for every call; use defaultModel");

const score = z.number().min(0).max(1);
const weight = z.number().min(0).max(1).exactOptional();

const schema: z.ZodType<ContentRouterOptions> = z.strictObject({
  rules: z.array(z.strictObject({ name, when: condition, use: name })).exactOptional(),
  tiers: z
    .strictObject({
      simple: name,
      medium: name.exactOptional(),
      complex: name.exactOptional(),
      reasoning: name.exactOptional(),
    })
    .exactOptional(),
  thresholds: z
    .strictObject({
      medium: score.exactOptional(),
      complex: score.exactOptional(),
      reasoning: score.exactOptional(),
    })
    .exactOptional(),
  weights: z
    .strictObject(
      Object.fromEntries(COMPLEXITY_SIGNALS.map((signal) => [signal, weight])) as Record<
        ComplexitySignal,
        typeof weight
      >,
    )
    .exactOptional(),
  defaultModel: name.exactOptional(),
});

const NAMES: readonly string[] = [
  ...["rules", "tiers", "thresholds", "weights", "defaultModel", "name", "when", "use", "contains", "system", "tools"],
  ...["images", "minInputTokens", "maxInputTokens", "reasoning", "tags"],
  ...COMPLEXITY_TIERS,
  ...COMPLEXITY_SIGNALS,
];

const DEFAULT_THRESHOLDS = { medium: 0.25, complex: 0.5, reasoning: 0.75 } as const;

/** The least scores of `medium`, `complex` and `reasoning`. */
export type Thresholds = readonly [medium: number, complex: number, reasoning: number];

/**
 * Checks the options of the content router of this name.
 *
 * @returns the thresholds, defaults filled in
 * @throws {GatewayError} `option_invalid` naming the path
 */
export function checkContentOptions(model: string, options: ContentRouterOptions): Thresholds {
  const place = { path: `contentRouters.${model}`, owner: `the content router ${JSON.stringify(model)}` };
  checkOptions(schema, options, place, NAMES);
  if (options.tiers === undefined && options.defaultModel === undefined) {
    throw optionInvalid(place, "", 'has neither "tiers" nor a "defaultModel"; give it one of them');
  }
  for (const [index, rule] of (options.rules ?? []).entries()) {
    const { minInputTokens = 0, maxInputTokens = Number.POSITIVE_INFINITY } = rule.when;
    if (minInputTokens <= maxInputTokens) continue;
    throw optionInvalid(place, `rules[${index}].when.maxInputTokens`, "is less than minInputTokens");
  }
  const { medium, complex, reasoning } = { ...DEFAULT_THRESHOLDS, ...options.thresholds };
  if (medium > complex) throw optionInvalid(place, "thresholds.complex", `${complex} is less than medium, ${medium}`);
  if (complex > reasoning) {
    throw optionInvalid(place, "thresholds.reasoning", `${reasoning} is less than complex, ${complex}`);
  }
  return [medium, complex, reasoning];
}
