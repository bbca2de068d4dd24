import type { Deployment, ErrorCode, Outcome, SharedState } from "@signalbox/kernel";
import { totalTokens } from "@signalbox/kernel";
import { SharedCount } from "../strategies/shared-count.ts";
import { MinuteWindow } from "./minute-window.ts";
import { PriorityLine } from "./priority-line.ts";
import type { Waiter } from "./waiting-room.ts";

/** For how long the places of a process that died stay taken. */
const LEASE_MS = 120_000;
/** When somebody may have a place again: nobody knows how long an answer takes. */
const PLACE_RETRY_MS = 1_000;

/** A deployment with the limits that hold for it. */
export interface Limited {
  readonly deployment: Deployment;
  readonly meter: DeploymentMeter;
  readonly rpm: number | undefined;
  readonly tpm: number | undefined;
  readonly maxParallel: number | undefined;
}

/** Why a deployment takes no more for now. */
export interface Obstacle {
  readonly code: Extract<ErrorCode, "rate_limit_exceeded" | "concurrency_limit_exceeded">;
  readonly reason: string;
  readonly retryAfterMs: number;
  /** What there is too much of. */
  readonly type: "requests" | "tokens";
}

/** One attempt's part of a deployment's limits, from the choice of the deployment to the end of the attempt. */
export interface Claim {
  readonly limited: Limited;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Tokens that are taken until it is known how many there were. */
  readonly tokens: number;
  /** The attempt has begun: its end gives the claim back. */
  begun: boolean;
}

/** What one deployment is doing, in all processes of the gateway. */
export class DeploymentMeter {
  /** Calls that wait for a place. */
  readonly line: PriorityLine<Waiter> = new PriorityLine();
  readonly #running: SharedCount;
  readonly #requests: MinuteWindow;
  readonly #tokens: MinuteWindow;
  #runningHere = 0;

  constructor(state: SharedState, id: string) {
    this.#running = new SharedCount(state, `limits/running/${id}`, LEASE_MS);
    this.#requests = new MinuteWindow(state, `limits/requests/${id}`);
    this.#tokens = new MinuteWindow(state, `limits/tokens/${id}`);
  }

  /** Nothing runs and nobody waits: what else it knows stands in the shared state. */
  get isIdle(): boolean {
    return this.#runningHere === 0 && this.line.isEmpty;
  }

  /** All places are taken in this process alone, so that one of them is given back here. */
  isFullHere({ maxParallel }: Limited): boolean {
    return maxParallel !== undefined && this.#runningHere >= maxParallel;
  }

  /** What stands against one more attempt. The rates come first: waiting for a place would not help against them. */
  obstacle(limited: Limited, tokens: number, now: number): Obstacle | undefined {
    const { rpm, tpm, maxParallel } = limited;
    if (rpm !== undefined) {
      const retryAfterMs = this.#requests.waitMs(1, rpm, now);
      if (retryAfterMs > 0) return rateObstacle(rpm, "requests", retryAfterMs);
    }
    if (tpm !== undefined) {
      const retryAfterMs = this.#tokens.waitMs(reserved(tokens, tpm), tpm, now);
      if (retryAfterMs > 0) return rateObstacle(tpm, "tokens", retryAfterMs);
    }
    if (maxParallel === undefined || this.#running.total(now) < maxParallel) return undefined;
    return placeObstacle(limited);
  }

  /** Takes what one attempt needs, whether or not there is room. */
  claim(limited: Limited, tokens: number, now: number): Claim {
    const { rpm, tpm, maxParallel } = limited;
    const claim: Claim = { limited, at: now, tokens: tpm === undefined ? 0 : reserved(tokens, tpm), begun: false };
    if (rpm !== undefined) this.#requests.add(1, now);
    if (claim.tokens > 0) this.#tokens.add(claim.tokens, now);
    if (maxParallel !== undefined) this.#running.add(1, now);
    this.#runningHere += 1;
    return claim;
  }

  /** @param outcome undefined: there was no attempt */
  giveBack({ limited, at, tokens }: Claim, outcome: Outcome | undefined, now: number): void {
    const { rpm, tpm, maxParallel } = limited;
    this.#runningHere -= 1;
    if (maxParallel !== undefined) this.#running.add(-1, now);
    if (outcome === undefined && rpm !== undefined) this.#requests.correct(-1, at, now);
    if (tpm === undefined) return;
    const unforeseen = usedTokens(outcome, tokens) - tokens;
    if (unforeseen !== 0) this.#tokens.correct(unforeseen, at, now);
  }
}

/** A call that needs more than a minute's allowance takes all of it. */
function reserved(tokens: number, tpm: number): number {
  return Math.min(Math.ceil(tokens), tpm);
}

/** What an attempt has used. Where nobody says, as much as was thought; nothing, where it failed before it answered. */
function usedTokens(outcome: Outcome | undefined, expected: number): number {
  if (outcome === undefined) return 0;
  const { ok, abandoned, error, usage, firstEventMs, durationMs } = outcome;
  const used = usage === undefined ? Number.NaN : totalTokens(usage);
  if (Number.isFinite(used) && used >= 0) return used;
  const unanswered = !ok && abandoned !== true && error?.code !== "timeout" && firstEventMs >= durationMs;
  return unanswered ? 0 : expected;
}

function rateObstacle(limit: number, type: Obstacle["type"], retryAfterMs: number): Obstacle {
  return {
    code: "rate_limit_exceeded",
    reason: `it has had its ${limit} ${type} of this minute`,
    retryAfterMs,
    type,
  };
}

/**
 * All places of a deployment are taken, or promised to calls that came before.
 *
 * @param crowded no more calls may wait for one
 */
export function placeObstacle({ maxParallel }: Limited, crowded: boolean = false): Obstacle {
  const reason = `it takes no more than ${maxParallel} calls at the same time`;
  return {
    code: "concurrency_limit_exceeded",
    reason: crowded ? `${reason}, and no more calls can wait` : reason,
    retryAfterMs: PLACE_RETRY_MS,
    type: "requests",
  };
}
