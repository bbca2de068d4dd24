import type { Call } from "./call.ts";

/**
 * Chooses, for each call of one public model, which public model serves it: a content router, a canary, a split. Its own
 * name may be among the targets. A caller who may use the model may be given any of its targets.
 */
export interface ModelSelector {
  /** The public name that it stands behind; it may exist for this alone. */
  readonly model: string;
  /** All names it can answer, each served by a deployment; checked at start. Any other answer fails the call. */
  readonly targets: readonly string[];
  /** Says why in `call.trace.note("route", …)`. A promise must not outlast `call.signal`. */
  select(call: Call): string | Promise<string>;
}
