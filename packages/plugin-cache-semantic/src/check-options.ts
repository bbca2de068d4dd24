import { z } from "zod";
import { didYouMean, GatewayError } from "@signalbox/kernel";

const schema = z.strictObject({
  embeddingModel: z.string().min(1),
  threshold: z.number().gt(0).lte(1),
  index: z.custom(isIndex, "must be a vector index").exactOptional(),
  timeoutMs: z.int().min(1).max(60_000).exactOptional(),
  maxQuestionLength: z.int().min(1).exactOptional(),
});

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
  return new GatewayError("option_invalid", `cache-semantic: ${message}`, { param, source: "cache-semantic" });
}

function isIndex(value: unknown): boolean {
  const { nearest, add, remove, clear, size } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return [nearest, add, remove, clear, size].every((each) => typeof each === "function");
}
