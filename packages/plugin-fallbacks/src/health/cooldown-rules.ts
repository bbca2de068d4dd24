import type { Call, Deployment, ErrorCode, GatewayError, Outcome } from "@signalbox/kernel";
import type { Cause } from "./cooldown-causes.ts";
import { CAUSES } from "./cooldown-causes.ts";
import type { CooldownOptions, FailureClass } from "./cooldown-options.ts";
import { FAILURE_CLASSES, failureClass } from "./failure-class.ts";
import type { MinuteWindow } from "./minute-window.ts";

const DEFAULT_COOLDOWN_MS = 5_000;
const DEFAULT_EJECTED_SHARE = 0.5;
/** The longest that is waited because a provider says so. */
const LONGEST_RETRY_AFTER_MS = 600_000;
/**
 * Where growing ends, unless the first cooldown is longer: a provider that is back is found out within a minute. What an
 * operator must mend takes longer.
 */
const LONGEST_INFERRED_MS = 60_000;
const LONGEST_TOLD_MS = 300_000;
/** After so long without being left out, a deployment begins with the first cooldown again. */
export const HEALTHY_PERIOD_MS = 60_000;
/** A model that has answered within this time exists, and its credential holds. */
const ANSWERED_LATELY_MS = 60_000;
/** A deployment that kept a caller waiting for so long has had its chance, however short the caller's patience. */
const FAIR_WAIT_MS = 10_000;
const FAILURES_IN_A_ROW = 5;
const LEAST_REQUESTS = 5;
const FAILURE_RATE = 0.5;

/** Kinds of the minute's window. */
export const SUCCESS = 0;
export const FAILURE = 1;
const FIRST_CLASS = 2;

/** The options with their defaults. */
export interface CooldownSettings {
  readonly disabled: boolean;
  readonly ms: number;
  /** Somebody has chosen `ms`: it holds for every cause. */
  readonly chosen: boolean;
  readonly allowedFails: number | undefined;
  readonly policy: Readonly<Partial<Record<FailureClass, number>>> | undefined;
  readonly maxEjectedShare: number;
  /** How many kinds of outcomes are counted. */
  readonly kinds: number;
}

export function cooldownSettings(options: CooldownOptions): CooldownSettings {
  const policy = options.allowedFailsPolicy;
  return {
    disabled: options.disabled ?? false,
    ms: options.ms ?? DEFAULT_COOLDOWN_MS,
    chosen: options.ms !== undefined,
    allowedFails: options.allowedFails,
    policy,
    maxEjectedShare: options.maxEjectedShare ?? DEFAULT_EJECTED_SHARE,
    kinds: policy === undefined ? FIRST_CLASS : FIRST_CLASS + FAILURE_CLASSES.length,
  };
}

/** What failures of a provider say about the deployment; every other failure says nothing. */
const FAULTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  provider_error: "its provider failed",
  provider_overloaded: "its provider is overloaded",
  timeout: "its provider did not answer in time",
  provider_rate_limited: CAUSES.rateLimit.words,
  provider_auth_failed: CAUSES.credential.words,
  model_not_found: CAUSES.unknownModel.words,
};

export function failureWords(code: ErrorCode): string {
  return FAULTS[code] ?? "a call failed";
}

/** What the rules look at. */
export interface FailureFacts {
  /** It serves whatever name a client invents. */
  readonly wildcard: boolean;
  readonly consecutiveFailures: number;
  readonly lastSuccess: number | undefined;
  readonly window: MinuteWindow;
}

/** Whether a failure is held against the deployment. */
export function isFailure(error: GatewayError, facts: FailureFacts, settings: CooldownSettings, now: number): boolean {
  const kind = failureClass(error);
  if (kind !== undefined && settings.policy?.[kind] !== undefined) return true;
  if (FAULTS[error.code] === undefined) return false;
  if (!isAboutOneModel(error)) return true;
  if (facts.wildcard) return false;
  // A file, a tool or a region that does not exist for this request looks like an unknown model or a refused credential.
  const answeredLately = facts.lastSuccess !== undefined && now - facts.lastSuccess < ANSWERED_LATELY_MS;
  return !answeredLately || (error.code === "model_not_found" && error.param === "model");
}

