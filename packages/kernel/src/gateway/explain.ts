import type { Call } from "../call.ts";
import type { Deployment } from "../deployment.ts";
import { toGatewayError } from "../errors.ts";
import type { ExplainedAttempt } from "../gateway.ts";
import { isSecretName, maskSecret, redactHeaders, redactText } from "../http/redact.ts";
import type { OperationName, Reply } from "../operation.ts";
import type { Provider } from "../provider.ts";
import type { Transport, TransportRequest } from "../transport.ts";
import { createAttempt } from "./routed-attempt.ts";

/** Ends a provider at the moment it would send. Never leaves this file. */
class DryRunEnd extends Error {
  override readonly name = "DryRunEnd";
}

/** A transport that keeps the request instead of sending it. */
class DryRunTransport implements Transport {
  request: TransportRequest | undefined;

  send(request: TransportRequest): Promise<never> {
    return this.open(request);
  }

  open(request: TransportRequest): Promise<never> {
    this.request = request;
    return Promise.reject(new DryRunEnd("nothing is sent in a dry run"));
  }
}

function headerObject(list: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < list.length; at += 2) headers[String(list[at]).toLowerCase()] = String(list[at + 1]);
  return headers;
}

function readableBody(body: TransportRequest["body"], { extraBody }: Deployment): unknown {
  if (body === undefined) return undefined;
  if (typeof body !== "string" && !Buffer.isBuffer(body)) return "[stream]";
  const text = body.toString();
  try {
    return withoutSecrets(JSON.parse(text), extraBody);
  } catch {
    return redactText(text);
  }
}

/** Members that the operator adds may be credentials. */
function withoutSecrets(body: unknown, extraBody: Deployment["extraBody"]): unknown {
  const shown = body as Record<string, unknown>;
  for (const name in extraBody) {
    const value = shown[name];
    if (typeof value === "string" && isSecretName(name)) shown[name] = maskSecret(value);
  }
  return shown;
}

/** What the provider would send for this call, with secrets masked. */
export async function explainAttempt(
  call: Call,
  deployment: Deployment,
  provider: Provider,
): Promise<ExplainedAttempt> {
  const transport = new DryRunTransport();
  const attempt = createAttempt(call, deployment, transport, 0);
  // what was dropped from the call itself is missing from every attempt
  const dropped = call.trace.droppedParams;
  call.trace.droppedParams = dropped?.slice();
  const operation = provider.operations[call.operation] as ((of: typeof attempt) => Reply<OperationName>) | undefined;
  let error: ExplainedAttempt["error"];
  try {
    const reply = operation?.(attempt);
    await reply?.next();
    await reply?.return(undefined as never);
  } catch (thrown) {
    if (!(thrown instanceof DryRunEnd)) {
      const { code, message } = toGatewayError(thrown, provider.name);
      error = { code, message };
    }
  }
  const droppedParams = call.trace.droppedParams ?? [];
  call.trace.droppedParams = dropped;
  const { request } = transport;
  return {
    deployment: deployment.id,
    provider: provider.name,
    model: deployment.upstreamModel,
    lane: attempt.record.lane,
    droppedParams,
    ...(request !== undefined && {
      request: {
        method: request.method,
        // Where a provider answers is for administrators.
        url: redactText(call.principal.admin ? `${request.origin}${request.path}` : request.path),
        headers: redactHeaders(headerObject(request.headers)) as Record<string, string>,
        body: readableBody(request.body, deployment),
      },
    }),
    ...(error !== undefined && { error }),
  };
}
