import { z } from "zod";
import type { NanoUsd } from "@signalbox/kernel";
import { parseUsd } from "@signalbox/kernel";

// The kinds of values that keys about money and its stores take. Every message completes the sentence "<key> …".

const expected = (what: string): { readonly error: string } => ({ error: `must be ${what}` });

const MOST_DOLLARS = 1e9;
const NANO_DIGITS = 9;

/** US dollars that may be spent; 0 blocks. */
export const budgetDollars: z.ZodType<number> = z
  .number(expected("a number of US dollars"))
  .gte(0, expected("0 US dollars or more"))
  .lte(MOST_DOLLARS, expected(`at most ${MOST_DOLLARS} US dollars`));

/** `30s`, `30m`, `24h`, `7d`, `1w`, `1mo` */
export const duration: z.ZodType<string> = z
  .string(expected("a duration, as in 30s, 30m, 24h, 7d, 1w or 1mo"))
  .regex(/^[1-9]\d{0,5}(s|m|h|d|w|mo)$/, expected("a duration, as in 30s, 30m, 24h, 7d, 1w or 1mo"));

const DAYS: Readonly<Record<string, number>> = { d: 1, w: 7, mo: 31 };

/** A duration of whole days, as their number. */
export const days: z.ZodType<number> = z
  .string(expected("a duration of days, as in 90d, 12w or 6mo"))
  .transform((text, context) => {
    const [, count, unit = ""] = /^([1-9]\d{0,3})(d|w|mo)$/.exec(text) ?? [];
    if (count !== undefined) return Number(count) * (DAYS[unit] ?? 1);
    context.issues.push({ code: "custom", message: "must be a duration of days, as in 90d, 12w or 6mo", input: text });
    return z.NEVER;
  });

/** An IANA time zone. */
export const timezone: z.ZodType<string> = z
  .string(expected("a time zone, as in Africa/Johannesburg"))
  .refine(isZone, expected("a time zone, as in Africa/Johannesburg"));

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** Where a database is. What is wrong with it is said without what it holds. */
export const databaseUrl: z.ZodType<string> = z
  .string(expected("the address of a database"))
  .regex(/^(postgres(ql)?:\/\/|sqlite:\/|file:.)/, {
    error: "must be postgres://user:password@host:5432/database, or sqlite:///absolute/path of a file",
  });

/** Where a Redis is. */
export const redisUrl: z.ZodType<string> = z.string(expected("the address of a Redis")).regex(/^rediss?:\/\/\S+$/, {
  error: "must be redis://[user:password@]host[:port][/db]",
});

export const port: z.ZodType<number> = z
  .int(expected("a port"))
  .gte(1, expected("a port from 1 to 65535"))
  .lte(65_535, expected("a port from 1 to 65535"));

const TOKENS = ["total", "input", "output"] as const;

/** Which tokens count. */
export type TokenKind = (typeof TOKENS)[number];

export const tokenKind: z.ZodType<TokenKind> = z.enum(TOKENS, expected("total, input or output"));

/** What is on in any case. */
export const alwaysTrue: z.ZodType<true> = z.literal(true, expected("true: it cannot be switched off"));

const BUDGET_STATUSES = [422, 429] as const;
export const budgetStatus: z.ZodType<(typeof BUDGET_STATUSES)[number]> = z.literal(
  BUDGET_STATUSES,
  expected(BUDGET_STATUSES.join(" or ")),
);

/** What something costs in units of other prices: `{ fast: 6 }`. */
export const multiples: z.ZodType<Readonly<Record<string, number>>> = z.record(
  z.string(),
  z.number(expected("a number")).gte(0, expected("0 or more")),
  expected("a map of multiples"),
);

/** A part, as in 0.05 for five percent. */
export const part: z.ZodType<number> = z
  .number(expected("a part, as in 0.05 for five percent"))
  .gte(0, expected("a part from 0 to 1"))
  .lte(1, expected("a part from 0 to 1, as in 0.05 for five percent"));

/** What is added to a cost: a part of it, which may be more than the whole. */
export const addedPart: z.ZodType<number> = z
  .number(expected("a part, as in 0.05 for five percent"))
  .gte(0, expected("0 or more"))
  .lte(100, expected("at most 100, as in 0.05 for five percent"));

const CONTEXT_SIZES = "search_context_size_low search_context_size_medium search_context_size_high".split(" ");

/** US dollars by the amount of what is searched. */
export const searchPrices: z.ZodType<Readonly<Record<string, number>>> = z
  .record(z.string(), budgetDollars, expected("a map of sizes and US dollars"))
  .refine((sizes) => Object.keys(sizes).every((size) => CONTEXT_SIZES.includes(size)), {
    error: `must be a map with ${CONTEXT_SIZES.join(", ")}`,
  });

/** Prices by ranges of the input. */
export const priceRanges: z.ZodType<readonly Readonly<Record<string, unknown>>[]> = z.array(
  z.record(z.string(), z.unknown(), expected("a map of a range and its prices")),
  expected("a list of ranges and their prices"),
);

/** Exactly as many nano-dollars as were written. */
export function nanoUsd(dollars: number): NanoUsd {
  return parseUsd(dollars.toFixed(NANO_DIGITS));
}

/** 0.05 as the text "5": no digit is made up by the multiplication. */
export function percentText(share: number): string {
  return String(Number((share * 100).toPrecision(12)));
}
