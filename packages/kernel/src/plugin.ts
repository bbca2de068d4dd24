import type { DependencyContainer } from "tsyringe";
import type { Authenticator } from "./authenticator.ts";
import type { Cache } from "./cache/cache.ts";
import type { Dialect, ResourceRoute } from "./dialect.ts";
import type { Guardrail } from "./guardrail.ts";
import type { StageLayers } from "./layer.ts";
import type { Ledger } from "./ledger.ts";
import type { EntryStore, ReservationStore } from "./ledger-stores.ts";
import type { LimitStore } from "./limit-store.ts";
import type { ModelSelector } from "./model-selector.ts";
import type { Moments } from "./moments.ts";
import type { Pricing } from "./pricing.ts";
import type { Provider } from "./provider.ts";
import type { RecordStore } from "./record-store.ts";
import type { Router, RouterFactory } from "./router.ts";
import type { SharedState } from "./state/shared-state.ts";
import type { Strategy, StrategyFactory } from "./strategy.ts";
import type { Transport } from "./transport.ts";

/** The state of something a plugin depends on. */
export interface Health {
  readonly ok: boolean;
  /** What is wrong, or what is there; no secrets. */
  readonly detail?: string;
}

/**
 * What a package adds to a gateway: a plain object, returned by a factory.
 *
 * ```ts
 * export function shout(): Plugin {
 *   return { name: "shout", providers: [shoutProvider()] };
 * }
 * ```
 */
export interface Plugin {
  /** Unique in a gateway; the suffix of the package's name. */
  readonly name: string;
  /** Names of plugins that must be there too. Checked at start. */
  readonly requires?: readonly string[];
  readonly providers?: readonly Provider[];
  readonly dialects?: readonly Dialect[];
  /** Management routes. */
  readonly routes?: readonly ResourceRoute[];
  readonly guardrails?: readonly Guardrail[];
  readonly authenticator?: Authenticator;
  readonly router?: Router | RouterFactory;
  /** Orders the deployments of a model; used by the gateway's router. */
  readonly strategy?: Strategy | StrategyFactory;
  readonly selectors?: readonly ModelSelector[];
  readonly sharedState?: SharedState;
  readonly cache?: Cache;
  readonly ledger?: Ledger;
  readonly pricing?: Pricing;
  readonly limitStore?: LimitStore;
  readonly reservationStore?: ReservationStore;
  readonly entryStore?: EntryStore;
  readonly recordStore?: RecordStore;
  readonly transport?: Transport;
  readonly layers?: StageLayers;
  readonly on?: Moments;
  /**
   * Members of a request's body that this plugin reads from `call.options.extensions`: `cache`, `guardrails`,
   * `num_retries`, `litellm_…`, `signalbox_…`. What no plugin reads is reported to the client as dropped.
   */
  readonly extensions?: readonly string[];
  /** Runs at start, in list order, before anything is resolved: register or replace contracts in the gateway's container. */
  setup?(container: DependencyContainer): void | Promise<void>;
  /**
   * Runs at start, in list order, when all contracts are there: `container.resolve(LEDGER)`. A gateway that is being closed
   * because a later plugin could not start closes this one too.
   */
  start?(container: DependencyContainer): void | Promise<void>;
  /** Called for readiness; must answer within a second. */
  check?(): Health | Promise<Health>;
  close?(): void | Promise<void>;
}
