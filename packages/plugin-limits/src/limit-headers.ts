import type { LimitState, LimitTake, Trace } from "@signalbox/kernel";
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

function tighter(takes: readonly LimitTake[], states: readonly LimitState[], best: number, at: number): number {
  if (best < 0) return at;
  const difference = (states[at]?.remaining ?? 0) - (states[best]?.remaining ?? 0);
  if (difference !== 0) return difference < 0 ? at : best;
  return (takes[at]?.limit ?? 0) < (takes[best]?.limit ?? 0) ? at : best;
}
