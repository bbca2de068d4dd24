import type { ErrorCode, GatewayError } from "@signalbox/kernel";
import type { FailureClass } from "./cooldown-options.ts";

export const FAILURE_CLASSES: readonly FailureClass[] = [
  "badRequest",
  "authentication",
  "timeout",
  "rateLimit",
  "contentPolicy",
  "internalServer",
];

const CLASSES: Readonly<Partial<Record<ErrorCode, FailureClass>>> = {
  invalid_request: "badRequest",
  unsupported_parameter: "badRequest",
  context_length_exceeded: "badRequest",
  request_too_large: "badRequest",
  model_not_found: "badRequest",
  provider_auth_failed: "authentication",
  timeout: "timeout",
  provider_rate_limited: "rateLimit",
  content_policy_violation: "contentPolicy",
  provider_error: "internalServer",
  provider_overloaded: "internalServer",
};

/** The class of what a provider failed with; undefined for what this gateway itself refused. */
export function failureClass(error: GatewayError): FailureClass | undefined {
  return CLASSES[error.code];
}
