import { describe, expect, it } from "vitest";
import type { ErrorCode, GatewayErrorOptions } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { anthropicDialects } from "@signalbox/provider-anthropic";

function encoded(code: ErrorCode, options?: GatewayErrorOptions) {
  const reply = anthropicDialects()[0]?.encodeError(new GatewayError(code, "what happened", options), "call-1");
  return { status: reply?.status, headers: reply?.headers, body: JSON.parse(String(reply?.body)) as unknown };
}

describe("errors", () => {
  it.each([
    ["invalid_request", 400, "invalid_request_error"],
    ["conflict", 409, "invalid_request_error"],
    ["invalid_api_key", 401, "authentication_error"],
    ["model_not_allowed", 403, "permission_error"],
    ["model_not_found", 404, "not_found_error"],
    ["request_too_large", 413, "request_too_large"],
    ["rate_limit_exceeded", 429, "rate_limit_error"],
    ["internal_error", 500, "api_error"],
    ["provider_error", 502, "api_error"],
    ["provider_overloaded", 503, "overloaded_error"],
    ["timeout", 504, "timeout_error"],
  ] as const)("%s has status %i and type %s", (code, status, type) => {
    expect(encoded(code)).toMatchObject({
      status,
      headers: { "request-id": "call-1", "x-signalbox-error-contract": "1", "content-type": "application/json" },
      body: {
        type: "error",
        error: { type, message: "what happened", details: { error_code: code } },
        request_id: "call-1",
      },
    });
  });

  it("keeps 529 for Anthropic's clients", () => {
    expect(encoded("provider_overloaded", { upstreamStatus: 529 })).toMatchObject({
      status: 529,
      body: { error: { type: "overloaded_error" } },
    });
  });

  it("puts the field at fault and further facts into details", () => {
    expect(encoded("budget_exceeded", { param: "model", details: { scope: "key" }, retryAfterMs: 1500 })).toEqual({
      status: 429,
      headers: {
        "content-type": "application/json",
        "request-id": "call-1",
        "x-signalbox-error-contract": "1",
        "retry-after": "2",
        "x-should-retry": "false",
      },
      body: {
        type: "error",
        error: {
          type: "rate_limit_error",
          message: "what happened",
          details: { error_code: "budget_exceeded", param: "model", scope: "key" },
        },
        request_id: "call-1",
      },
    });
  });

  it("does not let an upstream's code replace the gateway's", () => {
    expect(encoded("provider_rate_limited", { details: { error_code: "ramp_limit_exceeded" } })).toMatchObject({
      body: {
        error: { details: { error_code: "provider_rate_limited", upstream_error_code: "ramp_limit_exceeded" } },
      },
    });
  });
});
