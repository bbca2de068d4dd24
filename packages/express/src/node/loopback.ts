import type { IncomingMessage, ServerResponse } from "node:http";
import { GatewayError } from "@signalbox/kernel";
import { contractError } from "@signalbox/kernel/http";

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i;

/** Whether an address or host name can only mean this machine. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/**
 * Refuses requests that a website sends through a browser on this machine: those that name another host (a name that
 * was made to point here), and those of a page from elsewhere. True: the request may pass.
 */
export function isLocal(request: IncomingMessage, response: ServerResponse): boolean {
  const { host = "", origin } = request.headers;
  if (isLoopback(host.replace(/:\d*$/, "")) && (origin === undefined || isLocalOrigin(origin))) return true;
  const reply = contractError(
    new GatewayError("route_not_allowed", "this gateway has no keys and serves only programs on its own machine"),
  );
  response.writeHead(reply.status, { ...reply.headers, connection: "close" });
  response.end(reply.body);
  return false;
}

function isLocalOrigin(origin: string): boolean {
  return URL.canParse(origin) && isLoopback(new URL(origin).hostname);
}
