import type { Deployment } from "@signalbox/kernel";
import { afterWait, backOffMs, LONGEST_BACK_OFF_MS } from "./back-off.ts";
import type { GroupParts } from "./group-tries.ts";
import type { Progress, Steps, Try } from "./progress.ts";
import { repetitionsAfter } from "./retry-allowance.ts";
import { takeRetry } from "./retry-budget.ts";

/** A longer `retry-after` is not waited for. */
const LONGEST_RETRY_AFTER_MS = 60_000;

/** Tries deployments of one model again, the best candidate first, as often as is allowed. */
export function* repetitions(parts: GroupParts, progress: Progress, from: number, budget: string): Steps {
  for (let repeated = 0; ; repeated++) {
    if (!(yield* repetition(parts, progress, from, repeated, budget))) return;
  }
}

/**
 * One more try. The strategy's list stays open until it has ended: what the strategy holds for it is given back when the
 * list is closed. Returns whether there was one.
 */
function* repetition(
  parts: GroupParts,
  progress: Progress,
  from: number,
  repeated: number,
  budget: string,
): Steps<boolean> {
  const { call } = progress;
  const now = parts.now();
  const candidates = soonest(parts, progress, from, repeated, now);
  const best = bestOf(candidates, parts);
  if (best.length === 0) return false;
  const deployments = best.map(({ deployment }) => deployment);
  for (const room of parts.strategy.order(call, deployments)) {
    const tried = best.find(({ deployment }) => deployment === room) ?? (best[0] as Try);
    const waitMs = waitBefore(parts, progress, tried, repeated, now);
    if (now + waitMs >= call.deadline) {
      call.trace.note("route", `no retry at "${tried.deployment.id}": the wait for it would outlast the deadline`);
      return false;
    }
    if (!takeRetry(parts.budgets, budget, tried.deployment, call)) return false;
    tried.repeated += 1;
    const error = yield afterItsWait(room, waitMs, progress);
    progress.ended(tried, error, parts.now());
    return true;
  }
  return false;
}

/** Those that answer again, else all; of these the ones that were repeated least. */
function bestOf(candidates: readonly Try[], { board }: GroupParts): readonly Try[] {
  const healthy = candidates.filter(({ deployment }) => !board.failing(deployment));
  const eligible = healthy.length > 0 ? healthy : candidates;
  const least = Math.min(...eligible.map(({ repeated }) => repeated));
  return eligible.filter(({ repeated }) => repeated === least);
}

/** Those that may be repeated the soonest: usually all of them, and at once. */
function soonest(parts: GroupParts, progress: Progress, from: number, repeated: number, now: number): readonly Try[] {
  const { failure, failed, call, wished } = progress;

  function isAllowed({ error, deployment }: Try): boolean {
    return error !== undefined && repetitionsAfter(error, deployment, call, wished, parts.settings) > repeated;
  }

  if (failure === undefined || (!failure.retryable && (failed === undefined || !isAllowed(failed)))) return [];
  // a long wait is worth it only where no other model can answer meanwhile
  let leastMs = parts.leadsOn(failure, progress) ? LONGEST_BACK_OFF_MS : LONGEST_RETRY_AFTER_MS;
  let found: Try[] = [];
  for (const tried of progress.tries.slice(from)) {
    if (!isAllowed(tried) || !parts.board.mayTry(tried.deployment)) continue;
    const waitMs = ownWaitMs(tried, now);
    if (waitMs > leastMs) continue;
    if (waitMs < leastMs) found = [];
    leastMs = waitMs;
    found.push(tried);
  }
  return found;
}

/** What is left of the wait that the deployment asked for. */
function ownWaitMs({ error, failedAt }: Try, now: number): number {
  return Math.max(0, failedAt + (error?.retryAfterMs ?? 0) - now);
}

function waitBefore(
  { board, settings, random }: GroupParts,
  { failed }: Progress,
  tried: Try,
  repeated: number,
  now: number,
): number {
  if (tried.error?.retryAfterMs) return Math.max(ownWaitMs(tried, now), settings.retryAfterMs);
  const recovered = tried !== failed && !board.failing(tried.deployment);
  return recovered ? 0 : Math.max(backOffMs(repeated, random), settings.retryAfterMs);
}

/** @param room the deployment, or the wait until it has room */
function afterItsWait(
  room: Deployment | Promise<Deployment>,
  waitMs: number,
  { call }: Progress,
): Deployment | Promise<Deployment> {
  if (waitMs === 0) return room;
  // should it fail meanwhile, that is told at the end of the wait
  if ("then" in room) room.catch(() => undefined);
  return afterWait(waitMs, call.signal, room);
}
