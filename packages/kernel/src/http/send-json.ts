import type { Attempt } from "../call.ts";
import type { TransportRequest } from "../transport.ts";
import type { UpstreamOptions } from "./open-stream.ts";
import type { JsonSchema } from "./parse-json.ts";
import { parseJson } from "./parse-json.ts";
import { upstreamError } from "./upstream-error.ts";

/**
 * Sends a request and answers the JSON of the whole reply.
 *
 * ```ts
 * const Reply = z.object({ vectors: z.array(z.array(z.number())) });
 * const { vectors } = await sendJson(attempt, jsonRequest(attempt, { … }), { schema: Reply });
 * ```
 *
 * @throws {GatewayError} for a status other than 2xx, as {@link upstreamError} classifies it; `provider_error` for what
 *   is not JSON, or not of the schema's shape
 */
export async function sendJson<T = unknown>(
  attempt: Pick<Attempt, "deployment" | "transport" | "signal">,
  request: TransportRequest,
  options: UpstreamOptions & { readonly schema?: JsonSchema<T> } = {},
): Promise<T> {
  const { map, schema } = options;
  const { status, headers, body } = await attempt.transport.send({ signal: attempt.signal, ...request });
  if (status < 200 || status >= 300) {
    throw upstreamError({ provider: attempt.deployment.provider, status, headers, body, map });
  }
  return schema === undefined ? (parseJson(attempt, body) as T) : parseJson(attempt, body, schema);
}
