import { z } from "zod";

/** Kinds of failures, as retry and cooldown policies name them. */
export type FailureClass =
  | "badRequest"
  | "authentication"
  | "timeout"
  | "rateLimit"
  | "contentPolicy"
  | "internalServer";

/** When a deployment that fails is left out for a while, and for how long. */
export interface CooldownOptions {
  /** Nobody is left out; failures are still counted and shown. Default false. */
  readonly disabled?: boolean;
  /**
   * How long a deployment is left out at first. Default 5,000; 30,000 for what an operator must mend: a refused credential,
   * a spent quota, an unknown model.
   */
  readonly ms?: number;
  /**
   * Failures a minute that are tolerated. When it is given, a deployment is left out only for having more than these. By
   * default it is left out for what its provider says (rate limits, credentials, unknown models), for failing more than
   * half of at least 5 calls within a minute, and for 5 failures in a row.
   */
  readonly allowedFails?: number;
  /** The same for one class of failures; a class that is named counts even where the request was at fault. */
  readonly allowedFailsPolicy?: Readonly<Partial<Record<FailureClass, number>>>;
  /** Largest part of a model's deployments that is left out because of failures, rounded down. Default 0.5. */
  readonly maxEjectedShare?: number;
}

const fails = z.int().nonnegative().exactOptional();

export const cooldownSchema: z.ZodType<CooldownOptions> = z.strictObject({
  disabled: z.boolean().exactOptional(),
  ms: z.number().positive().max(86_400_000).exactOptional(),
  allowedFails: fails,
  allowedFailsPolicy: z
    .strictObject({
      badRequest: fails,
      authentication: fails,
      timeout: fails,
      rateLimit: fails,
      contentPolicy: fails,
      internalServer: fails,
    })
    .exactOptional(),
  maxEjectedShare: z.number().min(0).max(1).exactOptional(),
});
