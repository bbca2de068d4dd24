import type { Call } from "./call.ts";
import type { Deployment, ModelTable } from "./deployment.ts";
import type { GatewayError } from "./errors.ts";
import type { ModelFacts } from "./model-facts.ts";
import type { OperationName, RequestOf, ResultOf } from "./operation.ts";
import type { SharedState } from "./shared-state.ts";
import type { Strategy } from "./strategy.ts";
import type { Usage } from "./usage.ts";

/** How an attempt ended, for routers and strategies that learn. */
export interface Outcome {
  readonly ok: boolean;
  readonly error?: GatewayError;
  /** The caller left, or another attempt answered first: it says nothing about the deployment. */
  readonly abandoned?: boolean;
  /** Until the first event, or until the result when there was none. */
  readonly firstEventMs: number;
  readonly durationMs: number;
  readonly usage?: Usage;
}

/**
 * The deployments to try, in order. An item may be a promise: a wait before the next try, for a back-off or a queue. It
 * must not outlast `call.signal`; when it rejects, the call fails with that error.
 *
 * A generator is told why the deployment it yielded last has failed: `const error = yield deployment`. It is told
 * nothing (`undefined`) when the deployment was not tried: it cannot serve the operation, or this is a dry run.
 */
export type Candidates =
  | Iterable<Deployment | Promise<Deployment>, unknown, GatewayError | undefined>
  | AsyncIterable<Deployment, unknown, GatewayError | undefined>;

/** Is told about every attempt: one `begin`, later exactly one `report`. Neither may throw. */
export interface AttemptWatcher {
  begin?(deployment: Deployment, call: Call): void;
  report?(deployment: Deployment, outcome: Outcome, call: Call): void;
}

/**
 * Yields the deployments to try for a call, best first. The gateway pulls the next one when an attempt failed before its
 * first event; yielding the same deployment again is a retry.
 */
export interface Router extends AttemptWatcher {
  /** @throws {GatewayError} `model_not_found`, `no_matching_deployment`, `no_healthy_deployment` */
  route(call: Call): Candidates;
  /** Whether another deployment is to be tried after this failure. Default: `error.retryable`. */
  recovers?(error: GatewayError, call: Call): boolean;
  /**
   * After how many milliseconds without a first event the next deployment is to be tried beside this one. The first
   * answer wins, the other attempt is ended. Undefined: never.
   */
  hedgeAfterMs?(deployment: Deployment, call: Call): number | undefined;
  /** Asked when that time has passed: false when there are too many second tries already. Default: true. */
  mayHedge?(deployment: Deployment, call: Call): boolean;
}

/** What a gateway hands to the functions that make its router and its strategy. */
export interface RoutingParts {
  readonly state: SharedState;
  /** What is known about a deployment's model: its provider's tables, overridden by `Deployment.info`. */
  facts(deployment: Deployment): ModelFacts;
  /** `GatewayOptions.fallbacks`. */
  readonly fallbacks: Readonly<Record<string, readonly string[]>>;
}

/** What a router is made with: all of `RoutingParts`, and the strategy that orders the deployments of one model. */
export interface RouterParts extends RoutingParts {
  readonly strategy: Strategy;
  /**
   * Asks one deployment, outside of any call and of routing: for health checks. Passes the stage `attempt`, so that it is
   * paid for like any other. Rejects with what went wrong.
   */
  probe<Name extends OperationName>(
    deployment: Deployment,
    input: { readonly operation: Name; readonly request: RequestOf<Name> },
    signal: AbortSignal,
  ): Promise<ResultOf<Name>>;
}

/** A plugin contributes a router through this function: the table exists once all plugins are known. */
export type RouterFactory = (models: ModelTable, parts: RouterParts) => Router;
