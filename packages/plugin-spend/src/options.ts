import { z } from "zod";
import type { BudgetRule } from "@signalbox/kernel";
import { didYouMean, GatewayError } from "@signalbox/kernel";
import { isZone } from "./reports/days.ts";

/** Options of `spend`. */
export interface SpendOptions {
  /** IANA zone of days where a request names none. Default `UTC`. */
  readonly timezone?: string;
  /** Shown as the budgets of the gateway and of its providers: what the plugin of budgets was given. */
  readonly budgets?: readonly BudgetRule[];
  /** Epoch milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

const schema = z.strictObject({
  timezone: z.string().refine(isZone, "expected an IANA time zone such as Africa/Johannesburg").exactOptional(),
  budgets: z.array(z.looseObject({ scope: z.looseObject({ kind: z.string(), id: z.string() }) })).exactOptional(),
  now: z.custom<() => number>((value) => typeof value === "function", { error: "must be a function" }).exactOptional(),
});

/** @throws {GatewayError} `option_invalid` naming the option */
export function checkOptions(options: unknown): void {
  const checked = schema.safeParse(options);
  if (checked.success) return;
  const issue = checked.error.issues[0] as z.core.$ZodIssue;
  const path = issue.path.map(String);
  const unknown = issue.code === "unrecognized_keys" ? (issue.keys[0] as string) : undefined;
  const message =
    unknown === undefined
      ? `"${path.join(".")}": ${issue.message}`
      : `there is no option ${JSON.stringify(unknown)}.${didYouMean(unknown, Object.keys(schema.shape))}`;
  throw new GatewayError("option_invalid", `spend: ${message}`, {
    param: unknown ?? path.join("."),
    source: "spend",
  });
}
