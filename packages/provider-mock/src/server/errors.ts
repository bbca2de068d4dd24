import { FAULTS } from "../faults.ts";
import type { WireError } from "./wire.ts";

/** OpenAI's type and code by status; what is not listed is a `server_error` without a code. */
const BY_STATUS: Readonly<Record<number, readonly [type: string, code: string | null]>> = {
  400: ["invalid_request_error", null],
  401: ["invalid_request_error", "invalid_api_key"],
  402: ["insufficient_quota", "insufficient_quota"],
  403: ["invalid_request_error", null],
  404: ["invalid_request_error", "model_not_found"],
  405: ["invalid_request_error", "method_not_allowed"],
  408: ["invalid_request_error", null],
  413: ["invalid_request_error", "request_too_large"],
  422: ["invalid_request_error", null],
  429: ["requests", "rate_limit_exceeded"],
};

const CODES: Readonly<Record<string, string>> = {
  context: "context_length_exceeded",
  content: "content_policy_violation",
};

/** Anthropic's types by status. Source: Anthropic API reference, "Errors". */
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  408: "timeout_error",
  413: "request_too_large",
  422: "invalid_request_error",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

export function wireError(status: number, message: string, param: string | null = null): WireError {
  const [type, code] = BY_STATUS[status] ?? ["server_error", null];
  return { status, message, type, code, param };
}

/** The error that a fault shows. Faults without an error status show an internal error. */
export function faultWireError(name: string): WireError {
  const fault = FAULTS[name];
  const error = wireError(
    fault === undefined || fault.status === 200 ? 500 : fault.status,
    fault?.message ?? "injected: internal error",
    fault?.options?.param ?? null,
  );
  const code = CODES[name];
  return code === undefined ? error : { ...error, code };
}

export function anthropicErrorType(status: number): string {
  return ANTHROPIC_TYPES[status] ?? "api_error";
}
