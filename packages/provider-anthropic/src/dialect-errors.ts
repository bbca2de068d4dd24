import type { GatewayError, HttpReply } from "@signalbox/kernel";
import type { JsonObject } from "@signalbox/kernel/http";
import { errorHeaders } from "@signalbox/kernel/http";

/** Anthropic's error types by status (platform documentation, "Errors"). */
const TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  502: "api_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** Status of an overloaded Anthropic: its clients know it, other dialects show 503. */
const OVERLOADED = 529;

function errorStatus(error: GatewayError): number {
  return error.code === "provider_overloaded" && error.upstreamStatus === OVERLOADED ? OVERLOADED : error.status;
}

/** The gateway's own code and facts stand in `details`, as Anthropic puts its `error_code` there. */
export function errorBody(error: GatewayError, requestId: string): JsonObject {
  const status = errorStatus(error);
  return {
    type: "error",
    error: {
      type: TYPES[status] ?? (status >= 500 ? "api_error" : "invalid_request_error"),
      message: error.message,
      details: {
        error_code: error.code,
        ...(error.param !== undefined && { param: error.param }),
        ...ownDetails(error),
      },
    },
    request_id: requestId,
  };
}

/** The provider's own `error_code` does not replace ours. */
function ownDetails(error: GatewayError): JsonObject | undefined {
  const { error_code: upstreamCode, ...details } = error.details ?? {};
  return upstreamCode === undefined ? details : { ...details, upstream_error_code: upstreamCode };
}

/** Every failure as Anthropic's clients expect it. */
export function encodeError(error: GatewayError, requestId: string): HttpReply {
  const headers = { "content-type": "application/json", "request-id": requestId, ...errorHeaders(error) };
  return { status: errorStatus(error), headers, body: JSON.stringify(errorBody(error, requestId)) };
}
