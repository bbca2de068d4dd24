import type { LimitAnswer } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { Counter } from "./counter.ts";

/** A place comes back when some call ends: nobody knows when. */
const PLACE_RETRY_MS = 1_000;

const UNITS = { parallel: "calls at the same time", requests: "requests per minute", tokens: "tokens per minute" };

/** What a call is refused with. */
export function denial(
  { take, retryAfterMs, states }: LimitAnswer & { readonly allowed: false },
  counters: readonly Counter[],
): GatewayError {
  const at = Math.max(
    0,
    counters.findIndex((counter) => counter.take.key === take.key),
  );
  const { scope, unit, tokens } = counters[at] as Counter;
  const remaining = states[at]?.remaining ?? 0;
  const helpless = retryAfterMs === undefined;
  const details = {
    scope: scope.kind,
    ...(scope.model !== undefined && { model: scope.model }),
    limit: take.limit,
    remaining,
    ...(helpless && { reason: "exceeds_limit" }),
  };
  const source = "limits";
  const limit = `the limit of ${take.limit} ${unit === "tokens" && tokens !== "total" ? `${tokens} ` : ""}${UNITS[unit]}`;
  const model = scope.model === undefined ? "" : ` for model ${JSON.stringify(scope.model)}`;
  const whose = scope.kind === "gateway" ? "the gateway" : `this ${scope.kind}`;
  if (unit === "parallel") {
    const message = `${limit} of ${whose}${model} is reached`;
    if (helpless) return new GatewayError("concurrency_limit_exceeded", message, { source, details });
    return new GatewayError("concurrency_limit_exceeded", message, { source, details, retryAfterMs: PLACE_RETRY_MS });
  }
  const type = unit === "tokens" ? "tokens" : undefined;
  if (helpless) {
    const message = `${limit} of ${whose}${model} is less than this call alone may need (${take.cost})`;
    return new GatewayError("rate_limit_exceeded", message, { source, type, details });
  }
  const message = `${limit} of ${whose}${model} is used up: there is room again in ${retryAfterMs / 1_000} s`;
  return new GatewayError("rate_limit_exceeded", message, { source, type, details, retryAfterMs });
}
