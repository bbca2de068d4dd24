import type { IncomingMessage } from "node:http";
import { GatewayError } from "@signalbox/kernel";
import { checkRequestShape } from "@signalbox/kernel/http";
import type { Settings } from "./handler-options.ts";

const MAX_URL_LENGTH = 8 * 1024;
const PORT = /:\d*$/;

/**
 * Refuses what no honest client sends, before anything is decided by it.
 *
 * @throws {GatewayError} `invalid_request`, `headers_too_large`, `route_not_allowed`
 */
export function checkShape(request: IncomingMessage, { allowedHosts, maxHeaders }: Settings): void {
  if (request.rawHeaders.length > 2 * maxHeaders) {
    throw new GatewayError("headers_too_large", `the request has more than ${maxHeaders} header fields`);
  }
  if ((request.url?.length ?? 0) > MAX_URL_LENGTH) {
    throw new GatewayError("headers_too_large", `the request's address is longer than ${MAX_URL_LENGTH} characters`);
  }
  checkRequestShape(request);
  if (allowedHosts === undefined) return;
  const host = (request.headers.host ?? "").replace(PORT, "").toLowerCase();
  if (!allowedHosts.includes(host)) throw new GatewayError("route_not_allowed", "this host is not served here");
}
