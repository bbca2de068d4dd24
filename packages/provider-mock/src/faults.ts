import type { ErrorCode, GatewayErrorOptions } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";

/** Where a fault strikes: instead of the answer, in the middle of it, or by never (again) sending anything. */
export type FaultMoment = "before" | "midstream" | "never" | "stall";

export interface Fault {
  readonly when: FaultMoment;
  /** What the provider object throws. */
  readonly code: ErrorCode;
  /** HTTP status that the mock server answers with; 200 for faults of the body. */
  readonly status: number;
  readonly message: string;
  readonly options?: GatewayErrorOptions;
}

function refused(status: number, code: ErrorCode, message: string, options?: GatewayErrorOptions): Fault {
  return { when: "before", code, status, message, ...(options !== undefined && { options }) };
}

function broken(message: string, when: FaultMoment = "before"): Fault {
  return { when, code: "provider_error", status: 200, message };
}

/**
 * Every fault by its name in a model name, without `fault-`. Statuses first, then failures that have none.
 * The provider throws what a provider adapter makes of the failure; the server produces the failure itself.
 */
export const FAULTS: Readonly<Record<string, Fault>> = {
  "400": refused(400, "invalid_request", "injected: the request is malformed"),
  "401": refused(401, "provider_auth_failed", "injected: the credential is not accepted"),
  "402": refused(402, "provider_rate_limited", "injected: the account has no credit", { type: "insufficient_quota" }),
  "403": refused(403, "provider_auth_failed", "injected: the credential may not do this"),
  "404": refused(404, "model_not_found", "injected: there is no such model", { param: "model" }),
  "408": refused(408, "timeout", "injected: the request took too long"),
  "413": refused(413, "request_too_large", "injected: the request is too large"),
  "422": refused(422, "invalid_request", "injected: the request cannot be processed"),
  "429": refused(429, "provider_rate_limited", "injected: too many requests"),
  "500": refused(500, "provider_error", "injected: internal error"),
  "502": refused(502, "provider_error", "injected: bad gateway"),
  "503": refused(503, "provider_overloaded", "injected: service unavailable"),
  "504": refused(504, "timeout", "injected: gateway timeout"),
  "529": refused(529, "provider_overloaded", "injected: overloaded"),
  context: refused(400, "context_length_exceeded", "injected: the prompt is longer than the context window", {
    param: "messages",
  }),
  content: refused(400, "content_policy_violation", "injected: the prompt was rejected by the content policy"),
  timeout: { when: "never", code: "timeout", status: 200, message: "injected: no answer" },
  stall: { when: "stall", code: "timeout", status: 200, message: "injected: the answer stopped half-way" },
  midstream: broken("injected: the provider failed half-way", "midstream"),
  reset: broken("injected: the connection was reset half-way", "midstream"),
  cut: broken("injected: the stream ended before the answer did", "midstream"),
  malformed: broken("injected: an event is not JSON", "midstream"),
  "error-event": broken("injected: an error event under status 200"),
  html: { ...broken("injected: an HTML error page"), status: 502 },
  "content-type": broken("injected: the content type is not the one asked for"),
  empty: broken("injected: the body is empty"),
  "half-json": broken("injected: the body ends in the middle"),
};

export function faultError(name: string, retryAfterMs: number | undefined): GatewayError {
  const fault = FAULTS[name] as Fault;
  return new GatewayError(fault.code, fault.message, {
    source: "mock",
    ...(fault.status !== 200 && { upstreamStatus: fault.status }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...fault.options,
  });
}
