import type { ErrorCode } from "../errors.ts";
import { GatewayError } from "../errors.ts";
import type { ResponseHeaders } from "../transport.ts";
import { isJsonObject } from "./json-object.ts";
import { redactText } from "./redact.ts";
import { retryAfterMs } from "./retry-after.ts";

/** What a provider knows better than the status tells, from its structured codes. */
export interface UpstreamErrorFacts {
  readonly code?: ErrorCode | undefined;
  readonly message?: string | undefined;
  readonly param?: string | undefined;
  /** OpenAI error type. */
  readonly type?: string | undefined;
  readonly retryable?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** A reply of a provider that says no. */
export interface UpstreamErrorResponse {
  /** Name of the provider. */
  readonly provider: string;
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Buffer | string;
  /** Refines the classification. Decide by structured codes, never by words of a message. */
  readonly map?: ((body: unknown) => UpstreamErrorFacts | undefined) | undefined;
}

const MAX_MESSAGE_LENGTH = 2000;
/** Of a body that is not JSON, no more is looked at. */
const MAX_BODY_BYTES = 64 * 1024;

/** The normal form of an error response: classified by status, message masked and capped, facts under `details.provider`. */
export function upstreamError(response: UpstreamErrorResponse): GatewayError {
  const { provider, status, headers } = response;
  const body = parsedBody(response.body);
  const error = errorObject(body);
  const facts = response.map?.(body) ?? {};
  const code = facts.code ?? codeForStatus(status);
  const waitMs = facts.retryAfterMs ?? (waits(code) ? retryAfterMs(headers) : undefined);
  const message = facts.message ?? messageOf(body) ?? plainMessage(body, status);
  return new GatewayError(code, cap(redactText(message.slice(0, MAX_MESSAGE_LENGTH * 2))), {
    param: facts.param ?? text(error?.param),
    source: provider,
    retryAfterMs: waitMs,
    retryable: facts.retryable,
    type: facts.type ?? (status === 402 && facts.code === undefined ? "insufficient_quota" : undefined),
    upstreamStatus: status,
    details: { provider: { name: provider, status, ...typeAndCode(error) } },
  });
}

/** What a status alone says. */
function codeForStatus(status: number): ErrorCode {
  switch (status) {
    case 401:
    case 403:
      return "provider_auth_failed";
    case 402:
    case 429:
      return "provider_rate_limited";
    case 404:
      return "model_not_found";
    case 408:
      return "timeout";
    case 413:
      return "request_too_large";
    case 503:
    case 529:
      return "provider_overloaded";
    default:
      return status >= 400 && status < 499 ? "invalid_request" : "provider_error";
  }
}

function waits(code: ErrorCode): boolean {
  return code === "provider_rate_limited" || code === "provider_overloaded" || code === "provider_error";
}

/** JSON if it is that, else the text. */
function parsedBody(body: Buffer | string): unknown {
  if (body.length > MAX_BODY_BYTES) return body.toString().slice(0, MAX_BODY_BYTES);
  const json = body.toString();
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

/** The object that holds type, code and message: vendors wrap it in `error`, in a list, or not at all. */
function errorObject(body: unknown): Record<string, unknown> | undefined {
  const outer: unknown = Array.isArray(body) ? body[0] : body;
  if (!isJsonObject(outer)) return undefined;
  const inner = outer.error;
  return isJsonObject(inner) ? inner : outer;
}

function messageOf(body: unknown): string | undefined {
  const error = errorObject(body);
  if (error === undefined) return undefined;
  for (const name of ["message", "error", "detail", "error_description", "title"]) {
    const found = messageFrom(error[name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `detail` may be a list of what is wrong, each with a place and a message (FastAPI). */
function messageFrom(value: unknown): string | undefined {
  if (typeof value === "string") return value.trim() === "" ? undefined : value;
  if (isJsonObject(value)) return messageFrom(value.message ?? value.msg);
  if (!Array.isArray(value)) return undefined;
  const messages = value.slice(0, 5).map((item: unknown) => {
    const message = messageFrom(item);
    const place = isJsonObject(item) && Array.isArray(item.loc) ? item.loc.join(".") : "";
    return message !== undefined && place !== "" ? `${place}: ${message}` : message;
  });
  const known = messages.filter((message) => message !== undefined);
  return known.length === 0 ? undefined : known.join("; ");
}

/** For bodies without a message of a known shape. Pages and damaged JSON are not shown: they say nothing to a client. */
function plainMessage(body: unknown, status: number): string {
  if (typeof body !== "string" || body.trim() === "") return `the provider answered with status ${status}`;
  const start = body.trimStart().slice(0, 1);
  if (start === "<") return `the provider answered with an HTML page (status ${status})`;
  if (start === "{" || start === "[") return `the provider answered with damaged JSON (status ${status})`;
  return body.trim();
}

function typeAndCode(error: Record<string, unknown> | undefined): { type?: string; code?: string | number } {
  const type = text(error?.type ?? error?.__type ?? error?.status);
  const code = error?.code;
  return {
    ...(type !== undefined && { type: cap(type, 100) }),
    ...(typeof code === "string" ? { code: cap(code, 100) } : typeof code === "number" ? { code } : {}),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function cap(value: string, length: number = MAX_MESSAGE_LENGTH): string {
  return value.length <= length ? value : `${value.slice(0, length - 1)}…`;
}
