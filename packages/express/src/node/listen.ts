import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Gateway } from "@signalbox/kernel";
import { GatewayError } from "@signalbox/kernel";
import { createHandledServer } from "./create-server.ts";
import { isLocal, isLoopback } from "./loopback.ts";
import type { ServerOptions } from "./server-options.ts";

/** Where to listen, and to whom; with the limits of the server. */
export interface ListenOptions extends ServerOptions {
  /** 0: any free port. Default 4000. */
  readonly port?: number;
  /** Address to listen on. Default `127.0.0.1`; `0.0.0.0` or `::` for all. */
  readonly host?: string;
  /** Listen beyond this machine although the gateway asks nobody for a key. Default false. */
  readonly allowOpen?: boolean;
}

/** How a listener ends: when readiness says no, and how long running calls may go on. */
export interface DrainOptions {
  /** How long readiness says no before connections are refused, for load balancers to notice. Default 0. */
  readonly delayMs?: number;
  /** How long running calls may take to end; then they get an error event. Default 30,000. */
  readonly deadlineMs?: number;
}

/** A gateway that is being served. */
export interface Listener {
  /** `http://127.0.0.1:4000` */
  readonly url: string;
  readonly server: Server;
  /**
   * Readiness says no; after the delay no connection is accepted; running calls end, at the deadline with an error;
   * then every connection is closed. The gateway refuses new calls from then on, but is not closed. Idempotent.
   */
  close(options?: DrainOptions): Promise<void>;
}

/** After the last call has ended, the time in which its last bytes may leave. */
const FLUSH_MS = 1_000;
const DEFAULT_PORT = 4000;
const DEFAULT_HOST = "127.0.0.1";
const BACKLOG = 4096;

/**
 * Serves a gateway over HTTP. A gateway without keys is served to this machine only: to loopback addresses, and to
 * pages of no other origin, so that no website reaches it through the user's browser.
 *
 * @throws {GatewayError} `option_invalid`: an option, or an address that would leave the gateway open to others
 */
export async function listen(gateway: Gateway, options: ListenOptions = {}): Promise<Listener> {
  const { port = DEFAULT_PORT, host = DEFAULT_HOST, allowOpen = false, ...serverOptions } = options;
  const open = !gateway.authenticator.required && !allowOpen;
  if (open && !isLoopback(host)) {
    throw new GatewayError(
      "option_invalid",
      `the gateway asks nobody for a key, and ${JSON.stringify(host)} can be reached from other machines: ` +
        'add a plugin with an authenticator, listen on "127.0.0.1", or set allowOpen',
      { param: "host", source: "express" },
    );
  }
  const { server, handler } = createHandledServer(gateway, serverOptions, open ? isLocal : undefined);
  server.listen(port, host, BACKLOG);
  await once(server, "listening");
  let closing: Promise<void> | undefined;
  return {
    url: urlOf(server.address() as AddressInfo),
    server,
    close(drain = {}) {
      closing ??= closeServer(gateway, server, () => handler.startDraining(), drain);
      return closing;
    },
  };
}

async function closeServer(
  gateway: Gateway,
  server: Server,
  startDraining: () => void,
  { delayMs = 0, deadlineMs = 30_000 }: DrainOptions,
): Promise<void> {
  startDraining();
  if (delayMs > 0) await sleep(delayMs);
  // closes idle connections too; busy ones are closed by their next reply
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  await gateway.drain(deadlineMs);
  const abandon = setTimeout(() => server.closeAllConnections(), FLUSH_MS);
  await closed;
  clearTimeout(abandon);
}

function urlOf({ address, family, port }: AddressInfo): string {
  const shown = address === "::" || address === "0.0.0.0" ? "127.0.0.1" : address;
  return family === "IPv6" && shown.includes(":") ? `http://[${shown}]:${port}` : `http://${shown}:${port}`;
}
