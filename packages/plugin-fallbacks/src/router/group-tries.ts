import type { Deployment, GatewayError, Strategy } from "@signalbox/kernel";
import type { HealthBoard } from "../health/health-board.ts";
import type { RouterSettings } from "../options.ts";
import type { Progress, Steps } from "./progress.ts";
import { repetitions } from "./repetitions.ts";
import { othersAfterRefusal } from "./retry-allowance.ts";
import type { RetryBudgets } from "./retry-budget.ts";
import { takeRetry } from "./retry-budget.ts";

/** What all calls of a gateway share. */
export interface GroupParts {
  readonly strategy: Strategy;
  readonly board: Pick<HealthBoard, "usable" | "mayTry" | "failing" | "lastResort">;
  readonly budgets: RetryBudgets;
  readonly settings: RouterSettings;
  readonly random: () => number;
  /** On the scale of `Call.deadline`. */
  readonly now: () => number;
  /** Whether another model can be tried after this failure. */
  leadsOn(error: GatewayError, progress: Progress): boolean;
}

/**
 * The tries at the deployments of one public model: each usable one once, those that are not failing first; then
 * repetitions. Ends when nothing is left that could help: `progress.failure` says why.
 */
export function* groupTries(parts: GroupParts, progress: Progress, group: readonly Deployment[]): Steps {
  const budget = group[0]?.id ?? "";
  parts.budgets.addEntry(budget);
  const from = progress.tries.length;
  progress.failure = undefined;
  progress.failed = undefined;
  const goesOn = yield* eachOnce(parts, progress, group, budget);
  if (goesOn) yield* repetitions(parts, progress, from, budget);
}

/** Returns whether repetitions may follow. */
function* eachOnce(
  parts: GroupParts,
  progress: Progress,
  group: readonly Deployment[],
  budget: string,
): Steps<boolean> {
  const { board, strategy, settings, now } = parts;
  let failing: Deployment[] | undefined;
  let refusals = 0;

  /** Whether other deployments of the model are to be tried. */
  function othersMayHelp(deployment: Deployment | undefined, error: GatewayError | undefined): boolean {
    if (deployment === undefined) progress.ended(undefined, error, now());
    else progress.given(deployment, error, now());
    if (error === undefined) return true;
    if (error.code === "provider_auth_failed") refusals += 1;
    return error.retryable && refusals <= othersAfterRefusal(deployment?.model, settings);
  }

  /** Nobody has room; who has it first is known at the end of the wait. */
  function* waited(room: Promise<Deployment>): Steps<boolean> {
    let found: Deployment | undefined;
    const error = yield room.then((deployment) => {
      found = deployment;
      return deployment;
    });
    return othersMayHelp(found, error);
  }

  for (const item of strategy.order(progress.call, notGiven(progress, board.usable(progress.call, group)))) {
    if ("then" in item) {
      if (!(yield* waited(item))) return true;
    } else if (progress.untouched && !board.lastResort(item)) {
      if (!othersMayHelp(item, yield item)) return true;
    } else if (board.failing(item)) {
      failing ??= [];
      failing.push(item);
    } else if (isStillUsable(parts, progress, item)) {
      if (!othersMayHelp(item, yield item)) return true;
    }
  }
  for (const deployment of failing ?? []) {
    if (!isStillUsable(parts, progress, deployment)) continue;
    // a call's first try is no retry
    if (progress.anyAttempt && !takeRetry(parts.budgets, budget, deployment, progress.call)) return false;
    // what the strategy held for it was given back when it was put off
    for (const item of strategy.order(progress.call, [deployment])) {
      if ("then" in item) {
        if (!(yield* waited(item))) return true;
      } else if (!othersMayHelp(item, yield item)) return true;
    }
  }
  return true;
}

/** Between the look at all deployments and a later try, other calls may have found out more. */
function isStillUsable({ board }: GroupParts, { call }: Progress, deployment: Deployment): boolean {
  if (board.mayTry(deployment)) return true;
  call.trace.skip(deployment.id, "it was left out while this call was under way", { code: "no_healthy_deployment" });
  return false;
}

/** The same array when nothing of it was given out before. */
function notGiven(progress: Progress, deployments: readonly Deployment[]): readonly Deployment[] {
  if (progress.untouched) return deployments;
  const fresh = deployments.filter((deployment) => !progress.wasGiven(deployment));
  return fresh.length === deployments.length ? deployments : fresh;
}
