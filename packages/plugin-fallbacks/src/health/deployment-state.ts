import type { ErrorCode } from "@signalbox/kernel";

/**
 * - `healthy`: it has answered last, or nobody has asked yet.
 * - `failing`: it has failed last and is still used: too seldom to be left out, or too few others are left.
 * - `cooling`: left out because its provider says so (rate limit, credential, unknown model), or because too many of its
 *   calls failed within a minute.
 * - `ejected`: left out after failures in a row.
 * - `probing`: its time is over; one call finds out whether it answers again.
 */
export type HealthState = "healthy" | "failing" | "cooling" | "ejected" | "probing";

/** What is known about a deployment's health. Times are epoch milliseconds. */
export interface DeploymentState {
  readonly id: string;
  readonly model: string;
  readonly provider: string;
  readonly upstreamModel: string;
  readonly state: HealthState;
  /** What it failed with; undefined while it is healthy. */
  readonly code?: ErrorCode;
  /** In words, without addresses and secrets; undefined while it is healthy. */
  readonly reason?: string;
  readonly since: number;
  /** Until when it is left out; when that has passed, the next call tries. */
  readonly until?: number;
  readonly consecutiveFailures: number;
  /** Those that said something about the deployment: no client errors, no calls whose caller left. */
  readonly requestsLastMinute: number;
  readonly failuresLastMinute: number;
  readonly inFlight: number;
  readonly lastSuccess?: number;
  readonly lastFailure?: number;
  readonly lastProbe?: ProbeRecord;
}

/** How a deployment answered a health check. */
export interface ProbeRecord {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly ok: boolean;
  readonly durationMs: number;
  readonly code?: ErrorCode;
}
