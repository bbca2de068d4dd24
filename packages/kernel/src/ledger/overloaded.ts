import { GatewayError } from "../errors.ts";

/** After which it may be worth asking a ledger again. */
export const RETRY_AFTER_MS = 2_000;

/** Nothing more is admitted, since it could not be put on record. */
export function overloaded(obstacle: string, cause?: unknown): GatewayError {
  return new GatewayError("overloaded", `spending cannot be recorded at the moment: ${obstacle}`, {
    retryAfterMs: RETRY_AFTER_MS,
    ...(cause !== undefined && { cause }),
  });
}
