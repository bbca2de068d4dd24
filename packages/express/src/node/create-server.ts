import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Gateway } from "@signalbox/kernel";
import type { RequestHandler } from "../request-handler.ts";
import { createHandler } from "../request-handler.ts";
import { answerClientError } from "./client-error.ts";
import { createHttpServer } from "./node-http.ts";
import type { ServerOptions } from "./server-options.ts";
import { splitOptions } from "./server-options.ts";

/** Between the end of the body's time and the end of the connection's: the handler's answer says more. */
const GRACE_MS = 5_000;

/**
 * A server for a gateway alone, with limits against slow and oversized requests. Not listening yet.
 *
 * @throws {GatewayError} `option_invalid`
 */
export function createServer(gateway: Gateway, options: ServerOptions = {}): Server {
  return createHandledServer(gateway, options).server;
}

/**
 * The same, with the handler for whoever must tell it to drain.
 *
 * @param admits sees every request first; false: it has answered
 */
export function createHandledServer(
  gateway: Gateway,
  options: ServerOptions,
  admits?: (request: IncomingMessage, response: ServerResponse) => boolean,
): { readonly server: Server; readonly handler: RequestHandler } {
  const { connection, handler: handlerOptions } = splitOptions(options);
  const handler = createHandler(gateway, handlerOptions);
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    if (admits === undefined || admits(request, response)) handler(request, response);
  };
  const server = createHttpServer(
    {
      headersTimeout: connection.headersTimeoutMs,
      requestTimeout: Math.max(handlerOptions.bodyTimeoutMs ?? 60_000, connection.headersTimeoutMs) + GRACE_MS,
      keepAliveTimeout: connection.keepAliveTimeoutMs,
      connectionsCheckingInterval: connection.checkIntervalMs,
      maxHeaderSize: connection.maxHeaderBytes,
      insecureHTTPParser: false,
      // the handler refuses it too, and says why
      requireHostHeader: false,
      noDelay: true,
    },
    serve,
  );
  server.maxRequestsPerSocket = connection.maxRequestsPerSocket;
  server.maxConnections = connection.maxConnections;
  server.on("clientError", answerClientError);
  return { server, handler };
}
