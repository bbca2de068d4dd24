import type { NanoUsd } from "./money.ts";

/**
 * Token counts in the normal form: input **includes** cache reads and writes, output **includes** reasoning;
 * every other field is a partition of one of the two, never an addition to it. A missing partition is unknown or zero.
 */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens?: number;
  /** Written to a cache with a lifetime of five minutes, or of unknown lifetime. */
  readonly cacheWriteTokens?: number;
  /** Written to a cache with a lifetime of one hour. */
  readonly cacheWrite1hTokens?: number;
  readonly reasoningTokens?: number;
  readonly inputAudioTokens?: number;
  readonly outputAudioTokens?: number;
  readonly inputImageTokens?: number;
  readonly outputImageTokens?: number;
  readonly acceptedPredictionTokens?: number;
  readonly rejectedPredictionTokens?: number;
  /** Calls of tools that the provider ran and bills per call. */
  readonly webSearchCalls?: number;
  readonly fileSearchCalls?: number;
  /** Containers in which the provider ran code. */
  readonly codeSessions?: number;
  /** Of documents that were read (OCR). */
  readonly pages?: number;
  /** Of those, the ones that were annotated besides. */
  readonly annotatedPages?: number;
  /** Of sources that the answer cites, where they are billed beside the input. */
  readonly citationTokens?: number;
  /** What the provider itself says the call cost. */
  readonly reportedCost?: NanoUsd;
}

/** For replies that cost nothing, or tell nothing. */
export const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0 };

/** Input and output together; cached and reasoning tokens are parts of those. */
export function totalTokens(usage: Usage): number {
  return usage.inputTokens + usage.outputTokens;
}

/** The sum of two usages, field by field: continued streams, several inputs. */
export function addUsage(one: Usage, other: Usage): Usage {
  const sum: Record<string, number | bigint> = { ...one } as Record<string, number | bigint>;
  for (const [field, value] of Object.entries(other) as [string, number | bigint | undefined][]) {
    if (value === undefined) continue;
    const before = sum[field];
    sum[field] = before === undefined ? value : (before as number) + (value as number);
  }
  return sum as unknown as Usage;
}
