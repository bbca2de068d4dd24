import assert from "node:assert/strict";
import type { Usage } from "../usage.ts";

const INPUT = ["cacheReadTokens", "cacheWriteTokens", "cacheWrite1hTokens"] as const;
const COUNTS = [
  "inputTokens",
  "outputTokens",
  ...INPUT,
  "reasoningTokens",
  "inputAudioTokens",
  "outputAudioTokens",
  "inputImageTokens",
  "outputImageTokens",
  "acceptedPredictionTokens",
  "rejectedPredictionTokens",
  "webSearchCalls",
  "fileSearchCalls",
  "codeSessions",
  "pages",
  "annotatedPages",
  "citationTokens",
] as const;

/** Checks that a usage is in the normal form: whole numbers, and partitions that fit into their whole. */
export function checkUsage(usage: Usage): void {
  assert.ok(usage !== undefined, "a result needs a usage; NO_USAGE when nothing is known");
  for (const field of COUNTS) {
    const count = usage[field];
    if (field === "inputTokens" || field === "outputTokens")
      assert.ok(count !== undefined, `usage.${field} is missing`);
    if (count !== undefined) assert.ok(Number.isSafeInteger(count) && count >= 0, `usage.${field} is ${count}`);
  }
  const cached = INPUT.reduce((sum, field) => sum + (usage[field] ?? 0), 0);
  const within = (part: number | undefined, whole: number, name: string): void =>
    assert.ok((part ?? 0) <= whole, `usage.${name} (${part}) is a part of ${whole}, it cannot be larger`);
  within(cached, usage.inputTokens, "cacheReadTokens + cacheWriteTokens + cacheWrite1hTokens");
  within(usage.inputAudioTokens, usage.inputTokens, "inputAudioTokens");
  within(usage.inputImageTokens, usage.inputTokens, "inputImageTokens");
  within(usage.reasoningTokens, usage.outputTokens, "reasoningTokens");
  within(usage.outputAudioTokens, usage.outputTokens, "outputAudioTokens");
  within(usage.outputImageTokens, usage.outputTokens, "outputImageTokens");
  if (usage.reportedCost !== undefined) assert.equal(typeof usage.reportedCost, "bigint", "usage.reportedCost");
}

/** Without partitions that are zero: a missing partition is unknown or zero. */
export function compactUsage(usage: Usage): Readonly<Record<string, number | bigint>> {
  return Object.fromEntries(
    Object.entries(usage).filter(
      ([field, count]) => field === "inputTokens" || field === "outputTokens" || (count !== undefined && count !== 0),
    ),
  );
}
