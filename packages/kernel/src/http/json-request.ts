import type { Attempt } from "../call.ts";
import { GatewayError } from "../errors.ts";
import type { TransportRequest } from "../transport.ts";

/** What a request says besides what the deployment adds. */
export interface JsonRequest {
  /** Where the vendor answers, unless the deployment has a base URL of its own: `https://api.example.com/v1`. */
  readonly baseUrl: string;
  /** Put behind the base URL: `/chat`. */
  readonly path: string;
  /** Credentials and the like; undefined ones are left out. The deployment's own win over those of the same name. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Written as JSON, undefined members left out. Without a body it is a GET. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/**
 * A request with JSON, as the attempt's deployment wants it: at its base URL, with its headers and its extra body.
 *
 * ```ts
 * const request = jsonRequest(attempt, {
 *   baseUrl: "https://api.example.com/v1",
 *   path: "/chat",
 *   headers: { "x-api-key": attempt.deployment.apiKey?.reveal() },
 *   body: { model: attempt.upstreamModel, temperature: attempt.request.temperature },
 * });
 * ```
 *
 * @throws {GatewayError} `provider_error` when the base URL is no http address
 */
export function jsonRequest(attempt: Pick<Attempt, "deployment">, request: JsonRequest): TransportRequest {
  const { deployment } = attempt;
  const { body } = request;
  const { origin, pathname, search } = address(attempt, request.baseUrl);
  const headers: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
  for (const [name, value] of [...Object.entries(request.headers ?? {}), ...Object.entries(deployment.headers ?? {})]) {
    if (value !== undefined) headers[name.toLowerCase()] = value;
  }
  return {
    method: body === undefined ? "GET" : "POST",
    origin,
    path: `${pathname.replace(/\/+$/, "")}${request.path}${search}`,
    headers: Object.entries(headers).flat(),
    ...(body !== undefined && { body: JSON.stringify({ ...body, ...deployment.extraBody }) }),
  };
}

function address({ deployment }: Pick<Attempt, "deployment">, usual: string): URL {
  const url = URL.parse(deployment.baseUrl ?? usual);
  if (url?.protocol === "https:" || url?.protocol === "http:") return url;
  throw new GatewayError(
    "provider_error",
    `deployment ${JSON.stringify(deployment.id)} has a base URL that is no http address: ${JSON.stringify(deployment.baseUrl ?? usual)}`,
    { source: deployment.provider },
  );
}
