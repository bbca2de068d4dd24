import { z } from "zod";
import { didYouMean, GatewayError } from "@signalbox/kernel";

const LONGEST_MS = 3_600_000;
const MOST_DAYS = 36_500;

const schema = z.strictObject({
  file: z.string().min(1),
  synchronous: z.enum(["full", "normal", "off"]).exactOptional(),
  spoolDirectory: z.string().min(1).exactOptional(),
  retentionDays: z.int().min(1).max(MOST_DAYS).exactOptional(),
  busyTimeoutMs: z.int().min(0).max(LONGEST_MS).exactOptional(),
  batchMs: z.number().min(0.1).max(1_000).exactOptional(),
});

/** @throws {GatewayError} `option_invalid` naming the option */
export function checkOptions(options: unknown): void {
  const checked = schema.safeParse(options);
  if (checked.success) return;
  const issue = checked.error.issues[0] as z.core.$ZodIssue;
  const path = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    const name = issue.keys[0] as string;
    const known = didYouMean(name, Object.keys(schema.shape));
    throw invalid(`there is no option ${JSON.stringify(name)}.${known}`, name);
  }
  throw invalid(`"${path}": ${issue.message}`, path);
}

function invalid(message: string, param: string): GatewayError {
  return new GatewayError("option_invalid", `ledger-sqlite: ${message}`, { param, source: "ledger-sqlite" });
}
