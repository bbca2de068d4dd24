import { z } from "zod";
import { isDate, isZone } from "../reports/days.ts";

/** A field that may be left out. */
export type Optional<Value> = z.ZodExactOptional<z.ZodType<Value>>;

const LONGEST = 512;
const MOST_IDS = 1_000;

/** An id or a name. */
export const text: z.ZodString = z.string().min(1).max(LONGEST);
const date = z
  .string()
  .max(40)
  .refine(isDate, 'must be a day such as "2026-11-20", or a moment such as "2026-11-20T08:00:00Z"');
const timezone = z.string().max(64).refine(isZone, "must be an IANA time zone such as Africa/Johannesburg");

/** Shapes of `rangeFields`. */
export type RangeFields = {
  readonly start_date: Optional<string>;
  readonly end_date: Optional<string>;
  readonly timezone: Optional<string>;
};

/** Which days. */
export const rangeFields: RangeFields = {
  start_date: date.exactOptional(),
  end_date: date.exactOptional(),
  timezone: timezone.exactOptional(),
};

/** Shapes of `tableFields`. */
export type TableFields = RangeFields & {
  readonly format: Optional<"json" | "csv">;
  readonly currency: Optional<string>;
};

/** Which days, and how they are written. */
export const tableFields: TableFields = {
  ...rangeFields,
  format: z.enum(["json", "csv"]).exactOptional(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, "must be a currency code of three capital letters")
    .exactOptional(),
};

/** `true` or `false` in a query. */
export const flag: z.ZodType<boolean> = z.stringbool({ truthy: ["true"], falsy: ["false"] });

/** Which page, counted from 1. */
export const page: z.ZodType<number> = z.coerce.number().int().min(1).max(1_000_000).default(1);

/** How much of a list at once. */
export const pageSize: z.ZodType<number> = z.coerce.number().int().min(1).max(1_000).default(50);

/** How many rows at most. */
export const limit: z.ZodType<number> = z.coerce.number().int().min(1).max(10_000).default(100);

/** `a,b` */
export const idList: z.ZodType<string[]> = z
  .string()
  .min(1)
  .transform((value) => value.split(",").filter((one) => one !== ""))
  .pipe(z.array(text).min(1).max(MOST_IDS));

/** US dollars in a query. */
export const usd: z.ZodType<string> = z.string().regex(/^\d{1,12}(\.\d{1,9})?$/, "must be an amount of US dollars");
