import type { ErrorCode, Skip } from "@signalbox/kernel";

/** Why a model could not serve a call, as far as it decides which chain leads on. */
export type Cause = "contextWindow" | "contentPolicy" | "budget" | "rateLimit" | "general";

const CAUSES: Readonly<Partial<Record<ErrorCode, Cause>>> = {
  context_length_exceeded: "contextWindow",
  content_policy_violation: "contentPolicy",
  budget_exceeded: "budget",
  provider_rate_limited: "rateLimit",
  rate_limit_exceeded: "rateLimit",
  concurrency_limit_exceeded: "rateLimit",
};

export function causeOf(code: ErrorCode | undefined): Cause {
  return (code === undefined ? undefined : CAUSES[code]) ?? "general";
}

/**
 * What stands against all of a model's deployments when none was tried: a limit when only limits do, else what time
 * heals, else what lies in the request.
 */
export function codeOfSkips(skipped: readonly Skip[]): ErrorCode | undefined {
  const codes = skipped.map(({ code }) => code);
  const passing = codes.filter((code) => code === "no_healthy_deployment" || isLimit(code));
  if (passing.length > 0) return passing.every(isLimit) ? passing[0] : "no_healthy_deployment";
  return codes.find((code) => code === "context_length_exceeded") ?? codes.find((code) => code !== undefined);
}

function isLimit(code: ErrorCode | undefined): boolean {
  const cause = causeOf(code);
  return cause === "rateLimit" || cause === "budget";
}
