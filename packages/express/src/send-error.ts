import { channel } from "node:diagnostics_channel";
import { inspect } from "node:util";
import type { HttpReply } from "@signalbox/kernel";
import { GatewayError, toGatewayError } from "@signalbox/kernel";
import { contractError, errorHeaders, redactText } from "@signalbox/kernel/http";
import type { Exchange } from "./exchange.ts";
import type { ErrorReport } from "./handler-options.ts";
import { limitTail, sendReply } from "./send-reply.ts";

const LINGER_MS = 1_000;

/** A failure before the first byte of a response: the whole response, in the form of the exchange's dialect. */
export function sendError(exchange: Exchange, thrown: unknown): void {
  const error = publicError(exchange, thrown);
  const { response } = exchange;
  if (exchange.closed || response.destroyed) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const reply = encodedError(exchange, error);
  if (exchange.request.complete) sendReply(exchange, reply, missingHeaders(exchange, error, reply));
  else sendAndLinger(exchange, reply, error);
}

/** What the client may see of what was thrown. Everything that is our own fault is reported to the operator. */
export function publicError(exchange: Exchange, thrown: unknown): GatewayError {
  let error = toGatewayError(thrown);
  // codes of start-up have no status: thrown here they are as much our fault as any other exception
  if (error.status === 0)
    error = new GatewayError("internal_error", "the gateway failed to process this call", { cause: thrown });
  if (error.code === "internal_error") report(exchange, error);
  return error;
}

function encodedError(exchange: Exchange, error: GatewayError): HttpReply {
  const reply = inDialect(exchange, error);
  return error.code === "budget_exceeded"
    ? { ...reply, status: exchange.surface.settings.budgetExceededStatus }
    : reply;
}

function inDialect(exchange: Exchange, error: GatewayError): HttpReply {
  if (exchange.dialect === undefined) return contractError(error);
  try {
    return exchange.dialect.encodeError(error, exchange.id);
  } catch (thrown) {
    report(exchange, toGatewayError(thrown, exchange.dialect.name));
    return contractError(error);
  }
}

/** Headers that are the same in every dialect, unless the dialect has written them itself. */
function missingHeaders(exchange: Exchange, error: GatewayError, reply: HttpReply): Record<string, string> {
  const headers = errorHeaders(error);
  if ((exchange.open?.call.trace.attempts.length ?? 0) > 1) headers["x-should-retry"] = "false";
  for (const name in reply.headers) delete headers[name];
  return headers;
}

/**
 * Answers a request whose body has not arrived and is not wanted. Closing at once would make the client's system throw
 * away the answer along with what it is still sending: the answer is sent, and the rest of the body is discarded for a
 * moment before the connection is closed.
 */
function sendAndLinger(exchange: Exchange, reply: HttpReply, error: GatewayError): void {
  const { request, response } = exchange;
  const wanted = request.headers["content-length"] ?? request.headers["transfer-encoding"];
  const headers = missingHeaders(exchange, error, reply);
  if (wanted === undefined || wanted === "0") {
    sendReply(exchange, reply, headers);
    return;
  }
  if (!exchange.surface.draining) headers.connection = "close";
  const close = (): void => {
    clearTimeout(timer);
    request.off("end", close);
    if (!response.destroyed) response.end();
  };
  const timer = setTimeout(close, LINGER_MS);
  timer.unref();
  request.on("end", close).on("error", close);
  // everything but the end of the response: it is complete to the client by its content-length
  sendReply(exchange, reply, headers, false);
  request.resume();
  limitTail(exchange);
}

function report(exchange: Exchange, error: GatewayError): void {
  const { request, path, surface, id } = exchange;
  const errorReport: ErrorReport = { error, callId: id, method: request.method ?? "", path };
  if (surface.settings.onError !== undefined) {
    surface.settings.onError(errorReport);
    return;
  }
  const subscribers = channel("signalbox:internal-error");
  if (subscribers.hasSubscribers) subscribers.publish(errorReport);
  else console.error(redactText(`signalbox: internal error, call ${id}: ${inspect(error.cause ?? error)}`));
}
