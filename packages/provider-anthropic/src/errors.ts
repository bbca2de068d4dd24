import type { ResponseHeaders } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { JsonObject, UpstreamErrorFacts } from "@signalbox/kernel/http";
import { isJsonObject, upstreamError } from "@signalbox/kernel/http";
import { stringOf } from "./json-object.ts";
import { ANTHROPIC } from "./names.ts";

/** Statuses of Anthropic's error types (platform documentation, "Errors"): streams fail without a status of their own. */
const STATUSES: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** Rate limits that waiting does not lift: the money is spent. */
const SPENT: ReadonlySet<string> = new Set(["enforced_spend_limit_reached"]);

/** An error response. A prompt that is too long is told from other invalid requests by prose alone, so it stays one. */
export function apiError(status: number, headers: ResponseHeaders, body: Buffer | string): GatewayError {
  let errorCode: string | undefined;
  const error = upstreamError({
    provider: ANTHROPIC,
    status,
    headers,
    body,
    map: (parsed) => {
      errorCode = errorCodeOf(parsed);
      return factsOf(status, parsed, errorCode);
    },
  });
  return errorCode === undefined ? error : error.with({ details: { ...error.details, error_code: errorCode } });
}

/** An `error` event of a stream that began with status 200. */
export function streamError(event: JsonObject): GatewayError {
  const type = stringOf(errorOf(event)?.type);
  return apiError(STATUSES[type ?? ""] ?? 500, {}, JSON.stringify(event));
}

/** @throws {GatewayError} `provider_error` when the body is not JSON */
export function parseReply(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (cause) {
    throw new GatewayError("provider_error", "the upstream's reply is not JSON", { source: ANTHROPIC, cause });
  }
}

function factsOf(status: number, body: unknown, errorCode: string | undefined): UpstreamErrorFacts | undefined {
  if (status === 429 && errorCode !== undefined && SPENT.has(errorCode)) return { type: "insufficient_quota" };
  // the model's name is the operator's: another deployment may know it
  if (status === 404) return { retryable: true };
  return errorOf(body)?.type === "timeout_error" ? { code: "timeout" } : undefined;
}

function errorOf(body: unknown): JsonObject | undefined {
  const error = isJsonObject(body) ? body.error : undefined;
  return isJsonObject(error) ? error : undefined;
}

function errorCodeOf(body: unknown): string | undefined {
  const details = errorOf(body)?.details;
  return isJsonObject(details) ? stringOf(details.error_code) : undefined;
}
