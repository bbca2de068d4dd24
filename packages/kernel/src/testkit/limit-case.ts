import assert from "node:assert/strict";
import type { LimitAnswer, LimitStore, LimitTake } from "../limit-store.ts";

/** What a limit store can do. Everything is on unless declared `false`; only that leaves a case out. */
export interface LimitCapabilities {
  /** Several processes share it. `false`: it is one process's memory. */
  readonly shared?: boolean;
}

/** One empty store, and the means to use it. */
export interface LimitCase {
  readonly store: LimitStore;
  /** The same store, as another process sees it. */
  readonly another: () => Promise<LimitStore>;
  /** Takes under an id that was not used before. */
  readonly take: (...takes: readonly LimitTake[]) => Promise<LimitAnswer>;
  /** Until at least so much time has gone by for the store. */
  readonly pass: (milliseconds: number) => Promise<void>;
  /** Whether `pass` really waits: times are short, and never exact. */
  readonly waits: boolean;
}

/** Registers one case with a store of its own. */
export type AddLimitCase = (
  name: string,
  body: (one: LimitCase) => Promise<void>,
  needs?: readonly (keyof LimitCapabilities)[],
) => void;

/** Real time that a case may need between two calls. */
const SLACK_MS = 3_000;

/** So long that nothing comes back while a case runs. */
export const HOUR_MS = 3_600_000;
/** How long cases hold places that they do not want to lose. */
export const LEASE_MS = 60_000;

/** One unit of a rate, unless it says how many. */
export function rate(key: string, limit: number, cost: number = 1, periodMs: number = HOUR_MS): LimitTake {
  return { key: `kit/${key}`, kind: "rate", limit, periodMs, cost };
}

/** One place. */
export function place(key: string, limit: number): LimitTake {
  return { key: `kit/${key}`, kind: "parallel", limit, periodMs: 0, cost: 1 };
}

/** What is left of each, in their order. */
export function remainingOf(answer: LimitAnswer): readonly number[] {
  return answer.states.map(({ remaining }) => remaining);
}

/** The denial, or a failure that says what was let through. */
export function denied(answer: LimitAnswer, what: string): LimitAnswer & { readonly allowed: false } {
  assert.equal(answer.allowed, false, `${what} was let through`);
  return answer as LimitAnswer & { readonly allowed: false };
}

/** Fails unless everything was taken. */
export function allowed(answer: LimitAnswer, what: string): void {
  assert.equal(answer.allowed, true, `${what} was refused`);
}

/** A little less at most: time goes on while a case runs. */
export function near(actual: number | undefined, expected: number, what: string): void {
  assert.ok(
    actual !== undefined && actual <= Math.ceil(expected) && actual >= expected - SLACK_MS,
    `${what}: ${actual} ms, not ${expected} ms`,
  );
}
