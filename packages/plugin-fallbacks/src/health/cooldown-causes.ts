import type { ErrorCode } from "@signalbox/kernel";

/** Why a deployment is left out. */
export type Cause =
  | "rateLimit"
  | "quota"
  | "credential"
  | "unknownModel"
  | "failureRate"
  | "failuresInARow"
  | "allowedFails";

export interface CauseRule {
  readonly state: "cooling" | "ejected";
  /** Concluded from failures, not said by the provider: it may leave out only a part of a model's deployments. */
  readonly inferred: boolean;
  /** When the time is over a single call finds out; otherwise all calls come back at once. */
  readonly halfOpen: boolean;
  /** The first cooldown, as a multiple of `CooldownOptions.ms`. */
  readonly factor: number;
  /** Each further one in a row lasts twice as long. */
  readonly grows: boolean;
  readonly words: string;
}

/**
 * A rate limit ends when the provider says so; nothing needs to be found out then. What an operator must mend (a
 * credential, a spent quota, a wrong name) is asked about more seldom.
 */
export const CAUSES: Readonly<Record<Cause, CauseRule>> = {
  rateLimit: {
    state: "cooling",
    inferred: false,
    halfOpen: false,
    factor: 1,
    grows: false,
    words: "rate limited by its provider",
  },
  quota: {
    state: "cooling",
    inferred: false,
    halfOpen: true,
    factor: 6,
    grows: true,
    words: "its provider says that the quota is spent",
  },
  credential: {
    state: "cooling",
    inferred: false,
    halfOpen: true,
    factor: 6,
    grows: true,
    words: "its provider refuses the credential",
  },
  unknownModel: {
    state: "cooling",
    inferred: false,
    halfOpen: true,
    factor: 6,
    grows: true,
    words: "its provider does not know the model",
  },
  failureRate: {
    state: "cooling",
    inferred: true,
    halfOpen: true,
    factor: 1,
    grows: true,
    words: "more than half of its calls failed within a minute",
  },
  failuresInARow: {
    state: "ejected",
    inferred: true,
    halfOpen: true,
    factor: 1,
    grows: true,
    words: "it failed several times in a row",
  },
  allowedFails: {
    state: "cooling",
    inferred: true,
    halfOpen: true,
    factor: 1,
    grows: true,
    words: "more of its calls failed within a minute than are allowed",
  },
};

const LIMITS: ReadonlySet<Cause> = new Set<Cause>(["rateLimit", "quota"]);

/** What a call fails with when this cause stands against every deployment. */
export function skipCode(cause: Cause): ErrorCode {
  return LIMITS.has(cause) ? "provider_rate_limited" : "no_healthy_deployment";
}
