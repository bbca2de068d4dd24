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
import { iterate, pull } from "./candidates.ts";
import { chainError } from "./chain-error.ts";
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
    const found = pull(candidates, failure);
    if (found === undefined) return undefined;
    if (!("then" in found) && canServe(call, found, providers.get(found.provider))) return found;
    return nextThatServes(call, candidates, found);
  }

  async function nextThatServes(call: Call, candidates: CandidateIterator, found: Found): Promise<Deployment | undefined> {
    let deployment = await found;
    if (found !== deployment && deployment !== undefined && canServe(call, deployment, providers.get(deployment.provider))) return deployment;
    while (deployment !== undefined) {
      deployment = await pull(candidates, undefined);
      if (deployment === undefined || canServe(call, deployment, providers.get(deployment.provider))) return deployment;
    }
    return undefined;
  }

  function begin(call: Call, deployment: Deployment, signal: AbortSignal, trace: Trace): OneTry {
    return new OneTry(
      call,
      new RoutedAttempt(call, deployment, signal, trace, transport, idleTimeoutMs),
      answer,
      options,
    );
  }
  return tryDeployments;
}
