import type { GatewayError, HttpReply } from "@signalbox/kernel";
import { sseData } from "@signalbox/kernel/http";

const SECOND_MS = 1_000;

/** The error object of OpenAI's clients, with the gateway's stable code. */
export function errorBody(error: GatewayError): string {
  return JSON.stringify({
    error: {
      message: error.message,
      type: error.type,
      param: error.param ?? null,
      code: error.code,
      ...(error.details !== undefined && { details: error.details }),
    },
  });
}

/** Every failure as OpenAI's clients expect it (error contract, version 1). */
export function encodeOpenaiError(error: GatewayError, requestId: string): HttpReply {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "x-signalbox-error-contract": "1",
    "x-request-id": requestId,
  };
  if (error.retryAfterMs !== undefined) headers["retry-after"] = String(Math.ceil(error.retryAfterMs / SECOND_MS));
  if (error.code === "budget_exceeded") headers["x-should-retry"] = "false";
  return { status: error.status, headers, body: errorBody(error) };
}

/** A failure after the stream has begun. */
export function encodeStreamError(error: GatewayError): string {
  return sseData(errorBody(error));
}
