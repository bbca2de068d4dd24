import { z } from "zod";
import { didYouMean } from "@signalbox/kernel";

// The kinds of values that keys about routing take. Every message completes the sentence "<key> …".

const expected = (what: string): { readonly error: string } => ({ error: `must be ${what}` });

const STRATEGIES = [
  "simple-shuffle",
  "least-busy",
  "latency-based-routing",
  "cost-based-routing",
  "usage-based-routing",
  "usage-based-routing-v2",
  "priority",
] as const;

/** How the deployments of a model are ordered. */
export type StrategyName = (typeof STRATEGIES)[number];

const SUBJECTS = ["call", "key", "user", "team", "customer", "session", "tag"] as const;

/** Whose calls stay on one side of a split. */
export type SplitSubject = (typeof SUBJECTS)[number];

const MODES = [
  "chat",
  "completion",
  "embedding",
  "rerank",
  "moderation",
  "image_generation",
  "image_edit",
  "audio_speech",
  "audio_transcription",
  "responses",
  "video_generation",
  "ocr",
  "search",
  "vector_store",
] as const;

/** What a model is for. */
export type ModelMode = (typeof MODES)[number];

/** One of a few words; another one is answered with the nearest of them. */
function oneOf<Word extends string>(words: readonly Word[], kind: string): z.ZodType<Word> {
  return z.string(expected(`the name of a ${kind}`)).transform((word, context) => {
    const known = words.find((one) => one === word);
    if (known !== undefined) return known;
    const hint = didYouMean(word, words) || ` It is one of ${words.join(", ")}.`;
    context.issues.push({ code: "custom", message: `is not the name of a ${kind}.${hint}`, input: word });
    return z.NEVER;
  });
}

export const strategyName: z.ZodType<StrategyName> = oneOf(STRATEGIES, "strategy");

export const splitSubject: z.ZodType<SplitSubject> = oneOf(SUBJECTS, "subject of a split");

export const modelMode: z.ZodType<ModelMode> = oneOf(MODES, "mode");

const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;

/** A wait that may be none. */
export const waitSeconds: z.ZodType<number> = z
  .number(expected("a number of seconds"))
  .gte(0, expected("a number of seconds, 0 or more"))
  .lte(HOUR_SECONDS, expected(`at most ${HOUR_SECONDS} seconds`));

const MOST_TRIES = 100;

/** How often something is done again. */
export const tries: z.ZodType<number> = z
  .int(expected("a whole number"))
  .gte(0, expected("0 or more"))
  .lte(MOST_TRIES, expected(`at most ${MOST_TRIES}`));

const MOST_PER_SECOND = 1_000_000;

export const perSecond: z.ZodType<number> = z
  .number(expected("a number"))
  .gte(0, expected("0 or more"))
  .lte(MOST_PER_SECOND, expected(`at most ${MOST_PER_SECOND}`));

export const wholeAboveZero: z.ZodType<number> = z.int(expected("a whole number")).gte(1, expected("1 or more"));

export const wholeFromZero: z.ZodType<number> = z.int(expected("a whole number")).gte(0, expected("0 or more"));

export const numberFromZero: z.ZodType<number> = z.number(expected("a number")).gte(0, expected("0 or more"));

/** 0 to 1. */
export const share: z.ZodType<number> = z
  .number(expected("a number from 0 to 1"))
  .gte(0, expected("a number from 0 to 1"))
  .lte(1, expected("a number from 0 to 1"));

/** 0 to 100. */
export const percent: z.ZodType<number> = z
  .number(expected("a number from 0 to 100"))
  .gte(0, expected("a number from 0 to 100"))
  .lte(100, expected("a number from 0 to 100"));

export const dollars: z.ZodType<number> = z
  .number(expected("a number of US dollars"))
  .gte(0, expected("0 US dollars or more"));

/** Which of a hundred calls is a slow one, as a share. */
export const percentile: z.ZodType<number> = z
  .number(expected("a number from 0.5 to 0.999"))
  .gte(0.5, expected("a number from 0.5 to 0.999"))
  .lte(0.999, expected("a number from 0.5 to 0.999"));

export const hedgeDelay: z.ZodType<number> = z
  .number(expected("a number of seconds"))
  .gte(0.001, expected("at least 0.001 seconds"))
  .lte(HOUR_SECONDS, expected(`at most ${HOUR_SECONDS} seconds`));

/** Between two rounds of health checks. */
export const intervalSeconds: z.ZodType<number> = z
  .number(expected("a number of seconds"))
  .gte(1, expected("at least 1 second"))
  .lte(DAY_SECONDS, expected(`at most ${DAY_SECONDS} seconds`));

const MOST_CHECKS = 1_000;

export const checksAtOnce: z.ZodType<number> = wholeAboveZero.refine((value) => value <= MOST_CHECKS, {
  error: `must be at most ${MOST_CHECKS}`,
});
