import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import type { Gateway } from "@signalbox/kernel";
import type { DrainOptions, Listener, ListenOptions } from "./listen.ts";
import { listen } from "./listen.ts";

/** Options of `serve`: those of `listen`, and how the process ends. */
export interface ServeOptions extends ListenOptions {
  /** How the process ends when it is told to. */
  readonly drain?: DrainOptions;
}

/**
 * Serves a gateway until the process is told to end: `listen` and `installSignalHandlers` in one.
 *
 * @throws {GatewayError} as `listen` does
 */
export async function serve(gateway: Gateway, options: ServeOptions = {}): Promise<Listener> {
  const { drain, ...listenOptions } = options;
  const listener = await listen(gateway, listenOptions);
  installSignalHandlers(gateway, listener, drain);
  return listener;
}

const CLOSE_MS = 10_000;
const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * SIGTERM and SIGINT drain the listener, close the gateway and end the process with 0; a second signal ends it at
 * once with 1. An exception that nobody caught is written to the standard error stream and ends it the same way, with 1.
 *
 * @returns removes the handlers
 */
export function installSignalHandlers(gateway: Gateway, listener: Listener, drain: DrainOptions = {}): () => void {
  let ending = false;
  const end = (code: number): void => {
    if (ending) process.exit(1);
    ending = true;
    listener
      .close(drain)
      // a call that does not listen to its signal must not keep the process
      .then(() => Promise.race([gateway.close(), sleep(CLOSE_MS)]))
      .then(
        () => process.exit(code),
        (thrown: unknown) => {
          console.error(`signalbox: the gateway did not close: ${inspect(thrown)}`);
          process.exit(1);
        },
      );
  };
  const onSignal = (): void => end(0);
  const onException = (thrown: unknown): void => {
    console.error(`signalbox: uncaught exception: ${inspect(thrown)}`);
    if (!ending) end(1);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on("uncaughtException", onException);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off("uncaughtException", onException);
  };
}