/** Says nothing about other models of the same account. */
function isAboutOneModel(error: GatewayError): boolean {
  return error.code === "model_not_found" || (error.code === "provider_auth_failed" && error.upstreamStatus === 403);
}

/**
 * Whether the caller gave up before the deployment had a fair chance: callers choose their own time limits, and one with
 * too little patience must not take a deployment from all the others.
 */
export function wasImpatient(
  error: GatewayError,
  { durationMs }: Outcome,
  deployment: Deployment,
  { signal, options, deadline, trace }: Call,
): boolean {
  if (error.code !== "timeout" || error.upstreamStatus !== undefined || durationMs >= FAIR_WAIT_MS) return false;
  if (error === signal.reason) {
    // Of the gateway's own time, a late try gets what the earlier ones left over.
    return options.timeoutMs !== undefined || durationMs < (deadline - trace.startedAt) / 2;
  }
  const wanted = options.streamTimeoutMs;
  return (
    wanted !== undefined && wanted < (deployment.streamTimeoutMs ?? deployment.timeoutMs ?? Number.POSITIVE_INFINITY)
  );
}

/** Whether the request was at fault: it counts only where a policy names its class. */
export function isClientError(error: GatewayError): boolean {
  return FAULTS[error.code] === undefined;
}

/** Counts a failure. */
export function countFailure(window: MinuteWindow, error: GatewayError, settings: CooldownSettings, now: number): void {
  if (!isClientError(error)) window.add(FAILURE, now);
  const kind = settings.policy === undefined ? undefined : failureClass(error);
  if (kind !== undefined) window.add(FIRST_CLASS + FAILURE_CLASSES.indexOf(kind), now);
}

/** Why the deployment is to be left out after this failure, which has been counted already; undefined: it is not. */
export function causeOf(
  error: GatewayError,
  facts: FailureFacts,
  settings: CooldownSettings,
  now: number,
): Cause | undefined {
  const kind = failureClass(error);
  const ofClass = kind === undefined ? undefined : settings.policy?.[kind];
  const allowed = ofClass ?? settings.allowedFails;
  if (allowed !== undefined) {
    const counted = ofClass === undefined || kind === undefined ? FAILURE : FIRST_CLASS + FAILURE_CLASSES.indexOf(kind);
    if (facts.window.count(counted, now) <= allowed) return undefined;
    return saidBy(error) ?? "allowedFails";
  }
  const said = saidBy(error);
  if (said !== undefined) return said;
  if (facts.consecutiveFailures >= FAILURES_IN_A_ROW) return "failuresInARow";
  const failures = facts.window.count(FAILURE, now);
  const requests = failures + facts.window.count(SUCCESS, now);
  return requests >= LEAST_REQUESTS && failures > requests * FAILURE_RATE ? "failureRate" : undefined;
}

/** What a provider says outright. */
export function saidBy(error: GatewayError): Cause | undefined {
  switch (error.code) {
    case "provider_rate_limited":
      return error.type === "insufficient_quota" ? "quota" : "rateLimit";
    case "provider_auth_failed":
      return "credential";
    case "model_not_found":
      return "unknownModel";
    default:
      return undefined;
  }
}

/**
 * How long a deployment is left out.
 *
 * @param count how often in a row, this time included
 */
export function cooldownMs(
  cause: Cause,
  count: number,
  retryAfterMs: number | undefined,
  { ms, chosen }: CooldownSettings,
): number {
  const { factor, grows, inferred } = CAUSES[cause];
  const first = chosen ? ms : ms * factor;
  const longest = Math.max(inferred ? LONGEST_INFERRED_MS : LONGEST_TOLD_MS, ms);
  const own = grows ? Math.min(longest, first * 2 ** (count - 1)) : first;
  if (retryAfterMs === undefined || !(retryAfterMs > 0)) return own;
  const told = Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS);
  return cause === "rateLimit" ? told : Math.max(own, told);
}

/** The longest that any cooldown lasts: what another process says is not believed beyond it. */
export function longestCooldownMs({ ms }: CooldownSettings): number {
  return Math.max(LONGEST_RETRY_AFTER_MS, ms * 6);
}
