import { z } from "zod";
import { didYouMean, GatewayError } from "@signalbox/kernel";

const count = z.int().min(1).exactOptional();

const schema = z.strictObject({ maxBytes: count, maxEntries: count, maxEntryBytes: count });

/** @throws {GatewayError} `option_invalid` naming the option */
export function checkOptions(options: unknown): void {
  const checked = schema.safeParse(options);
  if (checked.success) return;
  const issue = checked.error.issues[0] as z.core.$ZodIssue;
  if (issue.code === "unrecognized_keys") {
    const name = issue.keys[0] as string;
    const known = didYouMean(name, Object.keys(schema.shape));
    throw invalid(`there is no option ${JSON.stringify(name)}.${known}`, name);
  }
  throw invalid(`"${issue.path.join(".")}": ${issue.message}`, issue.path.join("."));
}

function invalid(message: string, param: string): GatewayError {
  return new GatewayError("option_invalid", `cache-memory: ${message}`, { param, source: "cache-memory" });
}
