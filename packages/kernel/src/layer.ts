import type { Attempt, Call } from "./call.ts";
import type { OperationName, Reply } from "./operation.ts";

/**
 * Wraps a call: may act before, after, instead of and around what lies inside.
 *
 * ```ts
 * edge: async function* timed(call, next) {
 *   const startedAt = performance.now();
 *   const result = yield* next(call);
 *   observe(call.operation, performance.now() - startedAt);
 *   return result;
 * }
 * ```
 *
 * A layer that has nothing to do for a call returns `next(call)` itself and costs nothing.
 */
export type Layer = <Name extends OperationName>(
  call: Call<Name>,
  next: (call: Call<Name>) => Reply<Name>,
) => Reply<Name>;

/** A layer of the stage `attempt`: runs once per try, knows the deployment. */
export type AttemptLayer = <Name extends OperationName>(
  attempt: Attempt<Name>,
  next: (attempt: Attempt<Name>) => Reply<Name>,
) => Reply<Name>;

/**
 * A layer with its place and its appetite.
 *
 * `events: "read"` (the default) means that the layer may look at events and at the content of results: it always sees
 * canonical ones, also in the native lane. `"pass"` means that it only passes them on (`yield* next(call)`): frames then
 * stay bytes, and `result.choices` of a forwarded stream cannot be read.
 */
export interface LayerPlacement<L> {
  readonly layer: L;
  readonly order?: "first" | "last";
  readonly events?: "read" | "pass";
}

/** A layer, alone or with its place. */
export type Ordered<L> = L | LayerPlacement<L>;

/** From the outside in. The router stands between `cache` and `attempt`. */
export const STAGES = ["edge", "admit", "guard", "cache", "attempt"] as const;
/** A name of `STAGES`. */
export type Stage = (typeof STAGES)[number];

/** A plugin's layers by stage, from the outside in. */
export interface StageLayers {
  /** Who is it, trace. */
  readonly edge?: Ordered<Layer> | readonly Ordered<Layer>[];
  /** Rate and concurrency limits. */
  readonly admit?: Ordered<Layer> | readonly Ordered<Layer>[];
  readonly guard?: Ordered<Layer> | readonly Ordered<Layer>[];
  readonly cache?: Ordered<Layer> | readonly Ordered<Layer>[];
  /** Once per try: reservation, deployment limits, telemetry. */
  readonly attempt?: Ordered<AttemptLayer> | readonly Ordered<AttemptLayer>[];
}
