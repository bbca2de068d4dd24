import type { Call } from "./call.ts";
import type { Deployment, ModelTable } from "./deployment.ts";
import type { GatewayError } from "./errors.ts";

/** How an attempt ended, for strategies that learn. */
export interface Outcome {
  readonly ok: boolean;
  readonly error?: GatewayError;
  /** Until the first event, or until the result when there was none. */
  readonly firstEventMs: number;
  readonly durationMs: number;
}

/**
 * Yields the deployments to try for a call, best first. The gateway pulls the next one when an attempt failed in a
 * retryable way before its first event; yielding the same deployment again is a retry. A generator may wait between
 * two yields (back-off), but never past `call.signal`.
 */
export interface Router {
  /** @throws {GatewayError} `model_not_found`, `no_matching_deployment`, `no_healthy_deployment` */
  route(call: Call): Iterable<Deployment> | AsyncIterable<Deployment>;
  /** Called once per attempt, when it has ended. Must not throw. */
  report?(deployment: Deployment, outcome: Outcome): void;
}

/** A plugin contributes a router through this function: the table exists once all plugins are known. */
export type RouterFactory = (models: ModelTable) => Router;
