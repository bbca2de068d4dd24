import type { DependencyContainer } from "tsyringe";
import type { Authenticator } from "../authenticator.ts";
import type { Cache } from "../cache.ts";
import {
  AUTHENTICATOR,
  CACHE,
  gatewayContainer,
  LEDGER,
  MODEL_TABLE,
  registerDefault,
  resolveOptional,
  SHARED_STATE,
  TRANSPORT,
} from "../container.ts";
import type { ModelTable } from "../deployment.ts";
import { GatewayError, isGatewayError } from "../errors.ts";
import type { GatewayOptions } from "../gateway.ts";
import { createTransport } from "../http/undici-transport.ts";
import type { Ledger } from "../ledger.ts";
import type { Plugin } from "../plugin.ts";
import type { SharedState } from "../shared-state.ts";
import type { Transport } from "../transport.ts";
import { checkSharedState } from "./check-routing.ts";
import { MemoryState } from "./memory-state.ts";

/** The contracts of one gateway, each from the application's container, else from a plugin, else the default. */
export interface Contracts {
  readonly container: DependencyContainer;
  readonly authenticator: Authenticator;
  readonly state: SharedState;
  readonly transport: Transport;
  readonly cache: Cache | undefined;
  readonly ledger: Ledger | undefined;
}

/** Nobody has a key: whoever reaches the gateway may use and manage it. Surfaces listen on loopback only. */
const OPEN_ACCESS: Authenticator = {
  required: false,
  authenticate: () => ({ id: "anonymous", kind: "anonymous", admin: true, models: ["*"] }),
};

/** Sets the plugins up and resolves once, at start, what calls need. */
export async function resolveContracts(
  { container: parent, plugins }: GatewayOptions,
  models: ModelTable,
): Promise<Contracts> {
  const container = gatewayContainer(parent);
  container.register(MODEL_TABLE, { useValue: models });
  for (const plugin of plugins) await setUp(plugin, container);
  for (const plugin of plugins) {
    if (plugin.authenticator !== undefined) registerDefault(container, AUTHENTICATOR, plugin.authenticator);
    if (plugin.cache !== undefined) registerDefault(container, CACHE, plugin.cache);
    if (plugin.ledger !== undefined) registerDefault(container, LEDGER, plugin.ledger);
    if (plugin.transport !== undefined) registerDefault(container, TRANSPORT, plugin.transport);
    if (plugin.sharedState !== undefined) registerDefault(container, SHARED_STATE, plugin.sharedState);
  }
  registerDefault(container, AUTHENTICATOR, OPEN_ACCESS);
  registerDefault(container, SHARED_STATE, new MemoryState());
  if (!container.isRegistered(TRANSPORT, true)) container.register(TRANSPORT, { useValue: createTransport() });
  const state = container.resolve(SHARED_STATE);
  checkSharedState(state, plugins);
  return {
    container,
    authenticator: container.resolve(AUTHENTICATOR),
    state,
    transport: container.resolve(TRANSPORT),
    cache: resolveOptional(container, CACHE),
    ledger: resolveOptional(container, LEDGER),
  };
}

async function setUp(plugin: Plugin, container: DependencyContainer): Promise<void> {
  try {
    await plugin.setup?.(container);
  } catch (thrown) {
    if (isGatewayError(thrown)) throw thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new GatewayError(
      "plugin_setup_failed",
      `plugin ${JSON.stringify(plugin.name)} could not be set up: ${reason}`,
      { source: plugin.name, cause: thrown },
    );
  }
}
