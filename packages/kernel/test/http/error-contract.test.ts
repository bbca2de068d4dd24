import { describe, expect, it } from "vitest";
import { GatewayError } from "@signalbox/kernel";
import { contractError, errorHeaders } from "@signalbox/kernel/http";

describe("the error contract", () => {
  it("has a body with a stable code, and no cause", () => {
    const cause = new Error("secret");
    const { status, headers, body } = contractError(new GatewayError("invalid_request", "what happened", { cause }));
    expect(status).toBe(400);
    expect(headers).toEqual({ "content-type": "application/json", "x-signalbox-error-contract": "1" });
    expect(JSON.parse(body)).toEqual({
      error: { message: "what happened", type: "invalid_request_error", param: null, code: "invalid_request" },
    });
  });

  it("names the field and gives facts", () => {
    const error = new GatewayError("rate_limit_exceeded", "slow", {
      param: "model",
      type: "tokens",
      details: { limit: 5 },
    });
    expect(JSON.parse(contractError(error).body)).toEqual({
      error: {
        message: "slow",
        type: "tokens",
        param: "model",
        code: "rate_limit_exceeded",
        details: { limit: 5 },
      },
    });
  });

  it.each([
    [0, "0"],
    [1, "1"],
    [1_000, "1"],
    [1_001, "2"],
  ])("rounds a wait of %i ms up to %s s", (retryAfterMs, seconds) => {
    const headers = errorHeaders(new GatewayError("rate_limit_exceeded", "slow", { retryAfterMs }));
    expect(headers).toEqual({ "x-signalbox-error-contract": "1", "retry-after": seconds });
  });

  it("keeps clients from repeating what the gateway has repeated, and what waiting does not change", () => {
    const attempts = [{ status: 502 }, { status: 429 }];
    expect(errorHeaders(new GatewayError("provider_error", "x", { details: { attempts } }))).toMatchObject({
      "x-should-retry": "false",
    });
    expect(errorHeaders(new GatewayError("budget_exceeded", "x"))).toMatchObject({ "x-should-retry": "false" });
    expect(errorHeaders(new GatewayError("provider_error", "x", { details: {} }))).not.toHaveProperty("x-should-retry");
  });
});
