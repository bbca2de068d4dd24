import type { Attempt } from "../call.ts";
import type { TransportRequest, TransportStream } from "../transport.ts";
import type { UpstreamErrorFacts } from "./upstream-error.ts";
import { upstreamError } from "./upstream-error.ts";

/** How an exchange with a provider reads errors. */
export interface UpstreamOptions {
  /** What the vendor's structured codes tell about a failure, see {@link upstreamError}. */
  readonly map?: (body: unknown) => UpstreamErrorFacts | undefined;
}

/**
 * Sends a request and answers the body as it arrives. Whoever reads it with `sseEvents` or `ndjsonValues` closes it too.
 *
 * ```ts
 * const stream = await openStream(attempt, jsonRequest(attempt, { … }));
 * for await (const { data } of sseEvents(stream)) yield* decode(data);
 * ```
 *
 * @throws {GatewayError} for a status other than 2xx, as {@link upstreamError} classifies it
 */
export async function openStream(
  attempt: Pick<Attempt, "deployment" | "transport" | "signal">,
  request: TransportRequest,
  { map }: UpstreamOptions = {},
): Promise<TransportStream> {
  const stream = await attempt.transport.open({ signal: attempt.signal, ...request });
  const { status, headers } = stream;
  if (status >= 200 && status < 300) return stream;
  throw upstreamError({ provider: attempt.deployment.provider, status, headers, body: await stream.readAll(), map });
}
