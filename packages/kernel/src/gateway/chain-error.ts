import type { Call } from "../call.ts";
import type { GatewayError } from "../errors.ts";
import { soonest } from "./nothing-left.ts";

/** What a call fails with that was tried: the first failure says most; all are listed beside it. */
export function chainError(
  call: Call,
  failures: readonly GatewayError[],
  shown: GatewayError = failures[0] as GatewayError,
): GatewayError {
  const waits = [...failures, ...(call.trace.skipped ?? [])];
  const retryAfterMs = shown.retryable ? soonest(waits) : shown.retryAfterMs;
  if (failures.length < 2) return retryAfterMs === shown.retryAfterMs ? shown : shown.with({ retryAfterMs });
  const attempts = failures.map(({ source, status, code }) => ({ provider: source, status, code }));
  return shown.with({ retryAfterMs, details: { ...shown.details, attempts } });
}
