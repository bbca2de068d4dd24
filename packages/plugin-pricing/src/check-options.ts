import { z } from "zod";
import { didYouMean, GatewayError } from "@signalbox/kernel";
import { scaled } from "./prices/decimal.ts";
import { readPriceFields, similarField } from "./prices/price-fields.ts";

const NANO_DIGITS = 9;
const decimal = z
  .union([z.number(), z.string()])
  .refine((value) => scaled(value, NANO_DIGITS) !== undefined, { error: "must be a decimal number, zero or more" });
const percent = decimal.refine((value) => (scaled(value, 0) ?? 0n) <= 100n, { error: "must be at most 100" });
const anyPercent = decimal;
const fields = z.record(z.string(), z.unknown());
const positive = decimal.refine((value) => (scaled(value, NANO_DIGITS) ?? 0n) > 0n, {
  error: "must be more than zero",
});

const rates = z.record(
  z.string().regex(/^[A-Z]{3}$/, { error: "must be a currency code of three capital letters" }),
  z.array(z.strictObject({ date: z.iso.date(), perUsd: positive })).min(1),
);

const schema = z.strictObject({
  prices: z.record(z.string(), fields).exactOptional(),
  priceMap: fields.exactOptional(),
  priceMapVersion: z.string().min(1).exactOptional(),
  free: z.array(z.string().min(1)).exactOptional(),
  discounts: z.record(z.string(), percent).exactOptional(),
  margins: z
    .record(z.string(), z.strictObject({ percent: anyPercent.exactOptional(), fixed: decimal.exactOptional() }))
    .exactOptional(),
  hostedToolsCap: decimal.exactOptional(),
  webSearchPrice: decimal.exactOptional(),
  // checked where they are read
  currencies: z.unknown().exactOptional(),
  now: z.custom<() => number>((value) => typeof value === "function", { error: "must be a function" }).exactOptional(),
});

/** @throws {GatewayError} `option_invalid` naming the currency */
export function checkRates(value: unknown): void {
  const checked = rates.safeParse(value);
  if (checked.success) return;
  const issue = checked.error.issues[0] as z.core.$ZodIssue;
  const place = ["currencies", ...issue.path.map(String)];
  const message = issue.code === "invalid_key" ? issue.issues[0]?.message : undefined;
  throw invalid(`"${place.join(".")}": ${message ?? issue.message}`, place);
}

/** @throws {GatewayError} `option_invalid` naming the option */
export function checkOptions(options: unknown): void {
  const checked = schema.safeParse(options);
  if (!checked.success) {
    const issue = checked.error.issues[0] as z.core.$ZodIssue;
    const path = issue.path.map(String);
    if (issue.code === "unrecognized_keys") {
      const name = issue.keys[0] as string;
      const known = path.length === 0 ? Object.keys(schema.shape) : path[0] === "margins" ? ["percent", "fixed"] : [];
      const hint = didYouMean(name, known);
      throw invalid(`there is no option ${JSON.stringify([...path, name].join("."))}.${hint}`, [...path, name]);
    }
    throw invalid(`"${path.join(".")}": ${issue.message}`, path);
  }
  for (const [model, prices] of Object.entries(checked.data.prices ?? {})) {
    const fault = faultOf(prices);
    if (fault !== undefined) throw invalid(`"prices": ${JSON.stringify(model)}: ${fault}`, ["prices", model]);
  }
}

/** What is wrong with a custom price; undefined: nothing. */
export function faultOf(prices: Readonly<Record<string, unknown>>): string | undefined {
  const { unknown, invalid: wrong, table } = readPriceFields(prices);
  if (unknown[0] !== undefined)
    return `there is no price field ${JSON.stringify(unknown[0])}.${similarField(unknown[0])}`;
  if (wrong[0] !== undefined) return `${JSON.stringify(wrong[0])} is no price in US dollars, zero or more`;
  if (Object.keys(table.prices).length === 0) return "there is no price in it";
  return undefined;
}

function invalid(message: string, path: readonly string[]): GatewayError {
  return new GatewayError("option_invalid", `pricing: ${message}`, { param: path.join("."), source: "pricing" });
}
