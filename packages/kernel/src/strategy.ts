import type { Call } from "./call.ts";
import type { Deployment, ModelTable } from "./deployment.ts";
import type { AttemptWatcher, RoutingParts } from "./router.ts";

/**
 * Orders the deployments of one model for one call, best first. What it leaves out is not tried: it says why with
 * `call.trace.skip`. Lazy generators pay only for what is tried.
 *
 * ```ts
 * const nearest: Strategy = {
 *   name: "nearest",
 *   *order(_call, candidates) {
 *     yield* candidates.filter(({ region }) => region === "eu");
 *     yield* candidates.filter(({ region }) => region !== "eu");
 *   },
 * };
 * ```
 */
export interface Strategy extends AttemptWatcher {
  readonly name: string;
  /**
   * `candidates` are the deployments that are worth a try now, in listed order, never none. All are of one public model,
   * `candidates[0].model`: another than `call.model` when the router falls back. The same array is given again as long
   * as nothing changes, so that what is prepared for it can be kept under its identity (in a `WeakMap`).
   *
   * An item may be a promise: a wait until a deployment has room. `Candidates` says what becomes of it.
   */
  order(call: Call, candidates: readonly Deployment[]): Iterable<Deployment | Promise<Deployment>>;
  /**
   * Called at start, and before deployments change with the table as it would be.
   *
   * @throws {GatewayError} `deployment_invalid` naming what to mend
   */
  validate?(models: ModelTable): void;
}

/** A plugin contributes a strategy through this function, when it needs more than the call. */
export type StrategyFactory = (models: ModelTable, parts: RoutingParts) => Strategy;
