import { z } from "zod";

/** How often deployments are asked whether they are well, with a cheap request each. */
export interface ProbeOptions {
  /** Time between two rounds, give or take a tenth. Default 300,000. */
  readonly intervalMs?: number;
  /** Deployments asked at the same time. Default 10. */
  readonly concurrency?: number;
  /** For one answer; `healthCheckTimeoutMs` in a deployment's `info` goes before it. Default 30,000. */
  readonly timeoutMs?: number;
}

// beyond this a timer fires at once
const LONGEST_TIMER_MS = 2_147_483_647;

export const probeSchema: z.ZodType<ProbeOptions> = z.strictObject({
  intervalMs: z
    .number()
    .min(100)
    .max(LONGEST_TIMER_MS / 2)
    .exactOptional(),
  concurrency: z.int().min(1).max(1_000).exactOptional(),
  timeoutMs: z.number().positive().max(LONGEST_TIMER_MS).exactOptional(),
});
