import type { Attempt, Call } from "../call.ts";
import type { Deployment, ModelTable } from "../deployment.ts";
import type { GatewayError } from "../errors.ts";
import { isGatewayError } from "../errors.ts";
import type { ModelSelector } from "../model-selector.ts";
import type { OperationName, Reply } from "../operation.ts";
import type { Provider } from "../provider.ts";
import type { Router } from "../router.ts";
import type { Trace } from "../trace.ts";
import type { Transport } from "../transport.ts";
import { checkGrant, selectModel } from "./call-model.ts";
import type { CandidateIterator, Found } from "./candidates.ts";
import { close, iterate, pull } from "./candidates.ts";
import { chainError } from "./chain-error.ts";
import type { HedgeParts, Step } from "./hedge.ts";
import { hedgedTries } from "./hedge.ts";
import { nothingLeft } from "./nothing-left.ts";
import type { TryWatchers } from "./one-try.ts";
import { OneTry } from "./one-try.ts";
import { RoutedAttempt } from "./routed-attempt.ts";

export interface AttemptsOptions extends TryWatchers {
  readonly models: ModelTable;
  readonly selectors: ReadonlyMap<string, ModelSelector>;
  readonly router: Router;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly transport: Transport;
  readonly idleTimeoutMs: number;
  /** The stage `attempt` around the provider. */
  readonly answer: (attempt: Attempt) => Reply<OperationName>;
}

/** Whether the deployment offers the operation; if not, the trace says so. */
export function canServe(call: Call, deployment: Deployment, provider: Provider | undefined): boolean {
  if (provider?.operations[call.operation] !== undefined) return true;
  const { operation, trace } = call;
  const reason =
    provider === undefined
      ? `provider "${deployment.provider}" is not there`
      : `provider "${provider.name}" does not offer the operation "${operation}"`;
  trace.skip(deployment.id, reason, { code: "unsupported_operation" });
  return false;
}

/**
 * The innermost part of the outer stages: pulls deployments from the router and tries them until one answers. The next
 * one is tried only after a failure, before the first event, that the router can recover from.
 */
export function attempts(options: AttemptsOptions): (call: Call) => Reply<OperationName> {
  const { models, selectors, router, providers, transport, idleTimeoutMs, answer } = options;
  const recovers = (error: GatewayError, call: Call): boolean => router.recovers?.(error, call) ?? error.retryable;

  /** The next deployment that can serve the call. */
  function next(call: Call, candidates: CandidateIterator, failure: GatewayError | undefined): Found {
    let found = pull(candidates, failure);
    while (found !== undefined) {
      if ("then" in found) return nextAfterWait(call, candidates, found);
      if (canServe(call, found, providers.get(found.provider))) return found;
      found = pull(candidates, undefined);
    }
    return undefined;
  }

  async function nextAfterWait(
    call: Call,
    candidates: CandidateIterator,
    wait: Found,
  ): Promise<Deployment | undefined> {
    const found = await wait;
    if (found === undefined || canServe(call, found, providers.get(found.provider))) return found;
    return await next(call, candidates, undefined);
  }

  function begin(call: Call, deployment: Deployment, signal: AbortSignal, trace: Trace): OneTry {
    const attempt = new RoutedAttempt(call, deployment, signal, trace, transport, idleTimeoutMs);
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
    /** Why the deployment that was pulled last has failed. */
    let failure: GatewayError | undefined;
    /** Pulled for a hedge, and not tried yet. */
    let kept: Found;
    try {
      for (;;) {
        let deployment: Deployment | undefined;
        let waited = false;
        try {
          const found = kept ?? next(call, candidates, failure);
          kept = undefined;
          waited = found !== undefined && "then" in found;
          deployment = waited ? await found : (found as Deployment | undefined);
        } catch (thrown) {
          if (!isGatewayError(thrown)) throw thrown;
          failures.push(thrown);
          failure = thrown;
          if (!waited || call.signal.aborted || !recovers(thrown, call)) throw chainError(call, failures);
          continue;
        }
        if (deployment === undefined) break;
        if (call.signal.aborted) throw call.signal.reason;
        // what an attempt leaves out is its own; what is missing from the call is missing from all
        call.trace.droppedParams = dropped?.slice();
        let step: Step | undefined;
        const hedgeMs = router.hedgeAfterMs?.(deployment, call);
        if (hedgeMs === undefined) {
          running = begin(call, deployment, call.signal, call.trace);
        } else {
          const parts: HedgeParts = {
            call,
            begin: (at, signal, trace) => begin(call, at, signal, trace),
            next: () => next(call, candidates, undefined),
            mayHedge: (late) => router.mayHedge?.(late, call) ?? true,
          };
          const hedged = await hedgedTries(parts, deployment, hedgeMs);
          kept = hedged.kept;
          if (hedged.answer === undefined) {
            failures.push(...hedged.failures);
            failure = hedged.lastFailure;
            if (call.signal.aborted || hedged.failures.some((error) => !recovers(error, call))) {
              throw chainError(call, failures);
            }
            continue;
          }
          running = hedged.answer.tried;
          step = hedged.answer.step;
        }
        try {
          step ??= await running.reply.next();
          while (step.done !== true) {
            running.noteEvent();
            yield step.value;
            step = await running.reply.next();
          }
          running.succeed(step.value);
          return step.value;
        } catch (thrown) {
          failure = running.fail(thrown);
          if (running.begun) throw failure;
          failures.push(failure);
          if (call.signal.aborted) throw chainError(call, failures, failure);
          if (!recovers(failure, call)) throw chainError(call, failures);
        }
      }
    } finally {
      try {
        // The reader left while the stream was open.
        if (running?.open) await running.abandon(call.signal.reason as GatewayError | undefined);
      } finally {
        const closing = close(candidates, kept);
        if (closing !== undefined) await closing;
      }
    }
    throw failures.length === 0 ? nothingLeft(call) : chainError(call, failures);
  };
}
