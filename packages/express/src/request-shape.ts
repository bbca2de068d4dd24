import type { IncomingMessage } from "node:http";
import { GatewayError } from "@signalbox/kernel";
import type { Settings } from "./handler-options.ts";

/** @throws {GatewayError} `headers_too_large` */
export function checkShape(request: IncomingMessage, settings: Settings): void {
  if (request.rawHeaders.length > 2 * settings.maxHeaders) {
    throw new GatewayError("headers_too_large", `the request has more than ${settings.maxHeaders} header fields`);
  }
}
