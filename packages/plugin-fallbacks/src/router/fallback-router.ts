import type {
  Call,
  Deployment,
  ErrorCode,
  GatewayError,
  ModelTable,
  Router,
  RouterParts,
  Strategy,
} from "@signalbox/kernel";
import { listedRouter, mayUse } from "@signalbox/kernel";
import type { HealthBoard } from "../health/health-board.ts";
import type { HedgePolicy } from "../hedge/hedge-policy.ts";
import type { RouterSettings } from "../options.ts";
import { causeOf, codeOfSkips } from "./cause.ts";
import type { ModelFor, OtherNames } from "./chains.ts";
import { chainTable, checkWishedChain } from "./chains.ts";
import type { GroupParts } from "./group-tries.ts";
import { groupTries } from "./group-tries.ts";
import { checkKnown } from "./known-model.ts";
import type { Steps } from "./progress.ts";
import { Progress } from "./progress.ts";
import { repetitionsAfter, wishedRetries } from "./retry-allowance.ts";
import { RetryBudgets } from "./retry-budget.ts";

/** What the router is made of. */
export interface FallbackRouterParts {
  readonly strategy: Strategy;
  readonly settings: RouterSettings;
  readonly board: HealthBoard;
  readonly hedge?: HedgePolicy;
  /** `RouterParts.fallbacks` */
  readonly fallbacks?: RouterParts["fallbacks"];
  readonly otherNames?: OtherNames;
  /** `RouterParts.modelFor` */
  readonly modelFor?: ModelFor;
  /** For jitter. */
  readonly random?: () => number;
  /** On the scale of `Call.deadline`. */
  readonly now?: () => number;
}

/** A router that can be asked who is left. */
export interface FallbackRouter extends Router {
  /** Whom a call that was tried already can come to yet. */
  remaining(call: Call): readonly Deployment[];
}

/**
 * Tries the deployments of a model as the strategy orders them, then repeats as the retry policies say, then goes on to
 * the models of the chain. The chain of the model that was asked for applies; nothing is tried again beyond its retries.
 *
 * @throws {GatewayError} `fallback_unknown`, `option_invalid` naming the chain
 */
export function fallbackRouter(models: ModelTable, parts: FallbackRouterParts): FallbackRouter {
  const { strategy, settings, board, hedge, random = Math.random, now = () => performance.now() } = parts;
  const modelFor: ModelFor = parts.modelFor ?? ((name) => name);
  const names = { others: parts.otherNames ?? new Set<string>(), modelFor };
  const chains = chainTable(settings.chains, parts.fallbacks ?? {}, models, names);
  checkPolicies(models);
  const budgets = new RetryBudgets(settings.retryBudget, models, now);
  const groupParts: GroupParts = { strategy, board, budgets, settings, random, now, leadsOn };
  /** Says which names are nearest to one that nobody serves. */
  const unknownModels = listedRouter(models);

  function checkPolicies(table: ModelTable): void {
    const option = "modelRetryPolicies";
    for (const model of settings.modelRetryPolicies.keys()) checkKnown(model, `"${option}"`, option, table);
  }

  function* route(call: Call): Steps {
    let group: readonly Deployment[] | undefined = models.deployments(call.model, call.principal);
    if (group.length === 0) unknownModels.route(call);
    checkWishedChain(call);
    const progress = new Progress(call, wishedRetries(call));
    const { trace } = call;
    budgets.addCall();
    // a stream that is to be continued broke for a reason
    let code = progress.earlier > 0 ? trace.attempts.at(-1)?.code : undefined;
    while (group !== undefined) {
      const before = trace.skipped?.length ?? 0;
      yield* groupTries(groupParts, progress, group);
      if (progress.failure !== undefined) {
        if (!recovers(progress.failure, call)) return;
        code = progress.failure.code;
      } else {
        code = codeOfSkips(trace.skipped?.slice(before) ?? []) ?? code;
      }
      group = nextGroup(progress, code);
    }
  }

  /** The deployments of the next model of the chain; notes which it is, and which are left out. */
  function nextGroup(progress: Progress, code: ErrorCode | undefined): readonly Deployment[] | undefined {
    const { call, visited } = progress;
    for (const name of chains.after(causeOf(code), call)) {
      const model = modelFor(name, call.principal);
      if (visited.has(model)) continue;
      if (!hasRoom(progress, model)) {
        call.trace.note("route", `no fallback to "${model}": ${settings.maxFallbacks} models were tried instead`);
        return undefined;
      }
      visited.add(model);
      const obstacle = obstacleTo(model, call);
      if (obstacle !== undefined) {
        call.trace.skip(model, obstacle);
        continue;
      }
      progress.entered.add(model);
      call.trace.note("route", `fallback to "${model}"${code === undefined ? "" : ` after ${code}`}`);
      return models.deployments(model, call.principal);
    }
    return undefined;
  }

  function hasRoom({ entered }: Progress, model: string): boolean {
    return entered.has(model) || entered.size < settings.maxFallbacks;
  }

  function obstacleTo(model: string, { principal }: Call): string | undefined {
    if (!mayUse(principal, model)) return "the caller may not use this model";
    return models.deployments(model, principal).length === 0 ? "no model has this name" : undefined;
  }

  function leadsOn(error: GatewayError, progress: Progress): boolean {
    const { call, visited } = progress;
    return chains
      .after(causeOf(error.code), call)
      .map((name) => modelFor(name, call.principal))
      .some((model) => !visited.has(model) && hasRoom(progress, model) && !obstacleTo(model, call));
  }

  function recovers(error: GatewayError, call: Call): boolean {
    if (error.retryable) return true;
    const cause = causeOf(error.code);
    if (cause === "general") return false;
    if (chains.after(cause, call).length > 0) return true;
    const model = call.trace.attempts.at(-1)?.group ?? call.model;
    return repetitionsAfter(error, { model }, call, wishedRetries(call), settings) > 0;
  }

  function untried(model: string, { principal, trace }: Call): readonly Deployment[] {
    return models
      .deployments(model, principal)
      .filter(
        ({ id, upstreamModel }) =>
          !trace.attempts.some((attempt) => attempt.deployment === id && attempt.model === upstreamModel),
      );
  }

  function remaining(call: Call): readonly Deployment[] {
    const { attempts } = call.trace;
    const groups = attempts.map(({ group }) => group);
    const chain = chains.after(causeOf(attempts.at(-1)?.code), call).filter((model) => mayUse(call.principal, model));
    return [...new Set([...groups, ...chain])].flatMap((model) => untried(model, call));
  }

  /** Whether another healthy deployment is there: a second try at a failing one helps nobody. */
  function hasOther({ model }: Deployment, call: Call): boolean {
    return untried(model, call).some((other) => !board.failing(other) && board.mayTry(other));
  }

  return {
    route,
    recovers,
    remaining,
    validate(table) {
      chains.check(table);
      checkPolicies(table);
    },
    ...(hedge !== undefined && {
      hedgeAfterMs: (deployment, call) => hedge.afterMs(deployment, call),
      mayHedge: (deployment, call) => hasOther(deployment, call) && hedge.mayHedge(deployment, call),
    }),
    begin(deployment, call) {
      board.begin?.(deployment, call);
      hedge?.begin(deployment, call);
    },
    answered(deployment, firstEventMs, call) {
      board.answered?.(deployment, firstEventMs, call);
      hedge?.answered(deployment, firstEventMs, call);
    },
    report(deployment, outcome, call) {
      board.report?.(deployment, outcome, call);
      hedge?.report(deployment, outcome, call);
    },
  };
}
