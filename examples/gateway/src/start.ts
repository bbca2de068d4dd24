import { serve } from "@signalbox/express/node";
import type { Gateway, GatewayError } from "@signalbox/kernel";
import { createGateway, isGatewayError } from "@signalbox/kernel";
import type { Assembly } from "./assemble.ts";
import { assemble } from "./assemble.ts";
import { banner } from "./banner.ts";

export interface StartOptions {
  readonly config?: string;
  readonly port: number;
  readonly host: string;
  /** Model strings from the command line. */
  readonly models: readonly string[];
  readonly version: string;
  /** Directory for what is kept; `memory`: nothing is. */
  readonly data?: string;
  /** Wait for a database or Redis that cannot be reached, instead of giving up. */
  readonly waitForStores?: boolean;
}

/** Starts the gateway and says what it does. Answers 1, with the reason on the error stream, when it cannot start. */
export async function startGateway(
  options: StartOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  let assembly: Assembly | undefined;
  let gateway: Gateway | undefined;
  try {
    assembly = await assemble(options, env);
    gateway = await createGateway(assembly.gateway);
    const listener = await serve(gateway, { ...assembly.server, host: options.host, port: options.port });
    console.log(banner({ ...assembly, version: options.version, url: listener.url, dialects: gateway.dialects }));
    return 0;
  } catch (error) {
    console.error(`signalbox: ${reason(error, options, assembly)}`);
    await gateway?.close();
    return 1;
  }
}

function reason(error: unknown, { host, port }: StartOptions, assembly: Assembly | undefined): string {
  if (isGatewayError(error)) return storeReason(error, assembly) ?? error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} on ${host} is in use by another program; choose another with --port`;
    case "EACCES":
      return `this user may not listen on port ${port}; choose one above 1023 with --port`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `${host} is not an address of this machine; choose another with --host`;
    default:
      return message;
  }
}

/** The component that is out of reach, by its place, and what to do. */
function storeReason({ source = "", message }: GatewayError, assembly: Assembly | undefined): string | undefined {
  const place = assembly?.stores.places[source] ?? assembly?.caches.places[source];
  if (place === undefined) return undefined;
  return `${place}: ${message}; start it, correct its address, or use --wait-for-stores`;
}
