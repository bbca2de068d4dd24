import { z } from "zod";
import { GatewayError, Secret } from "@signalbox/kernel";

const nameAndText = z.record(z.string().min(1), z.string());

/** Options are strict: a misspelt one is an error at start, not a surprise at three in the morning. */
export const OPTIONS_SCHEMA: z.ZodType = z.strictObject({
  apiKey: z.union([z.string().min(1), z.instanceof(Secret)]).exactOptional(),
  baseUrl: z.url({ protocol: /^https?$/ }).exactOptional(),
  organization: z.string().min(1).exactOptional(),
  project: z.string().min(1).exactOptional(),
  headers: nameAndText.exactOptional(),
});

/** @throws {GatewayError} `option_invalid` naming the option */
export function checkOptions(schema: z.ZodType, options: unknown, factory: string): void {
  const checked = schema.safeParse(options);
  if (checked.success) return;
  const [issue] = checked.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? "options" : issue.path.join(".");
  throw new GatewayError("option_invalid", `${factory}(): ${place}: ${issue?.message ?? "invalid"}`, {
    param: place,
    source: factory,
    cause: checked.error,
  });
}
