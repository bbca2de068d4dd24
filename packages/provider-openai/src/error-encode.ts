import type { GatewayError, HttpReply } from "@signalbox/kernel";
import { contractError, sseData } from "@signalbox/kernel/http";

/** Every failure as OpenAI's clients expect it (error contract, version 1). */
export function encodeOpenaiError(error: GatewayError, requestId: string): HttpReply {
  const { status, headers, body } = contractError(error);
  return { status, headers: { ...headers, "x-request-id": requestId }, body };
}

/** A failure after the stream has begun. */
export function encodeStreamError(error: GatewayError): string {
  return sseData(contractError(error).body);
}
