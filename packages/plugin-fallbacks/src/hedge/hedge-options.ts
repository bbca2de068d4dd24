import { z } from "zod";

/**
 * When a second deployment is tried beside one that is slow to answer. The first answer wins, the other try is ended and
 * paid for as far as it went.
 */
export interface HedgeOptions {
  /**
   * The second try begins when the first has taken longer than this share of the model's calls lately: until the first
   * event of a stream, until the whole reply otherwise. Default 0.95.
   */
  readonly percentile?: number;
  /** Not before. Default 100. */
  readonly minMs?: number;
  /** Not later, however slow the model is. Default 30,000. */
  readonly maxMs?: number;
  /** Only these public models; `openai/*` stands for many. Default: all. */
  readonly models?: readonly string[];
  /** Most second tries, as a share of a model's calls, so that a slow outage does not double the traffic. Default 0.1. */
  readonly maxShare?: number;
}

const duration = z.number().min(1).max(3_600_000).exactOptional();

export const hedgeSchema: z.ZodType<HedgeOptions> = z
  .strictObject({
    percentile: z.number().min(0.5).max(0.999).exactOptional(),
    minMs: duration,
    maxMs: duration,
    models: z.array(z.string().min(1)).exactOptional(),
    maxShare: z.number().min(0).max(1).exactOptional(),
  })
  .refine(({ minMs = 1, maxMs = minMs }) => minMs <= maxMs, { path: ["maxMs"], message: "must not be below minMs" });
