import { serve } from "@signalbox/express/node";
import type { Gateway } from "@signalbox/kernel";
import { createGateway, isGatewayError } from "@signalbox/kernel";
import { assemble } from "./assemble.ts";
import { banner } from "./banner.ts";

export interface StartOptions {
  readonly config?: string;
  readonly port: number;
  readonly host: string;
  /** Model strings from the command line. */
  readonly models: readonly string[];
  readonly version: string;
}

/** Starts the gateway and says what it does. Answers 1, with the reason on the error stream, when it cannot start. */
export async function startGateway(
  options: StartOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  let gateway: Gateway | undefined;
  try {
    const assembly = assemble(options, env);
    gateway = await createGateway(assembly.gateway);
    const listener = await serve(gateway, { ...assembly.server, host: options.host, port: options.port });
    console.log(banner({ ...assembly, version: options.version, url: listener.url, dialects: gateway.dialects }));
    return 0;
  } catch (error) {
    console.error(`signalbox: ${reason(error, options)}`);
    await gateway?.close();
    return 1;
  }
}

function reason(error: unknown, { host, port }: StartOptions): string {
  if (isGatewayError(error)) return error.message;
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
