import { GatewayError, isGatewayError } from "../errors.ts";

/** How far an exchange had come when it failed. */
export type ExchangePhase = "request" | "response";

const CUT = "the upstream closed the connection before the reply was complete";

/** For operators and their logs: addresses inside a network are none of a caller's business. */
function at(host: string, error?: unknown): Error {
  return new Error(`upstream ${host}`, error === undefined ? undefined : { cause: error });
}

/**
 * What an error of the HTTP client means. Messages name neither the host, which `cause` does, nor what was sent: undici's
 * own messages name headers at most, but an error code is all that is needed.
 */
export function transportFailure(error: unknown, host: string, phase: ExchangePhase): GatewayError {
  if (isGatewayError(error)) return error;
  const code = codeOf(error);
  switch (code) {
    case "UND_ERR_CONNECT_TIMEOUT":
      return new GatewayError("timeout", "connecting to the upstream took too long", { cause: at(host, error) });
    case "UND_ERR_HEADERS_TIMEOUT":
      return headersTimeout(host, error);
    case "UND_ERR_BODY_TIMEOUT":
      return idleTimeout(host, error);
    case "UND_ERR_INVALID_ARG":
    case "UND_ERR_NOT_SUPPORTED":
    case "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH":
      return new GatewayError("invalid_request", `the upstream request is malformed: ${(error as Error).message}`, {
        cause: at(host, error),
      });
    case "UND_ERR_DESTROYED":
    case "UND_ERR_CLOSED":
      return transportClosed();
    case "UND_ERR_HEADERS_OVERFLOW":
      return new GatewayError("provider_error", "the upstream's response head is too large", {
        cause: at(host, error),
      });
    case "UND_ERR_RES_CONTENT_LENGTH_MISMATCH":
    case "HPE_INVALID_EOF_STATE":
      return new GatewayError("provider_error", CUT, { cause: at(host, error) });
  }
  if (code?.startsWith("HPE_") === true) {
    return new GatewayError("provider_error", `the upstream's response is not valid HTTP (${code})`, {
      cause: at(host, error),
    });
  }
  if (phase === "response") return new GatewayError("provider_error", CUT, { cause: at(host, error) });
  return new GatewayError("provider_error", `the request to the upstream failed (${code ?? "unknown cause"})`, {
    cause: at(host, error),
  });
}

/** Why an exchange ends when its signal fires: the reason given, if it is one of ours, else the client has gone. */
export function abortFailure(signal: AbortSignal): GatewayError {
  const reason: unknown = signal.reason;
  return isGatewayError(reason)
    ? reason
    : new GatewayError("client_closed", "the call was cancelled", { cause: reason });
}

export function headersTimeout(host: string, cause?: unknown): GatewayError {
  return new GatewayError("timeout", "the upstream did not begin to answer in time", { cause: at(host, cause) });
}

export function firstByteTimeout(host: string): GatewayError {
  return new GatewayError("timeout", "the upstream did not send the beginning of its reply in time", {
    cause: at(host),
  });
}

export function idleTimeout(host: string, cause?: unknown): GatewayError {
  return new GatewayError("timeout", "the upstream stopped sending in the middle of its reply", {
    cause: at(host, cause),
  });
}

export function totalTimeout(host: string, timeoutMs: number): GatewayError {
  return new GatewayError("timeout", `the upstream did not finish within ${timeoutMs} ms`, { cause: at(host) });
}

export function replyTooLarge(host: string, maxBytes: number): GatewayError {
  return new GatewayError("provider_error", `the upstream's reply is larger than ${maxBytes} bytes`, {
    cause: at(host),
  });
}

export function transportClosed(): GatewayError {
  return new GatewayError("draining", "the transport is closed");
}

function codeOf(error: unknown): string | undefined {
  const code: unknown = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}
