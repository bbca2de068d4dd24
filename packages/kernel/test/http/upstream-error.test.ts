import { describe, expect, it } from "vitest";
import { upstreamError } from "../../src/http/upstream-error.ts";

const error = (
  status: number,
  body: unknown,
  more: Partial<Parameters<typeof upstreamError>[0]> = {},
): ReturnType<typeof upstreamError> =>
  upstreamError({
    provider: "acme",
    status,
    headers: {},
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...more,
  });

describe("upstreamError", () => {
  it.each([
    [400, "invalid_request", false],
    [401, "provider_auth_failed", true],
    [402, "provider_rate_limited", true],
    [403, "provider_auth_failed", true],
    [404, "model_not_found", false],
    [405, "invalid_request", false],
    [408, "timeout", true],
    [409, "invalid_request", false],
    [413, "request_too_large", false],
    [422, "invalid_request", false],
    [429, "provider_rate_limited", true],
    [302, "provider_error", true],
    [499, "provider_error", true],
    [500, "provider_error", true],
    [502, "provider_error", true],
    [503, "provider_overloaded", true],
    [529, "provider_overloaded", true],
    [599, "provider_error", true],
  ])("classifies %d as %s", (status, code, retryable) => {
    expect(error(status, "")).toMatchObject({ code, retryable, upstreamStatus: status, source: "acme" });
  });

  it("says that money is missing", () => {
    expect(error(402, "").type).toBe("insufficient_quota");
  });

  it("reads message, type, code and param", () => {
    const found = error(400, {
      error: { message: "bad temperature", type: "invalid_request_error", code: "out_of_range", param: "temperature" },
    });
    expect(found.message).toBe("bad temperature");
    expect(found.param).toBe("temperature");
    expect(found.details).toEqual({
      provider: { name: "acme", status: 400, type: "invalid_request_error", code: "out_of_range" },
    });
  });

  it.each([
    [{ error: { message: "a" } }, "a"],
    [{ error: "a" }, "a"],
    [{ message: "a" }, "a"],
    [{ detail: "a" }, "a"],
    [{ detail: { message: "a" } }, "a"],
    [
      { detail: [{ loc: ["body", "model"], msg: "field required", type: "missing" }, { msg: "b" }] },
      "body.model: field required; b",
    ],
    [{ detail: ["a", "b"] }, "a; b"],
    [[{ error: { code: 400, message: "a", status: "INVALID_ARGUMENT" } }], "a"],
    [{ error: { message: "" } }, "the provider answered with status 500"],
    [{ error: null }, "the provider answered with status 500"],
    [null, "the provider answered with status 500"],
    [[], "the provider answered with status 500"],
    ["", "the provider answered with status 500"],
    ["<!DOCTYPE html><title>Bad gateway</title>", "the provider answered with an HTML page (status 500)"],
    ['{"error":{"mess', "the provider answered with damaged JSON (status 500)"],
    ["upstream connect error", "upstream connect error"],
  ])("finds the message of %j", (body, message) => {
    expect(error(500, body).message).toBe(message);
  });

  it("masks credentials and caps the length", () => {
    expect(error(401, { error: { message: "wrong key sk-abcdefghijklmnop" } }).message).toBe("wrong key sk-...mnop");
    expect(error(500, "x".repeat(10_000_000)).message).toHaveLength(2000);
    expect(error(500, { error: { message: "x".repeat(5000) } }).message).toHaveLength(2000);
  });

  it("carries the waiting time", () => {
    expect(error(429, "", { headers: { "retry-after": "3" } }).retryAfterMs).toBe(3000);
    expect(error(503, "", { headers: { "retry-after": "3" } }).retryAfterMs).toBe(3000);
    expect(error(400, "", { headers: { "x-ratelimit-reset-requests": "3s" } }).retryAfterMs).toBeUndefined();
  });

  it("lets the provider refine by structured codes", () => {
    const found = error(
      400,
      { error: { message: "too long", code: "context_length_exceeded" } },
      {
        map: (body) =>
          (body as { error: { code: string } }).error.code === "context_length_exceeded"
            ? { code: "context_length_exceeded", param: "messages", retryable: true }
            : undefined,
      },
    );
    expect(found).toMatchObject({
      code: "context_length_exceeded",
      param: "messages",
      retryable: true,
      message: "too long",
    });
  });

  it("does not classify by words", () => {
    expect(error(500, { error: { message: "rate limit exceeded, context length" } }).code).toBe("provider_error");
  });
});
