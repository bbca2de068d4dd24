import type { ErrorCode, ResponseHeaders } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import type { JsonObject, UpstreamErrorFacts } from "@signalbox/kernel/http";
import { upstreamError } from "@signalbox/kernel/http";
import { numberIn, objectOf, textIn, tryParse } from "./json.ts";
import type { ErrorRow, WireProfile } from "./profile.ts";

/** Words that mean the same at every host that uses them. */
const GENERAL: readonly ErrorRow[] = [
  { word: "context_length_exceeded", code: "context_length_exceeded" },
  { word: "exceed_context_size_error", code: "context_length_exceeded" },
  { word: "too_many_prompt_tokens", code: "context_length_exceeded" },
  { word: "content_filter", code: "content_policy_violation" },
  { word: "content_policy_violation", code: "content_policy_violation" },
  { word: "moderation_blocked", code: "content_policy_violation" },
  { word: "ResponsibleAIPolicyViolation", code: "content_policy_violation" },
  { word: "insufficient_quota", code: "provider_rate_limited", options: { type: "insufficient_quota" } },
  { word: "billing_hard_limit_reached", code: "provider_rate_limited", options: { type: "insufficient_quota" } },
  { word: "invalid_api_key", code: "provider_auth_failed" },
  { word: "authentication_error", code: "provider_auth_failed" },
  { word: "rate_limit_exceeded", code: "provider_rate_limited" },
  { word: "model_not_found", code: "model_not_found", options: { retryable: true, param: "model" } },
  { word: "DeploymentNotFound", code: "model_not_found", options: { retryable: true, param: "model" } },
  { word: "model_decommissioned", code: "model_not_found", options: { retryable: true, param: "model" } },
  { word: "invalid_model", code: "model_not_found", options: { retryable: true, param: "model" } },
  { word: "unsupported_parameter", code: "unsupported_parameter" },
  { word: "not_supported_error", code: "unsupported_operation" },
  { word: "server_overloaded", code: "provider_overloaded" },
  { word: "overloaded_error", code: "provider_overloaded" },
];

/** What a status means here, where it is not what it means everywhere. */
const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  498: "provider_overloaded",
  501: "unsupported_operation",
  504: "timeout",
  524: "timeout",
};

/** An answer with an error status as a gateway error: by status and structured code, never by prose. */
export function upstreamFailure(
  profile: WireProfile,
  response: { readonly status: number; readonly headers: ResponseHeaders; readonly body: Buffer | string },
): GatewayError {
  const { status, headers } = response;
  let failedGeneration: string | undefined;
  const error = upstreamError({
    provider: profile.name,
    status,
    headers,
    body: response.body,
    map(body) {
      const outer = objectOf(Array.isArray(body) ? body[0] : body);
      const inner = objectOf(outer?.["error"]) ?? outer;
      failedGeneration = textIn(inner?.["failed_generation"]);
      return factsOf(profile, status, outer, inner);
    },
  });
  if (failedGeneration === undefined) return error;
  return error.with({ details: { ...error.details, failed_generation: failedGeneration } });
}

/** An error object that came under HTTP 200, in a body or in a stream. */
export function bodyFailure(profile: WireProfile, body: JsonObject, headers: ResponseHeaders = {}): GatewayError {
  const error = objectOf(body["error"]) ?? body;
  const told =
    statusIn(error["status"]) ?? statusIn(error["status_code"]) ?? statusIn(error["code"]) ?? statusIn(body["code"]);
  const status = told ?? (wordsOf(body, error).includes("invalid_request_error") ? 400 : 502);
  return upstreamFailure(profile, { status, headers, body: JSON.stringify(body) });
}

function factsOf(
  profile: WireProfile,
  status: number,
  outer: JsonObject | undefined,
  inner: JsonObject | undefined,
): UpstreamErrorFacts {
  // An error status without an error object is a wrong address or a proxy, not an unknown model.
  if (outer === undefined || inner === undefined) return { code: BY_STATUS[status] ?? codeWithoutBody(status) };
  const words = wordsOf(outer, inner);
  const row = findRow(profile, words, status);
  const code = row?.code ?? BY_STATUS[status];
  const unknownModel = (code ?? (status === 404 ? "model_not_found" : undefined)) === "model_not_found";
  const raw = textIn(objectOf(inner["metadata"])?.["raw"]);
  return {
    code,
    type: row?.options?.type ?? (status === 429 && words.includes("tokens") ? "tokens" : undefined),
    // The name is the operator's: another deployment may know it.
    retryable: row?.options?.retryable ?? (unknownModel ? true : undefined),
    param: textIn(inner["param"]) ?? row?.options?.param,
    message: raw === undefined ? undefined : `${textIn(inner["message"]) ?? "provider error"}: ${rawMessage(raw)}`,
  };
}

function codeWithoutBody(status: number): ErrorCode | undefined {
  return status === 404 ? "provider_error" : undefined;
}

function findRow(profile: WireProfile, words: readonly string[], status: number): ErrorRow | undefined {
  for (const table of [profile.errors ?? [], GENERAL]) {
    for (const word of words) {
      const row = table.find((each) => each.word === word && (each.status === undefined || each.status === status));
      if (row !== undefined) return row;
    }
  }
  return undefined;
}

/** Codes and types, the most exact first. */
function wordsOf(outer: JsonObject, inner: JsonObject): readonly string[] {
  const candidates = [
    objectOf(inner["innererror"])?.["code"],
    inner["code"],
    inner["type"],
    outer["code"],
    outer["type"],
    outer["error_type"],
  ];
  return candidates.filter((word): word is string => typeof word === "string");
}

const LONGEST_RAW = 500;

/** OpenRouter quotes the error of the host behind it as text. */
function rawMessage(raw: string): string {
  const inner = objectOf(tryParse(raw));
  const error = inner?.["error"];
  return (
    textIn(objectOf(error)?.["message"]) ?? textIn(error) ?? textIn(inner?.["message"]) ?? raw.slice(0, LONGEST_RAW)
  );
}

function statusIn(value: unknown): number | undefined {
  const status = typeof value === "string" ? Number(value) : numberIn(value);
  return status !== undefined && Number.isInteger(status) && status >= 400 && status <= 599 ? status : undefined;
}

export function incompleteStream(profile: WireProfile): GatewayError {
  return new GatewayError("provider_error", "the upstream ended the stream before the reply was complete", {
    source: profile.name,
  });
}

/** @param what what the provider did: `answered with HTML` */
export function unreadable(profile: WireProfile, what: string): GatewayError {
  return new GatewayError("provider_error", `provider "${profile.name}" ${what}`, { source: profile.name });
}
