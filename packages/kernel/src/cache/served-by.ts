import type { Call } from "../call.ts";
import { servingModel } from "../gateway/call-model.ts";
import type { ServedBy } from "../trace.ts";

/** Who has answered a call that has succeeded. */
export function servedBy({ trace }: Pick<Call, "trace">): ServedBy | undefined {
  const served = trace.attempts.findLast(({ code }) => code === undefined);
  return served && { model: served.group, deployment: served.deployment, provider: served.provider };
}

/**
 * Whether another model than the one that is to serve the call had a part in the answer: it is the second best, and not
 * everyone who may use the one may use the other.
 */
export function isFallback(call: Call): boolean {
  const model = servingModel(call);
  return call.trace.attempts.some(({ group }) => group !== model);
}
