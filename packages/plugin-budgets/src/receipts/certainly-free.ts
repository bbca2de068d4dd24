import type { AttemptRecord } from "@signalbox/kernel";
import { isGatewayError } from "@signalbox/kernel";

/** What fails after a request was sent, or may have been. Every other code says that nothing was, or that the provider refused. */
const MAYBE_SENT: ReadonlySet<string> = new Set([
  "timeout",
  "provider_error",
  "provider_overloaded",
  "client_closed",
  "draining",
  "internal_error",
]);

/** A connection that never stood: nothing can have been sent on it. Codes of Node.js and of its HTTP client. */
const NOT_CONNECTED: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const MOST_CAUSES = 8;

/**
 * Whether an attempt that failed before its first event certainly cost nothing: nothing was sent, or the provider
 * answered with an error status, for which none charges.
 */
export function certainlyFree(thrown: unknown, { status }: AttemptRecord): boolean {
  if (status !== undefined) return status >= 400;
  if (!isGatewayError(thrown)) return false;
  if (thrown.upstreamStatus !== undefined) return thrown.upstreamStatus >= 400;
  return !MAYBE_SENT.has(thrown.code) || neverConnected(thrown);
}

function neverConnected(thrown: unknown): boolean {
  let at: unknown = thrown;
  for (let depth = 0; depth < MOST_CAUSES && typeof at === "object" && at !== null; depth++) {
    const { code } = at as { code?: unknown };
    if (typeof code === "string" && NOT_CONNECTED.has(code)) return true;
    at = (at as { cause?: unknown }).cause;
  }
  return false;
}
