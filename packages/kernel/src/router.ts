import type { Call } from "./call.ts";
import type { Deployment, ModelTable } from "./deployment.ts";
import type { GatewayError } from "./errors.ts";
import type { ModelFacts } from "./model-facts.ts";
import type { OperationName, RequestOf, ResultOf } from "./operation.ts";
import type { Principal } from "./principal.ts";
import type { SharedState } from "./state/shared-state.ts";
import type { Strategy } from "./strategy.ts";
import type { Usage } from "./usage.ts";

/** How an attempt ended, for routers and strategies that learn. */
export interface Outcome {
  readonly ok: boolean;
  readonly error?: GatewayError;
  /** The caller left, the gateway closed, or another attempt answered first: it says nothing about the deployment. */
  readonly abandoned?: boolean;
  /** Until the first event, or until the result when there was none. */
  readonly firstEventMs: number;
  readonly durationMs: number;
  readonly usage?: Usage;
}

/**
 * The deployments to try, in order. An item may be a promise: a wait before the next try, for a back-off or a queue. It
 * must not outlast `call.signal`. When it rejects, that counts as the failure of a try: the next item is pulled if the
 * router recovers from the error, else the call fails with it.
 *
 * A generator is told why the deployment it yielded last has failed: `const error = yield deployment`. It is told
 * nothing (`undefined`) when that is not known: the deployment cannot serve the operation, this is a dry run, or a hedge
 * is wanted while the deployment is still being tried.
 *
 * What is yielded need not be tried: the call may be over, or another deployment may answer first. The generator is
 * closed at the end of every call, so what it holds for a deployment is given back in its `finally`.
 */
export type Candidates =
  | Iterable<Deployment | Promise<Deployment>, unknown, GatewayError | undefined>
  | AsyncIterable<Deployment, unknown, GatewayError | undefined>;

/**
 * Is told about every attempt: one `begin`, later exactly one `report`. What they throw changes nothing for the call; it
 * is published on the `diagnostics_channel` named `signalbox:observer-error`.
 */
export interface AttemptWatcher {
  begin?(deployment: Deployment, call: Call): void;
  /** Of a streamed reply, when its first event has come: the report may be minutes away. */
  answered?(deployment: Deployment, firstEventMs: number, call: Call): void;
  report?(deployment: Deployment, outcome: Outcome, call: Call): void;
}

/**
 * Yields the deployments to try for a call, best first. The gateway pulls the next one when an attempt failed before its
 * first event; yielding the same deployment again is a retry.
 *
 * ```ts
 * const twice: RouterFactory = (models, { strategy }) => ({
 *   *route(call) {
 *     for (const deployment of strategy.order(call, models.deployments(call.model, call.principal))) {
 *       const error = yield deployment;
 *       if (error?.code === "provider_overloaded") yield deployment;
 *     }
 *   },
 * });
 * ```
 *
 * A router leaves nothing out in silence: `call.trace.skip(id, reason, { code, retryAfterMs })`. When it yields nothing
 * that can be tried, the call fails with what the skips say: 429 when only limits stand against it, else 503 when time
 * may help, else 400.
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
  /**
   * Called before deployments change, with the table as it would be.
   *
   * @throws {GatewayError} naming what the change would break
   */
  validate?(models: ModelTable): void;
}

/** What a gateway hands to the functions that make its router and its strategy. */
export interface RoutingParts {
  readonly state: SharedState;
  /** What is known about a deployment's model: its provider's tables, overridden by `Deployment.info`. */
  facts(deployment: Deployment): ModelFacts;
  /** `GatewayOptions.fallbacks`: it is for the router to follow them. */
  readonly fallbacks: Readonly<Record<string, readonly string[]>>;
  /** What clients may ask for although no deployment bears it: aliases, and models that a selector stands behind. */
  readonly otherNames?: ReadonlySet<string>;
  /** The model that an alias stands for, the principal's own first; every other name stands for itself. */
  modelFor?(name: string, principal: Principal): string;
}

/** What a router is made with: all of `RoutingParts`, and the strategy that orders the deployments of one model. */
export interface RouterParts extends RoutingParts {
  readonly strategy: Strategy;
  /**
   * Asks one deployment, outside of any call and of routing: for health checks. Passes the stage `attempt`, so that it is
   * paid for like any other. Rejects with what went wrong. Not while the router is being made.
   */
  probe<Name extends OperationName>(
    deployment: Deployment,
    input: { readonly operation: Name; readonly request: RequestOf<Name> },
    signal: AbortSignal,
  ): Promise<ResultOf<Name>>;
}

/**
 * A plugin contributes a router through this function: the table exists once all plugins are known. A router that is
 * given as an object knows neither table nor strategy, and is refused where there is a strategy or `fallbacks` for it.
 */
export type RouterFactory = (models: ModelTable, parts: RouterParts) => Router;
