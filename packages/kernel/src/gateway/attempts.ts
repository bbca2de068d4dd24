import type { Attempt, Call } from "../call.ts";
import type { Deployment, ModelTable } from "../deployment.ts";
import { GatewayError } from "../errors.ts";
import type { ModelSelector } from "../model-selector.ts";
import type { Moments } from "../moments.ts";
import type { OperationName, Reply } from "../operation.ts";
import { mayUse } from "../principal.ts";
import type { Provider } from "../provider.ts";
import type { AttemptWatcher, Router } from "../router.ts";
import type { Transport } from "../transport.ts";
import type { CandidateIterator } from "./candidates.ts";
import { iterate, pull } from "./candidates.ts";
import type { HedgeParts } from "./hedge.ts";
import { firstAnswer } from "./hedge.ts";
import { modelNotFound } from "./listed-router.ts";
import { nothingLeft, soonest } from "./nothing-left.ts";
import { OneTry } from "./one-try.ts";
import { RoutedAttempt } from "./routed-attempt.ts";

export interface AttemptsOptions {
  readonly models: ModelTable;
  readonly selectors: ReadonlyMap<string, ModelSelector>;
  readonly router: Router;
  readonly strategy: AttemptWatcher;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly transport: Transport;
  readonly observers: Moments;
  readonly idleTimeoutMs: number;
  /** The stage `attempt` around the provider. */
  readonly answer: (attempt: Attempt) => Reply<OperationName>;
}

/**
 * Refuses a model that the caller was not granted; one that does not exist is `model_not_found` for everyone. A caller's
 * own alias grants nothing: its target must be granted. The gateway's aliases are granted by either name.
 */
export function checkGrant(call: Call, models: ModelTable, selectors: ReadonlyMap<string, ModelSelector>): void {
  const asked = call.request.model;
  const { model, principal } = call;
  const own = principal.aliases !== undefined && Object.hasOwn(principal.aliases, asked);
  if (mayUse(principal, model) || (model !== asked && !own && mayUse(principal, asked))) return;
  if (models.deployments(model, principal).length === 0 && !selectors.has(model)) throw modelNotFound(call, models);
  throw new GatewayError("model_not_allowed", `this key may not use model ${JSON.stringify(asked)}`, {
    param: "model",
  });
}

/** Why the deployment cannot serve the call at all, if so. */
export function cannotServe(call: Call, deployment: Deployment, provider: Provider | undefined): string | undefined {
  if (provider === undefined) return `provider "${deployment.provider}" is not there`;
  if (provider.operations[call.operation] === undefined) {
    return `provider "${provider.name}" does not offer the operation "${call.operation}"`;
  }
  return undefined;
}

/** The call for the model that its selector chooses, if the model has one. */
export async function selectModel(call: Call, selector: ModelSelector): Promise<Call> {
  const model = await selector.select(call);
  return model === call.model ? call : { ...call, model };
}

/** The first failure is the one that says most; the others are listed beside it. */
function chainError(call: Call, failures: readonly GatewayError[]): GatewayError {
  const first = failures[0] as GatewayError;
  const waits = [...failures, ...(call.trace.skipped ?? [])];
  const retryAfterMs = first.retryable ? soonest(waits) : first.retryAfterMs;
  if (failures.length < 2) return retryAfterMs === first.retryAfterMs ? first : first.with({ retryAfterMs });
  const attempts = failures.map(({ source, status, code }) => ({ provider: source, status, code }));
  return first.with({ retryAfterMs, details: { ...first.details, attempts } });
}

/**
 * The innermost part of the outer stages: pulls deployments from the router and tries them until one answers. The next
 * one is tried only after a failure, before the first event, that the router can recover from.
 */
export function attempts(options: AttemptsOptions): (call: Call) => Reply<OperationName> {
  const { models, selectors, router, providers, transport, idleTimeoutMs, answer } = options;
  const recovers = (error: GatewayError, call: Call): boolean => router.recovers?.(error, call) ?? error.retryable;

  /** The next deployment that can serve the call. */
  async function nextAfterSkips(
    call: Call,
    candidates: CandidateIterator,
    found: Deployment | undefined | Promise<Deployment | undefined>,
  ): Promise<Deployment | undefined> {
    let deployment = await found;
    while (deployment !== undefined) {
      const obstacle = cannotServe(call, deployment, providers.get(deployment.provider));
      if (obstacle === undefined) return deployment;
      call.trace.skip(deployment.id, obstacle);
      deployment = await pull(candidates, undefined);
    }
    return undefined;
  }

  function next(
    call: Call,
    candidates: CandidateIterator,
    failure: GatewayError | undefined,
  ): Deployment | undefined | Promise<Deployment | undefined> {
    const found = pull(candidates, failure);
    if (found === undefined) return undefined;
    const ready =
      !("then" in found) && cannotServe(call, found, providers.get(found.provider)) === undefined ? found : undefined;
    return ready ?? nextAfterSkips(call, candidates, found);
  }

  function begin(call: Call, deployment: Deployment, signal: AbortSignal): OneTry {
    const attempt = new RoutedAttempt(call, deployment, signal, transport, idleTimeoutMs);
    return new OneTry(call, attempt, answer, options);
  }

  return async function* tryDeployments(asked) {
    checkGrant(asked, models, selectors);
    const selector = selectors.get(asked.model);
    const call = selector === undefined ? asked : await selectModel(asked, selector);
    const candidates = iterate(router.route(call));
    const failures: GatewayError[] = [];
    const dropped = call.trace.droppedParams;
    let running: OneTry | undefined;
    try {
      for (;;) {
        const found = next(call, candidates, failures.at(-1));
        const deployment = found !== undefined && "then" in found ? await found : found;
        if (deployment === undefined) break;
        if (call.signal.aborted) throw call.signal.reason;
        // what an attempt leaves out is its own; what is missing from the call is missing from all
        call.trace.droppedParams = dropped?.slice();
        const hedgeMs = router.hedgeAfterMs?.(deployment, call);
        try {
          if (hedgeMs === undefined) {
            running = begin(call, deployment, call.signal);
          } else {
            const parts: HedgeParts = {
              call,
              begin: (at, signal) => begin(call, at, signal),
              next: () => next(call, candidates, undefined),
              failures,
            };
            const answered = await firstAnswer(parts, deployment, hedgeMs);
            running = answered.winner;
            if (answered.step.done === true) {
              running.succeed(answered.step.value);
              return answered.step.value;
            }
            running.noteEvent();
            yield answered.step.value;
          }
          for (;;) {
            const step = await running.reply.next();
            if (step.done === true) {
              running.succeed(step.value);
              return step.value;
            }
            running.noteEvent();
            yield step.value;
          }
        } catch (thrown) {
          if (running === undefined) {
            // both tries of a hedged pair have failed; their failures are on the list
            if (call.signal.aborted || !recovers(failures.at(-1) as GatewayError, call))
              throw chainError(call, failures);
            continue;
          }
          const tried = running;
          running = undefined;
          const error = tried.fail(thrown);
          if (tried.begun) throw error;
          failures.push(error);
          if (call.signal.aborted) throw failures.length < 2 ? error : chainError(call, [error, ...failures]);
          if (!recovers(error, call)) throw chainError(call, failures);
        }
      }
    } finally {
      // The reader left while the stream was open.
      if (running?.open) await running.abandon(undefined);
      await candidates.return?.();
    }
    throw failures.length === 0 ? nothingLeft(call) : chainError(call, failures);
  };
}
