import type { DependencyContainer } from "tsyringe";
import type { Authenticator } from "../authenticator.ts";
import type { Cache } from "../cache/cache.ts";
import {
  AUTHENTICATOR,
  CACHE,
  ENTRY_STORE,
  gatewayContainer,
  LEDGER,
  LIMIT_STORE,
  MODEL_TABLE,
  PRICING,
  RECORD_STORE,
  RESERVATION_STORE,
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
import { MemoryState } from "../state/memory-state.ts";
import type { SharedState } from "../state/shared-state.ts";
import type { Transport } from "../transport.ts";
import { checkSharedState } from "./check-routing.ts";

/** The contracts of one gateway, each from the application's container, else from a plugin, else the default. */
export interface Contracts {
  readonly container: DependencyContainer;
  readonly authenticator: Authenticator;
  readonly state: SharedState;
  readonly transport: Transport;
  /** By the names of their plugins, in the order in which they are asked. */
  readonly caches: ReadonlyMap<string, Cache>;
  readonly ledger: Ledger | undefined;
  /** What is closed after the plugins, in this order. */
  readonly closed: readonly Closable[];
}

interface Closable {
  close?(): void | Promise<void>;
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
  await setUpPlugins(plugins, container);
  for (const plugin of plugins) {
    if (plugin.authenticator !== undefined) registerDefault(container, AUTHENTICATOR, plugin.authenticator);
    if (plugin.ledger !== undefined) registerDefault(container, LEDGER, plugin.ledger);
    if (plugin.pricing !== undefined) registerDefault(container, PRICING, plugin.pricing);
    if (plugin.limitStore !== undefined) registerDefault(container, LIMIT_STORE, plugin.limitStore);
    if (plugin.reservationStore !== undefined) registerDefault(container, RESERVATION_STORE, plugin.reservationStore);
    if (plugin.entryStore !== undefined) registerDefault(container, ENTRY_STORE, plugin.entryStore);
    if (plugin.recordStore !== undefined) registerDefault(container, RECORD_STORE, plugin.recordStore);
    if (plugin.transport !== undefined) registerDefault(container, TRANSPORT, plugin.transport);
    if (plugin.sharedState !== undefined) registerDefault(container, SHARED_STATE, plugin.sharedState);
  }
  registerDefault(container, AUTHENTICATOR, OPEN_ACCESS);
  registerDefault(container, SHARED_STATE, new MemoryState());
  if (!container.isRegistered(TRANSPORT, true)) container.register(TRANSPORT, { useValue: createTransport() });
  const state = container.resolve(SHARED_STATE);
  checkSharedState(state, plugins);
  const transport = container.resolve(TRANSPORT);
  const caches = cachesOf(plugins, resolveOptional(container, CACHE));
  const ledger = resolveOptional(container, LEDGER);
  const stores = [LIMIT_STORE, RESERVATION_STORE, ENTRY_STORE, RECORD_STORE].map((token) =>
    resolveOptional<Closable>(container, token),
  );
  return {
    container,
    authenticator: container.resolve(AUTHENTICATOR),
    state,
    transport,
    caches,
    ledger,
    closed: [...caches.values(), ledger, ...stores, state, transport].filter((each) => each !== undefined),
  };
}

/** When one cannot be set up, those before it are closed: what they hold open would keep the process alive. */
async function setUpPlugins(plugins: readonly Plugin[], container: DependencyContainer): Promise<void> {
  const done: Plugin[] = [];
  try {
    for (const plugin of plugins) {
      await named(plugin, "could not be set up", () => plugin.setup?.(container));
      done.push(plugin);
    }
  } catch (thrown) {
    const failures: unknown[] = [];
    for (const plugin of done.reverse()) {
      for (const each of [plugin, ...contractsOf(plugin)]) {
        try {
          await each.close?.();
        } catch (failure) {
          failures.push(failure);
        }
      }
    }
    throw failures.length === 0 ? thrown : withCauses(thrown, failures);
  }
}

/** What a plugin brings that holds something open. */
function contractsOf(plugin: Plugin): readonly Closable[] {
  const { cache, ledger, limitStore, reservationStore, entryStore, recordStore, sharedState, transport } = plugin;
  const all = [cache, ledger, limitStore, reservationStore, entryStore, recordStore, sharedState, transport];
  return [...new Set(all.filter((each) => each !== undefined))];
}

/** The reason of the failed start, and what went wrong on the way back. */
function withCauses(thrown: unknown, failures: readonly unknown[]): unknown {
  if (!isGatewayError(thrown)) return thrown;
  const { code, message, source } = thrown;
  const cause = new AggregateError([thrown, ...failures], "some plugins could not be closed either");
  return new GatewayError(code, message, { ...(source !== undefined && { source }), cause });
}

/** The application's own replaces those of all plugins. */
function cachesOf(plugins: readonly Plugin[], own: Cache | undefined): ReadonlyMap<string, Cache> {
  if (own !== undefined) return new Map([["application", own]]);
  return new Map(plugins.flatMap(({ name, cache }) => (cache === undefined ? [] : [[name, cache] as const])));
}

/** Tells the plugins that all contracts are there. */
export async function startPlugins(plugins: readonly Plugin[], container: DependencyContainer): Promise<void> {
  for (const plugin of plugins) await named(plugin, "could not start", () => plugin.start?.(container));
}

/** What goes wrong bears the plugin's name. */
async function named(plugin: Plugin, what: string, run: () => void | Promise<void>): Promise<void> {
  try {
    await run();
  } catch (thrown) {
    if (isGatewayError(thrown)) throw thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new GatewayError("plugin_setup_failed", `plugin ${JSON.stringify(plugin.name)} ${what}: ${reason}`, {
      source: plugin.name,
      cause: thrown,
    });
  }
}
