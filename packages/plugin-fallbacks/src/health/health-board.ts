import type {
  AttemptWatcher,
  Call,
  Deployment,
  ErrorCode,
  GatewayError,
  ModelTable,
  RouterParts,
} from "@signalbox/kernel";
import type { CooldownOptions } from "./cooldown-options.ts";

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
  /** Until it is tried again; when it has passed, the next call tries. */
  readonly until?: number;
  readonly consecutiveFailures: number;
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

/** Knows which deployments may be tried. One per gateway. */
export interface HealthBoard extends AttemptWatcher {
  /**
   * Those that may be tried now; the others are noted in the trace with code and waiting time. The same array when all
   * may, and the same shorter array as long as nothing changes.
   */
  usable(call: Call, deployments: readonly Deployment[]): readonly Deployment[];
  /** Whether this one may be tried now: `usable`, asked again just before a later try. Notes nothing. */
  mayTry(deployment: Deployment): boolean;
  /** It failed when it was tried last, and has not answered since. */
  failing(deployment: Deployment): boolean;
  /** Every deployment's state, in listed order. */
  states(): readonly DeploymentState[];
  /** A health check's outcome: a success ends an ejection, a failure counts like a call's. */
  probed(deploymentId: string, durationMs: number, error?: GatewayError): void;
  /** No longer listens to other processes. */
  close(): void;
}

export function createHealthBoard(_options: CooldownOptions, _models: ModelTable, _parts: RouterParts): HealthBoard {
  return {
    usable: (_call, deployments) => deployments,
    mayTry: () => true,
    failing: () => false,
    states: () => [],
    probed: () => undefined,
    close: () => undefined,
  };
}
