import type { Call } from "../call.ts";
import { GatewayError, isGatewayError } from "../errors.ts";
import type { Block, Guardrail } from "../guardrail.ts";

/** The error a client sees when a guardrail says no. */
export function blocked(guardrail: Guardrail, verdict: Block, mode: "input" | "output"): GatewayError {
  return new GatewayError(
    "guardrail_blocked",
    `blocked by guardrail ${JSON.stringify(guardrail.name)}: ${verdict.reason}`,
    {
      source: guardrail.name,
      details: {
        guardrail: guardrail.name,
        mode,
        ...(verdict.category !== undefined && { category: verdict.category }),
      },
    },
  );
}

/**
 * What happens when a guardrail itself fails: the call is refused, unless the guardrail is declared `failOpen`; then the
 * trace says that it did not run.
 */
export function guardrailFailed(guardrail: Guardrail, call: Call, mode: "input" | "output", thrown: unknown): void {
  if (isGatewayError(thrown)) throw thrown;
  if (guardrail.failOpen === true) {
    call.trace.guard({ guardrail: guardrail.name, mode, action: "failedOpen" });
    call.trace.note("guard", `guardrail "${guardrail.name}" failed and is set to fail open`);
    return;
  }
  throw new GatewayError("guardrail_unavailable", `guardrail ${JSON.stringify(guardrail.name)} is not available`, {
    source: guardrail.name,
    retryAfterMs: 1_000,
    cause: thrown,
  });
}
