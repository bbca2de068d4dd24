import type { Call, LimitState, LimitTake, Trace } from "@signalbox/kernel";
import type { Counter } from "./counter.ts";

/** Tells the client how much is left, of the limit that has least. */
export function addLimitHeaders(
  trace: Trace,
  counters: readonly Counter[],
  takes: readonly LimitTake[],
  states: readonly LimitState[],
): void {
  let requests = -1;
  let tokens = -1;
  for (let at = 0; at < counters.length; at++) {
    const unit = counters[at]?.unit;
    if (unit === "requests") requests = tighter(takes, states, requests, at);
    else if (unit === "tokens") tokens = tighter(takes, states, tokens, at);
  }
  if (requests >= 0) {
    const { remaining, resetMs } = states[requests] as LimitState;
    trace.header("x-ratelimit-limit-requests", String(takes[requests]?.limit));
    trace.header("x-ratelimit-remaining-requests", String(remaining));
    trace.header("x-ratelimit-reset-requests", `${resetMs / 1_000}s`);
  }
  if (tokens >= 0) {
    const { remaining, resetMs } = states[tokens] as LimitState;
    trace.header("x-ratelimit-limit-tokens", String(takes[tokens]?.limit));
    trace.header("x-ratelimit-remaining-tokens", String(remaining));
    trace.header("x-ratelimit-reset-tokens", `${resetMs / 1_000}s`);
  }
}

/** Longer names than anybody gives to models. */
const LONGEST_MODEL = 80;

/**
 * Tells the limits of the caller's own key, and what is left of those that it has at the model that it asks for. In names of
 * headers a model is written in lower case, with a hyphen for what is neither a letter nor a digit: `gpt-4-1` for `gpt-4.1`.
 */
export function addKeyHeaders(
  { trace, principal, model }: Call,
  counters: readonly Counter[],
  takes: readonly LimitTake[],
  states: readonly LimitState[],
): void {
  const left = { requests: -1, tokens: -1 };
  for (let at = 0; at < counters.length; at++) {
    const { scope, unit } = counters[at] as Counter;
    if (unit === "parallel" || scope.kind !== "key" || scope.id !== principal.id) continue;
    if (scope.model !== undefined) left[unit] = tighter(takes, states, left[unit], at);
    else trace.header(`x-signalbox-key-${unit === "requests" ? "rpm" : "tpm"}-limit`, String(takes[at]?.limit));
  }
  for (const unit of ["requests", "tokens"] as const) {
    const state = states[left[unit]];
    if (state === undefined) continue;
    trace.header(`x-signalbox-key-remaining-${unit}-${headerName(model)}`, String(state.remaining));
  }
}

function headerName(model: string): string {
  return model
    .slice(0, LONGEST_MODEL)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "-");
}

function tighter(takes: readonly LimitTake[], states: readonly LimitState[], best: number, at: number): number {
  if (best < 0) return at;
  const difference = (states[at]?.remaining ?? 0) - (states[best]?.remaining ?? 0);
  if (difference !== 0) return difference < 0 ? at : best;
  return (takes[at]?.limit ?? 0) < (takes[best]?.limit ?? 0) ? at : best;
}
