import type { Call } from "../call.ts";
import type { ErrorCode } from "../errors.ts";
import { ERROR_RULES, GatewayError } from "../errors.ts";
import type { Skip } from "../trace.ts";

/** Reasons that lie in the request, from the most telling one. */
const REQUEST_CODES: readonly ErrorCode[] = [
  "context_length_exceeded",
  "no_matching_deployment",
  "unsupported_operation",
];

/** How many reasons a message names. */
const SHOWN_REASONS = 5;

/** The shortest wait that some deployment asks for. */
export function soonest(waits: readonly { readonly retryAfterMs?: number | undefined }[]): number | undefined {
  let least: number | undefined;
  for (const { retryAfterMs } of waits) {
    if (retryAfterMs !== undefined && (least === undefined || retryAfterMs < least)) least = retryAfterMs;
  }
  return least;
}

/**
 * Why a call could not be tried anywhere. What time heals comes first: 429 when only limits stand against it, 503 when a
 * deployment is out of order. What is left lies in the request, or in what a strategy left out: 400.
 */
export function nothingLeft(call: Call): GatewayError {
  const skipped = call.trace.skipped ?? [];
  const passing = skipped.filter(({ code }) => isLimit(code) || statusOf(code) === 503);
  const model = JSON.stringify(call.model);
  const [first] = passing;
  if (first !== undefined) {
    const message = `no deployment of model ${model} can be used at the moment: ${reasonsOf(passing)}`;
    const retryAfterMs = soonest(passing);
    if (!passing.every((skip) => isLimit(skip.code))) {
      return new GatewayError("no_healthy_deployment", message, { retryAfterMs });
    }
    return new GatewayError(first.code as ErrorCode, message, { retryAfterMs, type: first.type });
  }
  const code = REQUEST_CODES.find((each) => skipped.some((skip) => skip.code === each)) ?? "no_matching_deployment";
  const reasons = reasonsOf(skipped) || "none is left";
  return new GatewayError(code, `no deployment of model ${model} can serve this request: ${reasons}`, {
    param: "model",
  });
}

function statusOf(code: ErrorCode | undefined): number | undefined {
  return code === undefined ? undefined : ERROR_RULES[code].status;
}

function isLimit(code: ErrorCode | undefined): boolean {
  return statusOf(code) === 429;
}

function reasonsOf(skips: readonly Skip[]): string {
  const reasons = [...new Set(skips.map(({ reason }) => reason))];
  const more = reasons.length - SHOWN_REASONS;
  return reasons.slice(0, SHOWN_REASONS).join("; ") + (more > 0 ? ` and ${more} more reasons` : "");
}
