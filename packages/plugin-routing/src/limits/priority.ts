import type { Call } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";

/** The most urgent, and what a call has that does not say. */
const HIGHEST = 0;

/**
 * How urgent a call is, where it has to wait: the member `priority` of its body, or the header `x-signalbox-priority`.
 * 0 is the most urgent.
 *
 * @throws {GatewayError} `invalid_request` naming it
 */
export function priorityOf({ options }: Call): number {
  const priority = options.extensions?.["priority"];
  if (priority === undefined) return HIGHEST;
  if (typeof priority === "number" && Number.isSafeInteger(priority) && priority >= HIGHEST) return priority;
  throw new GatewayError("invalid_request", '"priority" must be a whole number from 0 (the most urgent)', {
    param: "priority",
  });
}
