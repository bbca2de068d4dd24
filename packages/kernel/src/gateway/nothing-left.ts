import type { Call } from "../call.ts";
import type { ErrorCode } from "../errors.ts";
import { GatewayError } from "../errors.ts";
import type { Skip } from "../trace.ts";

/** Reasons that time heals, because somebody is limited. */
const LIMITED: ReadonlySet<ErrorCode> = new Set([
  "rate_limit_exceeded",
  "concurrency_limit_exceeded",
  "provider_rate_limited",
  "budget_exceeded",
]);

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

/** Why a call could not be tried anywhere: 429 when only limits stand against it, 503 when deployments are out of order. */
export function nothingLeft(call: Call): GatewayError {
  const skipped = call.trace.skipped ?? [];
  const passing = skipped.filter(({ code }) => code === "no_healthy_deployment" || isLimit(code));
  const retryAfterMs = soonest(passing);
  const reasons = reasonsOf(passing.length > 0 ? passing : skipped);
  const model = JSON.stringify(call.model);
  if (passing.length > 0) {
    const limited = passing.every(({ code }) => isLimit(code));
    const code = limited ? (passing[0]?.code ?? "rate_limit_exceeded") : "no_healthy_deployment";
    return new GatewayError(code, `no deployment of model ${model} can be used at the moment: ${reasons}`, {
      retryAfterMs,
    });
  }
  const code = REQUEST_CODES.find((each) => skipped.some((skip) => skip.code === each)) ?? "unsupported_operation";
  return new GatewayError(
    code,
    `no deployment of model ${model} can serve this request: ${reasons || "none is left"}`,
    {
      param: "model",
    },
  );
}

function isLimit(code: ErrorCode | undefined): boolean {
  return code !== undefined && LIMITED.has(code);
}

function reasonsOf(skips: readonly Skip[]): string {
  const reasons = [...new Set(skips.map(({ reason }) => reason))];
  const more = reasons.length - SHOWN_REASONS;
  return reasons.slice(0, SHOWN_REASONS).join("; ") + (more > 0 ? ` and ${more} more reasons` : "");
}
