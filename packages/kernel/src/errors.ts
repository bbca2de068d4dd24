/** One row of the error table: what a code means to a client and to the router. */
export interface ErrorRule {
  /** HTTP status; 0 for errors that only occur while a gateway starts. */
  readonly status: number;
  /** OpenAI error type. */
  readonly type: string;
  /** Another deployment may succeed where this one failed. */
  readonly retryable: boolean;
}

/** `code: [status, type, retryable]` */
const TABLE = {
  // what the caller sent
  invalid_request: [400, "invalid_request_error", false],
  unknown_field: [400, "invalid_request_error", false],
  unsupported_parameter: [400, "invalid_request_error", false],
  unsupported_operation: [400, "invalid_request_error", true],
  context_length_exceeded: [400, "invalid_request_error", false],
  content_policy_violation: [400, "invalid_request_error", false],
  guardrail_blocked: [400, "invalid_request_error", false],
  no_matching_deployment: [400, "invalid_request_error", false],
  price_unknown: [400, "invalid_request_error", true],
  invalid_api_key: [401, "invalid_request_error", false],
  model_not_allowed: [403, "permission_error", false],
  route_not_allowed: [403, "permission_error", false],
  ip_not_allowed: [403, "permission_error", false],
  account_blocked: [403, "permission_error", false],
  tool_not_allowed: [403, "permission_error", false],
  target_not_allowed: [403, "permission_error", false],
  model_not_found: [404, "invalid_request_error", false],
  not_found: [404, "invalid_request_error", false],
  method_not_allowed: [405, "invalid_request_error", false],
  request_timeout: [408, "invalid_request_error", false],
  managed_by_file: [409, "invalid_request_error", false],
  conflict: [409, "invalid_request_error", false],
  request_too_large: [413, "invalid_request_error", false],
  headers_too_large: [431, "invalid_request_error", false],
  // limits and money
  budget_exceeded: [429, "insufficient_quota", true],
  rate_limit_exceeded: [429, "requests", true],
  concurrency_limit_exceeded: [429, "requests", true],
  // what a provider did
  provider_rate_limited: [429, "requests", true],
  provider_auth_failed: [502, "server_error", true],
  provider_error: [502, "server_error", true],
  provider_overloaded: [503, "server_error", true],
  no_healthy_deployment: [503, "server_error", false],
  timeout: [504, "server_error", true],
  // what this gateway could not do
  auth_unavailable: [503, "server_error", false],
  ledger_unavailable: [503, "server_error", false],
  guardrail_unavailable: [503, "server_error", false],
  overloaded: [503, "server_error", false],
  draining: [503, "server_error", false],
  client_closed: [499, "invalid_request_error", false],
  internal_error: [500, "server_error", false],
  // start-up: name the plugin and the remedy
  option_invalid: [0, "configuration_error", false],
  plugin_duplicate: [0, "configuration_error", false],
  plugin_requirement_missing: [0, "configuration_error", false],
  plugin_setup_failed: [0, "configuration_error", false],
  contract_duplicate: [0, "configuration_error", false],
  provider_duplicate: [0, "configuration_error", false],
  provider_unknown: [0, "configuration_error", false],
  dialect_duplicate: [0, "configuration_error", false],
  route_duplicate: [0, "configuration_error", false],
  stage_unknown: [0, "configuration_error", false],
  guardrail_incomplete: [0, "configuration_error", false],
  deployment_duplicate: [0, "configuration_error", false],
  deployment_invalid: [0, "configuration_error", false],
  fallback_unknown: [0, "configuration_error", false],
} as const;

/** A code of the closed table: `docs/errors.md` tells each one's status, meaning and remedy. */
export type ErrorCode = keyof typeof TABLE;

/**
 * The closed table of error codes (error contract, version 1).
 * `docs/errors.md` has one heading per code; a test keeps both in step.
 */
export const ERROR_RULES: Readonly<Record<ErrorCode, ErrorRule>> = Object.fromEntries(
  Object.entries(TABLE).map(([code, [status, type, retryable]]) => [code, { status, type, retryable }]),
) as Record<ErrorCode, ErrorRule>;

/** What an error tells besides code and message. */
export interface GatewayErrorOptions {
  /** The request field at fault, as the caller wrote it, e.g. `messages[0].content`. */
  readonly param?: string | undefined;
  /** The provider, plugin or guardrail that failed. */
  readonly source?: string | undefined;
  /** Real waiting time until a repetition can succeed. */
  readonly retryAfterMs?: number | undefined;
  /** Overrides the table: a provider's "bad request" that another deployment could still serve, and the reverse. */
  readonly retryable?: boolean | undefined;
  /** OpenAI error type where the table's is not exact: `tokens` instead of `requests` for a token limit. */
  readonly type?: string | undefined;
  /** Status the provider answered with. */
  readonly upstreamStatus?: number | undefined;
  /** Machine-readable facts for the client; no secrets. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

const BRAND = Symbol.for("@signalbox/kernel.GatewayError");

/** The only error a gateway shows to a caller. Anything else that is thrown becomes `internal_error`. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly type: string;
  readonly retryable: boolean;
  readonly param: string | undefined;
  readonly source: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly upstreamStatus: number | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    Object.defineProperty(this, BRAND, { value: true });
    const row = ERROR_RULES[code];
    this.code = code;
    this.status = row.status;
    this.type = options.type ?? row.type;
    this.retryable = options.retryable ?? row.retryable;
    this.param = options.param;
    this.source = options.source;
    this.retryAfterMs = options.retryAfterMs;
    this.upstreamStatus = options.upstreamStatus;
    this.details = options.details;
  }

  /** The same error with more facts, for layers that know what the thrower did not. */
  with(options: GatewayErrorOptions): GatewayError {
    return new GatewayError(this.code, this.message, {
      param: this.param,
      source: this.source,
      retryAfterMs: this.retryAfterMs,
      retryable: this.retryable,
      type: this.type,
      upstreamStatus: this.upstreamStatus,
      details: this.details,
      cause: this.cause,
      ...options,
    });
  }
}

/** True for a `GatewayError` of any copy of this package. */
export function isGatewayError(value: unknown): value is GatewayError {
  return typeof value === "object" && value !== null && BRAND in value;
}

/** Whatever was thrown, as a `GatewayError`. An unknown cause is hidden from the caller: its text may hold secrets. */
export function toGatewayError(thrown: unknown, source?: string): GatewayError {
  if (isGatewayError(thrown)) return thrown;
  return new GatewayError("internal_error", "the gateway failed to process this call", { source, cause: thrown });
}
