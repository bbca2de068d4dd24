import { GatewayError } from "@signalbox/kernel";
import type { HandlerOptions } from "../handler-options.ts";

/** Limits of the connection itself. Times in milliseconds. */
export interface ConnectionOptions {
  /** Time in which the head of a request must have arrived. Default 15,000. */
  readonly headersTimeoutMs?: number;
  /** How long an idle connection is kept; must be above the idle time of a load balancer in front. Default 75,000. */
  readonly keepAliveTimeoutMs?: number;
  /** How often slow requests are looked for. Default 5,000. */
  readonly checkIntervalMs?: number;
  /** Requests on one connection before it is closed. Default 10,000. */
  readonly maxRequestsPerSocket?: number;
  /** Open connections; more are refused. Default 10,000. */
  readonly maxConnections?: number;
  /** Bytes of a request's head, address included. Default 16 KiB. */
  readonly maxHeaderBytes?: number;
}

/** Limits of a `node:http` server and its connections, and how requests are handled. */
export interface ServerOptions extends HandlerOptions, ConnectionOptions {}

export type ConnectionSettings = Required<ConnectionOptions>;

const DEFAULTS: ConnectionSettings = {
  headersTimeoutMs: 15_000,
  keepAliveTimeoutMs: 75_000,
  checkIntervalMs: 5_000,
  maxRequestsPerSocket: 10_000,
  maxConnections: 10_000,
  maxHeaderBytes: 16 * 1024,
};

/** Takes apart what the connection and what the handler is told. @throws {GatewayError} `option_invalid` */
export function splitOptions(options: ServerOptions): {
  readonly connection: ConnectionSettings;
  readonly handler: HandlerOptions;
} {
  const connection: Record<string, number> = { ...DEFAULTS };
  const handler: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(DEFAULTS, name)) handler[name] = value;
    else if (typeof value === "number" && Number.isFinite(value) && value > 0) connection[name] = value;
    else if (value !== undefined) {
      throw new GatewayError("option_invalid", `${name} must be a number above 0`, { param: name, source: "express" });
    }
  }
  return { connection: connection as unknown as ConnectionSettings, handler };
}
