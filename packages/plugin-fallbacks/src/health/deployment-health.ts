import type { Deployment, ErrorCode } from "@signalbox/kernel";
import type { Cause } from "./cooldown-causes.ts";
import { CAUSES } from "./cooldown-causes.ts";
import type { FailureFacts } from "./cooldown-rules.ts";
import { FAILURE, SUCCESS } from "./cooldown-rules.ts";
import type { DeploymentState, HealthState, ProbeRecord } from "./deployment-state.ts";
import { MinuteWindow } from "./minute-window.ts";

/** The deployments of one public model that the same callers see: a team's own stand apart from the common ones. */
export interface HealthGroup {
  size: number;
  /** How many are left out. */
  out: number;
  /** How many of those because of failures, and not of what their providers said. */
  inferred: number;
}

/** What is remembered about one deployment. Times are the clock's. */
export class DeploymentHealth implements FailureFacts {
  readonly deployment: Deployment;
  group: HealthGroup;
  readonly wildcard: boolean;
  readonly window: MinuteWindow;
  state: HealthState = "healthy";
  /** Why it is, or was last, left out. */
  cause: Cause = "failuresInARow";
  code: ErrorCode | undefined;
  reason: string | undefined;
  since: number;
  /** Until it may be tried, while it is left out. A probe that takes longer than this does not hinder another. */
  until = 0;
  /** When it was left out: only what was begun later tells anything about it. */
  leftOutAt = 0;
  /** How often in a row it was left out. */
  count = 0;
  /**
   * Until when it is used only when nothing else is left, though it is not left out: too many others of its model are.
   * 0: it is used like any other.
   */
  lastResortUntil = 0;
  /** When it was last left out no longer. */
  recoveredAt = 0;
  /** The call that finds out whether it answers again. */
  probeCall: string | undefined;
  consecutiveFailures = 0;
  inFlight = 0;
  lastSuccess: number | undefined;
  lastFailure: number | undefined;
  lastProbe: ProbeRecord | undefined;

  constructor(deployment: Deployment, group: HealthGroup, kinds: number, now: number) {
    this.deployment = deployment;
    this.group = group;
    this.wildcard = deployment.model.includes("*") || deployment.upstreamModel.includes("*");
    this.window = new MinuteWindow(kinds);
    this.since = now;
  }

  get id(): string {
    return this.deployment.id;
  }

  get out(): boolean {
    return isOut(this.state);
  }

  /** Its time is over and a call is to find out, or it may be used anyway. */
  mayTry(now: number): boolean {
    return !this.out || now >= this.until;
  }

  /** It fails, and is kept only because too many others are left out. */
  isLastResort(now: number): boolean {
    return this.state === "failing" && now < this.lastResortUntil;
  }

  /** Its cooldown is over, and nothing needs to be found out. */
  hasCooled(now: number): boolean {
    return this.state === "cooling" && now >= this.until && !CAUSES[this.cause].halfOpen;
  }

  /** @param toEpoch added to the clock's times */
  describe(now: number, toEpoch: number): DeploymentState {
    const { id, model, provider, upstreamModel } = this.deployment;
    const failures = this.window.count(FAILURE, now);
    const epoch = (time: number): number => Math.round(time + toEpoch);
    return {
      id,
      model,
      provider,
      upstreamModel,
      state: this.state,
      ...(this.state !== "healthy" && this.code !== undefined && { code: this.code }),
      ...(this.state !== "healthy" && this.reason !== undefined && { reason: this.reason }),
      since: epoch(this.since),
      ...(this.out && { until: epoch(this.until) }),
      consecutiveFailures: this.consecutiveFailures,
      requestsLastMinute: failures + this.window.count(SUCCESS, now),
      failuresLastMinute: failures,
      inFlight: this.inFlight,
      ...(this.lastSuccess !== undefined && { lastSuccess: epoch(this.lastSuccess) }),
      ...(this.lastFailure !== undefined && { lastFailure: epoch(this.lastFailure) }),
      ...(this.lastProbe !== undefined && { lastProbe: this.lastProbe }),
    };
  }
}

export function isOut(state: HealthState): boolean {
  return state === "cooling" || state === "ejected" || state === "probing";
}
