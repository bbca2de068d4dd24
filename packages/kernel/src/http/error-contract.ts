import type { GatewayError } from "../errors.ts";

/** Headers of an error response that are the same in every dialect (error contract, version 1). */
export function errorHeaders(error: GatewayError): Record<string, string> {
  const headers: Record<string, string> = { "x-signalbox-error-contract": "1" };
  if (error.retryAfterMs !== undefined) headers["retry-after"] = String(Math.ceil(error.retryAfterMs / 1_000));
  // client libraries would repeat what waiting does not change, or what the gateway has already repeated
  if (error.code === "budget_exceeded" || error.details?.attempts !== undefined) headers["x-should-retry"] = "false";
  return headers;
}

/** An error as OpenAI's clients expect it, and everybody where no dialect is known. */
export function contractError(error: GatewayError): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
} {
  const { message, type, code, details } = error;
  const param = error.param ?? null;
  return {
    status: error.status,
    headers: { "content-type": "application/json", ...errorHeaders(error) },
    body: JSON.stringify({ error: { message, type, param, code, ...(details !== undefined && { details }) } }),
  };
}
